//! `[plugin.NAME]`: a CRM.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use hookswitch_call::{Call, event::Outcome, signal::Direction};
use hookswitch_gate::{Grant, Network};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

use super::{Fault, Secret};
use crate::{rate::Rate, retry::Retry};

/// More functions of one plugin than this do not run at once.
pub(crate) const MOST_SLOTS: usize = 256;

/// `[plugin.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Plugin {
    /// The compiled plugin: `"plugins/bitrix24.wasm"`.
    pub(crate) component: PathBuf,
    /// Phone systems whose calls it gets; default: all.
    pub(crate) pbx: Option<Vec<String>>,
    /// What it may reach.
    #[serde(default)]
    pub(crate) allow: Allow,
    /// `credentials.HANDLE`: the keys that its manifest asks for. The plugin never sees them.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, Credential>,
    /// Settings that its manifest asks for.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Setting>,
    /// When a caller who is unknown to the CRM becomes a contact there.
    #[serde(default)]
    pub(crate) contacts: Contacts,
    /// Which calls are journaled, and with which texts.
    #[serde(default)]
    pub(crate) journal: Journal,
    /// How much the CRM bears, where that differs from what the plugin's manifest says.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// How often and for how long a failed job is tried again.
    #[serde(default)]
    pub(crate) retry: Retry,
    /// Extensions whose CRM user is not found by itself: `{ 201 = "7" }`.
    #[serde(default)]
    pub(crate) users: BTreeMap<String, String>,
}

/// `limits`: what a CRM bears.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    /// Functions of the plugin that run at the same time, on each lane: 1 to 256.
    pub(crate) concurrency: Option<usize>,
    /// Requests per second, with a burst.
    pub(crate) rate: Option<Rate>,
}

/// `allow`: what a plugin may reach.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Allow {
    /// Origins, as `scheme://host[:port][/path]`, `*.` in front of a host for any name below it.
    pub(crate) http: Vec<Grant>,
    /// Internal networks in which these origins may be, as CIDR: `["10.0.0.0/8"]`.
    pub(crate) network: Vec<Network>,
    /// Certificates to trust besides the system's, as a PEM file.
    pub(crate) ca_file: Option<PathBuf>,
}

/// `credentials.HANDLE`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Credential {
    /// How the value is used.
    pub(crate) kind: CredentialKind,
    /// The value, written here. Better: `env` or `file`.
    value: Option<SecretString>,
    /// The environment variable that holds the value.
    env: Option<String>,
    /// The file that holds the value.
    file: Option<PathBuf>,
}

/// How a credential is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CredentialKind {
    /// A secret address that requests are made below (a Bitrix24 webhook).
    BaseUrl,
    /// A token in the `Authorization` header.
    Bearer,
}

impl CredentialKind {
    /// The kind as manifests and the configuration spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BaseUrl => "base-url",
            Self::Bearer => "bearer",
        }
    }
}

impl Credential {
    /// Where the value comes from.
    pub(crate) fn secret(&self) -> Option<Secret> {
        match (&self.value, &self.env, &self.file) {
            (Some(value), None, None) => Some(Secret::Text(value.clone())),
            (None, Some(env), None) => Some(Secret::Env(env.clone())),
            (None, None, Some(file)) => Some(Secret::File(file.clone())),
            _ => None,
        }
    }
}

/// The value of a setting: plugins get every setting as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting(pub(crate) String);

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Setting, E> {
                Ok(Setting(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Setting, E> {
                Ok(Setting(number.to_string()))
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Setting, E> {
                Ok(Setting(flag.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `contacts`: when an unknown caller becomes a contact.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Contacts {
    /// `"automatic"` or `"never"`. Default: never.
    pub(crate) create: Create,
    /// Directions in which it happens. Default: inbound.
    pub(crate) on: Vec<Direction>,
}

/// When contacts are created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Create {
    /// For every caller whom the CRM does not know.
    Automatic,
    /// Not at all.
    #[default]
    Never,
}

impl Default for Contacts {
    fn default() -> Self {
        Self { create: Create::Never, on: vec![Direction::Inbound] }
    }
}

/// `journal`: which calls are journaled, and how they read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Journal {
    /// Types of calls that are journaled. Default: all.
    pub(crate) when: Vec<CallType>,
    /// Template of the entry's title.
    pub(crate) subject: String,
    /// Template of the entry's text.
    pub(crate) body: String,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            when: vec![CallType::Inbound, CallType::Outbound, CallType::Missed, CallType::NotAnswered],
            subject: "{{ call.type }} {{ call.external }}".to_owned(),
            body: "{{ call.started }}, {{ call.talk }}{% if call.agent %}, {{ call.agent }}{% endif %}".to_owned(),
        }
    }
}

/// The four types of calls in the field's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallType {
    /// An outside caller who reached somebody.
    Inbound,
    /// A call to outside that was answered.
    Outbound,
    /// An outside caller who reached nobody.
    Missed,
    /// A call to outside that nobody answered.
    NotAnswered,
}

impl CallType {
    /// The type of a call that is over; none for internal calls.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        let answered = match &call.ended {
            Some(end) => end.outcome == Outcome::Answered,
            None => call.answered.is_some(),
        };
        match (call.direction, answered) {
            (Direction::Inbound, true) => Some(Self::Inbound),
            (Direction::Inbound, false) => Some(Self::Missed),
            (Direction::Outbound, true) => Some(Self::Outbound),
            (Direction::Outbound, false) => Some(Self::NotAnswered),
            (Direction::Internal, _) => None,
        }
    }

    /// As people say it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Inbound => "Inbound call",
            Self::Outbound => "Outbound call",
            Self::Missed => "Missed call",
            Self::NotAnswered => "Unanswered call",
        }
    }
}

impl Plugin {
    pub(super) fn validate(&self, name: &str) -> Result<(), Fault> {
        for (handle, credential) in &self.credentials {
            if credential.secret().is_none() {
                return Err(Fault::new(
                    &["plugin", name, "credentials", handle],
                    "a credential needs exactly one source for its value",
                    "give `env`, `file` or `value`, like { kind = \"base-url\", env = \"BITRIX24_WEBHOOK\" }",
                ));
            }
        }
        if self.limits.concurrency.is_some_and(|slots| !(1..=MOST_SLOTS).contains(&slots)) {
            return Err(Fault::new(
                &["plugin", name, "limits", "concurrency"],
                "so many functions cannot run at once",
                format!("write a number from 1 to {MOST_SLOTS}"),
            ));
        }
        if let Some(fault) = self.limits.rate.and_then(Rate::fault) {
            return Err(Fault::new(
                &["plugin", name, "limits", "rate", "per-second"],
                fault,
                "two requests per second: rate = { per-second = 2, burst = 10 }",
            ));
        }
        if self.retry.tries == 0 || self.retry.first.0.is_zero() || self.retry.longest.0 < self.retry.first.0 {
            return Err(Fault::new(
                &["plugin", name, "retry"],
                "a job cannot be tried like this",
                "give 1 try or more, a first wait above zero, and a longest wait that is not shorter: \
                 retry = { tries = 100, first = \"500ms\", longest = \"15m\" }",
            ));
        }
        for (key, template) in [("subject", &self.journal.subject), ("body", &self.journal.body)] {
            crate::texts::check(template)
                .map_err(|error| Fault::new(&["plugin", name, "journal", key], error, crate::texts::HELP))?;
        }
        Ok(())
    }

    /// Whether calls of this phone system are its business.
    pub(crate) fn serves_pbx(&self, pbx: &str) -> bool {
        self.pbx.as_ref().is_none_or(|names| names.iter().any(|name| name == pbx))
    }
}
