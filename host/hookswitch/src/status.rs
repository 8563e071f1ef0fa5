//! How the running service is, in one value: for `hookswitch status`, and for the metrics.

use hookswitch_call::Millis;
use serde::{Deserialize, Serialize};

/// The state of a sign-in with which all is well.
pub(crate) const SIGNED_IN: &str = "signed-in";

/// The whole service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Status {
    /// Its version.
    pub(crate) version: String,
    /// Since when it runs.
    pub(crate) started: Millis,
    /// Phone systems, by name.
    pub(crate) pbx: Vec<String>,
    /// What is called from outside, if anything is.
    pub(crate) public_url: Option<String>,
    /// Enabled plugins.
    pub(crate) plugins: Vec<Plugin>,
}

/// One enabled plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Plugin {
    /// The `NAME` of `[plugin.NAME]`.
    pub(crate) name: String,
    /// The name for people.
    pub(crate) title: String,
    /// The plugin's version.
    pub(crate) version: String,
    /// How its CRM is: `well`, `unwell`, `unauthorised`, `signed-out`.
    pub(crate) crm: String,
    /// Its unfinished jobs.
    pub(crate) jobs: Jobs,
    /// The sign-ins that it needs.
    pub(crate) sign_ins: Vec<SignIn>,
}

/// Unfinished jobs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Jobs {
    /// Wait for their turn, or for the next try, or are under way.
    pub(crate) waiting: u64,
    /// Wait for a person.
    pub(crate) parked: u64,
}

/// A sign-in at a CRM.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SignIn {
    /// The credential's handle.
    pub(crate) handle: String,
    /// What was shown last: `signed-in`, `signed-out`, `refused`.
    pub(crate) state: String,
    /// Since when it is so.
    pub(crate) since: Option<Millis>,
    /// When the present token ends; the host renews it before.
    pub(crate) expires: Option<Millis>,
    /// Why it was refused.
    pub(crate) reason: Option<String>,
}
