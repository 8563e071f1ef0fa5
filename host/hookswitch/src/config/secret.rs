//! Secrets: written in the file, or better, named there.

use std::{fmt, path::Path, path::PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

/// Where a secret comes from.
#[derive(Clone)]
pub(crate) enum Secret {
    /// It stands in the configuration.
    Text(SecretString),
    /// An environment variable holds it: `{ env = "AMI_SECRET" }`.
    Env(String),
    /// A file holds it: `{ file = "/run/secrets/ami" }`; blank space at the ends is cut.
    File(PathBuf),
    /// The service manager hands it over under this name (systemd's `LoadCredential`): `{ credential = "ami" }`.
    Credential(String),
}

/// Where the service manager puts what it hands over (systemd.exec(5), "CREDENTIALS").
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

impl Secret {
    /// Reads the secret. `key` is what errors call it, `folder` what relative files are relative to.
    pub(crate) fn read(&self, key: &str, folder: &Path) -> Result<SecretString, String> {
        let text = match self {
            Self::Text(text) => return Ok(text.clone()),
            Self::Env(name) => std::env::var(name).map_err(|error| {
                format!("{key}: environment variable {name}: {error}; set it before starting hookswitch")
            })?,
            Self::File(path) => read(key, &folder.join(path))?,
            Self::Credential(name) => {
                let directory = std::env::var_os(DIRECTORY).ok_or_else(|| {
                    format!("{key}: the service manager hands over no credentials; is there `LoadCredential={name}:…`?")
                })?;
                read(key, &Path::new(&directory).join(name))?
            }
        };
        match text.trim() {
            "" => Err(format!("{key} is empty ({self:?})")),
            text => Ok(SecretString::from(text)),
        }
    }
}

impl Secret {
    /// The file that holds it, as written.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Text(_) | Self::Env(_) | Self::Credential(_) => None,
        }
    }
}

fn read(key: &str, path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{key}: cannot read {}: {error}", path.display()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("in the configuration"),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

const EXAMPLE: &str = r#"a text, { env = "VARIABLE" }, { file = "/run/secrets/name" } or { credential = "NAME" }"#;

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Text(SecretString::from(text)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            let secret = match key.as_str() {
                "env" => Secret::Env(map.next_value()?),
                "file" => Secret::File(map.next_value()?),
                "credential" => Secret::Credential(map.next_value()?),
                _ => return Err(de::Error::unknown_field(&key, &["env", "file", "credential"])),
            };
            if found.replace(secret).is_some() {
                return Err(de::Error::custom(format!("give one source: {EXAMPLE}")));
            }
        }
        found.ok_or_else(|| de::Error::custom(format!("expected {EXAMPLE}")))
    }
}
