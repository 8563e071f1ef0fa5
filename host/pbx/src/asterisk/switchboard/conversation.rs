//! Legs that belong together: one conversation, from its first leg to the end of its last one.
//!
//! Asterisk groups legs by `Linkedid`, the `Uniqueid` of the oldest. Here a conversation keeps the name it was born with
//! while other Linkedids may join it, because the oldest leg is not always the one that matters: an inbound call that
//! is joined to an older internal one stays the inbound call.

use std::sync::Arc;

use hookswitch_call::{
    Chain, Extension, Millis, Signal,
    signal::{Arrival, Direction, Fact, Reason, Side},
};

use super::{Switchboard, channel::Id};

/// Facts kept back while it is unclear what a conversation is.
const MAX_HELD_BACK: usize = 64;

#[derive(Debug)]
pub(super) struct Conversation {
    /// The Linkedids that lead here.
    pub(super) links: Vec<Id>,
    /// Living legs.
    pub(super) members: Vec<Id>,
    pub(super) course: Course,
    pub(super) started: Millis,
    pub(super) external: Option<String>,
    pub(super) external_name: String,
    pub(super) line: String,
    pub(super) trunk: String,
    pub(super) from: Option<Extension>,
    pub(super) crm_call: Option<String>,
    /// Facts that wait until the course is known.
    held_back: Vec<(Millis, Fact)>,
    /// An action made the first leg, and the phone that it rings was not picked up yet.
    pub(super) own_leg_pending: bool,
    /// The extension that talks to the outside party, until it gives the party away or hangs up.
    pub(super) attended_by: Option<Extension>,
    /// The outside party has entered a bridge with it.
    pub(super) bridged: bool,
    /// The move to the next party was reported already.
    pub(super) handed_over: bool,
    /// Somebody answered.
    pub(super) answered: bool,
    /// A phone rang or answered.
    pub(super) rang: bool,
    /// The last extension that the dial plan looked for.
    pub(super) wanted: Option<Extension>,
    /// Whose forwards were reported, to report each once.
    pub(super) forwards: Vec<Extension>,
    /// Outside numbers dialled, to report each once.
    pub(super) dialled: Vec<String>,
    /// How the last attempt to reach somebody failed.
    pub(super) failure: Option<Reason>,
    /// The calling side hung up before an answer; whether something rang at that moment.
    pub(super) gave_up: Option<bool>,
    /// Who wanted an end last.
    pub(super) ended_by: Side,
}

/// What a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// A phone went off hook; whom it calls is not clear yet.
    Open,
    /// A feature code.
    Command,
    /// Reported.
    Known(Direction),
}

impl Conversation {
    pub(super) fn new(started: Millis, course: Course) -> Self {
        Self {
            links: Vec::new(),
            members: Vec::new(),
            course,
            started,
            external: None,
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            crm_call: None,
            held_back: Vec::new(),
            own_leg_pending: false,
            attended_by: None,
            bridged: false,
            handed_over: false,
            answered: false,
            rang: false,
            wanted: None,
            forwards: Vec::new(),
            dialled: Vec::new(),
            failure: None,
            gave_up: None,
            ended_by: Side::Unknown,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self.course, Course::Known(_))
    }

    /// Whether an outside party takes part.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.course, Course::Known(Direction::Inbound | Direction::Outbound))
    }

    /// Which of two conversations lends its name to both: the one that a CRM cares for more.
    fn weight(&self) -> u8 {
        match self.course {
            Course::Known(Direction::Inbound | Direction::Outbound) => 2,
            Course::Known(Direction::Internal) => 1,
            Course::Open | Course::Command => 0,
        }
    }

    fn arrival(&self, direction: Direction) -> Arrival {
        Arrival {
            direction,
            external: self.external.clone(),
            external_name: self.external_name.clone(),
            line: self.line.clone(),
            trunk: self.trunk.clone(),
            from: self.from.clone(),
            crm_call: self.crm_call.clone(),
            started: Some(self.started),
        }
    }
}

impl Switchboard {
    /// Reports a fact, or keeps it back while the conversation's course is open.
    pub(super) fn say(&mut self, conversation: &Id, fact: Fact) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        if known.is_known() {
            self.signals.push(Signal { chain: Chain::from(&**conversation), at: self.at, fact });
        } else if known.held_back.len() < MAX_HELD_BACK {
            known.held_back.push((self.at, fact));
        }
    }

    /// The course of the conversation is known now, or better than before.
    pub(super) fn decide(&mut self, conversation: &Id, direction: Direction) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        known.course = Course::Known(direction);
        let arrival = known.arrival(direction);
        let held_back = std::mem::take(&mut known.held_back);
        let (now, started) = (self.at, known.started);
        self.at = held_back.first().map_or(now, |(at, _)| *at).min(now).max(started);
        self.say(conversation, Fact::Arrived(arrival));
        for (at, fact) in held_back {
            self.at = at;
            self.say(conversation, fact);
        }
        self.at = now;
    }

    /// Something that belongs to the arrival became known later.
    pub(super) fn amend(&mut self, conversation: &Id, change: impl FnOnce(&mut Conversation)) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        change(known);
        if let Course::Known(direction) = known.course {
            let arrival = known.arrival(direction);
            self.say(conversation, Fact::Arrived(arrival));
        }
    }

    /// The conversation that a Linkedid leads to.
    pub(super) fn linked(&self, linkedid: &str) -> Option<&Id> {
        self.links.get(linkedid)
    }

    /// Makes `linkedid` lead to `conversation` as well.
    pub(super) fn link(&mut self, linkedid: &str, conversation: &Id) {
        let linkedid: Id = Arc::from(linkedid);
        if let Some(known) = self.conversations.get_mut(conversation) {
            known.links.push(linkedid.clone());
            self.links.insert(linkedid, conversation.clone());
        }
    }

    /// Two conversations turned out to be one. Where neither matters more, `into` lends its name.
    pub(super) fn merge(&mut self, part: &Id, into: &Id) -> Id {
        if part == into {
            return into.clone();
        }
        let weight = |id: &Id| self.conversations.get(id).map_or(0, Conversation::weight);
        let (part, into) = if weight(part) > weight(into) { (into, part) } else { (part, into) };
        let Some(merged) = self.conversations.remove(part) else { return into.clone() };
        for link in &merged.links {
            self.links.insert(link.clone(), into.clone());
        }
        for member in &merged.members {
            if let Some(channel) = self.channels.get_mut(member) {
                channel.conversation = into.clone();
            }
        }
        if let Some(known) = self.conversations.get_mut(into) {
            known.links.extend(merged.links.iter().cloned());
            known.members.extend(merged.members.iter().cloned());
            known.external = known.external.take().or(merged.external.clone());
            known.crm_call = known.crm_call.take().or(merged.crm_call.clone());
            if merged.is_known() {
                let fact = Fact::Merged { into: Chain::from(&**into) };
                self.signals.push(Signal { chain: Chain::from(&**part), at: self.at, fact });
            }
        }
        into.clone()
    }

    /// A leg is gone: if it was the last one, so is the conversation.
    pub(super) fn end_if_empty(&mut self, conversation: &Id, cause: Option<u16>) {
        let Some(known) = self.conversations.get(conversation) else { return };
        let lives = known.members.iter().filter_map(|id| self.channels.get(id)).any(|leg| leg.keeps_alive());
        if lives {
            return;
        }
        // A call that no phone rang for was still meant for somebody.
        if let (false, Some(extension)) = (known.rang, known.wanted.clone()) {
            self.say(conversation, Fact::Target { extension });
        }
        if let Some(ended) = self.forget(conversation).filter(Conversation::is_known) {
            let fact = Fact::Ended { hint: ended.reason(cause), cause, by: ended.ended_by };
            self.signals.push(Signal { chain: Chain::from(&**conversation), at: self.at, fact });
        }
    }

    /// Forgets the conversation and all that lead to it.
    pub(super) fn forget(&mut self, conversation: &Id) -> Option<Conversation> {
        let ended = self.conversations.remove(conversation)?;
        for link in &ended.links {
            self.links.remove(link);
        }
        for member in &ended.members {
            self.channels.remove(member);
        }
        Some(ended)
    }

    /// Whether `extension` has an outside party waiting on hold, in another conversation than `except`.
    pub(super) fn has_on_hold(&self, extension: &Extension, except: &Id) -> bool {
        self.channels.values().any(|leg| {
            leg.phone() == Some(extension)
                && leg.held
                && leg.conversation != *except
                && self.conversations.get(&leg.conversation).is_some_and(|other| other.is_outside() && other.answered)
        })
    }
}

impl Conversation {
    /// Why nobody answered, as far as the messages show it.
    fn reason(&self, cause: Option<u16>) -> Option<Reason> {
        if self.own_leg_pending {
            return Some(Reason::AgentNoAnswer);
        }
        let outbound = self.course == Course::Known(Direction::Outbound);
        match (self.gave_up, self.failure) {
            // Giving up on a number that rings is, seen from the business, an outside party that did not answer.
            (_, Some(failure)) if outbound => Some(failure),
            (Some(_), None) if outbound => {
                Some(if self.dialled.is_empty() { Reason::Cancelled } else { Reason::NoAnswer })
            }
            (Some(true), _) | (Some(false), None) => Some(Reason::Cancelled),
            (_, Some(failure)) => Some(failure),
            (None, None) => failure_of_cause(cause, outbound),
        }
    }
}

/// What a Q.850 cause says about an attempt that failed, if it says anything.
pub(super) fn failure_of_cause(cause: Option<u16>, outside: bool) -> Option<Reason> {
    match cause? {
        17 | 21 => Some(Reason::Busy),
        18 | 19 => Some(Reason::NoAnswer),
        3 | 20 if !outside => Some(Reason::Unreachable),
        1..=3 | 20 | 22 | 25 | 27..=29 | 34 | 38..=111 => Some(Reason::Failed),
        _ => None,
    }
}
