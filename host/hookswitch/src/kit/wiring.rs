//! The configuration of a play: what an admin would write, with the scenario's CRM behind a proxy.

use std::{net::SocketAddr, path::Path};

use hookswitch_gate::Grant;
use toml::{Table, Value};

use super::{Kit, scenario::Scenario, sign_in::Issuer};
use crate::{
    config::{self, CredentialKind, Loaded},
    desk::ANYWHERE,
};

/// The name of the plugin and of the phone system in a play.
pub(super) const PLUGIN: &str = "plugin";
pub(super) const PBX: &str = "story";

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn texts<I: IntoIterator<Item = String>>(texts: I) -> Value {
    Value::Array(texts.into_iter().map(Value::String).collect())
}

/// The credentials of a play.
pub(super) struct Credentials {
    /// As an admin would write them.
    table: Table,
    /// The origins of those that are addresses, and of addresses that the scenario says of providers.
    origins: Vec<String>,
    /// Where tokens come from.
    pub(super) issuers: Vec<Issuer>,
}

impl Kit {
    /// Writes the configuration for a play in `folder`, with its CRM behind `door`.
    ///
    /// # Errors
    ///
    /// What is wrong with the scenario's `plugin` and `server`.
    pub(super) fn wire(
        &self,
        scenario: &Scenario,
        credentials: &Credentials,
        folder: &Path,
        door: SocketAddr,
    ) -> Result<Loaded, String> {
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
        plugin.insert("credentials".to_owned(), Value::Table(credentials.table.clone()));
        plugin.insert("component".to_owned(), self.path.to_string_lossy().into_owned().into());
        let anywhere = if self.manifest.http.contains(ANYWHERE) { addresses(&scenario.plugin) } else { Vec::new() };
        let known = |origin: &&String| !origin.starts_with("credential:") && *origin != ANYWHERE;
        let asked = self.manifest.http.iter().filter(known).cloned().chain(anywhere);
        let ca = self.folder.path().join("ca.pem").to_string_lossy().into_owned();
        let allow = table([("http", texts(asked.chain(credentials.origins.iter().cloned()))), ("ca-file", ca.into())]);
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

    /// The credentials of a play.
    ///
    /// # Errors
    ///
    /// What is wrong with the scenario's `plugin.credentials`.
    pub(super) fn credentials(&self, scenario: &Scenario) -> Result<Credentials, String> {
        let mut given = match scenario.plugin.get("credentials").cloned() {
            None => Table::new(),
            Some(Value::Table(given)) => given,
            Some(other) => return Err(format!("`plugin.credentials` is a table, not {other}")),
        };
        let mut made = Credentials { table: Table::new(), origins: Vec::new(), issuers: Vec::new() };
        for asked in &self.manifest.credentials {
            let handle = &asked.handle;
            let Some(kind) = asked.kind() else { continue };
            let given = given.remove(handle);
            // Nobody has signed in, which a plugin must bear that asks for it as an option.
            if kind == CredentialKind::Oauth2 && !asked.required && given.is_none() {
                continue;
            }
            let mut token = invented(kind, handle);
            let mut base = None;
            let mut table = match given {
                Some(Value::Table(mut table)) => {
                    table.entry("kind").or_insert_with(|| kind.name().into());
                    if matches!(kind, CredentialKind::Oauth2 | CredentialKind::Bearer) {
                        token = taken(&mut table, handle, "token")?.unwrap_or(token);
                        base = taken(&mut table, handle, "base")?;
                    }
                    table
                }
                Some(Value::String(text)) => {
                    token = text;
                    written(kind, &token)
                }
                Some(other) => return Err(format!("`plugin.credentials.{handle}` is a text or a table, not {other}")),
                None => written(kind, &token),
            };
            if table.get("kind").and_then(Value::as_str) == Some(CredentialKind::Oauth2.name()) {
                table.entry("client-id").or_insert_with(|| "client".into());
            }
            if let (CredentialKind::BaseUrl, Some(Value::String(base))) = (kind, table.get("value")) {
                made.origins.push(origin(handle, base)?);
            }
            let read: Result<config::Credential, _> = table.clone().try_into();
            let read = read.map_err(|error| format!("`plugin.credentials.{handle}`: {error}"))?;
            if let Some(issuer) = Issuer::of(asked, &read, token, base)? {
                if issuer.asks_for_secret {
                    table.entry("client-secret").or_insert_with(|| "client-secret".into());
                }
                if read.provider.is_empty() && !self.asks_for(&issuer.origin()) {
                    return Err(format!(
                        "`plugin.credentials.{handle}`: its tokens come from {}, which the manifest's `http` does not ask for",
                        issuer.origin()
                    ));
                }
                made.origins.push(issuer.origin());
                made.issuers.push(issuer);
            }
            made.table.insert(handle.clone(), Value::Table(table));
        }
        match given.keys().next() {
            Some(unknown) => Err(format!("`plugin.credentials.{unknown}`: the plugin asks for no such credential")),
            None => Ok(made),
        }
    }

    /// Whether the manifest asks for an origin.
    fn asks_for(&self, origin: &str) -> bool {
        let asked = self.manifest.http.iter().filter_map(|ask| ask.parse::<Grant>().ok());
        origin.parse::<Grant>().is_ok_and(|origin| asked.into_iter().any(|ask| ask.contains(&origin)))
    }
}

/// The origins of the addresses in the settings of a plugin that goes where these say.
fn addresses(plugin: &Table) -> Vec<String> {
    let settings = plugin.get("settings").and_then(Value::as_table);
    let texts = settings.into_iter().flat_map(Table::values).filter_map(Value::as_str);
    let urls = texts.flat_map(str::split_whitespace).filter_map(|word| url::Url::parse(word).ok());
    let origins = urls.filter(|url| url.has_host()).map(|url| url.origin().ascii_serialization());
    origins.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// What the scenario says of a credential beside what an admin would write.
fn taken(table: &mut Table, handle: &str, key: &str) -> Result<Option<String>, String> {
    match table.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("`plugin.credentials.{handle}.{key}` is a text, not {other}")),
    }
}

/// The origin of an address that a scenario gives.
fn origin(handle: &str, base: &str) -> Result<String, String> {
    let url: url::Url = base.parse().map_err(|error| {
        format!("`plugin.credentials.{handle}`: `{base}` is no address ({error}): write \"https://{handle}.test/\"")
    })?;
    Ok(url.origin().ascii_serialization())
}

fn invented(kind: CredentialKind, handle: &str) -> String {
    match kind {
        CredentialKind::BaseUrl => format!("https://{handle}.test/"),
        // Some schemes take base64 alone.
        CredentialKind::Signature => "dGVzdC1rZXktb2YtYS1zY2VuYXJpbw==".to_owned(),
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
        // Its tokens come from the sign-in.
        CredentialKind::Oauth2 => {}
        _ => put("value", text),
    }
    table
}
