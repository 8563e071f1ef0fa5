//! What is known of a call from the posts before, so that a late or repeated one is seen to be that.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_call::{Extension, Millis};

/// Phones that rang and legs, of one call.
const MOST: usize = 256;

/// What is known of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// When it arrived at the PBX.
    pub(super) started: Option<Millis>,
    /// The queue that the caller entered last.
    pub(super) queue: Option<String>,
    /// Who rang, at which link.
    rang: BTreeSet<(u32, Extension)>,
    /// Who answered, and when, by the link that this began.
    talks: BTreeMap<u32, (Extension, Millis)>,
    /// The newest link that was handed over to another extension.
    over: Option<u32>,
}

impl Known {
    pub(super) fn rang(&mut self, link: u32, user: &Extension) {
        if self.rang.len() < MOST {
            self.rang.insert((link, user.clone()));
        }
    }

    pub(super) fn has_rung(&self, link: u32, user: &Extension) -> bool {
        self.rang.contains(&(link, user.clone()))
    }

    pub(super) fn answered(&mut self, link: u32, user: &Extension, at: Millis) {
        if self.talks.len() < MOST {
            self.talks.entry(link).or_insert_with(|| (user.clone(), at));
        }
    }

    pub(super) fn has_answered(&self, link: u32, user: &Extension) -> bool {
        self.talks.get(&link).is_some_and(|(known, _)| known == user)
    }

    pub(super) fn has_talked(&self, user: &Extension) -> bool {
        self.talks.values().any(|(known, _)| known == user)
    }

    /// Whether an answer of this link, or a later one, is known.
    pub(super) fn talks_since(&self, link: u32) -> bool {
        self.talks.range(link..).next().is_some()
    }

    /// When the first answer after this link came.
    pub(super) fn next_talk(&self, link: u32) -> Option<Millis> {
        self.talks.range(link.saturating_add(1)..).next().map(|(_, (_, at))| *at)
    }

    /// Whether `user` got the call back after this link.
    pub(super) fn has_it_back(&self, link: u32, user: &Extension) -> bool {
        self.talks.range(link.saturating_add(1)..).any(|(_, (known, _))| known == user)
    }

    /// Who answered last.
    pub(super) fn talker(&self) -> Option<&Extension> {
        self.talks.last_key_value().map(|(_, (user, _))| user)
    }

    pub(super) fn handed_over(&mut self, link: u32) {
        self.over = self.over.max(Some(link));
    }

    /// Whether this link was handed over.
    pub(super) fn is_over(&self, link: u32) -> bool {
        self.over.is_some_and(|over| over >= link)
    }

    /// Who gave the call away, if nobody has taken it since.
    pub(super) fn giver(&self) -> Option<&Extension> {
        let over = self.over?;
        if self.next_talk(over).is_some() {
            return None;
        }
        self.talks.get(&over).map(|(user, _)| user)
    }
}
