//! One signal's effect on one call.

use crate::{
    Call, Chain, Event, Extension, Millis, PbxName,
    event::{Confidence, What},
    record::{Agent, AgentState, State},
    signal::{Arrival, Direction, Fact, Party, QueueExit, RingEnd, Role, TransferKind},
};

/// Recordings, and extras, of one call: what is more is left out.
const MOST_KEPT: usize = 64;

/// A call while one signal is applied to it, and the events that follow.
pub(super) struct Step<'a> {
    pub(super) call: &'a mut Call,
    pub(super) at: Millis,
    derive_ring_ends: bool,
    events: Vec<Event>,
}

impl Call {
    /// The call that `fact`, the first thing heard of `chain`, implies.
    pub(super) fn implied(pbx: &PbxName, chain: &Chain, fact: &Fact, at: Millis) -> Self {
        let direction = match fact {
            Fact::Arrived(arrival) => arrival.direction,
            Fact::Dialing { .. } => Direction::Outbound,
            _ => Direction::Inbound,
        };
        Self {
            pbx: pbx.clone(),
            chain: chain.clone(),
            direction,
            state: State::New,
            external: None,
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            target: None,
            crm_call: None,
            queues: Vec::new(),
            path: Vec::new(),
            agents: Vec::new(),
            leg: 0,
            transfer: None,
            awaiting_target: false,
            voicemail: false,
            in_queue: false,
            abandoned: false,
            recordings: Vec::new(),
            extra: Vec::new(),
            transcript: None,
            summary: None,
            started: at,
            changed: at,
            answered: None,
            ended: None,
            merged_into: None,
            seq: 0,
        }
    }
}

impl<'a> Step<'a> {
    pub(super) fn new(call: &'a mut Call, at: Millis, derive_ring_ends: bool) -> Self {
        Self { call, at, derive_ring_ends, events: Vec::new() }
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }

    pub(super) fn say(&mut self, what: What) {
        self.emit(what, Confidence::Reported);
    }

    pub(super) fn conclude(&mut self, what: What) {
        self.emit(what, Confidence::Derived);
    }

    fn emit(&mut self, what: What, confidence: Confidence) {
        self.call.seq += 1;
        self.call.changed = self.call.changed.max(self.at);
        self.events.push(Event {
            pbx: self.call.pbx.clone(),
            chain: self.call.chain.clone(),
            seq: self.call.seq,
            leg: self.call.leg,
            at: self.at,
            confidence,
            what,
        });
    }

    /// Applies one fact.
    pub(super) fn take(&mut self, fact: Fact) {
        let Some(fact) = self.keep(fact) else { return };
        if !self.call.is_open() {
            let given_up = self.call.ended.as_ref().is_some_and(|end| end.given_up);
            if let (true, Fact::Ended { hint, cause, by }) = (given_up, fact) {
                self.correct(hint, cause, by);
            }
            return;
        }
        if self.call.seq == 0 && !matches!(fact, Fact::Arrived(_)) {
            let direction = self.call.direction;
            self.conclude(What::New { direction });
        }
        match fact {
            Fact::Arrived(arrival) => self.arrived(arrival),
            Fact::Queued { queue } => self.queued(queue),
            Fact::LeftQueue { queue, exit } => self.left_queue(queue, exit),
            Fact::Dialing { extension, number } => self.dialing(extension, number),
            Fact::Ringing { extension, role } => self.ringing(extension, role),
            Fact::RingStopped { extension, why, cause } => {
                self.ring_stopped(&extension, why, cause, Confidence::Reported)
            }
            Fact::Answered { by: Party::Extension(extension), role } => self.answered(extension, role),
            Fact::Answered { by: Party::Outside(number), .. } => self.answered_outside(number),
            Fact::Held { extension } => self.held(extension),
            Fact::Resumed { extension } => self.resumed(extension),
            Fact::Transferred { how, from, to } => self.transferred(how, from, to),
            Fact::Forwarded { from, to } => self.forwarded(from, to),
            Fact::PickedUp { from, by } => self.picked_up(from, by),
            Fact::Parked { extension, space } => self.say(What::Parked { extension, space }),
            Fact::Unparked { extension } => self.unparked(extension),
            Fact::Present { extensions } => self.present(&extensions),
            Fact::Voicemail { mailbox } => self.voicemail(mailbox),
            Fact::Target { extension } => {
                self.call.target.get_or_insert(extension);
            }
            Fact::Left { extension } => self.left(&extension),
            Fact::Ended { hint, cause, by } => self.ended(hint, cause, by),
            Fact::Digits { digits } => self.say(What::Digits { digits }),
            Fact::Recording { .. }
            | Fact::Recorded { .. }
            | Fact::Transcript { .. }
            | Fact::Summary { .. }
            | Fact::Noted { .. }
            | Fact::Merged { .. } => {}
        }
    }

    /// Takes in what may be told of a call that is over; the fact, if it is something else.
    fn keep(&mut self, fact: Fact) -> Option<Fact> {
        match fact {
            Fact::Recording { state, file } => {
                if let Some(file) = file.iter().find(|file| !self.call.recordings.contains(file)).cloned() {
                    self.call.recordings.push(file);
                }
                self.say(What::Recording { state, file });
            }
            Fact::Recorded { file } => {
                if !self.call.recordings.contains(&file) && self.call.recordings.len() < MOST_KEPT {
                    self.call.recordings.push(file.clone());
                    self.say(What::Recorded { file });
                }
            }
            Fact::Transcript { text } => {
                if self.call.transcript.as_ref() != Some(&text) {
                    self.call.transcript = Some(text.clone());
                    self.say(What::Transcript { text });
                }
            }
            Fact::Summary { text } => {
                if self.call.summary.as_ref() != Some(&text) {
                    self.call.summary = Some(text.clone());
                    self.say(What::Summary { text });
                }
            }
            Fact::Noted { name, value } => self.noted(name, value),
            other => return Some(other),
        }
        None
    }

    /// The caller's way; a place that is told twice in a row is one.
    fn went_to(&mut self, place: String) -> bool {
        let path = &mut self.call.path;
        let moved = path.len() < MOST_KEPT && path.last() != Some(&place);
        if moved {
            path.push(place);
        }
        moved
    }

    fn noted(&mut self, name: String, value: String) {
        let moved = name == "menu" && self.went_to(format!("menu {value}"));
        let extra = &mut self.call.extra;
        let full = extra.len() >= MOST_KEPT;
        match extra.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if *known == value && !moved => return,
            Some((_, known)) => known.clone_from(&value),
            None if full => return,
            None => extra.push((name.clone(), value.clone())),
        }
        self.say(What::Noted { name, value });
    }

    fn arrived(&mut self, arrival: Arrival) {
        let first = self.call.seq == 0;
        let was = self.call.direction;
        let call = &mut *self.call;
        // What began between extensions can turn out to involve an outside party; the opposite cannot happen.
        if first || was == Direction::Internal {
            call.direction = arrival.direction;
        }
        fill(&mut call.external, arrival.external);
        fill(&mut call.from, arrival.from);
        fill(&mut call.crm_call, arrival.crm_call);
        fill_text(&mut call.external_name, arrival.external_name);
        fill_text(&mut call.line, arrival.line);
        fill_text(&mut call.trunk, arrival.trunk);
        if let Some(started) = arrival.started {
            call.started = call.started.min(started);
        }
        let direction = call.direction;
        if first || direction != was {
            self.say(What::New { direction });
        }
    }

    fn queued(&mut self, queue: String) {
        (self.call.in_queue, self.call.abandoned) = (true, false);
        self.call.queues.push(queue.clone());
        self.went_to(format!("queue {queue}"));
        self.say(What::Queued { queue });
    }

    fn left_queue(&mut self, queue: String, exit: QueueExit) {
        if !self.call.in_queue && self.call.queue() == Some(&queue) {
            return;
        }
        (self.call.in_queue, self.call.abandoned) = (false, exit == QueueExit::Abandoned);
        self.say(What::LeftQueue { queue, exit });
    }

    /// The caller waits no longer, for a reason that the PBX may tell of no queue.
    pub(super) fn waits_no_longer(&mut self, exit: QueueExit) {
        if let (true, Some(queue)) = (self.call.in_queue, self.call.queue().map(str::to_owned)) {
            (self.call.in_queue, self.call.abandoned) = (false, exit == QueueExit::Abandoned);
            self.conclude(What::LeftQueue { queue, exit });
        }
    }

    fn dialing(&mut self, extension: Extension, number: String) {
        self.call.from.get_or_insert_with(|| extension.clone());
        // What is dialled in the end is surer than what was announced before.
        if self.call.external.is_none() || (self.call.direction == Direction::Outbound && self.call.answered.is_none())
        {
            self.call.external = Some(number.clone());
        }
        let agent = self.agent(&extension, Role::Called);
        if matches!(agent.state, AgentState::Ringing | AgentState::Missed) {
            agent.state = AgentState::Dialing;
        }
        self.settle();
        self.say(What::Dialing { extension, number });
    }

    fn ringing(&mut self, extension: Extension, role: Role) {
        let known = self.call.agent(&extension).map(|agent| agent.state);
        if matches!(known, Some(AgentState::Ringing | AgentState::Talking | AgentState::Held)) {
            return;
        }
        let agent = self.agent(&extension, role);
        agent.state = AgentState::Ringing;
        agent.role = role;
        self.settle();
        self.say(What::Ringing { extension, role });
    }

    fn ring_stopped(&mut self, extension: &Extension, why: RingEnd, cause: Option<u16>, confidence: Confidence) {
        let Some(agent) = self.call.agents.iter_mut().find(|agent| agent.extension == *extension) else { return };
        if agent.state != AgentState::Ringing {
            return;
        }
        agent.state = if agent.first_talk.is_some() { AgentState::Left } else { AgentState::Missed };
        let role = agent.role;
        self.settle();
        self.emit(What::RingStopped { extension: extension.clone(), why, cause, role }, confidence);
    }

    fn answered(&mut self, extension: Extension, role: Role) {
        let at = self.at;
        if matches!(self.call.agent(&extension), Some(agent) if agent.first_talk.is_some() && agent.is_in_conversation())
        {
            return;
        }
        // Click-to-call and consultations: the phone is up, but the outside party is not in this conversation. A
        // consultation that is a call of its own is answered like any internal call.
        if role == Role::Own || (role == Role::Consult && self.call.direction != Direction::Internal) {
            let agent = self.agent(&extension, role);
            let news = agent.talking_since.is_none() && agent.state != AgentState::Dialing;
            agent.role = role;
            agent.state = if role == Role::Own { AgentState::Dialing } else { AgentState::Talking };
            agent.talking_since = (role == Role::Consult).then_some(at);
            self.settle();
            if news {
                self.say(What::Answered { by: Party::Extension(extension), role });
            }
            return;
        }
        self.waits_no_longer(QueueExit::Answered);
        self.connect(&extension);
        self.agent(&extension, role).role = role;
        self.settle();
        self.say(What::Answered { by: Party::Extension(extension.clone()), role });
        // An answered caller cannot be answered again: the other phones stop, even if the PBX never says so.
        if !self.derive_ring_ends {
            return;
        }
        let others: Vec<_> = self
            .call
            .agents
            .iter()
            .filter(|agent| {
                agent.state == AgentState::Ringing && agent.role == Role::Called && agent.extension != extension
            })
            .map(|agent| agent.extension.clone())
            .collect();
        for other in others {
            self.ring_stopped(&other, RingEnd::AnsweredElsewhere, None, Confidence::Derived);
        }
    }

    /// `extension` talks to the outside party from now on.
    fn connect(&mut self, extension: &Extension) {
        let at = self.at;
        let talked = self.call.agent(extension).is_some_and(|agent| agent.first_talk.is_some());
        if self.call.leg == 0 || !talked || self.call.awaiting_target {
            self.call.leg += 1;
        }
        self.call.awaiting_target = false;
        self.call.answered.get_or_insert(at);
        let agent = self.agent(extension, Role::Called);
        agent.role = Role::Called;
        agent.state = AgentState::Talking;
        agent.first_talk.get_or_insert(at);
        agent.talking_since.get_or_insert(at);
    }

    fn answered_outside(&mut self, number: String) {
        let first = self.call.answered.is_none();
        if !first && !self.call.awaiting_target {
            return;
        }
        self.call.awaiting_target = false;
        self.call.answered.get_or_insert(self.at);
        self.call.leg += 1;
        if let (true, Direction::Outbound, Some(from)) = (first, self.call.direction, self.call.from.clone()) {
            let at = self.at;
            let agent = self.agent(&from, Role::Called);
            agent.role = Role::Called;
            agent.state = AgentState::Talking;
            agent.first_talk = Some(at);
            agent.talking_since = Some(at);
        }
        self.settle();
        self.say(What::Answered { by: Party::Outside(number), role: Role::Called });
    }

    fn held(&mut self, extension: Extension) {
        if self.change(&extension, AgentState::Talking, AgentState::Held) {
            self.say(What::Held { extension });
        }
    }

    fn resumed(&mut self, extension: Extension) {
        if self.change(&extension, AgentState::Held, AgentState::Talking) {
            self.say(What::Resumed { extension });
        }
    }

    fn change(&mut self, extension: &Extension, from: AgentState, to: AgentState) -> bool {
        let agent = self.call.agents.iter_mut().find(|agent| agent.extension == *extension && agent.state == from);
        let changed = agent.map(|agent| agent.state = to).is_some();
        self.settle();
        changed
    }

    fn transferred(&mut self, how: TransferKind, from: Option<Extension>, to: Party) {
        let Party::Extension(target) = &to else { return self.hand_over(how, from, to) };
        // Whoever talks to the outside party already cannot get the call.
        let agent = self.call.agent(target);
        let has_it = agent.is_some_and(|agent| agent.role == Role::Called && agent.is_in_conversation());
        if !has_it {
            self.hand_over(how, from, to);
        }
    }

    fn hand_over(&mut self, how: TransferKind, from: Option<Extension>, to: Party) {
        let token = match how {
            TransferKind::Blind => "blind",
            TransferKind::Attended => "attended",
            TransferKind::Redirect => "redirect",
        };
        self.call.transfer = Some(token.to_owned());
        self.say(What::Transferred { how, from: from.clone(), to: to.clone() });
        self.call.awaiting_target = true;
        if let Party::Extension(target) = &to {
            match self.call.agent(target).map(|agent| agent.state) {
                // The consultation becomes the conversation.
                Some(AgentState::Talking | AgentState::Held) => {
                    self.connect(target);
                    self.conclude(What::Answered { by: to.clone(), role: Role::Called });
                }
                Some(AgentState::Ringing) => self.agent(target, Role::Called).role = Role::Called,
                _ => {}
            }
        }
        if let Some(from) = from.filter(|from| to != Party::Extension(from.clone())) {
            self.left(&from);
        }
        self.settle();
    }

    fn forwarded(&mut self, from: Extension, to: Party) {
        self.call.transfer = Some("forward".to_owned());
        self.call.target.get_or_insert_with(|| from.clone());
        if self.derive_ring_ends {
            self.ring_stopped(&from, RingEnd::Forwarded, None, Confidence::Derived);
        }
        self.say(What::Forwarded { from, to });
    }

    fn picked_up(&mut self, from: Option<Extension>, by: Extension) {
        self.call.transfer = Some("pickup".to_owned());
        self.answered(by.clone(), Role::Called);
        self.say(What::PickedUp { from, by });
    }

    fn voicemail(&mut self, mailbox: String) {
        if !self.call.voicemail {
            self.call.voicemail = true;
            self.say(What::Voicemail { mailbox });
        }
    }

    /// `extension` is no longer part of the call.
    fn left(&mut self, extension: &Extension) {
        let at = self.at;
        let Some(agent) = self.call.agents.iter_mut().find(|agent| agent.extension == *extension) else { return };
        match agent.state {
            AgentState::Ringing => self.ring_stopped(extension, RingEnd::Unknown, None, Confidence::Derived),
            AgentState::Dialing => {
                agent.state = AgentState::Missed;
                self.settle();
            }
            AgentState::Talking | AgentState::Held => {
                agent.hang_up(at);
                let talk_ms = agent.talked_ms;
                let consulted = agent.role == Role::Consult;
                self.settle();
                if !consulted {
                    self.say(What::LegEnded { extension: extension.clone(), talk_ms });
                }
            }
            AgentState::Missed | AgentState::Left => {}
        }
    }

    /// Somebody fetched the parked caller and talks to him from now on.
    fn unparked(&mut self, extension: Option<Extension>) {
        if let Some(extension) = &extension {
            self.connect(extension);
            self.settle();
        }
        self.say(What::Unparked { extension });
    }

    /// Nobody listened for a while: whoever is not among `extensions` has left meanwhile.
    fn present(&mut self, extensions: &[Extension]) {
        let gone: Vec<_> = self
            .call
            .agents
            .iter()
            .filter(|agent| agent.is_present() && !extensions.contains(&agent.extension))
            .map(|agent| agent.extension.clone())
            .collect();
        for extension in gone {
            self.left(&extension);
        }
    }

    /// The agents of a call that turned out to be a part of this one come here, as those who are being consulted.
    pub(super) fn adopt(&mut self, agents: &[Agent]) {
        for agent in agents.iter().filter(|agent| agent.is_present() && agent.state != AgentState::Dialing) {
            if self.call.agent(&agent.extension).is_some_and(Agent::is_present) {
                continue;
            }
            let adopted = self.agent(&agent.extension, Role::Consult);
            adopted.role = Role::Consult;
            adopted.state = agent.state;
            adopted.talking_since = agent.talking_since;
        }
        self.settle();
    }

    /// This call is over: it goes on as `into`.
    pub(super) fn merged_into(&mut self, into: Chain) {
        let at = self.at;
        self.call.agents.iter_mut().for_each(|agent| agent.hang_up(at));
        self.call.merged_into = Some(into.clone());
        self.call.state = State::Ended;
        self.say(What::Merged { into });
    }

    /// The entry of `extension`, made if it has none.
    fn agent(&mut self, extension: &Extension, role: Role) -> &mut Agent {
        let agents = &mut self.call.agents;
        let known = agents.iter().position(|agent| agent.extension == *extension);
        let index = known.unwrap_or_else(|| {
            agents.push(Agent {
                extension: extension.clone(),
                state: AgentState::Dialing,
                role,
                first_talk: None,
                talking_since: None,
                talked_ms: 0,
            });
            agents.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "the index was found or made one line above")]
        &mut agents[index]
    }

    /// Derives the state of the call from its agents.
    fn settle(&mut self) {
        let has = |state| self.call.agents.iter().any(|agent| agent.state == state && agent.role != Role::Consult);
        self.call.state = match () {
            () if !self.call.is_open() => State::Ended,
            () if has(AgentState::Talking) => State::Talking,
            () if has(AgentState::Held) => State::Held,
            () if self.call.awaiting_target => State::Transferring,
            () if has(AgentState::Ringing) || has(AgentState::Dialing) => State::Ringing,
            () if self.call.answered.is_some() => State::Talking,
            () => self.call.state,
        };
    }
}

impl Agent {
    /// Closes the present stretch of talk and marks the agent as gone.
    pub(super) fn hang_up(&mut self, at: Millis) {
        if let Some(since) = self.talking_since.take() {
            self.talked_ms += at.since(since);
        }
        self.state = match self.state {
            AgentState::Ringing | AgentState::Dialing | AgentState::Missed if self.first_talk.is_none() => {
                AgentState::Missed
            }
            _ => AgentState::Left,
        };
    }
}

fn fill<T>(known: &mut Option<T>, news: Option<T>) {
    if known.is_none() {
        *known = news;
    }
}

fn fill_text(known: &mut String, news: String) {
    if known.is_empty() {
        *known = news;
    }
}
