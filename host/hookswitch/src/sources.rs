//! From `[pbx.NAME]` to a source of signals: one module for each kind of phone system, with its keys in the TOML.

mod api_url;
mod asterisk;
mod recordings;
mod rostelecom;
mod three_cx;
mod three_cx_hooks;
mod webhook;
mod yeastar;

use std::{fmt, path::PathBuf};

use hookswitch_pbx::{Checked, Features, Source};
use serde::de::DeserializeOwned;
use toml::de::{Deserializer, Error};

use crate::{
    config::{Loaded, Secret},
    imprint::{Imprint, Maker},
};

/// How a phone system is reached, as the admin wrote it.
pub(crate) trait System: fmt::Debug + Send + Sync {
    /// Checks what types alone cannot.
    fn validate(&self) -> Result<(), Wrong>;

    /// Every secret that it names.
    fn secrets(&self) -> Vec<&Secret>;

    /// Other files that it names, as written.
    fn files(&self) -> Vec<PathBuf>;

    /// The source; the error is for the admin.
    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String>;
}

/// What is wrong with a key.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) key: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Wrong {
    fn new(key: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { key, message: message.into(), help: help.into() }
    }
}

/// Reads the keys of a kind.
type Read = fn(Deserializer<'_>) -> Result<Box<dyn System>, Error>;

/// A kind of phone system.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// As `kind` names it.
    pub(crate) name: &'static str,
    /// What it is, in a line.
    pub(crate) about: &'static str,
    pub(crate) read: Read,
    pub(crate) features: Features,
}

/// All of them.
pub(crate) const KINDS: [Kind; 6] = [
    Kind {
        name: "asterisk",
        about: "Asterisk 16 or newer and PBXs built on it, by the manager interface (AMI)",
        read: read::<asterisk::Keys>,
        features: hookswitch_pbx::asterisk::FEATURES,
    },
    Kind {
        name: "3cx",
        about: "3CX from version 20 on, by the Call Control API and the XAPI",
        read: read::<three_cx::Keys>,
        features: hookswitch_pbx::three_cx::FEATURES,
    },
    Kind {
        name: "3cx-webhooks",
        about: "the webhooks module beside a 3CX, which posts to us",
        read: read::<three_cx_hooks::Keys>,
        features: hookswitch_pbx::three_cx_hooks::FEATURES,
    },
    Kind {
        name: "yeastar",
        about: "Yeastar P-Series, by its OpenAPI: web socket or webhooks",
        read: read::<yeastar::Keys>,
        features: hookswitch_pbx::yeastar::FEATURES,
    },
    Kind {
        name: "rostelecom",
        about: "Rostelecom's cloud PBX, by its integration API",
        read: read::<rostelecom::Keys>,
        features: hookswitch_pbx::rostelecom::FEATURES,
    },
    Kind {
        name: "webhook",
        about: "anything that posts what happens, described in TOML: Mango Office, Zadarma, Twilio, FreeSWITCH, your own",
        read: read::<webhook::Keys>,
        features: hookswitch_pbx::webhook::FEATURES,
    },
];

fn read<T: System + DeserializeOwned + 'static>(from: Deserializer<'_>) -> Result<Box<dyn System>, Error> {
    Ok(Box::new(T::deserialize(from)?))
}

/// The source for `[pbx.NAME]`; the error is for the admin.
pub(crate) fn open(name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
    let pbx = loaded.config.pbx.get(name).ok_or_else(|| format!("there is no [pbx.{name}]"))?;
    pbx.system.open(name, loaded)
}

/// Tries the phone system out; what it is, or what is wrong.
pub(crate) async fn check(name: &str, loaded: &Loaded) -> Result<Checked, String> {
    open(name, loaded)?.check().await
}

/// What the source for `[pbx.NAME]` is made of now.
pub(crate) fn imprint(name: &str, loaded: &Loaded) -> Imprint {
    let made = Maker::new(loaded).table("pbx", Some(name));
    let Some(pbx) = loaded.config.pbx.get(name) else { return made.finish() };
    let secrets = pbx.system.secrets();
    let made = secrets.iter().fold(made, |made, secret| made.secret(secret.read(name, &loaded.folder).ok()));
    pbx.system.files().iter().fold(made, |made, file| made.file(file)).finish()
}

/// Checks host and port.
fn is_address(key: &'static str, address: &str, example: &str) -> Result<(), Wrong> {
    let port = address.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
    if matches!(port, Some((host, Ok(1..))) if !host.is_empty()) {
        return Ok(());
    }
    Err(Wrong::new(key, format!("`{address}` is no address"), format!("write host and port, like \"{example}\"")))
}
