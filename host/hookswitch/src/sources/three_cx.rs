//! `kind = "3cx"`: 3CX from version 20 on, over its Call Control API and its XAPI.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hookswitch_pbx::{
    Reach, Source,
    three_cx::{Config, DialWith, Patience, Rules, Steps, ThreeCx},
};
use serde::Deserialize;

use super::{System, Wrong, api_url::ApiUrl};
use crate::config::{Loaded, Secret, Span};

/// The keys of this kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// Address of the web client: `"https://acme.3cx.eu"`, with `:5001` if it is there.
    url: ApiUrl,
    /// Certificates to trust in place of the system's, as a PEM file.
    ca_file: Option<PathBuf>,
    /// Client id of the API client: the number of its route point.
    client_id: String,
    /// API key of the API client.
    client_secret: Secret,
    /// How calls are made: `"extension"` (the PBX chooses the phone), `"device"` or `"xapi"`. Default: `"extension"`.
    #[serde(default)]
    dial_with: Dialling,
    /// With `"device"`: a text in the name of the program of the phone that is to ring. Default: any phone.
    #[serde(default)]
    device: String,
    /// How long the agent's phone may ring. Default 50 seconds.
    #[serde(default = "ring_for")]
    ring_for: Span,
    /// How callers at the route point are sent on: `"routeto"`, `"divert"` or `"transferto"`. Default: `"routeto"`.
    #[serde(default)]
    route_by: Action,
    /// Where callers at the route point go for whom there is no route. Default: nowhere, the PBX decides.
    route_otherwise: Option<String>,
    /// How long the answer to where a caller goes may take. Default 2 seconds.
    #[serde(default = "route_within")]
    route_within: Span,
    /// The public number of each trunk, because version 20 does not tell which number was called: `{ 10001 = "+493012345" }`.
    #[serde(default)]
    trunk_lines: BTreeMap<String, String>,
    /// A call that reached an extension by reference was transferred. Default: true.
    #[serde(default = "yes")]
    referred_is_transferred: bool,
    /// A call without participants is over after this. Default 2 seconds.
    #[serde(default = "end_after")]
    end_after: Span,
    /// The same for calls in queues and groups that the API client does not monitor. Default 20 seconds.
    #[serde(default = "queue_end_after")]
    queue_end_after: Span,
    /// All calls are asked for this often, besides what the PBX tells. Default 30 seconds.
    #[serde(default = "roll_call")]
    roll_call: Span,
    /// Users and queues are asked for this often; `"0s"`: never. Default 1 minute.
    #[serde(default = "directory")]
    directory: Span,
    /// Recordings are looked for after a call. Default: true.
    #[serde(default = "yes")]
    recordings: bool,
    /// Their transcripts and summaries are waited for. Default: true.
    #[serde(default = "yes")]
    transcripts: bool,
    /// How far back the call log is asked for calls that were missed; `"0s"`: never. Default 3 days.
    #[serde(default = "history")]
    history: Span,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Dialling {
    #[default]
    Extension,
    Device,
    Xapi,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    #[default]
    Routeto,
    Divert,
    Transferto,
}

fn yes() -> bool {
    true
}

fn ring_for() -> Span {
    Span(Patience::default().ring)
}

fn route_within() -> Span {
    Span(Steps::default().within)
}

fn end_after() -> Span {
    Span(Rules::default().end_after)
}

fn queue_end_after() -> Span {
    Span(Rules::default().queue_end_after)
}

fn roll_call() -> Span {
    Span(Patience::default().roll_call)
}

fn directory() -> Span {
    Span(Duration::from_secs(60))
}

fn history() -> Span {
    Span(Duration::from_secs(3 * 24 * 3600))
}

impl Keys {
    fn reach(&self, loaded: &Loaded) -> Reach {
        Reach { base: self.url.0.clone(), ca_file: self.ca_file.as_ref().map(|path| loaded.resolve(path)) }
    }
}

impl System for Keys {
    fn validate(&self) -> Result<(), Wrong> {
        if self.client_id.is_empty() {
            let help = "it stands in the admin console under Integrations > API";
            return Err(Wrong::new("client-id", "the id of the API client is empty", help));
        }
        if !self.device.is_empty() && !matches!(self.dial_with, Dialling::Device) {
            let help = "write dial-with = \"device\", or leave `device` out";
            return Err(Wrong::new("device", "no phone is chosen when calls are made another way", help));
        }
        for (key, span, least) in [
            ("roll-call", self.roll_call, Duration::from_secs(1)),
            ("route-within", self.route_within, Duration::from_millis(10)),
            ("ring-for", self.ring_for, Duration::from_secs(1)),
        ] {
            if span.0 < least {
                return Err(Wrong::new(key, "this is too short a time", "leave it out for the usual one"));
            }
        }
        if !self.directory.0.is_zero() && self.directory.0 < Duration::from_secs(1) {
            return Err(Wrong::new(
                "directory",
                "more than once a second is too often",
                "use \"1m\", or \"0s\" for never",
            ));
        }
        Ok(())
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.client_secret]
    }

    fn files(&self) -> Vec<PathBuf> {
        self.ca_file.iter().cloned().collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        let some = |span: Span| (!span.0.is_zero()).then_some(span.0);
        let config = Config {
            reach: self.reach(loaded),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.read(&format!("[pbx.{name}] client-secret"), &loaded.folder)?,
            rules: Rules {
                referred_is_transferred: self.referred_is_transferred,
                trunk_lines: self.trunk_lines.clone(),
                end_after: self.end_after.0,
                queue_end_after: self.queue_end_after.0,
            },
            dial_with: match self.dial_with {
                Dialling::Extension => DialWith::Extension,
                Dialling::Device => DialWith::Device(self.device.clone()),
                Dialling::Xapi => DialWith::Xapi,
            },
            steps: Steps {
                action: match self.route_by {
                    Action::Routeto => "routeto",
                    Action::Divert => "divert",
                    Action::Transferto => "transferto",
                }
                .to_owned(),
                otherwise: self.route_otherwise.clone(),
                within: self.route_within.0,
            },
            patience: Patience { roll_call: self.roll_call.0, ring: self.ring_for.0, ..Patience::default() },
            directory_every: some(self.directory),
            recordings: self.recordings,
            transcripts: self.transcripts,
            history: some(self.history),
        };
        Ok(Box::new(ThreeCx::new(config).map_err(|error| format!("[pbx.{name}] {error}"))?))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{load, made};

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config/3cx-bitrix24.toml");

    /// The example with this in place of that, opened; the error, if there is one.
    fn opened(this: &str, that: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let written = "client-secret = { file = \"/run/secrets/3cx\" }";
        assert!(text.contains(this) && text.contains(written), "the example has changed");
        let text = text.replace(this, that).replace(written, "client-secret = \"secret\"");
        let loaded =
            made(text.parse().unwrap(), Path::new(".")).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        crate::sources::open("office", &loaded).map(drop)
    }

    #[test]
    fn the_example_is_right_and_so_is_what_it_only_mentions() {
        load(Path::new(EXAMPLE)).unwrap();
        opened("[pbx.office]", "[pbx.office]").unwrap();
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let keys: Vec<_> = text.lines().filter(|line| line.starts_with("# ") && line.contains(" = ")).collect();
        assert_eq!(keys.len(), 15, "{keys:?}");
        for key in keys {
            let key = key.trim_start_matches("# ");
            match key.split(' ').next().unwrap() {
                // A file that is not there.
                "ca-file" => assert!(opened("# What else", &format!("{key}\n#")).unwrap_err().contains("3cx-ca.pem")),
                "device" => opened("# What else", &format!("{key}\ndial-with = \"device\"\n#")).unwrap(),
                _ => opened("# What else", &format!("{key}\n#")).unwrap(),
            }
        }
    }

    #[test]
    fn every_fault_says_how_to_mend_it() {
        for (this, that, said) in [
            ("\"https://acme.3cx.eu\"", "\"acme.3cx.eu\"", "is no address of an API"),
            ("\"900\"", "\"\"", "Integrations > API"),
            ("# What else", "device = \"Desk\"\n#", "dial-with = \"device\""),
            ("# What else", "dial-with = \"pigeon\"\n#", "pigeon"),
            ("# What else", "route-by = \"jump\"\n#", "jump"),
            ("# What else", "roll-call = \"1ms\"\n#", "too short"),
            ("# What else", "directory = \"1ms\"\n#", "for never"),
            ("# What else", "trunk-line = {}\n#", "trunk-lines"),
        ] {
            let fault = opened(this, that).expect_err(that);
            assert!(fault.contains(said), "{that}: {fault}");
        }
    }
}
