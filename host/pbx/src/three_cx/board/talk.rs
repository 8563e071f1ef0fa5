//! One call while it goes on.

use hookswitch_call::{
    Call, Chain, Extension, Millis, Signal,
    signal::{Arrival, Direction, Fact, Party, QueueExit, RingEnd, Role, Side, TransferKind},
};

use super::{Order, Over, phone::Phone};
use crate::three_cx::{
    config::Rules,
    message::Seat,
    number::same_number,
    participant::{Kind, Participant, Status},
};

/// One call.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) chain: Chain,
    started: Millis,
    /// When something was last heard of it.
    pub(super) last: Millis,
    direction: Option<Direction>,
    from: Option<Extension>,
    pub(super) external: Option<String>,
    /// What was said of how it came into being.
    told: Option<Arrival>,
    pub(super) order: Option<Order>,
    /// The queue that the caller waits in.
    queue: Option<String>,
    /// Whether the waiting caller is seen as a participant of the queue.
    queue_is_monitored: bool,
    group: Option<String>,
    seats: Vec<(Seat, Taken)>,
    /// Everybody who rang, dialled or talked.
    extensions: Vec<Extension>,
    /// Everybody who was asked before a transfer.
    pub(super) consulted: Vec<Extension>,
    answered: bool,
    /// Since when nobody takes part in it.
    pub(super) empty_since: Option<Millis>,
}

/// A seat that is taken.
#[derive(Clone, Debug)]
struct Taken {
    phone: Option<Phone>,
    /// Who gave the call away.
    referred: String,
}

impl Talk {
    pub(super) fn new(chain: Chain, at: Millis) -> Self {
        Self {
            chain,
            started: at,
            last: at,
            direction: None,
            from: None,
            external: None,
            told: None,
            order: None,
            queue: None,
            queue_is_monitored: false,
            group: None,
            seats: Vec::new(),
            extensions: Vec::new(),
            consulted: Vec::new(),
            answered: false,
            empty_since: None,
        }
    }

    /// Goes on with a call of the host's last run.
    pub(super) fn inherited(call: &Call) -> Self {
        Self {
            direction: Some(call.direction),
            from: call.from.clone(),
            external: call.external.clone(),
            queue: call.queue().filter(|_| call.answered.is_none()).map(str::to_owned),
            extensions: call.agents.iter().map(|agent| agent.extension.clone()).collect(),
            answered: call.answered.is_some(),
            last: call.changed,
            ..Self::new(call.chain.clone(), call.started)
        }
    }

    /// Whether the extension took part.
    pub(super) fn knows(&self, extension: &Extension) -> bool {
        self.extensions.contains(extension)
    }

    /// A participant is as `now` says.
    pub(super) fn seat(
        &mut self,
        seat: Seat,
        kind: Kind,
        now: &Participant,
        rules: &Rules,
        at: Millis,
        said: &mut Vec<Signal>,
    ) {
        (self.empty_since, self.last) = (None, at);
        let extension = Extension::from(seat.dn.as_str());
        let before = self.phone_of(&seat.dn);
        let was = self.seats.iter().position(|(known, _)| *known == seat).map(|at| self.seats.swap_remove(at).1);
        let phone = (kind == Kind::Extension).then(|| Phone::of(now)).flatten();
        let phone = phone.or(was.as_ref().and_then(|was| was.phone));
        let referred = now.referred_by_dn.clone();
        let is_referred = !referred.is_empty() && was.is_none_or(|was| was.referred != referred);
        let dn = seat.dn.clone();
        self.seats.push((seat, Taken { phone, referred }));
        self.arrive(kind, &extension, now, rules, at, said);
        match kind {
            Kind::Extension => {
                self.through(now, at, said);
                if is_referred && rules.referred_is_transferred {
                    self.referred(now, &extension, at, said);
                }
                self.phone(&extension, before, self.phone_of(&dn), now, at, said);
            }
            Kind::Queue => {
                self.enter(&dn, at, said);
                self.queue_is_monitored = true;
            }
            _ => {}
        }
    }

    /// A participant has left.
    pub(super) fn vacate(&mut self, seat: &Seat, at: Millis, said: &mut Vec<Signal>) {
        let before = self.phone_of(&seat.dn);
        let Some(index) = self.seats.iter().position(|(known, _)| known == seat) else { return };
        self.seats.swap_remove(index);
        self.last = at;
        if self.seats.is_empty() {
            self.empty_since = Some(at);
        }
        if self.phone_of(&seat.dn).is_none() {
            self.left(Extension::from(seat.dn.as_str()), before, at, said);
        }
    }

    /// A consultation turned out to be a part of this call.
    pub(super) fn adopt(&mut self, consultation: Self) {
        self.consulted.extend(consultation.extensions);
        self.seats.extend(consultation.seats);
    }

    /// Its participants.
    pub(super) fn taken(&self) -> Vec<Seat> {
        self.seats.iter().map(|(seat, _)| seat.clone()).collect()
    }

    /// The extensions that ring, dial or talk.
    pub(super) fn present(&self) -> Vec<Extension> {
        let phones = self.seats.iter().filter(|(_, taken)| taken.phone.is_some());
        let mut present: Vec<_> = phones.map(|(seat, _)| Extension::from(seat.dn.as_str())).collect();
        present.sort();
        present.dedup();
        present
    }

    /// What an extension's phones do, all taken together.
    fn phone_of(&self, dn: &str) -> Option<Phone> {
        self.seats.iter().filter(|(seat, _)| seat.dn == dn).filter_map(|(_, taken)| taken.phone).max()
    }

    fn say(&self, at: Millis, fact: Fact, said: &mut Vec<Signal>) {
        said.push(Signal { chain: self.chain.clone(), at, fact });
    }

    /// Says how the call came into being as far as `now`, seen at `extension`, tells more of it.
    fn arrive(
        &mut self,
        kind: Kind,
        extension: &Extension,
        now: &Participant,
        rules: &Rules,
        at: Millis,
        said: &mut Vec<Signal>,
    ) {
        let person = kind == Kind::Extension;
        let outside = now.party_dn_type == Kind::Outside;
        if self.order.is_some() {
            self.direction = Some(Direction::Outbound);
        } else if self.direction.is_none_or(|direction| direction == Direction::Internal && outside) {
            self.direction = Some(match (outside, now.status) {
                (true, Status::Dialing) if person => Direction::Outbound,
                (true, _) => Direction::Inbound,
                (false, _) => Direction::Internal,
            });
        }
        let Some(direction) = self.direction else { return };
        if outside {
            self.external = self.external.take().or_else(|| now.outside().map(str::to_owned));
        }
        if person && now.status == Status::Dialing && direction != Direction::Inbound {
            self.from.get_or_insert_with(|| extension.clone());
        } else if direction == Direction::Internal
            && now.party_dn_type == Kind::Extension
            && now.status == Status::Ringing
        {
            self.from.get_or_insert_with(|| Extension::from(now.party_dn.as_str()));
        }
        let order = self.order.as_ref();
        let line = match now.party_did.as_str() {
            "" => rules.trunk_lines.get(&now.party_dn).cloned().unwrap_or_default(),
            did => did.to_owned(),
        };
        let is_name = outside && !same_number(&now.party_caller_name, &now.party_caller_id);
        let told = self.told.clone();
        let (name, told_line, trunk) = told.map(|told| (told.external_name, told.line, told.trunk)).unwrap_or_default();
        let first = |known: String, now: &str, is_one: bool| match known.is_empty() && is_one {
            true => now.to_owned(),
            false => known,
        };
        let arrival = Arrival {
            direction,
            external: order.map(|order| order.number.clone()).or_else(|| self.external.clone()),
            external_name: first(name, &now.party_caller_name, is_name),
            line: first(told_line, &line, outside),
            trunk: first(trunk, &now.party_dn, outside),
            from: order.map(|order| order.from.clone()).or_else(|| self.from.clone()),
            crm_call: order.and_then(|order| order.crm_call.clone()),
            started: None,
        };
        if self.told.as_ref() != Some(&arrival) {
            self.told = Some(arrival.clone());
            self.say(at, Fact::Arrived(arrival), said);
        }
    }

    /// The call reached a phone through a queue or a group.
    fn through(&mut self, now: &Participant, at: Millis, said: &mut Vec<Signal>) {
        let name = &now.on_behalf_of_dn;
        match now.on_behalf_of_type {
            _ if name.is_empty() => {}
            Kind::Queue if !self.answered => self.enter(name, at, said),
            Kind::RingGroup if self.group.as_ref() != Some(name) => {
                self.group = Some(name.clone());
                self.say(at, Fact::Noted { name: "ring-group".to_owned(), value: name.clone() }, said);
            }
            _ => {}
        }
    }

    /// The caller waits in a queue.
    fn enter(&mut self, queue: &str, at: Millis, said: &mut Vec<Signal>) {
        if self.queue.as_deref() != Some(queue) {
            self.leave_queue(QueueExit::Other, at, said);
            self.queue = Some(queue.to_owned());
            self.say(at, Fact::Queued { queue: queue.to_owned() }, said);
        }
    }

    fn leave_queue(&mut self, exit: QueueExit, at: Millis, said: &mut Vec<Signal>) {
        if let Some(queue) = self.queue.take() {
            self.say(at, Fact::LeftQueue { queue, exit }, said);
        }
    }

    /// The extension got the call from somebody else.
    fn referred(&mut self, now: &Participant, to: &Extension, at: Millis, said: &mut Vec<Signal>) {
        let from = Extension::from(now.referred_by_dn.as_str());
        let person = matches!(now.referred_by_type, Kind::Extension | Kind::None);
        if from == *to || self.external.is_none() {
            return;
        }
        let how = match person {
            true if self.consulted.contains(to) => TransferKind::Attended,
            true => TransferKind::Blind,
            false => TransferKind::Redirect,
        };
        let from = Some(from).filter(|_| person);
        self.say(at, Fact::Transferred { how, from, to: Party::Extension(to.clone()) }, said);
    }

    /// What an extension's phones do has changed, or not.
    fn phone(
        &mut self,
        extension: &Extension,
        before: Option<Phone>,
        after: Option<Phone>,
        now: &Participant,
        at: Millis,
        said: &mut Vec<Signal>,
    ) {
        let Some(after) = after.filter(|after| before.is_none_or(|before| *after > before)) else { return };
        if !self.knows(extension) {
            self.extensions.push(extension.clone());
        }
        let own = self.order.as_ref().is_some_and(|order| order.from == *extension);
        let role = if own { Role::Own } else { Role::Called };
        let extension = extension.clone();
        match after {
            Phone::Ringing => self.say(at, Fact::Ringing { extension, role }, said),
            Phone::Up if own => self.say(at, Fact::Answered { by: Party::Extension(extension), role }, said),
            Phone::Up => {}
            Phone::Dialing => {
                let ordered = self.order.as_ref().filter(|_| own).map(|order| order.number.clone());
                if let Some(number) = ordered.or_else(|| now.outside().map(str::to_owned)) {
                    self.say(at, Fact::Dialing { extension, number }, said);
                }
            }
            Phone::Talking => self.talks(extension, own, now, at, said),
        }
    }

    fn talks(&mut self, extension: Extension, own: bool, now: &Participant, at: Millis, said: &mut Vec<Signal>) {
        let calls = self.from.as_ref() == Some(&extension) || own;
        let by = match (self.direction, now.party_dn_type) {
            // The phone of whoever calls is up all the time: it is the other side that has picked up.
            (Some(Direction::Outbound), Kind::Outside) if calls => {
                Party::Outside(self.external.clone().unwrap_or_else(|| now.party_caller_id.clone()))
            }
            (_, Kind::Extension) if calls => return,
            _ => Party::Extension(extension),
        };
        self.answered = true;
        self.leave_queue(QueueExit::Answered, at, said);
        self.say(at, Fact::Answered { by, role: Role::Called }, said);
    }

    /// The last phone of an extension left the call.
    fn left(&mut self, extension: Extension, before: Option<Phone>, at: Millis, said: &mut Vec<Signal>) {
        let others_talk = self.seats.iter().any(|(_, taken)| taken.phone == Some(Phone::Talking));
        let fact = match before {
            Some(Phone::Ringing) => {
                let why = if others_talk { RingEnd::AnsweredElsewhere } else { RingEnd::Unknown };
                Fact::RingStopped { extension, why, cause: None }
            }
            Some(_) => Fact::Left { extension },
            None => return,
        };
        self.say(at, fact, said);
    }

    /// When the call is over if nobody takes part in it until then.
    pub(super) fn ends(&self, rules: &Rules) -> Option<Millis> {
        let since = self.empty_since?;
        let waits = !self.answered && !self.queue_is_monitored && (self.queue.is_some() || self.group.is_some());
        let wait = if waits { rules.queue_end_after } else { rules.end_after };
        Some(Millis(since.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))))
    }

    /// The call is over.
    pub(super) fn end(mut self, at: Millis, said: &mut Vec<Signal>) {
        if let (None, Some(Order { from, number, crm_call })) = (&self.told, self.order.clone()) {
            // It was over before anybody could look at it; what was ordered is known all the same.
            let arrival = Arrival {
                direction: Direction::Outbound,
                external: Some(number),
                external_name: String::new(),
                line: String::new(),
                trunk: String::new(),
                from: Some(from),
                crm_call,
                started: None,
            };
            self.say(self.started, Fact::Arrived(arrival), said);
        }
        self.leave_queue(QueueExit::Abandoned, at, said);
        self.say(at, Fact::Ended { hint: None, cause: None, by: Side::Unknown }, said);
    }

    /// What is to be known of it afterwards.
    pub(super) fn over(&self, until: Millis) -> Over {
        Over {
            chain: self.chain.clone(),
            started: self.started,
            until,
            external: self.order.as_ref().map(|order| order.number.clone()).or_else(|| self.external.clone()),
            extensions: self.extensions.clone(),
            answered: self.answered,
        }
    }
}
