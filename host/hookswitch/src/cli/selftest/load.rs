//! The invented calls of a durability test. Each producer makes one event after another; the number of an event says
//! everything about it, so that whoever reads the journal afterwards knows what must be there.

use hookswitch_call::{
    Call, Chain, Event, Extension, Millis, PbxName,
    event::{Confidence, Outcome, What},
    record::{Ending, State},
    signal::{Direction, Party, Reason, Role, Side},
};
use hookswitch_journal::{CallRef, calls::Accepted, jobs::NewJob};

/// The name of the phone system and of the plugin: there is no real one behind it.
pub(super) const NAME: &str = "selftest";
/// Events of one call.
const EVENTS: u64 = 5;
/// When the first event was: a fixed moment, 2026-01-01.
const EPOCH: u64 = 1_767_225_600_000;

/// The `number`-th event of a producer, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) producer: usize,
    pub(super) number: u64,
}

impl Step {
    /// The next event of the producer.
    pub(super) fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }

    /// The call that the event belongs to.
    pub(super) fn call(self) -> CallRef {
        CallRef { pbx: PbxName::from(NAME), chain: self.chain() }
    }

    /// Its place in its call, from 1.
    pub(super) fn seq(self) -> u64 {
        (self.number.saturating_sub(1)) % EVENTS + 1
    }

    fn chain(self) -> Chain {
        let call = self.number.saturating_sub(1) / EVENTS;
        Chain::from(format!("{}-{call:07}", self.producer))
    }

    fn at(self) -> Millis {
        Millis(EPOCH + self.number)
    }

    /// The event.
    pub(super) fn event(self) -> Event {
        let extension = || Extension::from("201");
        let what = match self.seq() {
            1 => What::New { direction: Direction::Inbound },
            2 => What::Ringing { extension: extension(), role: Role::Called },
            3 => What::Answered { by: Party::Extension(extension()), role: Role::Called },
            4 => What::LegEnded { extension: extension(), talk_ms: 1 },
            _ => What::Ended {
                outcome: Outcome::Answered,
                reason: Reason::Normal,
                cause: Some(16),
                by: Side::External,
                credited: Some(extension()),
            },
        };
        Event {
            pbx: PbxName::from(NAME),
            chain: self.chain(),
            seq: self.seq(),
            leg: u32::from(self.seq() > 2),
            at: self.at(),
            confidence: Confidence::Reported,
            what,
        }
    }

    /// The call as it is after the event.
    pub(super) fn record(self) -> Call {
        let seq = self.seq();
        let first = Self { number: self.number + 1 - seq, ..self };
        Call {
            pbx: PbxName::from(NAME),
            chain: self.chain(),
            direction: Direction::Inbound,
            state: match seq {
                1 => State::New,
                2 => State::Ringing,
                3 | 4 => State::Talking,
                _ => State::Ended,
            },
            // A number that is kept free for films and books (Bundesnetzagentur: 030 23125 000 to 999).
            external: Some("03023125000".to_owned()),
            external_name: "Invented Caller".to_owned(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            target: None,
            crm_call: None,
            queues: Vec::new(),
            path: Vec::new(),
            agents: Vec::new(),
            leg: u32::from(seq > 2),
            transfer: None,
            awaiting_target: false,
            voicemail: false,
            in_queue: false,
            abandoned: false,
            recordings: Vec::new(),
            extra: Vec::new(),
            transcript: None,
            summary: None,
            started: first.at(),
            changed: self.at(),
            answered: (seq > 2).then(|| first.next().next().at()),
            ended: (seq == EVENTS).then(|| Ending {
                at: self.at(),
                outcome: Outcome::Answered,
                reason: Reason::Normal,
                cause: Some(16),
                by: Side::External,
                credited: Some(Extension::from("201")),
                last_leg_missed: false,
                given_up: false,
            }),
            merged_into: None,
            seq,
        }
    }

    /// The event, its call and its one job, as they are accepted together.
    pub(super) fn accepted(self) -> Accepted {
        Accepted {
            call: self.record(),
            number: Some("+493023125000".to_owned()),
            events: vec![self.event()],
            jobs: vec![NewJob { plugin: NAME.to_owned(), kind: self.job_kind(), recording: None, due: self.at() }],
        }
    }

    /// What the event's job is called: by the event, so that each job tells where it comes from.
    pub(super) fn job_kind(self) -> String {
        format!("event-{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_producer_make_whole_calls_one_after_the_other() {
        let steps: Vec<_> = (1..=11).map(|number| Step { producer: 3, number }).collect();
        let seqs: Vec<_> = steps.iter().map(|step| step.seq()).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1]);
        let chains: Vec<_> = steps.iter().map(|step| step.call().chain.to_string()).collect();
        assert_eq!(chains[0], "3-0000000");
        assert!(chains[..5].iter().all(|chain| *chain == chains[0]) && chains[5] == "3-0000001");
        for step in steps {
            assert_eq!(step.record().is_open(), step.seq() < EVENTS, "{step:?}");
            assert_eq!(step.record().changed, step.event().at, "{step:?}");
        }
    }
}
