//! `kind = "3cx-webhooks"`: the "webhooks" module beside a 3CX, which posts to us.

use std::{collections::BTreeMap, path::PathBuf};

use hookswitch_call::signal::Reason;
use hookswitch_pbx::{
    Source,
    asterisk::Glob,
    three_cx_hooks::{Clock, Config, Events, Fields, Hooks, Names},
};
use hookswitch_web::Network;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{System, Wrong, recordings::LinkKeys};
use crate::config::{Loaded, Secret};

/// A secret that nobody guesses has so many characters at the least.
const SHORTEST: usize = 16;

/// The keys of this kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// The end of the address that the module posts to: `https://calls.example.com/pbx/NAME/SECRET`. Letters, digits, `-`
    /// and `_`, 16 at the least.
    secret: Secret,
    /// Where posts come from, as addresses or CIDR. Default: anywhere.
    #[serde(default)]
    networks: Vec<Network>,
    /// The time zone of the PBX, whose local time stands in the ids of calls. Default: the server's.
    timezone: Option<String>,
    /// Numbers of queues, `*` for any digits: `["8*"]`. Queues that the module has named once are known without.
    #[serde(default)]
    queues: Vec<Glob>,
    /// Where recordings are fetched whose addresses are posted.
    #[serde(default)]
    recordings: LinkKeys,
    /// `fields`: how this build of the module calls its fields.
    #[serde(default)]
    fields: Fields,
    /// `events`: how this build of the module calls its events.
    #[serde(default)]
    events: Events,
    /// `notes`: what else of a call plugins get, by name, each with the fields that hold it.
    notes: Option<BTreeMap<String, Vec<String>>>,
    /// `reasons`: what the words of `fields.reason` mean: `{ declined = "busy" }`.
    reasons: Option<BTreeMap<String, Reason>>,
}

impl System for Keys {
    fn validate(&self) -> Result<(), Wrong> {
        if let Some(name) = self.timezone.as_ref().filter(|name| TimeZone::get(name).is_err()) {
            let message = format!("unknown time zone `{name}`");
            return Err(Wrong::new("timezone", message, "write it like \"Europe/Berlin\""));
        }
        if let Some(name) = self.events.ambiguous() {
            let message = format!("`{name}` stands for two events");
            return Err(Wrong::new("events", message, "take it out of one of them; what is not given has the default"));
        }
        let word = |name: &String| {
            !name.is_empty() && name.bytes().all(|byte| b"abcdefghijklmnopqrstuvwxyz0123456789-".contains(&byte))
        };
        if let Some(name) = self.notes.iter().flat_map(BTreeMap::keys).find(|name| !word(name)) {
            let message = format!("`{name}` is no name for a note");
            return Err(Wrong::new("notes", message, "use small letters, digits and `-`"));
        }
        self.recordings.validate()
    }

    fn secrets(&self) -> Vec<&Secret> {
        [&self.secret].into_iter().chain(self.recordings.secrets()).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.recordings.files().collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        let server = &loaded.config.server;
        let key = format!("[pbx.{name}] secret");
        let secret = self.secret.read(&key, &loaded.folder)?;
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if secret.expose_secret().len() < SHORTEST || !secret.expose_secret().bytes().all(good) {
            return Err(format!(
                "{key} must be {SHORTEST} or more letters, digits, `-` and `_`, as it stands in an address; `openssl rand -hex 24` \
                 makes a good one"
            ));
        }
        if server.listen.is_none() {
            return Err(format!(
                "[pbx.{name}] is posted to, but [server] has no `listen`; write it like listen = \"0.0.0.0:8443\""
            ));
        }
        let path = format!("/pbx/{name}/SECRET");
        let zone = self.timezone.as_deref().map(TimeZone::get).transpose();
        let zone = zone.map_err(|error| format!("[pbx.{name}] timezone: {error}"))?;
        let defaults = Names::default();
        let hooks = Hooks::new(Config {
            name: name.to_owned(),
            secret,
            networks: self.networks.clone(),
            clock: Clock(zone.unwrap_or_else(|| server.zone())),
            queues: self.queues.clone(),
            names: Names {
                fields: self.fields.clone(),
                events: self.events.clone(),
                notes: self.notes.clone().unwrap_or(defaults.notes),
                reasons: self.reasons.clone().unwrap_or(defaults.reasons),
            },
            address: server
                .public_url
                .as_ref()
                .map_or_else(|| format!("[server] public-url{path}"), |url| url.at(&path)),
            links: self.recordings.links(name, loaded)?,
        });
        Ok(Box::new(hooks.map_err(|error| format!("[pbx.{name}] {error}"))?))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{load, made};

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config/3cx-webhooks-bitrix24.toml");

    const NETWORKS: &str = "networks = [\"192.0.2.10\"]";

    /// The example with this in place of that, opened.
    fn opened(this: &str, that: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let written = "secret   = { file = \"/run/secrets/3cx-webhooks\" }";
        assert!(text.contains(this) && text.contains(written), "the example has changed");
        let text = text.replacen(this, that, 1).replace(written, "secret = \"an-address-that-nobody-guesses\"");
        let loaded =
            made(text.parse().unwrap(), Path::new(".")).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        crate::sources::open("office", &loaded).map(drop)
    }

    #[test]
    fn the_example_is_right_and_its_names_are_the_defaults() {
        load(Path::new(EXAMPLE)).unwrap();
        opened("[pbx.office]", "[pbx.office]").unwrap();
        let from = "recordings = { from = [\"https://pbx.example.com\", \"http://192.0.2.1:5000\"], header = \"X-Key\", secret = \"k\" }";
        opened(NETWORKS, from).unwrap();
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let pbx = text.parse::<toml::Table>().unwrap()["pbx"]["office"].clone();
        assert_eq!(pbx["fields"].clone().try_into::<Fields>().unwrap(), Fields::default());
        assert_eq!(pbx["events"].clone().try_into::<Events>().unwrap(), Events::default());
    }

    #[test]
    fn every_fault_says_how_to_mend_it() {
        for (this, that, said) in [
            ("listen     = \"0.0.0.0:8443\"", "", "[server] has no `listen`"),
            ("secret   = {", "secret = \"short\" #", "openssl rand"),
            ("timezone = \"Europe/Berlin\"                       #", "timezone = \"Berlin\" #", "unknown time zone"),
            ("ignored           = []", "ignored = [\"Login\"]", "`login` stands for two events"),
            ("did-rule    =", "Did_Rule =", "no name for a note"),
            ("declined = \"busy\"", "declined = \"gone\"", "gone"),
            (NETWORKS, "networks = [\"192.0.2\"]", "is no network"),
            ("summary    =", "sumary =", "summary"),
            (NETWORKS, "recordings.from = [\"https://pbx.example.com/rec\"]", "write scheme and host alone"),
            (NETWORKS, "recordings.from = [\"pbx.example.com\"]", "write scheme and host alone"),
            (NETWORKS, "recordings.form = [\"https://pbx.example.com\"]", "form"),
            (NETWORKS, "recordings.url = \"https://pbx.example.com/{path}\"", "where the file goes"),
            (NETWORKS, "recordings = { user = \"a\", password = \"b\" }", "no server is named"),
            (NETWORKS, "recordings = { from = [\"https://a.test\"], user = \"a\" }", "no `password`"),
            (NETWORKS, "recordings = { from = [\"https://a.test\"], secret = \"a\" }", "no `header`"),
            (
                NETWORKS,
                "recordings = { from = [\"https://a.test\"], header = \"a b\", secret = \"c\" }",
                "no name of a header",
            ),
            (
                NETWORKS,
                "recordings = { from = [\"https://a.test\"], ca-file = \"/nowhere/ca.pem\" }",
                "/nowhere/ca.pem",
            ),
            (
                NETWORKS,
                "recordings = { from = [\"https://a.test\"], user = \"a\", password = \"b\", header = \"c\", secret = \"d\" }",
                "and not both",
            ),
        ] {
            let fault = opened(this, that).expect_err(that);
            assert!(fault.contains(said), "{that}: {fault}");
        }
    }
}
