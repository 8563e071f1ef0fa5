//! `phonebook` of a plugin: what is kept of what its CRM says of numbers, and how names are shown.

use std::time::Duration;

use serde::Deserialize;

use super::Span;

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
