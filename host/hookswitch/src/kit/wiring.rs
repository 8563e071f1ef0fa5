//! The configuration of a play: what an admin would write, with the scenario's CRM behind a proxy.

use std::{net::SocketAddr, path::Path};

use toml::{Table, Value};

use super::{Kit, scenario::Scenario};
use crate::config::{self, CredentialKind, Loaded};

/// The name of the plugin and of the phone system in a play.
pub(super) const PLUGIN: &str = "plugin";
pub(super) const PBX: &str = "story";

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn texts<I: IntoIterator<Item = String>>(texts: I) -> Value {
    Value::Array(texts.into_iter().map(Value::String).collect())
}

impl Kit {
    /// Writes the configuration for a play in `folder`, with its CRM behind `door`.
    ///
    /// # Errors
    ///
    /// What is wrong with the scenario's `plugin` and `server`.
    pub(super) fn wire(&self, scenario: &Scenario, folder: &Path, door: SocketAddr) -> Result<Loaded, String> {
        let mut server = scenario.server.clone();
        let mut usual = |key: &str, value: &str| {
            server.entry(key).or_insert_with(|| value.into());
        };
        usual("region", "DE");
        usual("timezone", "Europe/Berlin");
        server.insert("data".to_owned(), "data".into());

        let mut plugin = scenario.plugin.clone();
        for reserved in ["component", "allow", "connection", "pbx"] {
            if plugin.contains_key(reserved) {
                return Err(format!("`plugin.{reserved}` is the stage's own, leave it out"));
            }
        }
        let given = match plugin.remove("credentials") {
            None => Table::new(),
            Some(Value::Table(given)) => given,
            Some(other) => return Err(format!("`plugin.credentials` is a table, not {other}")),
        };
        let (credentials, bases) = self.credentials(given)?;
        plugin.insert("credentials".to_owned(), Value::Table(credentials));
        plugin.insert("component".to_owned(), self.path.to_string_lossy().into_owned().into());
        let asked = self.manifest.http.iter().filter(|origin| !origin.starts_with("credential:")).cloned();
        let ca = self.folder.path().join("ca.pem").to_string_lossy().into_owned();
        let allow = table([("http", texts(asked.chain(bases))), ("ca-file", ca.into())]);
        plugin.insert("allow".to_owned(), Value::Table(allow));
        let proxy = table([("proxy", format!("http://{door}").into())]);
        plugin.insert("connection".to_owned(), Value::Table(proxy));
        let retry = table([("tries", 6.into()), ("first", "10ms".into()), ("longest", "10ms".into())]);
        plugin.entry("retry").or_insert(Value::Table(retry));
        // How fast the CRM may be asked is no matter of a scenario.
        let rate = table([("per-second", 10_000.into()), ("burst", 10_000.into())]);
        plugin.entry("limits").or_insert_with(|| Value::Table(table([("rate", Value::Table(rate))])));

        let pbx = table([
            ("kind", "asterisk".into()),
            ("address", "127.0.0.1:1".into()),
            ("username", "story".into()),
            ("secret", "story".into()),
            ("trunks", texts(["story".to_owned()])),
        ]);
        let tables = table([
            ("server", Value::Table(server)),
            ("pbx", Value::Table(table([(PBX, Value::Table(pbx))]))),
            ("plugin", Value::Table(table([(PLUGIN, Value::Table(plugin))]))),
        ]);
        config::made(tables, folder).map_err(|error| format!("{:?}", miette::Report::new(error)))
    }

    /// The credentials of a play as an admin would write them, and the origins of those that are addresses.
    fn credentials(&self, mut given: Table) -> Result<(Table, Vec<String>), String> {
        let (mut credentials, mut bases) = (Table::new(), Vec::new());
        for asked in &self.manifest.credentials {
            let handle = &asked.handle;
            let Some(kind) = asked.kind() else { continue };
            if kind == CredentialKind::Oauth2 {
                return Err(format!(
                    "credentials.{handle}: a plugin that needs a sign-in cannot be played yet; nobody signs in here"
                ));
            }
            let credential = match given.remove(handle) {
                Some(Value::Table(mut table)) => {
                    table.entry("kind").or_insert_with(|| kind.name().into());
                    table
                }
                Some(Value::String(text)) => written(kind, &text),
                Some(other) => return Err(format!("`plugin.credentials.{handle}` is a text or a table, not {other}")),
                None => written(kind, &invented(kind, handle)),
            };
            if let (CredentialKind::BaseUrl, Some(Value::String(base))) = (kind, credential.get("value")) {
                let url: url::Url = base.parse().map_err(|error| {
                    format!(
                        "`plugin.credentials.{handle}`: `{base}` is no address ({error}): write \"https://{handle}.test/\""
                    )
                })?;
                bases.push(url.origin().ascii_serialization());
            }
            credentials.insert(handle.clone(), Value::Table(credential));
        }
        match given.keys().next() {
            Some(unknown) => Err(format!("`plugin.credentials.{unknown}`: the plugin asks for no such credential")),
            None => Ok((credentials, bases)),
        }
    }
}

fn invented(kind: CredentialKind, handle: &str) -> String {
    match kind {
        CredentialKind::BaseUrl => format!("https://{handle}.test/"),
        _ => format!("test-{handle}"),
    }
}

fn written(kind: CredentialKind, text: &str) -> Table {
    let mut table = table([("kind", kind.name().into())]);
    let mut put = |key: &str, value: &str| drop(table.insert(key.to_owned(), value.into()));
    match kind {
        CredentialKind::None => {}
        CredentialKind::Basic => {
            let (user, password) = text.split_once(':').unwrap_or((text, text));
            put("user", user);
            put("value", password);
        }
        CredentialKind::Signature => {
            put("value", text);
            put("id", "test");
        }
        _ => put("value", text),
    }
    table
}
