//! The words of a script.
//!
//! ```json
//! {
//!   "journal.write": [
//!     [{"send": {"method": "POST", "url": "calls", "effect": "once", "body": "<key:call> <attempt>"}},
//!      {"fail": {"temporary": 200}}],
//!     [{"send": {"url": "calls?key=<key:call>"}}, {"return": "<answer>"}]
//!   ]
//! }
//! ```
//!
//! Of each function the first list is the first try, and the last one serves all further tries. A function that is not
//! named does nothing and succeeds. Words between `<` and `>` are filled in: see `run`.

use std::collections::BTreeMap;

use hookswitch_sdk::{Failure, settings};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Script(BTreeMap<String, Vec<Vec<Step>>>);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    Send(Send),
    Put(Put),
    /// Reads a key: `<value>` is its value, `<revision>` its revision (empty and 0: it is not there).
    Get(Key),
    Delete(Key),
    /// Compares a text with a secret: `<matched>` is "true" or "false".
    Matches(Matches),
    /// Writes a line to the log.
    Log(String),
    /// Does the steps so many times; `<n>` counts from 0.
    Repeat {
        times: u32,
        steps: Vec<Step>,
    },
    /// Ends the function with an id. For `lookup.by-number`: with a contact of this id.
    Return(String),
    /// Ends `commands.receive` with an answer.
    Reply(Reply),
    Fail(Fail),
    Trap,
    /// Calculates for ever.
    Spin,
}

/// A request to the CRM. `<status>` and `<answer>` are what came back.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Send {
    #[serde(default = "get")]
    pub(crate) method: String,
    /// Below the secret address, where the credential has one.
    pub(crate) url: String,
    /// The handle of a credential; null: none.
    #[serde(default = "crm")]
    pub(crate) credential: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) effect: Effect,
    #[serde(default)]
    pub(crate) body: String,
    /// A form in place of the body.
    #[serde(default)]
    pub(crate) form: BTreeMap<String, String>,
    /// Places of the answer that hold secrets.
    #[serde(default)]
    pub(crate) keep_secret: Vec<String>,
    /// So many bytes are added to the body.
    #[serde(default)]
    pub(crate) padding: usize,
    /// What is done instead of failing, by status ("500") or by the name of the error in the contract ("in-doubt").
    #[serde(default)]
    pub(crate) on: BTreeMap<String, Vec<Step>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    #[default]
    Read,
    Idempotent,
    Once,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Put {
    #[serde(default)]
    pub(crate) scope: Scope,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) expected: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Key {
    #[serde(default)]
    pub(crate) scope: Scope,
    pub(crate) key: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    #[default]
    Call,
    Plugin,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Matches {
    pub(crate) handle: String,
    pub(crate) candidate: String,
}

/// What the CRM gets for what it posted, and what the host shall do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    Dial(Dial),
    HangUp(String),
    RefreshUsers,
    Other(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Dial {
    pub(crate) extension: String,
    pub(crate) number: String,
}

/// How a function fails; texts are for the admin.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fail {
    /// To be tried again in so many milliseconds; null: when the host likes.
    Temporary(Option<u64>),
    Rejected(String),
    Unauthorised(String),
    NotConfigured(String),
    InDoubt(String),
}

fn crm() -> Option<String> {
    Some("crm".into())
}

fn get() -> String {
    "GET".into()
}

/// Reads the script of the admin's setting.
pub(crate) fn read() -> Result<Script, Failure> {
    let text = settings::get("script").unwrap_or_else(|| "{}".into());
    serde_json::from_str(&text).map_err(|error| Failure::NotConfigured(format!("setting `script`: {error}")))
}

impl Script {
    /// The steps of a function on the `attempt`th try, which counts from 1.
    pub(crate) fn of(&self, function: &str, attempt: u32) -> &[Step] {
        let Some(tries) = self.0.get(function) else { return &[] };
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        tries.get(index).or(tries.last()).map(Vec::as_slice).unwrap_or_default()
    }
}
