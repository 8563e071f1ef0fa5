//! `kind = "asterisk"`: Asterisk and what is built on it, over its manager interface (AMI).

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hookswitch_pbx::{
    Source,
    asterisk::{Asterisk, Config, Glob, Login, Patience, Site, Tls},
};
use serde::Deserialize;

use super::{System, Wrong, is_address};
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
    /// A silent connection is asked for a sign of life this often. Default 15 seconds.
    #[serde(default = "heartbeat")]
    heartbeat: Span,
}

fn heartbeat() -> Span {
    Span(Duration::from_secs(15))
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
        Ok(())
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.secret]
    }

    fn files(&self) -> Vec<PathBuf> {
        self.ca_file.iter().cloned().collect()
    }

    fn open(&self, name: &str, loaded: &Loaded) -> Result<Box<dyn Source>, String> {
        let defaults = Site::default();
        Ok(Box::new(Asterisk::new(Config {
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
            },
            patience: Patience { heartbeat: self.heartbeat.0, ..Patience::default() },
        })))
    }
}
