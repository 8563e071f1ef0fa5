//! The key that everything is sealed with, and where the admin keeps it.

use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use crate::disk;
use crate::error::{KeyError, StoreError};

/// Bytes of the key.
const LENGTH: usize = 32;

/// The environment variable in which a service manager names the folder with a service's credentials (systemd.exec(5),
/// `LoadCredential=`).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where the key comes from. It is 32 bytes: as they are, as 64 hexadecimal digits, or in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// The environment variable of this name.
    Env(String),
    /// A file that only the service's user can read.
    File(PathBuf),
    /// The credential of this name, as the service manager hands it over (`LoadCredential=NAME:PATH` in a systemd unit).
    Credential(String),
    /// A key of the store's own, made when the store is first opened and kept beside what it seals. It protects a copy
    /// of the other files, not of the whole folder.
    #[default]
    Own,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Env(name) => write!(f, "the environment variable {name}"),
            KeySource::File(path) => write!(f, "the file {}", path.display()),
            KeySource::Credential(name) => write!(f, "the credential {name} of the service manager"),
            KeySource::Own => f.write_str("the store's own file `key`"),
        }
    }
}

impl KeySource {
    /// Reads a key that is kept outside of the store; `None` for the store's own.
    pub(crate) fn outside(&self) -> Result<Option<Key>, StoreError> {
        let content = match self {
            KeySource::Own => return Ok(None),
            KeySource::Env(name) => {
                let value = env::var_os(name).ok_or_else(|| KeyError::NoVariable { name: name.clone() })?;
                Zeroizing::new(value.into_encoded_bytes())
            }
            KeySource::File(path) => {
                disk::check_closed(path, false)?;
                read(path)?
            }
            KeySource::Credential(name) => {
                if name.is_empty() || name.contains('/') || name.starts_with('.') {
                    return Err(KeyError::CredentialName { name: name.clone() }.into());
                }
                let folder = env::var_os(CREDENTIALS).ok_or_else(|| KeyError::NoCredentials { name: name.clone() })?;
                // The service manager guards this folder itself; its modes are not ours to judge.
                read(&Path::new(&folder).join(name))?
            }
        };
        Ok(Some(Key::parse(&content).ok_or_else(|| KeyError::Length { place: self.to_string() })?))
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    fs::read(path).map(Zeroizing::new).map_err(|source| StoreError::io("read", path, source))
}

/// 32 secret bytes.
pub(crate) struct Key(Zeroizing<[u8; LENGTH]>);

impl Key {
    pub(crate) fn generate() -> Result<Key, StoreError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| StoreError::Library)?;
        Ok(Key(key))
    }

    /// Takes the bytes themselves, or a text of them with white space around it.
    pub(crate) fn parse(content: &[u8]) -> Option<Key> {
        let bytes = match content.len() {
            LENGTH => Zeroizing::new(content.to_vec()),
            _ => {
                let text = content.trim_ascii();
                Zeroizing::new(if text.len() == 2 * LENGTH { from_hex(text)? } else { from_base64(text)? })
            }
        };
        let mut key = Zeroizing::new([0; LENGTH]);
        if bytes.len() != LENGTH {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(Key(key))
    }

    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(self.bytes()))
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .iter()
        .map(|&digit| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabets = [STANDARD, URL_SAFE];
    alphabets.iter().find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_every_spelling_and_in_no_other() {
        let raw: Vec<u8> = (0xe0..=0xff).collect();
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(&raw);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&raw);
        assert_ne!(base64.trim_end_matches('='), url_safe);
        for text in [hex.clone(), hex.to_uppercase(), format!("{hex}\n"), base64.clone(), format!(" {url_safe}\r\n")] {
            assert_eq!(Key::parse(text.as_bytes()).unwrap().bytes().as_slice(), raw, "{text}");
        }
        assert_eq!(Key::parse(&raw).unwrap().bytes().as_slice(), raw);
        for bad in ["", "secret", &hex[..62], &format!("{hex}00"), &base64[..40], "zz".repeat(32).as_str()] {
            assert!(Key::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
