//! The manifest, typed. `wit/manifest.md` explains each part.

mod credential;
mod hook;
mod provider;
mod scheme;
mod setting;

use serde::Serialize;

pub use credential::{Credential, Place};
pub use hook::{Hook, Proof};
pub use provider::{
    Answer, Authorize, ClientAuth, Endpoint, Fetch, Field, Form, Interval, Provider, Renew, Separator, TokenError,
};
pub use scheme::{Algorithm, Encoding, Hmac, Scheme};
pub use setting::Setting;

/// Who the plugin is, what it serves and what it asks for.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    manifest: u32,
    name: String,
    title: String,
    version: String,
    vendor: String,
    description: String,
    serves: Vec<String>,
    settings: Vec<Setting>,
    credentials: Vec<Credential>,
    http: Vec<String>,
    capabilities: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hooks: Vec<Hook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u32>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rate {
    per_second: u32,
    burst: u32,
}

impl Manifest {
    /// A manifest that serves and asks for nothing yet. `name` is lower case with hyphens, `version` is semver.
    pub fn new(name: &str, title: &str, version: &str) -> Self {
        Self {
            manifest: 1,
            name: name.into(),
            title: title.into(),
            version: version.into(),
            vendor: String::new(),
            description: String::new(),
            serves: Vec::new(),
            settings: Vec::new(),
            credentials: Vec::new(),
            http: Vec::new(),
            capabilities: Vec::new(),
            hooks: Vec::new(),
            limits: None,
        }
    }

    /// Who makes the plugin, and what it does.
    pub fn about(mut self, vendor: &str, description: &str) -> Self {
        self.vendor = vendor.into();
        self.description = description.into();
        self
    }

    /// The functions that are served: `["lookup.by-number", "journal.write"]`.
    pub fn serves<const N: usize>(mut self, functions: [&str; N]) -> Self {
        self.serves.extend(functions.map(String::from));
        self
    }

    /// Adds a setting.
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// Asks for a credential, and where it is of kind `base-url` for its origin too.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.http.extend(credential.origin());
        self.credentials.push(credential);
        self
    }

    /// Asks for a credential of kind `base-url`, an address that is itself the secret, and for its origin.
    pub fn base_url(self, handle: &str, title: &str, help: &str) -> Self {
        self.credential(Credential::base_url(handle, title, help))
    }

    /// Asks for an origin: "https://api.example.com", "https://*.example.com" for any name below it, or "*" for whatever
    /// the admin allows, where only the settings say where the plugin goes.
    pub fn http(mut self, origin: &str) -> Self {
        self.http.push(origin.into());
        self
    }

    /// Asks for the import `storage`.
    pub fn storage(self) -> Self {
        self.capability("storage")
    }

    /// Asks for the import `secrets`.
    pub fn secrets(self) -> Self {
        self.capability("secrets")
    }

    /// Asks for the import `recording`, and for recordings in the bodies of requests.
    pub fn recordings(self) -> Self {
        self.capability("recording")
    }

    fn capability(mut self, name: &str) -> Self {
        self.capabilities.push(name.into());
        self
    }

    /// Adds what the CRM may post.
    pub fn hook(mut self, hook: Hook) -> Self {
        self.hooks.push(hook);
        self
    }

    /// States what the CRM bears: requests per second, how many at once after a pause, functions at the same time.
    pub fn limits(mut self, per_second: u32, burst: u32, concurrency: u32) -> Self {
        let limits = self.limits.get_or_insert_default();
        (limits.rate, limits.concurrency) = (Some(Rate { per_second, burst }), Some(concurrency));
        self
    }

    /// States how many events of the feed are delivered at once, 1 to 500.
    pub fn batch(mut self, events: u32) -> Self {
        self.limits.get_or_insert_default().batch = Some(events);
        self
    }

    /// The JSON text that `plugin.manifest` returns.
    pub fn to_json(&self) -> String {
        // Every key is a text, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_written_in_the_words_of_its_schema() {
        let manifest = Manifest::new("acme", "Acme CRM", "1.2.0")
            .about("Acme Ltd", "Looks up callers.")
            .serves(["lookup.by-number"])
            .setting(Setting::choice("create-as", "Create as", "", ["auto", "lead"]))
            .setting(Setting::flag("chat", "Chat", ""))
            .base_url("crm", "Address", "")
            .storage()
            .limits(2, 50, 4);
        let json: serde_json::Value = serde_json::from_str(&manifest.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "manifest": 1, "name": "acme", "title": "Acme CRM", "version": "1.2.0",
                "vendor": "Acme Ltd", "description": "Looks up callers.", "serves": ["lookup.by-number"],
                "settings": [
                    {"name": "create-as", "kind": "choice", "title": "Create as", "help": "", "default": "auto",
                     "choices": ["auto", "lead"]},
                    {"name": "chat", "kind": "flag", "title": "Chat", "help": "", "default": "false"},
                ],
                "credentials": [
                    {"handle": "crm", "kind": "base-url", "title": "Address", "help": "", "required": true},
                ],
                "http": ["credential:crm"], "capabilities": ["storage"],
                "limits": {"rate": {"per-second": 2, "burst": 50}, "concurrency": 4},
            })
        );
    }
}
