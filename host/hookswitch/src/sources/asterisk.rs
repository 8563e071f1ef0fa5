//! `kind = "asterisk"`: Asterisk and what is built on it, over its manager interface (AMI).

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use hookswitch_pbx::{
    Source,
    asterisk::{Agi, Asterisk, Config, Dialling, Glob, Login, Patience, Routing, Site, Tls},
};
use hookswitch_web::Network;
use serde::Deserialize;

use super::{System, Wrong, is_address, recordings::FileKeys};
use crate::config::{Loaded, Secret, Span};

/// The keys of this kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// Host and port of the manager interface: `"127.0.0.1:5038"`.
    address: String,
    /// Name of the manager user.
    username: String,
    /// Password of the manager user.
    secret: Secret,
    /// Speak TLS (the port is then usually 5039).
    #[serde(default)]
    tls: bool,
    /// Certificates to trust in place of the system's, as a PEM file.
    ca_file: Option<PathBuf>,
    /// Channels that lead outside, without their counter, `*` for any text: `["PJSIP/trunk-provider", "DAHDI/*"]`.
    trunks: Vec<Glob>,
    /// Dial plan contexts in which outside calls arrive.
    #[serde(default)]
    inbound_contexts: Vec<Glob>,
    /// Dialled codes that are no calls. Default: whatever starts with `*` or `#`.
    feature_codes: Option<Vec<Glob>>,
    /// Phones whose channel is not named like their extension: `{ "PJSIP/0004f2a1b2c3" = "201" }`.
    #[serde(default)]
    phones: BTreeMap<String, String>,
    /// How an extension stands in a phone's name where it is not all of it: `["phone-{}"]`.
    #[serde(default)]
    endpoint_names: Vec<String>,
    /// Which dialled numbers are extensions. Default: two to six digits.
    #[serde(default)]
    internal_numbers: Vec<Glob>,
    /// Channel variables that carry the CRM's id of a click-to-call.
    crm_call_variables: Option<Vec<String>>,
    /// Devices by which the dial plan shows that an extension wants no calls. Default: `["Custom:DND{}"]`.
    dnd_devices: Option<Vec<String>>,
    /// How calls are made; without it none are.
    dial: Option<DialKeys>,
    /// How the dial plan may ask where a caller should go; without it it may not.
    routing: Option<RoutingKeys>,
    /// Where recordings lie, and where they are fetched.
    #[serde(default)]
    recordings: FileKeys,
    /// A silent connection is asked for a sign of life this often. Default 15 seconds.
    #[serde(default = "heartbeat")]
    heartbeat: Span,
}

/// `dial = { … }`: the agent's phone rings, and when it is picked up the dial plan dials the number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DialKeys {
    /// The channel that rings, `{extension}` for the agent. Default: `"PJSIP/{extension}"`.
    channel: Option<String>,
    /// The context of the dial plan in which the agents' phones dial: `"from-internal"`.
    context: String,
    /// What the agent's phone shows, with `{number}` and `{extension}`. Default: `"{number}"`.
    caller_id: Option<String>,
    /// How long the agent's phone rings. Default 30 seconds.
    timeout: Option<Span>,
    /// Further channel variables: `{ __SOURCE = "crm" }`.
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

impl DialKeys {
    fn dialling(&self) -> Dialling {
        let defaults = Dialling::new(self.context.clone());
        Dialling {
            channel: self.channel.clone().unwrap_or(defaults.channel),
            context: defaults.context,
            caller_id: self.caller_id.clone().unwrap_or(defaults.caller_id),
            timeout: self.timeout.as_ref().map_or(defaults.timeout, |span| span.0),
            variables: self.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// `routing = { … }`: the dial plan asks by FastAGI, or by `CURL()` at `/pbx/NAME/route`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RoutingKeys {
    /// Where FastAGI is served: `"127.0.0.1:4573"`.
    agi: Option<SocketAddr>,
    /// Who may ask by FastAGI, which knows no passwords. Default: this machine.
    agi_networks: Option<Vec<Network>>,
    /// The secret that `CURL()` shows; without it nothing is answered by HTTP.
    secret: Option<Secret>,
    /// How long an answer may take. Default 1 second.
    within: Option<Span>,
}

impl RoutingKeys {
    fn validate(&self) -> Result<(), Wrong> {
        if self.agi.is_none() && self.secret.is_none() {
            return Err(Wrong::new("routing", "it opens no way to ask", "set `agi`, or `secret` for CURL(), or both"));
        }
        if self.agi.is_some_and(|agi| !agi.ip().is_loopback()) && self.agi_networks.is_none() {
            return Err(Wrong::new(
                "routing",
                "FastAGI knows no passwords, and everybody who reaches this address could ask it",
                "name the phone system: agi-networks = [\"192.168.1.10\"]",
            ));
        }
        if self.within.as_ref().is_some_and(|span| !(MIN_WITHIN..=MAX_WITHIN).contains(&span.0)) {
            return Err(Wrong::new(
                "routing",
                "`within` is no time that a caller waits",
                "use 50ms to 10s, best \"1s\"",
            ));
        }
        Ok(())
    }
}

/// Bounds of `routing.within`.
const MIN_WITHIN: Duration = Duration::from_millis(50);
const MAX_WITHIN: Duration = Duration::from_secs(10);

fn heartbeat() -> Span {
    Span(Duration::from_secs(15))
}

/// Every address of this machine's own.
fn this_machine() -> Vec<Network> {
    ["127.0.0.0/8", "::1"].into_iter().filter_map(|text| Network::try_from(text.to_owned()).ok()).collect()
}

impl System for Keys {
    fn validate(&self) -> Result<(), Wrong> {
        is_address("address", &self.address, "192.168.1.10:5038")?;
        if self.trunks.is_empty() {
            return Err(Wrong::new(
                "trunks",
                "without trunks no call can be told to come from outside",
                "list the channels of your trunks, like [\"PJSIP/trunk-provider\"]; `pjsip list endpoints` on the PBX names them",
            ));
        }
        if self.heartbeat.0 < Duration::from_secs(1) {
            return Err(Wrong::new("heartbeat", "more than once a second is too often", "use \"15s\""));
        }
        if let Some(dial) = &self.dial {
            let example = "write dial = { context = \"from-internal\" }";
            dial.dialling().validate().map_err(|unusable| Wrong::new("dial", unusable.to_string(), example))?;
        }
        self.recordings.validate()?;
        self.routing.as_ref().map_or(Ok(()), RoutingKeys::validate)
    }

    fn secrets(&self) -> Vec<&Secret> {
        let routing = self.routing.as_ref().and_then(|routing| routing.secret.as_ref());
        [&self.secret].into_iter().chain(routing).chain(self.recordings.secrets()).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.ca_file.iter().cloned().chain(self.recordings.files()).collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        let defaults = Site::default();
        let routing = match &self.routing {
            None => Routing::default(),
            Some(keys) => Routing {
                agi: keys
                    .agi
                    .map(|listen| Agi { listen, networks: keys.agi_networks.clone().unwrap_or_else(this_machine) }),
                secret: keys
                    .secret
                    .as_ref()
                    .map(|secret| secret.read(&format!("[pbx.{name}] routing.secret"), &loaded.folder))
                    .transpose()?,
                within: keys.within.as_ref().map_or(Routing::default().within, |span| span.0),
            },
        };
        let archive = self.recordings.archive(name, self.ca_file.as_deref(), loaded)?;
        let asterisk = Asterisk::new(Config {
            address: self.address.clone(),
            username: self.username.clone(),
            secret: self.secret.read(&format!("[pbx.{name}] secret"), &loaded.folder)?,
            login: Login::Automatic,
            tls: self
                .tls
                .then(|| Tls { ca: self.ca_file.as_ref().map(|path| loaded.resolve(path)), server_name: None }),
            site: Site {
                trunks: self.trunks.clone(),
                inbound_contexts: self.inbound_contexts.clone(),
                feature_codes: self.feature_codes.clone().unwrap_or(defaults.feature_codes),
                phones: self.phones.clone(),
                endpoint_names: self.endpoint_names.clone(),
                internal_numbers: self.internal_numbers.clone(),
                crm_call_variables: self.crm_call_variables.clone().unwrap_or(defaults.crm_call_variables),
                dnd_devices: self.dnd_devices.clone().unwrap_or(defaults.dnd_devices),
                recordings: self.recordings.names()?,
            },
            dialling: self.dial.as_ref().map(DialKeys::dialling),
            routing,
            patience: Patience { heartbeat: self.heartbeat.0, ..Patience::default() },
        });
        let opened = asterisk.with_archive(&archive).map_err(|error| format!("[pbx.{name}] {error}"))?;
        Ok(Box::new(opened))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{load, made};

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config/asterisk-complete-bitrix24.toml");

    /// Where recordings lie, in the example.
    const FOLDER: &str = "folder = \"/var/spool/asterisk/monitor\"";
    const URL: &str = "url    = \"https://pbx.example.com/recordings/{path}\"";

    /// The example with this in place of that, opened; the error, if there is one.
    fn opened(this: &str, that: &str) -> Result<(), String> {
        let mut text = std::fs::read_to_string(EXAMPLE).unwrap();
        // Where the test runs there are no such files.
        for (written, here) in [
            ("{ file = \"/run/secrets/ami\" }", "\"secret\""),
            ("{ file = \"/run/secrets/route\" }", "\"secret\""),
            ("ca-file  = \"/etc/hookswitch/asterisk.pem\"", ""),
            (this, that),
        ] {
            assert!(text.contains(written), "the example has changed: {written}");
            text = text.replacen(written, here, 1);
        }
        let loaded =
            made(text.parse().unwrap(), Path::new(".")).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        crate::sources::open("office", &loaded).map(drop)
    }

    #[test]
    fn the_examples_are_right() {
        load(Path::new(EXAMPLE)).unwrap();
        load(&Path::new(EXAMPLE).with_file_name("asterisk-bitrix24.toml")).unwrap();
        opened("[pbx.office]", "[pbx.office]").unwrap();
        opened("agi          = \"0.0.0.0:4573\"\nagi-networks = [\"192.168.1.10\"]", "agi = \"127.0.0.1:4573\"")
            .unwrap();
        opened(URL, "mounted = \"/mnt/recordings\"\nsettle = \"500ms\"").unwrap();
        opened(URL, &format!("{URL}\nuser = \"rec\"\npassword = \"p4ss\"")).unwrap();
        opened(FOLDER, "").unwrap();
    }

    #[test]
    fn every_fault_says_how_to_mend_it() {
        for (this, that, said) in [
            ("channel   = \"PJSIP/{extension}\"", "channel = \"PJSIP/201\"", "like \"PJSIP/{extension}\""),
            ("context   = \"from-internal\"", "", "missing field `context`"),
            ("caller-id = \"{number}\"", "caller-id = \"a\\r\\nb\"", "control character"),
            ("__SOURCE = \"crm\"", "\"SHELL(x)\" = \"1\"", "letters, digits and `_`"),
            ("__SOURCE = \"crm\"", "__A = \"1,B=2\"", "no comma"),
            ("timeout   = \"30s\"", "timeout = \"1ms\"", "for a second at least"),
            ("agi-networks = [\"192.168.1.10\"]", "", "name the phone system"),
            ("within       = \"1s\"", "within = \"1m\"", "50ms to 10s"),
            ("agi          = \"0.0.0.0:4573\"", "agi = \"localhost\"", "socket address"),
            ("recordings/{path}", "recordings", "where the path goes"),
            ("folder = ", "foldr = ", "folder"),
            ("[pbx.office.dial]", "[pbx.office.dail]", "dial"),
            (FOLDER, "folder = \"monitor\"", "no path from the root"),
            (FOLDER, "mounted = \"/mnt/recordings\"", "there is no `folder`"),
            (URL, "url = \"ftp://pbx.example.com/{path}\"", "is no address"),
            (URL, "url = \"https://{path}\"", "a server and a slash"),
            (URL, "url = \"https://pbx.example.com/{path}\"\nsettle = \"2s\"", "with `mounted`"),
            (URL, "mounted = \"/mnt/recordings\"\nsettle = \"1h\"", "100ms to 1m"),
            (URL, "url = \"https://pbx.example.com/{path}\"\nuser = \"rec\"", "no `password`"),
            (URL, "user = \"rec\"\npassword = \"p4ss\"", "there is no `url`"),
            (URL, "url = \"https://a.test/{path}\"\nuser = \"a:b\"\npassword = \"c\"", "must not have a colon"),
            (URL, "url = \"https://a.test/{path}\"\nca-file = \"/nowhere/ca.pem\"", "/nowhere/ca.pem"),
            (
                URL,
                "url = \"https://a.test/{path}\"\nuser = \"a\"\npassword = { env = \"NO_SUCH\" }",
                "recordings.password",
            ),
        ] {
            let fault = opened(this, that).expect_err(that);
            // Where its lines break is the terminal's affair.
            let plain: Vec<_> = fault.split_whitespace().filter(|word| *word != "│").collect();
            assert!(plain.join(" ").contains(said), "{that}: {fault}");
        }
    }
}
