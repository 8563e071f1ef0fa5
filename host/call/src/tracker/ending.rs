//! How a call ends: its outcome and the reason, from what the PBX said last and from what was seen before.

use super::step::Step;
use crate::{
    Call, Extension,
    event::{Confidence, Outcome, What},
    record::{AgentState, Ending, State},
    signal::{QueueExit, Reason, RingEnd, Side},
};

impl Step<'_> {
    /// The last leg is gone.
    pub(super) fn ended(&mut self, hint: Option<Reason>, cause: Option<u16>, by: Side) {
        let outcome = if self.call.answered.is_some() { Outcome::Answered } else { Outcome::Missed };
        self.waits_no_longer(match hint {
            None | Some(Reason::Unknown | Reason::Cancelled | Reason::Abandoned) => QueueExit::Abandoned,
            Some(_) => QueueExit::Other,
        });
        let reason = reason(self.call, outcome, hint);
        self.finish(outcome, reason, cause, by, Confidence::Reported);
    }

    /// The PBX does not know the call any more, or it has been silent for too long.
    pub(super) fn vanish(&mut self) {
        if self.call.is_open() {
            let outcome = if self.call.answered.is_some() { Outcome::Answered } else { Outcome::Lost };
            self.finish(outcome, Reason::Unknown, None, Side::Unknown, Confidence::Derived);
        }
    }

    fn finish(&mut self, outcome: Outcome, reason: Reason, cause: Option<u16>, by: Side, confidence: Confidence) {
        let why = match reason {
            Reason::Cancelled | Reason::Abandoned => RingEnd::CallerGaveUp,
            Reason::NoAnswer | Reason::AgentNoAnswer | Reason::Voicemail => RingEnd::NoAnswer,
            Reason::Busy => RingEnd::Busy,
            Reason::Unreachable | Reason::Failed => RingEnd::Failed,
            Reason::Normal | Reason::Unknown => RingEnd::Unknown,
        };
        let ringing: Vec<_> = self
            .call
            .agents
            .iter()
            .filter(|agent| agent.state == AgentState::Ringing)
            .map(|agent| (agent.extension.clone(), agent.role))
            .collect();
        let at = self.at;
        self.call.agents.iter_mut().for_each(|agent| agent.hang_up(at));
        for (extension, role) in ringing {
            self.conclude(What::RingStopped { extension, why, cause: None, role });
        }
        let given_up = confidence == Confidence::Derived;
        let credited = self.close(outcome, reason, cause, by, given_up);
        let what = What::Ended { outcome, reason, cause, by, credited };
        match confidence {
            Confidence::Reported => self.say(what),
            Confidence::Derived => self.conclude(what),
        }
    }

    /// The end of a call that had been given up is heard after all.
    pub(super) fn correct(&mut self, hint: Option<Reason>, cause: Option<u16>, by: Side) {
        let outcome = if self.call.answered.is_some() { Outcome::Answered } else { Outcome::Missed };
        let reason = reason(self.call, outcome, hint);
        let credited = self.close(outcome, reason, cause, by, false);
        self.say(What::Corrected { outcome, reason, cause, by, credited });
    }

    /// Writes down how the call ended; returns whom it is credited to.
    fn close(
        &mut self,
        outcome: Outcome,
        reason: Reason,
        cause: Option<u16>,
        by: Side,
        given_up: bool,
    ) -> Option<Extension> {
        let credited = self.call.credited().cloned();
        let last_leg_missed = self.call.awaiting_target;
        self.call.state = State::Ended;
        self.call.ended = Some(Ending {
            at: self.at,
            outcome,
            reason,
            cause,
            by,
            credited: credited.clone(),
            last_leg_missed,
            given_up,
        });
        credited
    }
}

/// Why a call ended, where the PBX's last words alone do not tell.
fn reason(call: &Call, outcome: Outcome, hint: Option<Reason>) -> Reason {
    match outcome {
        Outcome::Answered => Reason::Normal,
        Outcome::Lost => Reason::Unknown,
        Outcome::Missed if call.voicemail => Reason::Voicemail,
        Outcome::Missed if call.abandoned => Reason::Abandoned,
        Outcome::Missed => hint.unwrap_or(Reason::Unknown),
    }
}
