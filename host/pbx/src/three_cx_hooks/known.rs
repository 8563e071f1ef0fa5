//! What is known of a call from the posts before, so that a late or repeated one is seen to be that.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_call::{Call, Extension, Millis};

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
    /// A call of which nothing else is known.
    pub(super) fn began(started: Option<Millis>) -> Self {
        Self { started, ..Self::default() }
    }

    /// What was known before the host was started anew. A call that came back to somebody has had more links than this
    /// shows, but none that it shows it has not had.
    pub(super) fn of(call: &Call) -> Self {
        let mut known = Self { queue: call.queue().map(str::to_owned), ..Self::default() };
        let mut talked: Vec<_> = call.agents.iter().filter_map(|agent| Some((agent.first_talk?, agent))).collect();
        talked.sort_by_key(|(at, _)| *at);
        for ((at, agent), link) in talked.into_iter().zip(1..) {
            known.answered(link, &agent.extension, at);
            if !agent.is_present() {
                known.handed_over(link);
            }
        }
        known
    }

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
            let at = self.when(link, at);
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

    /// Whether a later answer is known.
    pub(super) fn talks_after(&self, link: u32) -> bool {
        self.talks_since(link.saturating_add(1))
    }

    /// When the answer of this link came of which is heard at `at`: before the next one.
    pub(super) fn when(&self, link: u32, at: Millis) -> Millis {
        let later = self.talks.range(link.saturating_add(1)..).next();
        later.map_or(at, |(_, (_, next))| at.min(Millis(next.0.saturating_sub(1))))
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
        if self.talks_after(over) {
            return None;
        }
        self.talks.get(&over).map(|(user, _)| user)
    }
}
