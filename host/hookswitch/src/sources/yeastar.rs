//! `kind = "yeastar"`: Yeastar P-Series, over its OpenAPI.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use hookswitch_pbx::{
    Reach, Source,
    yeastar::{Config, Directory, Events, Ground, Patience, Times, Yeastar},
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{System, Wrong, api_url::ApiUrl};
use crate::config::{Loaded, Secret, Span};

/// The keys of this kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// The PBX's web address: `"https://192.168.1.10:8088"`, or that of the cloud.
    url: ApiUrl,
    /// Certificates to trust in place of the system's, as a PEM file. The PBX's own certificate is one of them.
    ca_file: Option<PathBuf>,
    /// *Client ID*, under Integrations > API.
    client_id: String,
    /// *Client Secret*.
    client_secret: Secret,
    /// How events come: `"websocket"` is opened from here, `"webhook"` posts to `[public-url]/pbx/NAME`.
    #[serde(default)]
    events: Way,
    /// The webhook's secret; needed for `events = "webhook"`.
    webhook_secret: Option<Secret>,
    /// Incoming calls wait until they are taken from here; a route `to = "reject"` refuses one. Needs *Control Inbound
    /// Call* on the trunk. Default: no.
    #[serde(default)]
    confirm_calls: bool,
    /// Events that are subscribed to, by their numbers. Default: all that are of use.
    topics: Option<Vec<u64>>,
    /// Numbers of queues, where the API may not read them.
    #[serde(default)]
    queues: BTreeSet<String>,
    /// How the PBX writes date and time (System > Date and Time > Display Format), in the words of `strftime`. Default
    /// `"%Y/%m/%d %H:%M:%S"`.
    #[serde(default = "display_format")]
    display_format: String,
    /// The PBX's time zone. Default: the server's.
    timezone: Option<String>,
    /// The end of a call waits so long for its record. Default 3 seconds.
    record_within: Option<Span>,
    /// How far back calls are looked for that were missed; `"0s"`: none are. Default a day.
    history_back: Option<Span>,
    /// While calls go on, the PBX is asked this often which ones; with a webhook always, and for calls whose posts did not
    /// arrive. Default 2 minutes.
    ask_every: Option<Span>,
    /// A silent web socket is asked for a sign of life this often. Default 20 seconds.
    heartbeat: Option<Span>,
}

/// How events come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    #[default]
    Websocket,
    Webhook,
}

fn display_format() -> String {
    "%Y/%m/%d %H:%M:%S".to_owned()
}

impl Keys {
    fn zone(&self) -> Result<Option<TimeZone>, String> {
        let zone = self.timezone.as_deref().map(TimeZone::get).transpose();
        zone.map_err(|_| format!("unknown time zone `{}`", self.timezone.as_deref().unwrap_or_default()))
    }
}

impl System for Keys {
    fn validate(&self) -> Result<(), Wrong> {
        if self.url.0.path().contains("openapi") {
            return Err(Wrong::new(
                "url",
                "it is not the address of the API but that of the PBX that is wanted",
                "leave out what begins with /openapi",
            ));
        }
        self.zone().map_err(|error| Wrong::new("timezone", error, "write a name like \"Europe/Berlin\""))?;
        if self.events == Way::Webhook && self.webhook_secret.is_none() {
            return Err(Wrong::new(
                "webhook-secret",
                "posts of a webhook cannot be told from anybody's without its secret",
                "copy it from the webhook's settings: webhook-secret = { file = \"/run/secrets/yeastar-webhook\" }",
            ));
        }
        if !Times::is_format(&self.display_format) {
            return Err(Wrong::new(
                "display-format",
                format!("`{}` is no format of date and time", self.display_format),
                "write \"%Y/%m/%d %H:%M:%S\", or \"%m/%d/%Y %I:%M:%S %p\" for a clock of 12 hours",
            ));
        }
        let beat = self.heartbeat.map_or(Patience::default().heartbeat, |span| span.0);
        if !(Duration::from_secs(1)..=Duration::from_secs(50)).contains(&beat) {
            return Err(Wrong::new(
                "heartbeat",
                "the PBX closes a web socket that is silent for a minute",
                "use \"20s\"",
            ));
        }
        if self.ask_every.is_some_and(|span| span.0 < Duration::from_secs(1)) {
            return Err(Wrong::new("ask-every", "more than once a second is too often", "use \"2m\""));
        }
        Ok(())
    }

    fn secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.client_secret).chain(&self.webhook_secret).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.ca_file.iter().cloned().collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        let patience = Patience::default();
        let span = |span: Option<Span>, default: Duration| span.map_or(default, |span| span.0);
        let read = |secret: &Secret, key: &str| secret.read(&format!("[pbx.{name}] {key}"), &loaded.folder);
        let events = match (self.events, &self.webhook_secret) {
            (Way::Webhook, Some(secret)) => Events::Webhook { secret: read(secret, "webhook-secret")? },
            _ => Events::WebSocket,
        };
        let asked = self.confirm_calls.then_some(Config::ASKED);
        let topics = self.topics.clone().unwrap_or_else(|| Config::TOPICS.into_iter().chain(asked).collect());
        let short_up_to = loaded.config.pbx.get(name).map_or(6, |pbx| pbx.common.short_up_to);
        let source = Yeastar::new(Config {
            reach: Reach { base: self.url.0.clone(), ca_file: self.ca_file.as_ref().map(|path| loaded.resolve(path)) },
            client_id: self.client_id.clone(),
            client_secret: read(&self.client_secret, "client-secret")?,
            events,
            topics,
            confirm: self.confirm_calls,
            ground: Ground { short_up_to, queues: self.queues.clone(), directory: Directory::default() },
            times: Times {
                format: self.display_format.clone(),
                zone: self.zone()?.unwrap_or_else(|| loaded.config.server.zone()),
            },
            patience: Patience {
                settle: span(self.record_within, patience.settle),
                history: span(self.history_back, patience.history),
                resync: span(self.ask_every, patience.resync),
                heartbeat: span(self.heartbeat, patience.heartbeat),
                ..patience
            },
        });
        source.map(|source| Box::new(source) as Box<dyn Source>).map_err(|error| format!("[pbx.{name}]: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{load, made};

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config/yeastar-bitrix24.toml");

    /// The example with this in place of that, opened; the error, if there is one.
    fn opened(this: &str, that: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let written = "client-secret  = { file = \"/run/secrets/yeastar\" }";
        let ca = "ca-file        = \"/etc/hookswitch/yeastar.pem\"";
        assert!(text.contains(this) && text.contains(written) && text.contains(ca), "the example has changed");
        let text = text.replacen(this, that, 1).replace(written, "client-secret = \"secret\"").replace(ca, "");
        let loaded =
            made(text.parse().unwrap(), Path::new(".")).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        crate::sources::open("office", &loaded).map(drop)
    }

    #[test]
    fn the_example_is_right_and_so_is_what_it_only_mentions() {
        load(Path::new(EXAMPLE)).unwrap();
        opened("[pbx.office]", "[pbx.office]").unwrap();
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let mentioned = |line: &&str| line.starts_with("# ") && line.contains(" = ");
        let keys: Vec<_> = text.lines().skip_while(|line| !line.starts_with("# What else")).filter(mentioned).collect();
        assert_eq!(keys.len(), 7, "{keys:?}");
        for key in keys {
            opened(key, key.trim_start_matches("# ")).unwrap_or_else(|fault| panic!("{key}: {fault}"));
        }
        opened("events         = \"websocket\"", "webhook-secret = \"x\"\nevents = \"webhook\"").unwrap();
    }

    #[test]
    fn every_fault_says_how_to_mend_it() {
        for (this, that, said) in [
            (":8088\"  ", ":8088/openapi/v1.0\"", "leave out what begins with /openapi"),
            ("https://192", "192", "is no address of an API"),
            ("events         = \"websocket\"", "events = \"webhook\"", "copy it from the webhook's settings"),
            ("events         = \"websocket\"", "events = \"pigeons\"", "webhook"),
            ("%Y/%m/%d %H:%M:%S", "YYYY/MM/DD", "%m/%d/%Y %I:%M:%S %p"),
            ("confirm-calls  = true", "timezone = \"Berlin\"", "unknown time zone"),
            ("confirm-calls  = true", "heartbeat = \"2m\"", "use \"20s\""),
            ("confirm-calls  = true", "ask-every = \"1ms\"", "use \"2m\""),
            ("confirm-calls  = true", "confirm-cals = true", "confirm-calls"),
        ] {
            let fault = opened(this, that).expect_err(that);
            assert!(fault.contains(said), "{that}: {fault}");
        }
    }
}
