//! The configuration: one TOML file, read strictly.
//!
//! An unknown key, a wrong type or a value that cannot be is an error that shows the line, says what is wrong and how
//! to mend it; nothing is guessed. Every secret can come from the environment or from a file instead.

mod call_back;
mod credential;
mod dial_door;
mod dial_rules;
mod duration;
mod error;
#[cfg(test)]
mod fuzz;
mod hours;
mod pbx;
mod phonebook;
mod plugin;
mod policy;
mod recordings;
mod secret;
mod server;
mod setting;
mod size;
#[cfg(test)]
mod tests;
mod users;

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use toml::de::DeTable;

pub(crate) use self::{
    call_back::CallBack,
    credential::{Credential, Kind as CredentialKind},
    dial_door::{DialDoor, Links},
    dial_rules::{DialRules, Form},
    duration::Span,
    error::Error,
    hours::{are_open, next_opening},
    pbx::{Pbx, Route, Router, Watch},
    phonebook::{Mask, Phonebook, PushedBook},
    plugin::{MOST_SLOTS, Plugin, Update, VendorKey},
    policy::{CallType, Contacts, Create, LookUp, Open, Rank, Templates, Unbound},
    recordings::{Deliver, Delivery, Recordings, Speaker},
    secret::Secret,
    server::{Key, PublicUrl, Server, TlsFiles},
    setting::Setting,
    size::Size,
    users::{Place, Who},
};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// `[server]`: the host itself.
    #[serde(default)]
    pub(crate) server: Server,
    /// `[recordings]`: what becomes of what phone systems record. Without it nothing is fetched.
    pub(crate) recordings: Option<Recordings>,
    /// `[pbx.NAME]`: the phone systems.
    #[serde(default, deserialize_with = "pbx::taken")]
    pub(crate) pbx: BTreeMap<String, Pbx>,
    /// `[plugin.NAME]`: the CRMs.
    #[serde(default)]
    pub(crate) plugin: BTreeMap<String, Arc<Plugin>>,
    /// `[dial.NAME]`: where programs and the browsers of agents have calls made.
    #[serde(default)]
    pub(crate) dial: BTreeMap<String, Arc<DialDoor>>,
    /// `[callback.NAME]`: where visitors of a web site have themselves called.
    #[serde(default)]
    pub(crate) callback: BTreeMap<String, Arc<CallBack>>,
}

/// A configuration together with where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// What it says.
    pub(crate) config: Arc<Config>,
    /// The same as it was read, to see what has changed.
    pub(crate) tables: toml::Table,
    /// The file.
    pub(crate) path: PathBuf,
    /// Relative paths in the file are relative to this folder.
    pub(crate) folder: PathBuf,
}

impl Loaded {
    /// `path` as written in the file, made relative to the file's folder.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// Reads and checks the file at `path`. Secrets are not read yet: they may be absent on the machine that only checks.
pub(crate) fn load(path: &Path) -> Result<Loaded, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let config = parse(&path.display().to_string(), &text)?;
    // What has been read as a configuration is a table.
    let tables = text.parse().unwrap_or_default();
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    Ok(Loaded { config: Arc::new(config), tables, path: path.to_owned(), folder })
}

/// A configuration that is no file, but made for a moment; `folder` is what relative paths are relative to.
pub(crate) fn made(tables: toml::Table, folder: &Path) -> Result<Loaded, Error> {
    let text = tables.to_string();
    let config = parse("the configuration of the scenario", &text)?;
    Ok(Loaded { config: Arc::new(config), tables, path: folder.join("hookswitch.toml"), folder: folder.to_owned() })
}

/// Secrets that other users of this machine can read, a line each.
pub(crate) fn exposed(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let plugins = config.plugin.values().flat_map(|plugin| plugin.secrets());
    let pbxs = config.pbx.values().flat_map(|pbx| pbx.system.secrets()).cloned();
    let admin = config.server.admin.iter().filter_map(|admin| admin.token.clone());
    let doors = config.dial.values().map(|door| door.key.clone());
    let all: Vec<Secret> = plugins.chain(pbxs).chain(admin).chain(doors).collect();
    let written = all.iter().any(|secret| matches!(secret, Secret::Text(_)));
    let mut files: Vec<PathBuf> = all.iter().filter_map(Secret::file).collect();
    files.extend(written.then(|| std::path::absolute(&loaded.path).unwrap_or_else(|_| loaded.path.clone())));
    files.sort();
    files.dedup();
    let open = |path: &PathBuf| std::fs::metadata(loaded.resolve(path)).is_ok_and(|data| data.mode() & 0o077 != 0);
    files.retain(open);
    files
        .iter()
        .map(|path| format!("{0} holds a secret, and other users can read it: chmod 600 {0}", path.display()))
        .collect()
}

/// Reads `text`; `name` is what errors call the file.
fn parse(name: &str, text: &str) -> Result<Config, Error> {
    let syntax = |error: toml::de::Error| Error::syntax(name, text, &error);
    let mut tables = DeTable::parse(text).map_err(syntax)?;
    let pbx = pbx::take(name, text, tables.get_mut())?;
    let rest = Config::deserialize(toml::de::Deserializer::from(tables)).map_err(syntax)?;
    let config = Config { pbx, ..rest };
    config.validate().map_err(|fault| Error::fault(name, text, &fault))?;
    Ok(config)
}

/// What is wrong with a value that reads well by itself.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The key, from the top: `plugin`, `bitrix24`, `pbx`.
    path: Vec<String>,
    /// What is wrong.
    message: String,
    /// How to mend it.
    help: String,
}

impl Fault {
    fn new(path: &[&str], message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { path: path.iter().map(|&key| key.to_owned()).collect(), message: message.into(), help: help.into() }
    }
}

impl Config {
    /// Checks what types alone cannot: names that must exist, values that exclude each other.
    fn validate(&self) -> Result<(), Fault> {
        self.server.validate()?;
        if let Some(recordings) = &self.recordings {
            recordings.validate()?;
            let speech = recordings.speech.iter().map(|speech| &speech.plugin);
            self.knows_plugins(&["recordings", "speech", "plugin"], speech)?;
        }
        for (name, pbx) in &self.pbx {
            valid_name("pbx", name)?;
            pbx.validate(name)?;
            self.knows_plugins(&["pbx", name, "router", "ask"], &pbx.common.router.ask)?;
            let pushed = pbx.common.phonebook.iter().flat_map(|book| &book.of);
            self.knows_plugins(&["pbx", name, "phonebook", "of"], pushed)?;
        }
        for (name, plugin) in &self.plugin {
            valid_name("plugin", name)?;
            let unknown = plugin.pbx.iter().flatten().find(|pbx| !self.pbx.contains_key(*pbx));
            if let Some(pbx) = unknown {
                let known: Vec<_> = self.pbx.keys().map(String::as_str).collect();
                return Err(Fault::new(
                    &["plugin", name, "pbx"],
                    format!("there is no phone system named `{pbx}`"),
                    nearest(pbx, &known).map_or_else(
                        || format!("add a table [pbx.{pbx}]"),
                        |near| format!("did you mean `{near}`? otherwise add a table [pbx.{pbx}]"),
                    ),
                ));
            }
            let mut placed = plugin.users.keys().filter_map(|place| Some((place, place.pbx.as_deref()?)));
            if let Some((place, pbx)) = placed.find(|(_, pbx)| !self.pbx.contains_key(*pbx)) {
                let known: Vec<_> = self.pbx.keys().map(String::as_str).collect();
                return Err(Fault::new(
                    &["plugin", name, "users", &place.to_string()],
                    format!("there is no phone system named `{pbx}`"),
                    nearest(pbx, &known).map_or_else(
                        || "write the extension alone, or with the NAME of a table [pbx.NAME] in front".to_owned(),
                        |near| format!("did you mean \"{near}:{}\"?", place.extension),
                    ),
                ));
            }
            plugin.validate(name)?;
            if plugin.recordings.deliver == Deliver::Link && self.server.public_url.is_none() {
                return Err(Fault::new(
                    &["plugin", name, "recordings", "deliver"],
                    "a link to a recording needs an address at which this host is reached from outside",
                    "give [server] public-url, or deliver = \"file\"",
                ));
            }
        }
        for (name, door) in &self.dial {
            valid_name("dial", name)?;
            door.validate(name, self)?;
        }
        for (name, door) in &self.callback {
            valid_name("callback", name)?;
            door.validate(name, self)?;
        }
        Ok(())
    }

    /// Checks that plugins exist that stand at `path`.
    fn knows_plugins<'a>(&self, path: &[&str], names: impl IntoIterator<Item = &'a String>) -> Result<(), Fault> {
        let Some(unknown) = names.into_iter().find(|name| !self.plugin.contains_key(*name)) else { return Ok(()) };
        let known: Vec<_> = self.plugin.keys().map(String::as_str).collect();
        let help = match nearest(unknown, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a table [plugin.{unknown}]"),
        };
        Err(Fault::new(path, format!("there is no plugin named `{unknown}`"), help))
    }
}

/// Names stand in logs, file names and commands.
fn valid_name(table: &str, name: &str) -> Result<(), Fault> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(good) {
        return Ok(());
    }
    Err(Fault::new(
        &[table, name],
        format!("`{name}` cannot be the name of a {table}"),
        "use 1 to 64 letters, digits, `-` or `_`",
    ))
}

/// The candidate that looks most like `text`, if any looks like it.
pub(crate) fn nearest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|candidate| (strsim::jaro_winkler(text, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
