//! `hookswitch plugin key`, `sign` and `verify`: signatures that the program minisign makes and reads too.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

use super::super::{Common, output};
use crate::{
    config::VendorKey,
    updates::{signature_of, verify},
};

/// Holds the password of a secret key, where nobody can be asked.
const PASSWORD: &str = "HOOKSWITCH_KEY_PASSWORD";

/// Make a vendor's key pair: NAME.key, which is secret, and NAME.pub, which is told to everybody.
///
/// The secret key is encrypted with the password in HOOKSWITCH_KEY_PASSWORD, or with one that is asked for; an empty one
/// leaves it unencrypted. The program minisign takes the same files.
#[derive(Debug, Args)]
pub(in super::super) struct Key {
    /// Where to write: NAME.key and NAME.pub.
    name: PathBuf,
}

/// Sign a plugin: the signature is written beside it, as FILE.minisig.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin key acme
  hookswitch plugin sign crm.wasm --key acme.key --comment 'Acme CRM 1.2.0'
  hookswitch plugin verify crm.wasm --key acme.pub")]
pub(in super::super) struct Sign {
    /// The plugin.
    file: PathBuf,
    /// The vendor's secret key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What the signature says besides, and vouches for.
    #[arg(long, default_value = "")]
    comment: String,
}

/// Hold a plugin and its signature against a vendor's public key.
#[derive(Debug, Args)]
pub(in super::super) struct Verify {
    /// The plugin.
    file: PathBuf,
    /// The vendor's public key: a file, or the key itself.
    #[arg(long, value_name = "KEY")]
    key: String,
}

fn failed(path: &Path, error: impl std::fmt::Display) -> miette::Report {
    miette::miette!("{}: {error}", path.display())
}

/// The password in the environment, or none to have it asked for.
fn password() -> Option<String> {
    std::env::var(PASSWORD).ok()
}

pub(super) fn key(_: &Common, Key { name }: &Key) -> miette::Result<ExitCode> {
    let (secret, public) = (name.with_extension("key"), name.with_extension("pub"));
    if let Some(there) = [&secret, &public].into_iter().find(|path| path.exists()) {
        return Err(miette::miette!(help = "choose another name", "{} is there already", there.display()));
    }
    let made = match password() {
        Some(empty) if empty.is_empty() => KeyPair::generate_unencrypted_keypair(),
        given => KeyPair::generate_encrypted_keypair(given),
    };
    let pair = made.map_err(|error| failed(&secret, error))?;
    let comment = Some("hookswitch: secret key of a vendor");
    let text = pair.sk.to_box(comment).map_err(|error| failed(&secret, error))?.into_string();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&secret)
        .map_err(|error| failed(&secret, error))?;
    file.write_all(text.as_bytes()).map_err(|error| failed(&secret, error))?;
    let text = pair.pk.to_box().map_err(|error| failed(&public, error))?.into_string();
    fs::write(&public, text).map_err(|error| failed(&public, error))?;
    output::line(&format!("{}: keep it secret, and a copy of it in a safe place", secret.display()))?;
    output::line(&format!(
        "{}: for everybody. Admins write: vendor-key = \"{}\"",
        public.display(),
        pair.pk.to_base64()
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sign(_: &Common, Sign { file, key, comment }: &Sign) -> miette::Result<ExitCode> {
    let text = fs::read_to_string(key).map_err(|error| failed(key, error))?;
    let boxed = |text: &str| SecretKeyBox::from_string(text).map_err(|error| failed(key, error));
    let secret = match boxed(&text)?.into_unencrypted_secret_key() {
        Ok(secret) => secret,
        Err(_) => SecretKey::from_box(boxed(&text)?, password()).map_err(|error| failed(key, error))?,
    };
    let bytes = fs::read(file).map_err(|error| failed(file, error))?;
    let public = PublicKey::from_secret_key(&secret).map_err(|error| failed(key, error))?;
    let trusted = (!comment.is_empty()).then_some(comment.as_str());
    let signed = minisign::sign(Some(&public), &secret, io::Cursor::new(bytes), trusted, None);
    let signature = signature_of(file);
    fs::write(&signature, signed.map_err(|error| failed(file, error))?.into_string())
        .map_err(|error| failed(&signature, error))?;
    output::line(&format!("{}: ship it beside the plugin", signature.display()))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check(_: &Common, Verify { file, key }: &Verify) -> miette::Result<ExitCode> {
    let text = match Path::new(key).exists() {
        true => fs::read_to_string(key).map_err(|error| failed(Path::new(key), error))?,
        false => key.clone(),
    };
    let key = VendorKey::try_from(text).map_err(|error| miette::miette!("{error}"))?;
    let bytes = fs::read(file).map_err(|error| failed(file, error))?;
    let comment = verify(file, &bytes, &key).map_err(|error| miette::miette!("{error}"))?;
    output::line(&format!("{} is signed with this key: {}", file.display(), output::printable(&comment)))?;
    Ok(ExitCode::SUCCESS)
}
