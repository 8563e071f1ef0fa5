//! How a call went, when it is over: what its record says and was not reported while it went on.

use std::collections::HashMap;

use hookswitch_call::{
    Chain, Extension, Millis,
    signal::{Arrival, Direction, Fact, Party, Reason, Role, Side},
};

use super::{
    Record, Roster, Step, What,
    session::{Session, Told, Who, transfer},
    uri,
};

/// Our clock and that of the record are believed to differ if they are so far apart, in milliseconds.
const SKEW: u64 = 60_000;

/// What a record adds to what was told of its call, in the order in which it happened, and the end.
pub(super) fn by_record(session: &Session, record: &Record, roster: &Roster) -> Vec<(Millis, Fact)> {
    let direction = record.direction.unwrap_or(session.direction);
    let from = match direction {
        Direction::Inbound => None,
        Direction::Outbound | Direction::Internal => record.caller_pin.clone().or_else(|| session.from.clone()),
    };
    let mut closing = Closing {
        session,
        record,
        roster,
        direction,
        from,
        seen: Told::default(),
        talker: None,
        anybody: session.told.anybody(),
        rang: !session.told.rang.is_empty() || session.told.dialled,
        facts: Vec::new(),
        at: Millis(0),
    };
    closing.tell();
    closing.facts
}

/// The end of a call whose record cannot be had.
pub(super) fn without_record(session: &Session, call: &Chain, at: Millis) -> Vec<(Millis, Fact)> {
    let own = session.ordered && !session.told.anybody() && session.told.answered.is_empty();
    let hint = own.then_some(Reason::AgentNoAnswer);
    let recording = (session.recorded && session.told.anybody()).then(|| recording(call));
    let facts = noted("disconnect-reason", &session.reason).into_iter().chain([ended(hint)]).chain(recording);
    facts.map(|fact| (at, fact)).collect()
}

struct Closing<'a> {
    session: &'a Session,
    record: &'a Record,
    roster: &'a Roster,
    direction: Direction,
    from: Option<Extension>,
    /// What the log has said so far, to be held against what was told.
    seen: Told,
    talker: Option<(Extension, bool)>,
    anybody: bool,
    rang: bool,
    facts: Vec<(Millis, Fact)>,
    at: Millis,
}

impl Closing<'_> {
    fn tell(&mut self) {
        let record = self.record;
        let began = self.session.began.or(record.started).or(self.session.end).unwrap_or_default();
        // The moments of a record are no better than the clock of the PBX: what was heard by ours outweighs them.
        let started = record.started.filter(|started| started.0.abs_diff(began.0) <= SKEW).unwrap_or(began);
        self.at = started;
        let arrival = self.arrival(record.started.map(|_| started));
        self.say(Fact::Arrived(arrival));
        let last = record.log.steps.iter().rposition(|step| step.what != What::Disconnected).unwrap_or(0);
        for (number, step) in record.log.steps.iter().enumerate() {
            self.at = Millis(started.0 + u64::from(step.after) * 1000);
            // Whoever is released last is released by the end.
            if step.what != What::Disconnected || number < last {
                self.step(step);
            }
        }
        if record.accepted == Some(true) && !record.voicemail && !self.anybody {
            // Somebody did, and the log does not say when.
            self.at = started;
            self.answered_by_somebody();
        }
        let length = record.ended().zip(record.started).map_or(0, |(ended, started)| ended.since(started));
        self.at = self.session.end.unwrap_or(Millis(started.0.saturating_add(length)));
        self.finish();
    }

    fn say(&mut self, fact: Fact) {
        self.facts.push((self.at, fact));
    }

    fn arrival(&self, started: Option<Millis>) -> Arrival {
        let record = self.record;
        let (external, line) = match self.direction {
            Direction::Inbound => (record.caller.clone(), record.called.clone()),
            Direction::Outbound => (record.called.clone(), None),
            Direction::Internal => (None, None),
        };
        Arrival {
            direction: self.direction,
            external,
            external_name: String::new(),
            line: line.unwrap_or_default(),
            trunk: String::new(),
            from: self.from.clone(),
            crm_call: None,
            started,
        }
    }

    fn step(&mut self, step: &Step) {
        match (step.what, self.who(&step.subject)) {
            (What::Menu, _) => self.facts.extend(noted("menu", &step.subject).map(|note| (self.at, note))),
            (What::Queued, Some(Who::Group(queue))) => self.queue(queue),
            (What::Queued, _) => self.queue(step.subject.clone()),
            (What::Routed, Some(Who::Group(queue))) => self.queue(queue),
            (What::Routed, Some(Who::Extension(extension))) if self.direction == Direction::Inbound => {
                self.say(Fact::Target { extension });
            }
            (What::Ringing, Some(Who::Extension(extension))) => self.ring(extension),
            (What::Ringing, Some(Who::Outside(number))) => self.dial(number),
            (What::Connected, Some(Who::Extension(extension))) => self.connect(extension),
            (What::Connected, Some(Who::Outside(number))) => self.connect_outside(number),
            (What::Disconnected, Some(Who::Extension(extension))) => self.leave(extension),
            _ => {}
        }
    }

    /// Who is meant by a subject of the log: a number, or the name of a user or group.
    fn who(&self, subject: &str) -> Option<Who> {
        let record = self.record;
        if subject.is_empty() {
            return None;
        }
        if let Some(extension) = self.roster.extension(subject) {
            return Some(Who::Extension(extension));
        }
        if let Some(group) = self.roster.group(subject) {
            return Some(Who::Group(group.to_owned()));
        }
        let outside = match self.direction {
            Direction::Outbound => record.called.as_deref(),
            Direction::Inbound | Direction::Internal => record.caller.as_deref(),
        };
        if self.direction != Direction::Internal && outside.is_some_and(|outside| same(outside, subject)) {
            return Some(Who::Outside(subject.to_owned()));
        }
        if uri::is_outside(subject) {
            return Some(Who::Outside(subject.to_owned()));
        }
        // The first who is connected is the one who answered first.
        let answerer = record.answerer_pin.clone().filter(|_| record.log.first_connected() == Some(subject));
        Some(Who::Extension(answerer.unwrap_or_else(|| subject.into())))
    }

    fn queue(&mut self, queue: String) {
        if !queue.is_empty() && !self.session.told.queued.contains(&queue) && self.seen.queued.insert(queue.clone()) {
            self.say(Fact::Queued { queue });
        }
    }

    /// The agent whose own phone rang before the number was dialled.
    fn is_own(&self, extension: &Extension) -> bool {
        self.direction == Direction::Outbound && self.from.as_ref() == Some(extension) && !self.seen.outside
    }

    fn ring(&mut self, extension: Extension) {
        self.rang = true;
        let own = self.is_own(&extension);
        if !again(&mut self.seen.rang, &extension, &self.session.told.rang) {
            self.say(Fact::Ringing { extension, role: if own { Role::Own } else { Role::Called } });
        }
    }

    fn dial(&mut self, number: String) {
        self.rang = true;
        let from = self.from.clone().filter(|_| self.direction == Direction::Outbound);
        if let (Some(extension), false, false) = (from, self.session.told.dialled, self.seen.dialled) {
            self.seen.dialled = true;
            self.say(Fact::Dialing { extension, number });
        }
    }

    fn connect(&mut self, extension: Extension) {
        let told = again(&mut self.seen.answered, &extension, &self.session.told.answered);
        // A mailbox is no person, whatever the log calls it.
        if self.record.accepted == Some(false) || (self.record.voicemail && !told) {
            return;
        }
        if self.is_own(&extension) {
            if !told {
                self.say(Fact::Answered { by: Party::Extension(extension), role: Role::Own });
            }
            return;
        }
        self.anybody = true;
        let before = self.talker.replace((extension.clone(), true)).filter(|(before, _)| *before != extension);
        if told {
            return;
        }
        if let Some((before, still)) = before {
            self.say(transfer(before, &extension, still));
        }
        self.say(Fact::Answered { by: Party::Extension(extension), role: Role::Called });
    }

    fn connect_outside(&mut self, number: String) {
        // The caller of an inbound call is connected all the time.
        let is_caller = self.direction == Direction::Inbound
            && self.record.caller.as_deref().is_some_and(|caller| same(caller, &number));
        if is_caller || self.record.accepted == Some(false) || std::mem::replace(&mut self.seen.outside, true) {
            return;
        }
        self.anybody = true;
        if let Some(from) = self.from.clone() {
            self.talker = Some((from, true));
        }
        if !self.session.told.outside {
            self.say(Fact::Answered { by: Party::Outside(number), role: Role::Called });
        }
    }

    fn leave(&mut self, extension: Extension) {
        if let Some((talker, here)) = &mut self.talker
            && *talker == extension
        {
            *here = false;
        }
        if !again(&mut self.seen.left, &extension, &self.session.told.left) {
            self.say(Fact::Left { extension });
        }
    }

    fn answered_by_somebody(&mut self) {
        let record = self.record;
        let user = record.answerer.as_deref();
        let extension = || record.answerer_pin.clone().or_else(|| self.roster.extension(user?));
        let outside = || user.filter(|user| uri::is_outside(user)).map(str::to_owned);
        let by = match self.direction {
            Direction::Outbound => record.called.clone().map(Party::Outside),
            Direction::Inbound | Direction::Internal => {
                extension().map(Party::Extension).or_else(|| outside().map(Party::Outside))
            }
        };
        if let Some(by) = by {
            self.anybody = true;
            self.say(Fact::Answered { by, role: Role::Called });
        }
    }

    fn finish(&mut self) {
        let record = self.record;
        if record.voicemail {
            let mailbox = record.answerer_pin.as_ref().map(ToString::to_string).or_else(|| record.answerer.clone());
            self.say(Fact::Voicemail { mailbox: mailbox.unwrap_or_default() });
        }
        let notes = [
            ("session-log", record.log_text.as_str()),
            ("status", record.status.as_str()),
            ("disconnect-reason", self.session.reason.as_str()),
            ("fax", if record.fax { "true" } else { "" }),
        ];
        let extras = record.extras.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let notes: Vec<_> = notes.into_iter().chain(extras).filter_map(|(name, value)| noted(name, value)).collect();
        notes.into_iter().for_each(|note| self.say(note));
        let reason = self.reason();
        self.say(ended(reason));
        if (self.session.recorded || record.recorded) && (self.anybody || record.voicemail) {
            self.say(recording(&record.call));
        }
    }

    /// Why nobody was reached.
    fn reason(&self) -> Option<Reason> {
        if self.anybody {
            return None;
        }
        let ordered = self.session.ordered || self.record.callback;
        let picked_up = !self.seen.answered.is_empty() || !self.session.told.answered.is_empty();
        if ordered && self.direction == Direction::Outbound && !picked_up {
            return Some(Reason::AgentNoAnswer);
        }
        // Words of the PBX that nobody here can read say more than that it rang.
        let rang = (self.rang && self.record.status.is_empty()).then_some(Reason::NoAnswer);
        self.record.reason().or(rang)
    }
}

/// Counts one more of `extension`; whether that many were told.
fn again(seen: &mut HashMap<Extension, u32>, extension: &Extension, told: &HashMap<Extension, u32>) -> bool {
    let count = seen.entry(extension.clone()).or_default();
    *count += 1;
    told.get(extension).is_some_and(|told| *told >= *count)
}

/// Whether two spellings are of one number.
fn same(one: &str, other: &str) -> bool {
    one.trim_start_matches('+') == other.trim_start_matches('+')
}

fn noted(name: &str, value: &str) -> Option<Fact> {
    (!value.is_empty()).then(|| Fact::Noted { name: name.to_owned(), value: value.to_owned() })
}

fn ended(hint: Option<Reason>) -> Fact {
    Fact::Ended { hint, cause: None, by: Side::Unknown }
}

/// A recording is had by the id of its call: links to it can be used once, and only from here (section 7).
fn recording(call: &Chain) -> Fact {
    Fact::Recorded { file: call.to_string() }
}
