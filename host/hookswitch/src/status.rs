//! How the running service is, in one value: for `hookswitch status`, and for the metrics.

use hookswitch_call::{Millis, Site};
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
    pub(crate) pbx: Vec<Pbx>,
    /// What is called from outside, if anything is.
    pub(crate) public_url: Option<String>,
    /// Enabled plugins.
    pub(crate) plugins: Vec<Plugin>,
}

/// One phone system.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Pbx {
    /// The `NAME` of `[pbx.NAME]`.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: String,
    /// `waiting` for it to be heard, `connected`, `disconnected`, or `silent`: connected, and nothing is heard in working
    /// hours.
    pub(crate) state: String,
    /// Since when it is connected, or disconnected.
    pub(crate) since: Option<Millis>,
    /// Why it is disconnected.
    pub(crate) reason: Option<String>,
    /// When it last said something.
    pub(crate) heard: Option<Millis>,
    /// Calls that go on.
    pub(crate) calls: usize,
    /// What it can do: the name of a feature, and how far.
    pub(crate) features: Vec<(String, String)>,
    /// Its extensions, as far as it has said something of them.
    pub(crate) extensions: Site,
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
    /// Events that it has yet to copy elsewhere, if it does that.
    pub(crate) feed: Option<Feed>,
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

/// The feed of a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Feed {
    /// Events that wait.
    pub(crate) waiting: u64,
    /// Events for which there was no room.
    pub(crate) lost: u64,
    /// Whether it waits for a person.
    pub(crate) held: bool,
    /// Why the last try failed.
    pub(crate) problem: Option<String>,
}

impl From<&hookswitch_journal::feed::Feed> for Feed {
    fn from(feed: &hookswitch_journal::feed::Feed) -> Self {
        Self { waiting: feed.waiting, lost: feed.lost, held: feed.held, problem: feed.problem.clone() }
    }
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
