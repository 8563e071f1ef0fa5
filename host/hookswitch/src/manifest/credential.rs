//! One secret that a plugin asks for, and whether the admin gives it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{help, text};
use crate::config::{self, CredentialKind};

/// One secret.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Credential {
    #[serde(deserialize_with = "text::name")]
    pub(crate) handle: String,
    #[serde(deserialize_with = "text::name")]
    kind: String,
    #[serde(deserialize_with = "text::title")]
    pub(crate) title: String,
    #[serde(default, deserialize_with = "text::help")]
    help: String,
    #[serde(default = "yes")]
    pub(crate) required: bool,
    /// Where an api-key or a token stands in a request.
    #[serde(default)]
    place: Map<String, Value>,
    /// How requests are signed.
    #[serde(default)]
    scheme: Map<String, Value>,
    /// Where tokens are fetched, and how.
    #[serde(default)]
    provider: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// How a value is used: what the manifest says, with what the admin changes of it.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) place: Map<String, Value>,
    pub(crate) scheme: Map<String, Value>,
    pub(crate) provider: Map<String, Value>,
}

impl Credential {
    /// How the host uses its value; none if this version does not know.
    pub(crate) fn kind(&self) -> Option<CredentialKind> {
        CredentialKind::from_name(&self.kind)
    }

    /// How this credential is used in the admin's configuration.
    pub(crate) fn usage(&self, given: &config::Credential) -> Usage {
        // A place is named by its only key, a scheme by its `kind`: another one has nothing in common with the manifest's.
        let other_place = given.place.keys().any(|name| !self.place.contains_key(name));
        let kind = self.scheme.get("kind").and_then(Value::as_str);
        let other_scheme = given.scheme.get("kind").is_some_and(|given| given.as_str() != kind);
        let none = Map::new();
        Usage {
            place: merged(if other_place { &none } else { &self.place }, &given.place),
            scheme: merged(if other_scheme { &none } else { &self.scheme }, &given.scheme),
            provider: merged(&self.provider, &given.provider),
        }
    }

    /// The origins where the host fetches its tokens and takes them back.
    pub(crate) fn origins(&self) -> Vec<String> {
        origins(&self.provider)
    }

    /// Why this version of the host cannot serve it.
    pub(super) fn unknown_kind(&self) -> Option<String> {
        CredentialKind::from_name(&self.kind).is_none().then(|| {
            format!(
                "the credential {} is of the kind `{}`, which this version of the host does not know",
                self.handle, self.kind
            )
        })
    }

    /// What is wrong with what the admin gives, in a line for the admin.
    pub(super) fn fault(&self, plugin: &str, given: Option<&config::Credential>) -> Option<String> {
        let kind = CredentialKind::from_name(&self.kind)?;
        let example = kind.example(&self.handle);
        let wrong = match given {
            None if self.required => format!("is missing; add {example}"),
            Some(given) if given.kind != kind => format!("must be of kind \"{}\": {example}", self.kind),
            _ => return None,
        };
        Some(format!("[plugin.{plugin}] credentials.{} ({}) {wrong}{}", self.handle, self.title, help(&self.help)))
    }
}

/// Those of them that the admin's configuration names.
pub(crate) fn moved_origins(given: &config::Credential) -> Vec<String> {
    origins(&merged(&Map::new(), &given.provider))
}

fn origins(provider: &Map<String, Value>) -> Vec<String> {
    let token = provider.get("token").and_then(|token| token.get("url"));
    let addresses = token.into_iter().chain(provider.get("revoke-url")).filter_map(Value::as_str);
    addresses.filter_map(|url| Some(url::Url::parse(url).ok()?.origin().ascii_serialization())).collect()
}

/// `base`, with what `changes` says in place of it, down to the single keys of objects.
fn merged(base: &Map<String, Value>, changes: &toml::Table) -> Map<String, Value> {
    let mut merged = base.clone();
    for (key, change) in changes {
        let value = match (merged.get(key), change) {
            (Some(Value::Object(before)), toml::Value::Table(change)) => Value::Object(self::merged(before, change)),
            // Dates, the only values of TOML that JSON does not have, become texts.
            _ => serde_json::to_value(change).unwrap_or_default(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}
