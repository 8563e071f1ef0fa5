//! `recordings = { … }`: where the files of recordings are had, and what is shown there.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hookswitch_pbx::{
    Links, Origin, Pass, Pattern, Slot,
    asterisk::{Archive, Recordings},
};
use serde::Deserialize;

use super::Wrong;
use crate::config::{Loaded, Secret, Span};

/// Bounds of `settle`.
const MIN_SETTLE: Duration = Duration::from_millis(100);
const MAX_SETTLE: Duration = Duration::from_secs(60);

/// Where an Asterisk keeps its recordings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct FileKeys {
    /// The folder on the PBX in which all recordings lie: `"/var/spool/asterisk/monitor"`. They are named by their path
    /// below it, and what lies elsewhere is no recording. Default: any path, and none is fetched from a disk.
    folder: Option<String>,
    /// The same folder as this machine sees it: `"/mnt/recordings"`. Default: the same path, unless there is a `url`.
    mounted: Option<PathBuf>,
    /// A file is finished when nothing has changed it for so long. Default 2 seconds.
    settle: Option<Span>,
    /// Where a web server gives the recordings out, `{path}` for the path: `"https://pbx.example.com/recordings/{path}"`.
    url: Option<String>,
    /// Further servers that it may lead to: `["https://files.example.com"]`. Default: none.
    from: Vec<Origin>,
    /// Whom that web server lets in.
    user: Option<String>,
    /// His password.
    password: Option<Secret>,
    /// Certificates to trust at that web server in place of the system's, as a PEM file. Default: the phone system's own
    /// `ca-file`.
    ca_file: Option<PathBuf>,
    /// The field of the billing records (`Cdr` events) in which the dial plan keeps the file: `"UserField"`. Needed only
    /// where the manager user has no `read = dialplan`.
    cdr_field: Option<String>,
}

impl FileKeys {
    pub(super) fn validate(&self) -> Result<(), Wrong> {
        let Self { folder, mounted, settle, url, from, user, password, ca_file, .. } = self;
        let folder_of = "write folder = \"/var/spool/asterisk/monitor\", as the PBX calls it";
        if folder.as_ref().is_some_and(|folder| !folder.starts_with('/')) {
            return Err(wrong("`folder` is no path from the root, as the PBX says them", folder_of));
        }
        if mounted.is_some() && folder.is_none() {
            return Err(wrong("`mounted` says where `folder` is seen from here, and there is no `folder`", folder_of));
        }
        if let Some(span) = settle {
            if folder.is_none() || url.is_some() && mounted.is_none() {
                let message = "`settle` is for files on this machine, and none are fetched from there";
                return Err(wrong(message, "take it out, or say with `mounted` where the folder is on this machine"));
            }
            if !(MIN_SETTLE..=MAX_SETTLE).contains(&span.0) {
                return Err(wrong(
                    "`settle` is no time that tells whether a file still grows",
                    "use 100ms to 1m, best \"2s\"",
                ));
            }
        }
        named(url.as_deref(), Slot::Path)?;
        pair(("user", user.is_some()), ("password", password.is_some()))?;
        if url.is_none() && (user.is_some() || ca_file.is_some() || !from.is_empty()) {
            let message = "`from`, `user`, `password` and `ca-file` are for a web server, and there is no `url`";
            return Err(wrong(message, "write url = \"https://pbx.example.com/recordings/{path}\", or take them out"));
        }
        Ok(())
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.password.iter()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.ca_file.iter().cloned()
    }

    /// What recordings are called.
    pub(super) fn names(&self) -> Result<Recordings, String> {
        let url = named(self.url.as_deref(), Slot::Path).map_err(|wrong| wrong.message)?;
        Ok(Recordings { folder: self.folder.clone(), url, cdr_field: self.cdr_field.clone() })
    }

    /// Where they are had; `ca_file` is the phone system's own.
    pub(super) fn archive(&self, name: &str, ca_file: Option<&Path>, loaded: &Loaded) -> Result<Archive, String> {
        let settle = self.settle.map_or(Archive::SETTLE, |span| span.0);
        let folder = |path: &Path| Archive::Folder { mounted: loaded.resolve(path), settle };
        Ok(match (&self.mounted, self.names()?.url, &self.folder) {
            (Some(mounted), _, _) => folder(mounted),
            (None, Some(url), _) => {
                let password = read(self.password.as_ref(), name, "password", loaded)?;
                let pass = self.user.clone().zip(password).map(|(user, password)| Pass::Basic { user, password });
                let ca_file = self.ca_file.as_deref().or(ca_file).map(|path| loaded.resolve(path));
                Archive::Web(Links { from: self.from.clone(), url: Some(url), pass, ca_file })
            }
            (None, None, Some(path)) => folder(Path::new(path)),
            (None, None, None) => Archive::Unknown,
        })
    }
}

/// Where recordings are had whose addresses or ids are posted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct LinkKeys {
    /// The servers that recordings may be fetched from: `["https://pbx.example.com"]`. Posts could lead anywhere; no other
    /// server is asked. Default: none.
    from: Vec<Origin>,
    /// What makes an address of an id, which stands for `{file}`: `"https://pbx.example.com/recordings/{file}"`. Its server
    /// may be asked too.
    url: Option<String>,
    /// Whom the server of `url`, else the first of `from`, lets in; no other server is told.
    user: Option<String>,
    /// His password.
    password: Option<Secret>,
    /// The same where that server wants a header: its name, `"X-Api-Key"`.
    header: Option<String>,
    /// The header's whole value.
    secret: Option<Secret>,
    /// Certificates to trust at these servers in place of the system's, as a PEM file.
    ca_file: Option<PathBuf>,
}

impl LinkKeys {
    pub(super) fn validate(&self) -> Result<(), Wrong> {
        let Self { from, url, user, password, header, secret, ca_file } = self;
        named(url.as_deref(), Slot::File)?;
        pair(("user", user.is_some()), ("password", password.is_some()))?;
        pair(("header", header.is_some()), ("secret", secret.is_some()))?;
        if user.is_some() && header.is_some() {
            return Err(wrong("a server is shown a password or a header, and not both", "take one of them out"));
        }
        let shown = user.is_some() || header.is_some() || ca_file.is_some();
        if shown && from.is_empty() && url.is_none() {
            return Err(wrong("no server is named that this is for", "write from = [\"https://pbx.example.com\"]"));
        }
        self.header_name().map(drop)
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.password.iter().chain(&self.secret)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.ca_file.iter().cloned()
    }

    fn header_name(&self) -> Result<Option<http::HeaderName>, Wrong> {
        let name = self.header.as_ref().map(|name| http::HeaderName::try_from(name.as_str())).transpose();
        name.map_err(|_| wrong("`header` is no name of a header", "write it like header = \"X-Api-Key\""))
    }

    /// Where they are had.
    pub(super) fn links(&self, name: &str, loaded: &Loaded) -> Result<Links, String> {
        let (password, secret) = (self.password.as_ref(), self.secret.as_ref());
        let basic = self.user.clone().zip(read(password, name, "password", loaded)?);
        let header = self.header_name().map_err(|wrong| wrong.message)?.zip(read(secret, name, "secret", loaded)?);
        Ok(Links {
            from: self.from.clone(),
            url: named(self.url.as_deref(), Slot::File).map_err(|wrong| wrong.message)?,
            pass: basic
                .map(|(user, password)| Pass::Basic { user, password })
                .or_else(|| header.map(|(name, value)| Pass::Header { name, value })),
            ca_file: self.ca_file.as_deref().map(|path| loaded.resolve(path)),
        })
    }
}

fn wrong(message: &str, help: &str) -> Wrong {
    Wrong::new("recordings", message, help)
}

/// The address with a place in it.
fn named(url: Option<&str>, slot: Slot) -> Result<Option<Pattern>, Wrong> {
    let help = || format!("write url = \"https://pbx.example.com/recordings/{}\"", slot.mark());
    let pattern = url.map(|url| Pattern::new(url, slot)).transpose();
    pattern.map_err(|error| wrong(&format!("`url`: {error}"), &help()))
}

/// Two keys of which one needs the other.
fn pair((one, has_one): (&str, bool), (other, has_other): (&str, bool)) -> Result<(), Wrong> {
    if has_one == has_other {
        return Ok(());
    }
    let (there, missing) = if has_one { (one, other) } else { (other, one) };
    Err(wrong(&format!("there is `{there}` and no `{missing}`"), "write both, or none"))
}

fn read(
    secret: Option<&Secret>,
    name: &str,
    key: &str,
    loaded: &Loaded,
) -> Result<Option<secrecy::SecretString>, String> {
    secret.map(|secret| secret.read(&format!("[pbx.{name}] recordings.{key}"), &loaded.folder)).transpose()
}
