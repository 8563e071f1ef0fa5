//! What follows from a post: facts about calls. Posts may be repeated, late or lost; links (C.4) tell their order.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_call::{
    Call, Chain, Extension, Millis, Signal,
    signal::{Arrival, Direction, Fact, Party, Reason, Report, RingEnd, Role, Side, TransferKind},
    site::News,
};

use super::{
    id::{Arrived, Clock},
    known::Known,
    told::{About, Finish, Step, Told},
};
use crate::asterisk::Glob;

/// Calls that are remembered. Ids begin with their time, so that the oldest go first.
const MOST_CALLS: usize = 16_384;
/// Queues that are learnt.
const MOST_QUEUES: usize = 1000;
/// A call of which something is heard for the first time rings or was just picked up: it is not older than this, unless
/// the clock or its zone is wrong.
const FIRST_HEARD: u64 = 30 * 60 * 1000;
/// And no call is older than this when it ends.
const LONGEST: u64 = 24 * 3600 * 1000;

/// The calls of one PBX, as far as they were posted.
#[derive(Debug)]
pub struct Calls {
    clock: Clock,
    queues: Vec<Glob>,
    learnt: BTreeSet<String>,
    known: BTreeMap<Chain, Known>,
    warned: bool,
}

impl Calls {
    /// Numbers that `queues` match are queues even if no post has called them so; `recent` are calls of which the host
    /// knows already.
    pub fn new(clock: Clock, queues: Vec<Glob>, recent: &[Call]) -> Self {
        let known = recent.iter().map(|call| (call.chain.clone(), Known::of(call))).collect();
        let learnt = recent.iter().flat_map(|call| call.queues.iter().cloned()).collect();
        Self { clock, queues, learnt, known, warned: false }
    }

    /// What is to be reported of a post that arrived at `at`. Says the same again until it is told that it is kept
    /// ([`Calls::remember`]).
    pub fn reports(&mut self, told: &Told, at: Millis) -> Vec<Report> {
        match told {
            Told::Nothing => Vec::new(),
            Told::Site(news) => vec![Report::Site(news.clone())],
            Told::Call(about) => {
                let fresh = self.first_heard(about, at);
                let known = self.known.get(&about.id.chain).unwrap_or(&fresh);
                Conclusion::of(self, known, about, at)
            }
        }
    }

    /// The reports of this post are durable.
    pub fn remember(&mut self, told: &Told, at: Millis) {
        match told {
            Told::Nothing => {}
            Told::Site(News::Member { queue, .. }) => self.learn(queue),
            Told::Site(_) => {}
            Told::Call(about) => {
                let Some(step) = &about.step else { return };
                let fresh = self.first_heard(about, at);
                note(self.known.entry(about.id.chain.clone()).or_insert(fresh), about.id.link, step, at);
                if let Step::Queued(queue) = step {
                    self.learn(queue);
                }
                while self.known.len() > MOST_CALLS {
                    self.known.pop_first();
                }
            }
        }
    }

    fn learn(&mut self, queue: &str) {
        if self.learnt.len() < MOST_QUEUES {
            self.learnt.insert(queue.to_owned());
        }
    }

    fn is_queue(&self, user: &Extension) -> bool {
        let user = user.as_str();
        self.learnt.contains(user) || self.queues.iter().any(|queue| queue.matches(user))
    }

    /// A call, if nothing was heard of it before.
    fn first_heard(&mut self, about: &About, at: Millis) -> Known {
        let chain = &about.id.chain;
        let oldest = match about.step {
            _ if self.known.contains_key(chain) => return Known::default(),
            None => return Known::default(),
            Some(Step::Ended { .. }) => LONGEST,
            Some(_) => FIRST_HEARD,
        };
        let arrived = self.clock.arrived(chain, at);
        let started = match arrived {
            Arrived::At(started) if at.since(started) <= oldest => Some(started),
            _ => None,
        };
        if started.is_none() && arrived != Arrived::Unsaid && !self.warned {
            self.warned = true;
            tracing::warn!(
                call = %chain,
                "the time in the id of a call is far from now, and is not used: set `timezone` to the zone of the PBX, and \
                 look at its clock"
            );
        }
        Known::began(started)
    }
}

/// Keeps of a post what later ones are held against.
fn note(known: &mut Known, link: u32, step: &Step, at: Millis) {
    match step {
        Step::Rings(user) => known.rang(link, user),
        Step::Queued(queue) => known.queue = Some(queue.clone()),
        Step::Answered { user, .. } => known.answered(link, user, at),
        Step::Ended { user, finish, handed_over, .. } => {
            let talked = *finish == Some(Finish::Talked) && link > 0 && !known.talks_since(link);
            if let Some(user) = user.as_ref().filter(|_| talked) {
                known.answered(link, user, at);
            }
            if *handed_over {
                known.handed_over(link);
            }
        }
        Step::Elsewhere(_) => {}
    }
}

/// What one post comes to.
struct Conclusion<'a> {
    calls: &'a Calls,
    known: &'a Known,
    about: &'a About,
    at: Millis,
    reports: Vec<Report>,
}

impl<'a> Conclusion<'a> {
    fn of(calls: &'a Calls, known: &'a Known, about: &'a About, at: Millis) -> Vec<Report> {
        let mut conclusion = Self { calls, known, about, at, reports: Vec::new() };
        if let Some(step) = &about.step {
            conclusion.step(step);
        } else {
            conclusion.notes();
        }
        let files = about.files.iter().map(|file| Fact::Recorded { file: file.clone() });
        let transcript = about.transcript.iter().map(|text| Fact::Transcript { text: text.clone() });
        let summary = about.summary.iter().map(|text| Fact::Summary { text: text.clone() });
        files.chain(transcript).chain(summary).for_each(|fact| conclusion.say(fact));
        conclusion.reports
    }

    fn say(&mut self, fact: Fact) {
        self.reports.push(Report::Call(self.signal(self.at, fact)));
    }

    fn signal(&self, at: Millis, fact: Fact) -> Signal {
        Signal { chain: self.about.id.chain.clone(), at, fact }
    }

    fn notes(&mut self) {
        for (name, value) in self.about.notes.iter().filter(|(_, value)| *value != self.about.line) {
            self.say(Fact::Noted { name: name.clone(), value: value.clone() });
        }
    }

    /// The call, with what the post says of it. Ringing does not tell the direction; it is what inbound calls do (C.1).
    fn arrived(&mut self, direction: Direction, from: Option<&Extension>) {
        let about = self.about;
        self.say(Fact::Arrived(Arrival {
            direction,
            external: about.caller.clone(),
            external_name: about.caller_name.clone(),
            line: about.line.clone(),
            trunk: String::new(),
            from: from.cloned(),
            crm_call: None,
            started: self.known.started,
        }));
        self.notes();
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Rings(user) => {
                self.arrived(Direction::Inbound, None);
                self.rings(user);
            }
            Step::Queued(queue) => {
                self.arrived(Direction::Inbound, None);
                self.queued(queue);
            }
            Step::Elsewhere(place) => {
                self.arrived(Direction::Inbound, None);
                if let Some(place) = place {
                    self.say(Fact::Noted { name: "menu".to_owned(), value: place.clone() });
                }
            }
            Step::Answered { direction, user, transfer } => {
                self.arrived(*direction, self.dialler(*direction, user, *transfer));
                self.answered(*direction, user, *transfer);
            }
            Step::Ended { direction, user, handed_over, finish, side, reason } => {
                let from = user.as_ref().and_then(|user| self.dialler(*direction, user, None));
                self.arrived(*direction, from);
                if let (Some(Finish::Talked), Some(user)) = (finish, user) {
                    self.has_talked(*direction, user);
                }
                match user {
                    Some(user) if *handed_over => self.left(user),
                    None if *handed_over => {}
                    _ => self.ended(*direction, user.as_ref(), *finish, *side, *reason),
                }
            }
        }
    }

    /// Who dialled an outbound call: whoever has its first leg.
    fn dialler<'u>(
        &self,
        direction: Direction,
        user: &'u Extension,
        transfer: Option<TransferKind>,
    ) -> Option<&'u Extension> {
        let first = direction == Direction::Outbound && self.about.id.link <= 1 && transfer.is_none();
        first.then_some(user)
    }

    fn queued(&mut self, queue: &str) {
        // The queue rings its agents in rounds, and each round is posted.
        if self.known.queue.as_deref() != Some(queue) && !self.known.talks_after(self.about.id.link) {
            self.say(Fact::Queued { queue: queue.to_owned() });
        }
    }

    /// Phones ring at the link that the answer will end: one that is heard of after the answer has stopped already.
    fn rings(&mut self, user: &Extension) {
        let (known, link) = (self.known, self.about.id.link);
        let late = known.talks_after(link);
        if late && (known.has_rung(link, user) || known.has_talked(user)) {
            return;
        }
        self.say(Fact::Ringing { extension: user.clone(), role: Role::Called });
        if late {
            self.say(Fact::RingStopped { extension: user.clone(), why: RingEnd::AnsweredElsewhere, cause: None });
        }
    }

    fn answered(&mut self, direction: Direction, user: &Extension, transfer: Option<TransferKind>) {
        let (known, link) = (self.known, self.about.id.link);
        if known.is_over(link) || known.talks_after(link) {
            return self.answered_before(link, user);
        }
        if let Some(how) = transfer {
            let from = known.talker().filter(|from| *from != user).cloned();
            self.say(Fact::Transferred { how, from, to: Party::Extension(user.clone()) });
        }
        self.talks(direction, user, transfer);
    }

    /// Somebody talks to the outside party. That somebody of us takes up an outbound call again is said like the outside
    /// party's answer; the link tells them apart.
    fn talks(&mut self, direction: Direction, user: &Extension, transfer: Option<TransferKind>) {
        let by = match self.dialler(direction, user, transfer) {
            Some(_) => Party::Outside(self.about.caller.clone().unwrap_or_default()),
            None => Party::Extension(user.clone()),
        };
        self.say(Fact::Answered { by, role: Role::Called });
    }

    /// Of an answer it is heard when somebody else has the call: whoever it was has talked, and before the others.
    fn answered_before(&mut self, link: u32, user: &Extension) {
        if self.known.has_answered(link, user) {
            return;
        }
        let at = self.known.when(link, self.at);
        let answered = Fact::Answered { by: Party::Extension(user.clone()), role: Role::Called };
        for fact in [answered, Fact::Left { extension: user.clone() }] {
            self.reports.push(Report::Past(self.signal(at, fact)));
        }
    }

    /// The end of a talk whose beginning was never heard. Link 0 had none, whatever else is said: nobody answered.
    fn has_talked(&mut self, direction: Direction, user: &Extension) {
        let link = self.about.id.link;
        if link > 0 && !self.known.talks_since(link) {
            self.talks(direction, user, None);
        }
    }

    fn left(&mut self, user: &Extension) {
        if !self.known.has_it_back(self.about.id.link, user) {
            self.say(Fact::Left { extension: user.clone() });
        }
    }

    fn ended(
        &mut self,
        direction: Direction,
        user: Option<&Extension>,
        finish: Option<Finish>,
        by: Side,
        reason: Option<Reason>,
    ) {
        let mut hint = reason;
        if finish == Some(Finish::Missed) {
            let in_queue = user.is_some_and(|user| self.missed(direction, user));
            hint = hint.or(Some(match by {
                _ if in_queue => Reason::Abandoned,
                Side::External if direction == Direction::Inbound => Reason::Cancelled,
                _ => Reason::NoAnswer,
            }));
        }
        self.say(Fact::Ended { hint, cause: None, by });
    }

    /// Nobody answered in the end, and `user` had the call; says whether that is a queue.
    fn missed(&mut self, direction: Direction, user: &Extension) -> bool {
        if let Some(giver) = self.known.giver().filter(|giver| *giver != user) {
            // The target of a transfer never answered, so nobody said that there was one.
            let (how, to) = (TransferKind::Blind, Party::Extension(user.clone()));
            self.say(Fact::Transferred { how, from: Some(giver.clone()), to });
        }
        let in_queue = self.known.queue.as_deref() == Some(user.as_str()) || self.calls.is_queue(user);
        if in_queue {
            self.queued(user.as_str());
        } else if direction == Direction::Inbound {
            self.say(Fact::Target { extension: user.clone() });
        }
        in_queue
    }
}
