//! `[pbx.NAME]`: a phone system.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hookswitch_call::number::{Numbering, Region};
use hookswitch_pbx::asterisk::Glob;
use serde::Deserialize;

use super::{Fault, Secret, Span, server::check_region};

/// What speaks at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PbxKind {
    /// Asterisk and what is built on it, over its manager interface (AMI).
    Asterisk,
}

/// `[pbx.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Pbx {
    /// What speaks at the other end: `"asterisk"`.
    pub(crate) kind: PbxKind,
    /// Host and port of the manager interface: `"127.0.0.1:5038"`.
    pub(crate) address: String,
    /// Name of the manager user.
    pub(crate) username: String,
    /// Password of the manager user.
    pub(crate) secret: Secret,
    /// Speak TLS (the port is then usually 5039).
    #[serde(default)]
    pub(crate) tls: bool,
    /// Certificates to trust in place of the system's, as a PEM file.
    pub(crate) ca_file: Option<PathBuf>,
    /// Channels that lead outside, without their counter, `*` for any text: `["PJSIP/trunk-provider", "DAHDI/*"]`.
    pub(crate) trunks: Vec<Glob>,
    /// Dial plan contexts in which outside calls arrive.
    #[serde(default)]
    pub(crate) inbound_contexts: Vec<Glob>,
    /// Dialled codes that are no calls. Default: whatever starts with `*` or `#`.
    pub(crate) feature_codes: Option<Vec<Glob>>,
    /// Phones whose channel is not named like their extension: `{ "PJSIP/0004f2a1b2c3" = "201" }`.
    #[serde(default)]
    pub(crate) phones: BTreeMap<String, String>,
    /// How an extension stands in a phone's name where it is not all of it: `["phone-{}"]`.
    #[serde(default)]
    pub(crate) endpoint_names: Vec<String>,
    /// Which dialled numbers are extensions. Default: two to six digits.
    #[serde(default)]
    pub(crate) internal_numbers: Vec<Glob>,
    /// Channel variables that carry the CRM's id of a click-to-call.
    pub(crate) crm_call_variables: Option<Vec<String>>,
    /// A silent connection is asked for a sign of life this often. Default 15 seconds.
    #[serde(default = "heartbeat")]
    pub(crate) heartbeat: Span,
    /// How numbers without a country code are read; default: the server's.
    pub(crate) region: Option<String>,
    /// Digits that the trunk puts in front of inbound numbers; cut when present.
    pub(crate) strip_prefix: Option<String>,
    /// Numbers of at most this many digits are internal. Default 6.
    #[serde(default = "short_up_to")]
    pub(crate) short_up_to: usize,
    /// `[[pbx.NAME.line]]`: public numbers with a region of their own.
    #[serde(default)]
    pub(crate) line: Vec<Line>,
}

/// `[[pbx.NAME.line]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Line {
    /// The public number, as the PBX spells it.
    pub(crate) number: String,
    /// How callers' numbers without a country code are read on this line.
    pub(crate) region: String,
}

fn heartbeat() -> Span {
    Span(Duration::from_secs(15))
}

fn short_up_to() -> usize {
    6
}

impl Pbx {
    pub(super) fn validate(&self, name: &str) -> Result<(), Fault> {
        let port = self.address.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
        if !matches!(port, Some((host, Ok(1..))) if !host.is_empty()) {
            return Err(Fault::new(
                &["pbx", name, "address"],
                format!("`{}` is no address", self.address),
                "write host and port, like \"192.168.1.10:5038\"",
            ));
        }
        if self.trunks.is_empty() {
            return Err(Fault::new(
                &["pbx", name, "trunks"],
                "without trunks no call can be told to come from outside",
                "list the channels of your trunks, like [\"PJSIP/trunk-provider\"]; `pjsip list endpoints` on the PBX names them",
            ));
        }
        if self.heartbeat.0 < Duration::from_secs(1) {
            return Err(Fault::new(&["pbx", name, "heartbeat"], "more than once a second is too often", "use \"15s\""));
        }
        check_region(&["pbx", name, "region"], self.region.as_deref())?;
        self.line.iter().try_for_each(|line| check_region(&["pbx", name, "line"], Some(&line.region)))
    }

    /// How numbers are read on the line `line` (as the PBX spells it).
    pub(crate) fn numbering(&self, line: &str, server_region: Option<&str>) -> Numbering {
        let own = self.line.iter().find(|known| known.number == line).map(|known| known.region.as_str());
        let region = own.or(self.region.as_deref()).or(server_region);
        Numbering {
            region: region.and_then(Region::from_code),
            strip_prefix: self.strip_prefix.clone(),
            short_up_to: self.short_up_to,
        }
    }
}
