//! One call while its events come in.

use std::collections::{HashMap, HashSet};

use hookswitch_call::{
    Call, Extension, Millis,
    record::AgentState,
    signal::{Arrival, Direction, Fact, Party, Role, TransferKind},
};

use super::{
    Roster,
    posted::{End, Posted, State},
    uri,
};

/// Events of one call that are remembered, so that the same is not believed twice.
const REMEMBERED: usize = 256;

/// What is known of a call, and what of it was reported.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) direction: Direction,
    /// The public number of an inbound call.
    line: Option<String>,
    pub(super) from: Option<Extension>,
    /// When it began, if that was heard.
    pub(super) began: Option<Millis>,
    /// It was ordered: the agent's own phone rings first.
    pub(super) ordered: bool,
    /// When it was over, once that was heard.
    pub(super) end: Option<Millis>,
    pub(super) recorded: bool,
    pub(super) reason: String,
    pub(super) told: Told,
    present: HashMap<Extension, Stage>,
    heard: HashSet<(State, String, End)>,
}

/// What was reported of a call. Of what can happen again: how often.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) rang: HashMap<Extension, u32>,
    pub(super) answered: HashMap<Extension, u32>,
    pub(super) left: HashMap<Extension, u32>,
    pub(super) queued: HashSet<String>,
    pub(super) dialled: bool,
    /// Somebody outside answered.
    pub(super) outside: bool,
    /// Who talked last to the caller.
    talker: Option<Extension>,
}

impl Told {
    /// Whether anybody is known to have talked to the other side.
    pub(super) fn anybody(&self) -> bool {
        self.outside || self.talker.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Rings,
    Talks,
}

/// Who stands at an end of a call.
pub(super) enum Who {
    Extension(Extension),
    Group(String),
    Outside(String),
}

impl Session {
    /// A call of which nothing is known yet.
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            direction,
            line: None,
            from: None,
            began: None,
            ordered: false,
            end: None,
            recorded: false,
            reason: String::new(),
            told: Told::default(),
            present: HashMap::new(),
            heard: HashSet::new(),
        }
    }

    /// A call that went on when the host stopped.
    pub(super) fn known(call: &Call) -> Self {
        let mut session = Self::new(call.direction);
        session.from.clone_from(&call.from);
        session.line = Some(call.line.clone()).filter(|line| !line.is_empty());
        let told = &mut session.told;
        told.queued.extend(call.queues.iter().cloned());
        told.outside = call.direction == Direction::Outbound && call.answered.is_some();
        for agent in &call.agents {
            let extension = &agent.extension;
            let (talked, own) = (agent.first_talk.is_some(), agent.role == Role::Own);
            let dials = call.from.as_ref() == Some(extension) && call.direction == Direction::Outbound;
            told.dialled |= dials && !own;
            told.rang.insert(extension.clone(), u32::from(!dials || own));
            // An agent's own phone is up as soon as the number is dialled.
            told.answered.insert(extension.clone(), u32::from(talked || (own && agent.state == AgentState::Dialing)));
            told.left.insert(extension.clone(), u32::from(!agent.is_present()));
            if agent.is_present() {
                let stage = if agent.is_in_conversation() { Stage::Talks } else { Stage::Rings };
                session.present.insert(extension.clone(), stage);
            }
        }
        let talkers = call.agents.iter().filter(|agent| agent.first_talk.is_some());
        told.talker = talkers.max_by_key(|agent| agent.first_talk).map(|agent| agent.extension.clone());
        session
    }

    /// Takes in an event; what it says that was not said before.
    pub(super) fn hear(&mut self, posted: &Posted, roster: &Roster) -> Vec<Fact> {
        let key = (posted.state.clone(), posted.stamp.clone(), posted.to.clone());
        // There is no number and no time in a signature: what was heard once can be sent again by anybody who saw it.
        if self.heard.contains(&key) {
            return Vec::new();
        }
        if self.heard.len() < REMEMBERED {
            self.heard.insert(key);
        }
        let mut facts = Vec::new();
        if self.heard.len() <= 1 || posted.state == State::New {
            facts.push(Fact::Arrived(self.arrive(posted, roster)));
        }
        if posted.state == State::New {
            self.began.get_or_insert(posted.at);
        }
        self.recorded |= posted.recorded;
        if !posted.reason.is_empty() {
            self.reason.clone_from(&posted.reason);
        }
        let to = self.called(posted, roster);
        match (&posted.state, to) {
            (State::New | State::Other(_), _) => {}
            (State::End, _) => {
                self.end.get_or_insert(posted.at);
            }
            (State::Calling, Some(Who::Group(queue))) => facts.extend(self.queue(queue)),
            (State::Calling, Some(Who::Extension(extension))) => facts.extend(self.ring(extension)),
            (State::Calling, Some(Who::Outside(number))) => facts.extend(self.dial(number)),
            (State::Connected, Some(Who::Extension(extension))) => facts.extend(self.connect(extension)),
            (State::Connected, Some(Who::Outside(number))) => facts.extend(self.connect_outside(number)),
            (State::Disconnected, Some(Who::Extension(extension))) => facts.extend(self.leave(extension)),
            // A group answers nothing: its members do. Of an end that has no name the record tells more.
            (State::Calling | State::Connected | State::Disconnected, _) => {}
        }
        facts
    }

    fn arrive(&mut self, posted: &Posted, roster: &Roster) -> Arrival {
        self.direction = posted.direction;
        let inside = || match who(&posted.from, roster) {
            Some(Who::Extension(extension)) => Some(extension),
            _ => None,
        };
        let (from, external, line) = match posted.direction {
            Direction::Inbound => (None, posted.from.user.clone(), posted.to.user.clone()),
            // What an agent shows to the other side may be the public number.
            Direction::Outbound => {
                (inside(), posted.to.user.clone(), posted.from.user.clone().filter(|user| uri::is_outside(user)))
            }
            Direction::Internal => (inside(), None, None),
        };
        if self.from.is_none() {
            self.from.clone_from(&from);
        }
        self.line.clone_from(&line);
        Arrival {
            direction: posted.direction,
            external,
            external_name: String::new(),
            line: line.unwrap_or_default(),
            trunk: String::new(),
            from,
            crm_call: None,
            started: None,
        }
    }

    /// Who is called, as far as the event names somebody.
    fn called(&self, posted: &Posted, roster: &Roster) -> Option<Who> {
        match (who(&posted.to, roster), posted.direction) {
            // Still the public number: nobody is named. Who answers is then said by the record.
            (Some(Who::Outside(_)), Direction::Inbound) if posted.to.user == self.line => None,
            (who @ Some(Who::Extension(_) | Who::Group(_)), _) => who,
            (_, Direction::Outbound) => posted.to.user.clone().map(Who::Outside),
            (who, _) => who,
        }
    }

    fn queue(&mut self, queue: String) -> Option<Fact> {
        self.told.queued.insert(queue.clone()).then_some(Fact::Queued { queue })
    }

    /// Whether this is the agent whose own phone rings before the number is dialled.
    fn is_own(&self, extension: &Extension) -> bool {
        self.direction == Direction::Outbound && self.from.as_ref().is_none_or(|from| from == extension)
    }

    fn ring(&mut self, extension: Extension) -> Option<Fact> {
        if self.present.contains_key(&extension) {
            return None;
        }
        let role = if self.is_own(&extension) { Role::Own } else { Role::Called };
        self.present.insert(extension.clone(), Stage::Rings);
        *self.told.rang.entry(extension.clone()).or_default() += 1;
        Some(Fact::Ringing { extension, role })
    }

    fn dial(&mut self, number: String) -> Option<Fact> {
        let extension = self.from.clone().filter(|_| !self.told.dialled)?;
        self.told.dialled = true;
        Some(Fact::Dialing { extension, number })
    }

    fn connect(&mut self, extension: Extension) -> Vec<Fact> {
        if self.present.insert(extension.clone(), Stage::Talks) == Some(Stage::Talks) {
            return Vec::new();
        }
        *self.told.answered.entry(extension.clone()).or_default() += 1;
        if self.is_own(&extension) && !self.told.outside {
            self.from = Some(extension.clone());
            return vec![Fact::Answered { by: Party::Extension(extension), role: Role::Own }];
        }
        let mut facts = Vec::new();
        if let Some(before) = self.told.talker.replace(extension.clone()).filter(|before| *before != extension) {
            let still = self.present.contains_key(&before);
            self.present.remove(&before);
            facts.push(transfer(before, &extension, still));
        }
        facts.push(Fact::Answered { by: Party::Extension(extension), role: Role::Called });
        facts
    }

    fn connect_outside(&mut self, number: String) -> Option<Fact> {
        if std::mem::replace(&mut self.told.outside, true) {
            return None;
        }
        if let Some(from) = self.from.clone().filter(|_| self.direction == Direction::Outbound) {
            self.present.insert(from.clone(), Stage::Talks);
            self.told.talker = Some(from);
        }
        Some(Fact::Answered { by: Party::Outside(number), role: Role::Called })
    }

    fn leave(&mut self, extension: Extension) -> Option<Fact> {
        self.present.remove(&extension)?;
        *self.told.left.entry(extension.clone()).or_default() += 1;
        Some(Fact::Left { extension })
    }
}

/// The call goes from one to the next who talks. Section 6: a second connection with somebody else, before or after the
/// first is released.
pub(super) fn transfer(from: Extension, to: &Extension, still_talks: bool) -> Fact {
    let how = if still_talks { TransferKind::Attended } else { TransferKind::Blind };
    Fact::Transferred { how, from: Some(from), to: Party::Extension(to.clone()) }
}

/// Who stands at this end of a call; none if nobody is named, or somebody unknown.
fn who(end: &End, roster: &Roster) -> Option<Who> {
    if let Some(pin) = &end.pin {
        let group = roster.group(pin.as_str()).map(|name| Who::Group(name.to_owned()));
        return Some(group.unwrap_or_else(|| Who::Extension(pin.clone())));
    }
    let user = end.user.as_deref()?;
    if let Some(extension) = roster.extension(user) {
        return Some(Who::Extension(extension));
    }
    if let Some(group) = roster.group(user) {
        return Some(Who::Group(group.to_owned()));
    }
    match user {
        user if uri::is_outside(user) => Some(Who::Outside(user.to_owned())),
        user if uri::is_number(user) => Some(Who::Extension(user.into())),
        _ => None,
    }
}
