//! When a call is over, and why.
//!
//! `BYE` may be told of the one who hung up alone, and a record (30012) of a part of a call only. So a call is over when
//! its outside parties are gone; where that is not sure, `call/query` is asked. The record follows the last `BYE` within
//! moments and knows the reason, so the end waits for it a little.

use hookswitch_call::{
    Chain, Extension, Millis, Signal,
    signal::{Direction, Fact, Party, QueueExit, Reason, Report, Role, Side},
};

use super::{Posture, Talk};
use crate::yeastar::{
    cdr::{Cdr, Outcome},
    ground::Ground,
};

/// A record of a call that seems to go on: so long after it the PBX is asked.
const AFTER_RECORD: u64 = 1000;

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::yeastar) enum Standing {
    /// It goes on.
    Live,
    /// It may be over: the PBX is to be asked.
    Doubtful {
        due: Millis,
        /// The PBX has been asked once, and did not know it any more.
        missed: bool,
    },
    /// It is over since then, and its record has not come yet.
    Over {
        since: Millis,
        due: Millis,
    },
    Ended,
}

impl Talk {
    /// Sees where the call stands after its members have changed.
    pub(super) fn stand(&mut self, at: Millis, settle: u64) {
        let due = Millis(at.0 + settle);
        let postures = self.postures();
        let left = self.parts.iter().any(|part| part.is_extension() && part.is_gone());
        let (outside, gone) =
            self.outside().fold((0, 0), |(all, gone), part| (all + 1, gone + usize::from(part.is_gone())));
        let over = match outside {
            0 => !self.parts.is_empty() && postures.is_empty() && left,
            _ => outside == gone,
        };
        // Nobody of the business is left, one of two extensions has hung up, or one of two outside parties.
        let lonely = postures.len() <= usize::from(outside == 0) && left && self.moving.is_none();
        let ringing = postures.values().any(|posture| *posture <= Posture::Ringing);
        self.standing = match self.standing {
            Standing::Ended => Standing::Ended,
            Standing::Over { since, due } if over => Standing::Over { since, due },
            _ if over => Standing::Over { since: at, due: if self.cdr.is_some() { at } else { due } },
            Standing::Doubtful { due, missed } if lonely || gone > 0 => Standing::Doubtful { due, missed },
            _ if (lonely && !ringing) || gone > 0 => Standing::Doubtful { due, missed: false },
            _ => Standing::Live,
        };
    }

    /// Something is strange about the call: the PBX is to be asked.
    pub(in crate::yeastar) fn doubt(&mut self, due: Millis, missed: bool) {
        if matches!(self.standing, Standing::Live | Standing::Doubtful { .. }) {
            self.standing = Standing::Doubtful { due, missed };
        }
    }

    /// The PBX was asked, and knows the call.
    pub(super) fn lives(&mut self) {
        if matches!(self.standing, Standing::Doubtful { .. } | Standing::Over { .. }) {
            self.standing = Standing::Live;
        }
    }

    /// Whether any part of it was heard to end.
    pub(in crate::yeastar) fn was_hung_up(&self) -> bool {
        self.hung_up.is_some() || self.cdr.is_some() || self.parts.iter().any(super::Part::is_gone)
    }

    /// A record of the call, or of a part of it, that came at `at`.
    pub(in crate::yeastar) fn record(&mut self, cdr: &Cdr, at: Millis, settle: u64, ground: &Ground) -> Vec<Report> {
        let unheard = self.parts.is_empty();
        let mut reports = Vec::new();
        let mut tell = |chain: &Chain, when: Option<Millis>, fact: Fact| {
            let signal = Signal { chain: chain.clone(), at: when.unwrap_or(at), fact };
            reports.push(if when.is_some() { Report::Past(signal) } else { Report::Call(signal) });
        };
        let chain = self.chain.clone();
        if self.is_open() {
            let began = cdr.started.filter(|_| unheard).map(|second| Millis(second.saturating_mul(1000)));
            if let Some(fact) = self.arrived_by(cdr, ground) {
                tell(&chain, began, fact);
            }
            for fact in self.answered_by(cdr, ground) {
                tell(&chain, cdr.answered(), fact);
            }
            if cdr.status == Outcome::Voicemail {
                tell(&chain, None, Fact::Voicemail { mailbox: cdr.to.number.clone() });
            }
            // Of several parts of a call one that was answered says more than one that was not.
            if self.cdr != Some(Outcome::Answered) {
                self.cdr = Some(cdr.status);
            }
            self.standing = match self.standing {
                Standing::Over { since, .. } if unheard => {
                    Standing::Over { since: since.max(cdr.ended().unwrap_or(at)), due: Millis(at.0 + settle) }
                }
                _ if unheard => Standing::Over { since: cdr.ended().unwrap_or(at), due: Millis(at.0 + settle) },
                Standing::Over { since, .. } => Standing::Over { since, due: at },
                _ => Standing::Doubtful { due: Millis(at.0 + settle.min(AFTER_RECORD)), missed: false },
            };
        }
        if !cdr.recording.is_empty() {
            tell(&chain, None, Fact::Recorded { file: cdr.recording.clone() });
        }
        reports
    }

    /// Who answered, where no message told it.
    fn answered_by(&mut self, cdr: &Cdr, ground: &Ground) -> Vec<Fact> {
        if cdr.answered().is_none() || (self.answered && (self.restored || !self.parts.is_empty())) {
            return Vec::new();
        }
        let mut facts = Vec::new();
        if cdr.direction == Some(Direction::Outbound) {
            let from = self.originator(ground).or_else(|| ground.extension(&cdr.from.number));
            let number = cdr.to.number.clone();
            facts.extend(from.map(|extension| Fact::Dialing { extension, number: number.clone() }));
            facts.push(Fact::Answered { by: Party::Outside(number), role: Role::Called });
        } else if let Some(extension) = ground.extension(&cdr.to.number) {
            self.leave_queues(QueueExit::Answered, &mut facts);
            facts.push(Fact::Answered { by: Party::Extension(extension), role: Role::Called });
        }
        self.answered |= !facts.is_empty();
        facts
    }

    /// The leg of the call that was given up is known by its own record (30039).
    pub(in crate::yeastar) fn abandoned(&mut self) {
        if !self.answered && self.is_open() {
            self.cdr = Some(Outcome::Abandoned);
        }
    }

    /// Ends the call; what is to be told of that, and since when it holds.
    pub(in crate::yeastar) fn end(&mut self, at: Millis) -> (Vec<Fact>, Millis) {
        let since = match self.standing {
            Standing::Over { since, .. } => since,
            _ => at,
        };
        let mut facts = Vec::new();
        let by = self.hung_up.unwrap_or_default();
        let abandoned = self.cdr == Some(Outcome::Abandoned) || by == Side::External;
        let exit = if abandoned && !self.answered { QueueExit::Abandoned } else { QueueExit::Other };
        self.leave_queues(exit, &mut facts);
        facts.push(Fact::Ended { hint: self.hint(), cause: None, by });
        self.standing = Standing::Ended;
        self.parts.clear();
        (facts, since)
    }

    /// Why nobody answered.
    fn hint(&self) -> Option<Reason> {
        if self.answered {
            return None;
        }
        let own_phone = |own: &Extension| {
            let up = self.parts.iter().any(|part| part.talked && part.extension() == Some(own));
            (!self.parts.is_empty() && !up).then_some(Reason::AgentNoAnswer)
        };
        if let Some(reason) = self.own.as_ref().and_then(|own| own_phone(&own.extension)) {
            return Some(reason);
        }
        let said = self.cdr.and_then(Outcome::reason);
        match said {
            None | Some(Reason::NoAnswer) if self.failure.is_some() => self.failure,
            None | Some(Reason::NoAnswer) if self.caller_hung_up() => Some(Reason::Cancelled),
            said => said,
        }
    }

    /// Whether the side that began the call was the one to hang up.
    pub(super) fn caller_hung_up(&self) -> bool {
        match self.direction() {
            Some(Direction::Inbound) => self.hung_up == Some(Side::External),
            Some(_) => self.hung_up == Some(Side::Internal),
            None => false,
        }
    }
}
