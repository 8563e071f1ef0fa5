//! `kind = "rostelecom"`: the cloud PBX of Rostelecom, over its integration API.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hookswitch_pbx::{
    Reach, Source,
    rostelecom::{Codes, Config, History, Patience, PinAs, Rostelecom, RuleWords, Words, Zone},
};
use hookswitch_web::Network;
use serde::Deserialize;

use super::{System, Wrong, api_url::ApiUrl};
use crate::config::{Loaded, Secret, Span};

/// The API, where nothing else is said.
const API: &str = "https://api.cloudpbx.rt.ru";

/// The keys of this kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// The API. Default `"https://api.cloudpbx.rt.ru"`; the test system is `"https://api-test.cloudpbx.rt.ru"`.
    url: Option<ApiUrl>,
    /// Certificates to trust in place of the system's, as a PEM file.
    ca_file: Option<PathBuf>,
    /// The domain: `"example.rt.ru"`.
    domain: String,
    /// The unique id that the account shows for the integration.
    client_id: Secret,
    /// The key for signatures that it shows beside it.
    sign_key: Secret,
    /// Where posts may come from: `["192.0.2.0/24"]`. Default: anywhere, if they are signed.
    #[serde(default)]
    source_networks: Vec<Network>,
    /// A caller's route is answered within this time. Below what is set in the account; default 2 seconds.
    #[serde(default = "answer_within")]
    answer_within: Span,
    /// How the short number of a route is written: `"string"` (default) or `"array"`.
    #[serde(default)]
    pin_as: PinAs,
    /// After a call's end its record is asked for so long. Default 15 seconds.
    record_within: Option<Span>,
    /// A call that nothing was heard of for so long is asked for. Default 30 minutes.
    ask_after: Option<Span>,
    /// Users and groups are asked for this often. Default 15 minutes.
    users_every: Option<Span>,
    /// The first history after the start begins with the newest call that is known, and goes back no further than this;
    /// `"0s"`: none is ordered at all. Default a day.
    history_back: Option<Span>,
    /// A history is ordered this often. Default an hour.
    history_every: Option<Span>,
    /// It is fetched when it is said to be ready, or after this time. Default 5 minutes.
    history_ready: Option<Span>,
    /// Values of `result` that mean success. Default `["0"]`; the test system is known to say `"1"` as well.
    success_results: Option<Vec<String>>,
    /// Hours ahead of UTC of the times that the PBX writes. Default 3, Moscow.
    #[serde(default = "utc_offset")]
    utc_offset: i8,
    /// What the codes of a call's log mean, where they differ: `{ queued = ["qe"], menu = ["iv"] }`.
    #[serde(default)]
    log_codes: Codes,
    /// Further fields of a call's record that are noted with the call, by the name that they get: `{ charge = "cost" }`.
    #[serde(default)]
    extras: BTreeMap<String, String>,
    /// The methods that read and set what a user may do, where they differ, and where it stands in requests and answers:
    /// `{ read = "get_user_restrictions", change = "set_user_restrictions", user = "user_pin", within = "restrictions" }`.
    #[serde(default)]
    restrictions: RuleWords,
}

fn answer_within() -> Span {
    Span(Duration::from_secs(2))
}

fn utc_offset() -> i8 {
    3
}

impl System for Keys {
    fn validate(&self) -> Result<(), Wrong> {
        if self.domain.trim().is_empty() {
            return Err(Wrong::new("domain", "which domain?", "write it as in the account: \"example.rt.ru\""));
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(30)).contains(&self.answer_within.0) {
            let help = "use \"2s\", or somewhat less than the account waits";
            return Err(Wrong::new("answer-within", "nobody waits so long, or so short", help));
        }
        // They are parts of addresses.
        let is_method =
            |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if ![&self.restrictions.read, &self.restrictions.change].into_iter().all(is_method) {
            let help = "write it as the provider's guide does, like \"get_user_restrictions\"";
            return Err(Wrong::new("restrictions", "`read` or `change` is no name of a method", help));
        }
        if Zone::ahead(self.utc_offset).is_none() {
            return Err(Wrong::new("utc-offset", "there is no such zone", "write the hours ahead of UTC, like 3"));
        }
        let second = |key, span: &Option<Span>| match span {
            Some(Span(span)) if *span < Duration::from_secs(1) => {
                Err(Wrong::new(key, "more than once a second is too often", "use \"15m\""))
            }
            _ => Ok(()),
        };
        second("record-within", &self.record_within)?;
        second("ask-after", &self.ask_after)?;
        second("users-every", &self.users_every)?;
        second("history-every", &self.history_every)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.client_id, &self.sign_key]
    }

    fn files(&self) -> Vec<PathBuf> {
        self.ca_file.iter().cloned().collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        use secrecy::ExposeSecret as _;
        if loaded.config.server.listen.is_none() {
            return Err(format!("[server] has no `listen`: nothing that [pbx.{name}] posts could arrive"));
        }
        let read = |key: &str, secret: &Secret| secret.read(&format!("[pbx.{name}] {key}"), &loaded.folder);
        let words = Words::default();
        let (patience, history) = (Patience::default(), History::default());
        let span = |said: &Option<Span>, usual: Duration| said.map_or(usual, |span| span.0);
        let usual = || API.parse().map_err(|error| format!("[pbx.{name}] url: {error}"));
        let base = self.url.as_ref().map_or_else(usual, |url| Ok(url.0.clone()))?;
        let source = Rostelecom::new(Config {
            reach: Reach { base, ca_file: self.ca_file.as_ref().map(|path| loaded.resolve(path)) },
            domain: self.domain.trim().to_owned(),
            client_id: read("client-id", &self.client_id)?.expose_secret().to_owned(),
            sign_key: read("sign-key", &self.sign_key)?,
            source_networks: self.source_networks.clone(),
            answer_within: self.answer_within.0,
            pin_as: self.pin_as,
            words: Words {
                zone: Zone::ahead(self.utc_offset).unwrap_or_default(),
                success: self.success_results.clone().unwrap_or(words.success),
                codes: self.log_codes.clone(),
                extras: self.extras.clone().into_iter().collect(),
            },
            patience: Patience {
                record: span(&self.record_within, patience.record),
                silence: span(&self.ask_after, patience.silence),
                roster: span(&self.users_every, patience.roster),
            },
            history: History {
                back: span(&self.history_back, history.back),
                every: span(&self.history_every, history.every),
                ready: span(&self.history_ready, history.ready),
            },
            rules: self.restrictions.clone(),
        });
        Ok(Box::new(source.map_err(|error| format!("[pbx.{name}] {error}"))?))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{load, made};

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config/rostelecom-bitrix24.toml");

    /// The example with this in place of that, opened.
    fn opened(this: &str, that: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let secrets = ["{ env = \"ROSTELECOM_CLIENT_ID\" }", "{ env = \"ROSTELECOM_SIGN_KEY\" }"];
        assert!([this].iter().chain(&secrets).all(|part| text.contains(part)), "the example has changed");
        let text = secrets.iter().fold(text.replacen(this, that, 1), |text, secret| text.replace(secret, "\"A1B2\""));
        let loaded =
            made(text.parse().unwrap(), Path::new(".")).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        crate::sources::open("cloud", &loaded).map(drop)
    }

    #[test]
    fn the_example_is_right_and_what_it_leaves_out_are_the_defaults() {
        load(Path::new(EXAMPLE)).unwrap();
        opened("[pbx.cloud]", "[pbx.cloud]").unwrap();
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let explained: String = text
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned() + "\n")
            .collect();
        assert_ne!(explained, text);
        let loaded = made(explained.parse().unwrap(), Path::new(".")).unwrap();
        let (usual, written) = (load(Path::new(EXAMPLE)).unwrap(), &loaded.config.pbx["cloud"].system);
        let plain = |system: &dyn System| {
            let text = format!("{system:?}");
            let (_, rest) = text.split_once("domain: ").unwrap();
            rest.split(", record_within").next().unwrap().to_owned()
        };
        assert_eq!(plain(&**written), plain(&*usual.config.pbx["cloud"].system));
    }

    #[test]
    fn every_fault_says_how_to_mend_it() {
        for (this, that, said) in [
            ("listen     = \"0.0.0.0:8443\"", "", "[server] has no `listen`"),
            ("domain    = \"example.rt.ru\"", "domain = \" \"", "which domain?"),
            ("kind      = \"rostelecom\"", "kind = \"rostelecom\"\nurl = \"api.example.com\"", "is no address"),
            ("kind      = \"rostelecom\"", "kind = \"rostelecom\"\nutc-offset = 99", "there is no such zone"),
            ("kind      = \"rostelecom\"", "kind = \"rostelecom\"\nanswer-within = \"1h\"", "\"2s\""),
            (
                "kind      = \"rostelecom\"",
                "kind = \"rostelecom\"\nrestrictions = { read = \"../x\" }",
                "no name of a method",
            ),
            ("kind      = \"rostelecom\"", "kind = \"rostelecom\"\nlog-codes = { rung = [\"ct\"] }", "rung"),
            ("source-networks = [\"192.0.2.0/24\"]", "source-networks = [\"192.0.2\"]", "is no network"),
        ] {
            let fault = opened(this, that).expect_err(that);
            assert!(fault.contains(said), "{that}: {fault}");
        }
    }
}
