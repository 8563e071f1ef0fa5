//! `phonebook` of a plugin: what is kept of what its CRM says of numbers, and how names are shown. `phonebook` of a phone
//! system: what its own one is told of that.

use std::time::Duration;

use serde::Deserialize;

use super::{Fault, Span};

/// `phonebook`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Phonebook {
    /// So long it is kept whom the CRM knows under a number; `"0s"`: not at all. Default: 30 days.
    pub(crate) keep: Span,
    /// Whether the CRM is asked at every call. If not, what is kept answers in its place, for the jobs too: a contact
    /// that was deleted in the CRM stays known until its time is over. Default: yes.
    pub(crate) always_query: bool,
    /// How a contact is shown on desk phones. Default: by its whole name.
    pub(crate) mask: Mask,
}

impl Default for Phonebook {
    fn default() -> Self {
        Self { keep: Span(Duration::from_secs(30 * 24 * 3600)), always_query: true, mask: Mask::None }
    }
}

/// How a contact is shown on desk phones, which everybody in the room can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mask {
    /// `Ann Example`.
    #[default]
    None,
    /// `A. E.`
    Initials,
    /// The last four digits of the number: `…4567`.
    Digits,
}

/// `phonebook` of a phone system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PushedBook {
    /// Plugins whose contacts stand in it; of several that know a number, the first. None: the group is emptied.
    pub(crate) of: Vec<String>,
    /// The group of entries that is Hookswitch's alone: a tag of a 3CX, a phonebook of a Yeastar.
    #[serde(default = "group")]
    pub(crate) group: String,
    /// How often it is looked whether something has changed. Default: a minute.
    #[serde(default = "minute")]
    pub(crate) every: Span,
    /// Of more numbers than this those stand in it that were found last. Default: 1,000.
    #[serde(default = "thousand")]
    pub(crate) most: u32,
}

impl PushedBook {
    pub(super) fn validate(&self, pbx: &str) -> Result<(), Fault> {
        let good = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        if self.group.trim() != self.group
            || !(1..=50).contains(&self.group.chars().count())
            || !self.group.chars().all(good)
        {
            return Err(Fault::new(
                &["pbx", pbx, "phonebook", "group"],
                "this is no name for a group of entries",
                "use 1 to 50 letters, digits, blanks, `-` or `_`",
            ));
        }
        if self.every.0 < Duration::from_secs(1) {
            return Err(Fault::new(&["pbx", pbx, "phonebook", "every"], "this is too often", "write at least \"1s\""));
        }
        if !(1..=20_000).contains(&self.most) {
            return Err(Fault::new(
                &["pbx", pbx, "phonebook", "most"],
                "a phone system takes a phonebook of 1 to 20,000 entries",
                "give a number between",
            ));
        }
        Ok(())
    }
}

fn group() -> String {
    "Hookswitch".to_owned()
}

fn minute() -> Span {
    Span(Duration::from_secs(60))
}

fn thousand() -> u32 {
    1_000
}
