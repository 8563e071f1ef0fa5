//! What nothing in AMI says and every site decides for itself: which endpoints are trunks, how phones are named, which
//! numbers are internal.

use std::collections::BTreeMap;

use hookswitch_call::{Extension, signal::Party};
use serde::Deserialize;

use super::{glob::Glob, recordings::Recordings};

/// How one PBX is set up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Site {
    /// Endpoints that lead outside, as channel names without their unique suffix: `PJSIP/trunk-provider`,
    /// `SIP/carrier*`, `DAHDI/*`.
    pub trunks: Vec<Glob>,
    /// Contexts in which calls from outside begin: a channel that is born in one of them is a trunk, whatever its name.
    pub inbound_contexts: Vec<Glob>,
    /// Dialled codes that are commands to the PBX and no calls. Default: whatever starts with `*` or `#` (a star that
    /// means itself is written `\*`).
    pub feature_codes: Vec<Glob>,
    /// Phones whose endpoint is not named like their extension: endpoint (`PJSIP/0004f2a1b2c3`) to extension (`201`).
    pub phones: BTreeMap<String, String>,
    /// How an extension stands in the name of an endpoint where it is not all of it: `phone-{}` reads `phone-201` as
    /// 201, `{}-*` reads `201-desk` as 201. The first that fits wins.
    pub endpoint_names: Vec<String>,
    /// Which dialled numbers are extensions. Default: two to six digits.
    pub internal_numbers: Vec<Glob>,
    /// Channel variables that carry the CRM's own id of a click-to-call.
    pub crm_call_variables: Vec<String>,
    /// Devices by which the dial plan shows that an extension wants no calls, with `{}` for it: `Custom:DND{}`.
    pub dnd_devices: Vec<String>,
    /// Where recordings lie.
    pub recordings: Recordings,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            trunks: Vec::new(),
            inbound_contexts: Vec::new(),
            feature_codes: vec![r"\**".into(), "#*".into()],
            phones: BTreeMap::new(),
            endpoint_names: Vec::new(),
            internal_numbers: Vec::new(),
            crm_call_variables: vec!["HOOKSWITCH_CRM_CALL".into(), "CRM_CALL_ID".into()],
            dnd_devices: vec!["Custom:DND{}".into()],
            recordings: Recordings::default(),
        }
    }
}

/// What is at the far end of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The outside world, through this trunk.
    Trunk(String),
    /// Somebody's phone.
    Phone(Extension),
    /// One half of a pair that leads back into the dial plan, with the number that was asked for.
    Local(String),
    /// Something of the PBX itself: an announcement, a recorder, a conference's ear.
    Machinery,
}

/// Channel technologies that are no telephones.
const MACHINERY: [&str; 14] = [
    "Announcer",
    "AsyncGoto",
    "AudioSocket",
    "Bridge",
    "CBAnn",
    "CBRec",
    "ConfBridge",
    "Message",
    "MulticastRTP",
    "Recorder",
    "Snoop",
    "Surrogate",
    "UnicastRTP",
    "WebSocket",
];

impl Site {
    /// What the channel `name`, born in `context`, leads to.
    pub(super) fn endpoint(&self, name: &str, context: Option<&str>) -> Endpoint {
        let name = name.strip_suffix("<ZOMBIE>").unwrap_or(name);
        let Some((technology, rest)) = name.split_once('/') else { return Endpoint::Machinery };
        if technology.eq_ignore_ascii_case("Local") {
            return Endpoint::Local(rest.split('@').next().unwrap_or(rest).to_owned());
        }
        if MACHINERY.iter().any(|known| known.eq_ignore_ascii_case(technology)) {
            return Endpoint::Machinery;
        }
        let base = name.rsplit_once('-').map_or(name, |(base, _unique)| base);
        let born_outside =
            context.is_some_and(|context| self.inbound_contexts.iter().any(|glob| glob.matches(context)));
        if born_outside || self.trunks.iter().any(|glob| glob.matches(base)) {
            return Endpoint::Trunk(base.to_owned());
        }
        self.extension(base).map_or(Endpoint::Machinery, Endpoint::Phone)
    }

    /// The extension of an endpoint or a device, `PJSIP/201`; none for trunks and for what is no phone.
    pub(super) fn extension(&self, base: &str) -> Option<Extension> {
        if let Some(extension) = self.phones.get(base) {
            return Some(extension.as_str().into());
        }
        let (technology, name) = base.split_once('/')?;
        let other = technology.eq_ignore_ascii_case("Local")
            || MACHINERY.iter().any(|known| known.eq_ignore_ascii_case(technology))
            || self.trunks.iter().any(|glob| glob.matches(base));
        if other || name.is_empty() {
            return None;
        }
        let inner = self.endpoint_names.iter().find_map(|pattern| placeholder(pattern, name));
        Some(inner.unwrap_or(name).into())
    }

    /// The extension of a device that is a telephone: `PJSIP/201`, and not `Queue:sales_pause_PJSIP/201`.
    pub(super) fn phone(&self, device: &str) -> Option<Extension> {
        let is_provided = device.split('/').next().is_some_and(|technology| technology.contains(':'));
        self.extension(device).filter(|extension| !is_provided && self.is_internal(extension.as_str()))
    }

    /// The extension whose wish for no calls a device shows.
    pub(super) fn dnd_extension(&self, device: &str) -> Option<Extension> {
        self.dnd_devices.iter().find_map(|pattern| placeholder(pattern, device)).map(Extension::from)
    }

    /// The extension behind a member of a queue: `PJSIP/201`, `Local/201@from-queue/n`, `hint:201@internal`,
    /// `Agent/201`.
    pub(super) fn member(&self, interface: &str) -> Option<Extension> {
        let local = interface.strip_prefix("Local/").or_else(|| interface.strip_prefix("hint:"));
        match local.and_then(|rest| rest.split('@').next()) {
            Some(number) => self.is_internal(number).then(|| number.into()),
            None => self.phone(interface),
        }
    }

    /// Whether a dialled number is a command to the PBX.
    pub(super) fn is_feature_code(&self, number: &str) -> bool {
        self.feature_codes.iter().any(|code| code.matches(number))
    }

    /// Whether a dialled number is an extension.
    pub(super) fn is_internal(&self, number: &str) -> bool {
        match self.internal_numbers.as_slice() {
            [] => (2..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()),
            numbers => numbers.iter().any(|glob| glob.matches(number)),
        }
    }

    /// Who a number is.
    pub(super) fn party(&self, number: &str) -> Party {
        if self.is_internal(number) { Party::Extension(number.into()) } else { Party::Outside(number.to_owned()) }
    }

    /// Whether a channel variable carries the CRM's call id. Asterisk puts `_` before names that are inherited.
    pub(super) fn is_crm_variable(&self, name: &str) -> bool {
        let name = name.trim_start_matches('_');
        self.crm_call_variables.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// What stands at the `{}` of `pattern`, if `name` fits the rest of it.
fn placeholder<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once("{}")?;
    let rest = name.strip_prefix(before)?;
    match after.strip_suffix('*') {
        Some("") => Some(rest),
        Some(after) => rest.split_once(after).map(|(inner, _)| inner),
        None => rest.strip_suffix(after),
    }
    .filter(|inner| !inner.is_empty())
}

/// The number in the dial string of a trunk: `+4930@carrier`, `carrier/030`, `carrier/sip:030@host`.
pub(super) fn dialled_number(dial_string: &str) -> Option<&str> {
    let resource = dial_string.rsplit('/').next()?;
    let user = resource.split('@').next()?;
    let number = user.split_once(':').map_or(user, |(_scheme, number)| number);
    is_dialable(number).then_some(number)
}

/// Whether a text can be dialled on a telephone.
pub(super) fn is_dialable(number: &str) -> bool {
    number.bytes().any(|byte| byte.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || b"+*#".contains(&byte))
}

/// A caller's number, unless it is one of the words that stand for a suppressed or unknown one.
pub(super) fn shown_number(number: &str) -> Option<&str> {
    const WORDS: [&str; 9] =
        ["<unknown>", "unknown", "anonymous", "restricted", "private", "unavailable", "withheld", "invalid", "s"];
    let nothing = number.is_empty() || WORDS.iter().any(|word| word.eq_ignore_ascii_case(number));
    (!nothing).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site {
            trunks: vec!["PJSIP/trunk-*".into(), "DAHDI/*".into()],
            inbound_contexts: vec!["from-trunk".into()],
            phones: [("PJSIP/0004f2a1b2c3".to_owned(), "207".to_owned())].into(),
            endpoint_names: vec!["phone-{}".into(), "{}-*".into()],
            ..Site::default()
        }
    }

    #[test]
    fn channels_are_told_apart_by_their_names() {
        for (channel, endpoint) in [
            ("PJSIP/201-00000001", Endpoint::Phone("201".into())),
            ("PJSIP/201-00000001<ZOMBIE>", Endpoint::Phone("201".into())),
            ("PJSIP/phone-202-00000001", Endpoint::Phone("202".into())),
            ("PJSIP/203-desk-00000001", Endpoint::Phone("203".into())),
            ("PJSIP/0004f2a1b2c3-00000001", Endpoint::Phone("207".into())),
            ("PJSIP/trunk-a-00000001", Endpoint::Trunk("PJSIP/trunk-a".into())),
            ("DAHDI/i1/030123-5", Endpoint::Trunk("DAHDI/i1/030123".into())),
            ("Local/201@from-queue-00000001;2", Endpoint::Local("201".into())),
            ("Message/ast_msg_queue", Endpoint::Machinery),
            ("nonsense", Endpoint::Machinery),
        ] {
            assert_eq!(site().endpoint(channel, Some("internal")), endpoint, "{channel}");
        }
        assert_eq!(site().endpoint("SIP/x-1", Some("from-trunk")), Endpoint::Trunk("SIP/x".into()));
    }

    #[test]
    fn the_number_is_found_in_every_form_of_a_dial_string() {
        for (dial_string, number) in [
            ("+493012345@trunk", Some("+493012345")),
            ("trunk/03012345", Some("03012345")),
            ("trunk/sip:03012345@203.0.113.1:5060", Some("03012345")),
            ("g0/03012345", Some("03012345")),
            ("201", Some("201")),
            ("trunk", None),
            ("", None),
        ] {
            assert_eq!(dialled_number(dial_string), number, "{dial_string}");
        }
    }

    #[test]
    fn words_for_nothing_are_no_numbers() {
        for word in ["", "<unknown>", "Anonymous", "anonymous", "unknown", "Restricted"] {
            assert_eq!(shown_number(word), None);
        }
        assert_eq!(shown_number("+4940"), Some("+4940"));
    }

    #[test]
    fn stars_and_hashes_are_commands_unless_the_site_says_otherwise() {
        assert!(site().is_feature_code("*78") && site().is_feature_code("#9") && !site().is_feature_code("201"));
        let own = Site { feature_codes: vec!["77?".into()], ..Site::default() };
        assert!(own.is_feature_code("771") && !own.is_feature_code("*78"));
    }

    #[test]
    fn a_site_is_read_from_toml_and_a_misspelt_key_is_an_error() {
        let text = r#"
            trunks = ['PJSIP/trunk-provider', 'DAHDI/*']
            inbound-contexts = ['from-trunk']
            feature-codes = ['\*7?']
            phones = { 'PJSIP/0004f2a1b2c3' = '207' }
            endpoint-names = ['phone-{}']
            internal-numbers = ['2??']
            crm-call-variables = ['TICKET']
        "#;
        let site: Site = toml::from_str(text).unwrap();
        assert!(site.is_feature_code("*78") && site.is_internal("201") && !site.is_internal("301"));
        assert!(site.is_crm_variable("_TICKET"));
        let error = toml::from_str::<Site>("trunk = []").unwrap_err().to_string();
        assert!(error.contains("unknown field `trunk`") && error.contains("`trunks`"), "{error}");
    }

    #[test]
    fn members_of_queues_are_found_behind_local_channels_and_hints() {
        for (interface, extension) in [
            ("PJSIP/phone-202", Some("202")),
            ("Local/201@from-queue/n", Some("201")),
            ("hint:201@internal", Some("201")),
            ("Agent/1001", Some("1001")),
            ("Local/+4930@out", None),
            ("PJSIP/trunk-a", None),
            ("Queue:x_pause_PJSIP/201", None),
        ] {
            assert_eq!(site().member(interface), extension.map(Extension::from), "{interface}");
        }
        assert_eq!(site().dnd_extension("Custom:DND201"), Some("201".into()));
        assert_eq!(site().dnd_extension("Custom:NIGHT"), None);
    }

    #[test]
    fn the_crms_variable_is_known_with_and_without_the_mark_of_inheritance() {
        assert!(site().is_crm_variable("__CRM_CALL_ID") && site().is_crm_variable("HOOKSWITCH_CRM_CALL"));
        assert!(!site().is_crm_variable("CRM"));
    }
}
