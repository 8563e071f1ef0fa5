//! Who takes part in which call, and what it means: pure.
//!
//! A 3CX shows each party's part in a call as a participant at its number, and tells only that a participant has changed.
//! The board compares how it is with how it was. A call (`callid`) is unique only while the PBX runs, so it gets an id of
//! its own when it is first seen; a call that goes on under another `callid` after a transfer keeps its id.

mod doorstep;
mod orders;
mod phone;
mod roll_call;
mod seen;
mod talk;

use std::collections::HashMap;

use hookswitch_call::{Call, Chain, Extension, Millis, Signal, signal::Fact};

pub use self::orders::Order;
use self::{
    doorstep::{Asking, Doorstep},
    orders::Orders,
    seen::Seen,
    talk::Talk,
};
use super::{
    config::Rules,
    message::Seat,
    number::same_number,
    participant::{Kind, Participant},
    times::stamped,
};

/// More participants and calls than this are not kept: no 3CX has so many.
const MOST: usize = 20_000;

/// The participants of one 3CX, as far as they are known.
#[derive(Debug)]
pub struct Board {
    rules: Rules,
    kinds: HashMap<String, Kind>,
    /// The `callid` of each, after joining.
    seats: HashMap<Seat, u64>,
    /// By `callid`.
    talks: HashMap<u64, Talk>,
    /// Calls that turned out to be parts of others.
    joined: HashMap<u64, u64>,
    /// Calls of the host's last run, by `callid`.
    inherited: HashMap<u64, Call>,
    /// Calls that vanished in a gap of the connection.
    gone: Vec<Over>,
    orders: Orders,
    doorstep: Doorstep,
    over: Vec<Over>,
    seen: Seen,
}

/// A call that is over, or vanished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// Its id.
    pub chain: Chain,
    /// When it began.
    pub started: Millis,
    /// When something was last known of it, or when it ended.
    pub until: Millis,
    /// The outside party's number.
    pub external: Option<String>,
    /// Everybody who took part.
    pub extensions: Vec<Extension>,
    /// Whether somebody talked.
    pub answered: bool,
}

impl Over {
    /// A call of the host's last run.
    pub(super) fn of(call: &Call) -> Self {
        Self {
            chain: call.chain.clone(),
            started: call.started,
            until: call.ended.as_ref().map_or(call.changed, |end| end.at),
            external: call.external.clone(),
            extensions: call.agents.iter().map(|agent| agent.extension.clone()).collect(),
            answered: call.answered.is_some(),
        }
    }
}

/// The PBX's own number in an id that a board has given.
fn callid(chain: &Chain) -> Option<u64> {
    chain.as_str().rsplit_once('_')?.1.parse().ok()
}

impl Board {
    /// An empty board; `recent` are calls of the host's last run, of which some may go on.
    pub fn new(rules: Rules, recent: impl IntoIterator<Item = Call>) -> Self {
        let (mut inherited, mut seen) = (HashMap::new(), Seen::default());
        for call in recent {
            match callid(&call.chain).filter(|_| call.is_open()) {
                Some(callid) => drop(inherited.insert(callid, call)),
                None => seen.add(Over::of(&call)),
            }
        }
        Self {
            rules,
            kinds: HashMap::new(),
            seats: HashMap::new(),
            talks: HashMap::new(),
            joined: HashMap::new(),
            inherited,
            gone: Vec::new(),
            orders: Orders::default(),
            doorstep: Doorstep::default(),
            over: Vec::new(),
            seen,
        }
    }

    /// A participant is as `now` says.
    pub fn seat(&mut self, seat: Seat, now: &Participant, at: Millis) -> Vec<Signal> {
        let mut said = Vec::new();
        if self.seats.len() >= MOST && !self.seats.contains_key(&seat) {
            return said;
        }
        let kind = self.kinds.get(&seat.dn).copied().unwrap_or(Kind::Extension);
        let callid = self.place(&seat, now, at, &mut said);
        let left = self.seats.insert(seat.clone(), callid).filter(|was| *was != callid);
        let consulted = left.is_some_and(|was| self.vacate(&seat, was, at, &mut said));
        let Some(talk) = self.talks.get_mut(&callid) else { return said };
        if kind == Kind::RoutePoint {
            self.doorstep.stands(&seat, &talk.chain, now);
        }
        if consulted {
            talk.consulted.push(Extension::from(seat.dn.as_str()));
        }
        talk.seat(seat, kind, now, &self.rules, at, &mut said);
        said
    }

    /// A participant is gone.
    pub fn remove(&mut self, seat: &Seat, at: Millis) -> Vec<Signal> {
        let mut said = Vec::new();
        self.doorstep.left(seat);
        if let Some(callid) = self.seats.remove(seat) {
            self.vacate(seat, callid, at, &mut said);
        }
        said
    }

    /// Keys were pressed by the other side of a participant.
    pub fn digits(&self, seat: &Seat, digits: String, at: Millis) -> Option<Signal> {
        let talk = self.talks.get(self.seats.get(seat)?)?;
        Some(Signal { chain: talk.chain.clone(), at, fact: Fact::Digits { digits } })
    }

    /// Ends calls that have had no participants for long enough.
    pub fn tick(&mut self, now: Millis) -> Vec<Signal> {
        let rules = &self.rules;
        let ended: Vec<u64> = self
            .talks
            .iter()
            .filter(|(_, talk)| talk.ends(rules).is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        let mut said = Vec::new();
        for callid in ended {
            self.joined.retain(|_, into| *into != callid);
            let Some(talk) = self.talks.remove(&callid) else { continue };
            let at = talk.empty_since.unwrap_or(now);
            self.end(talk, at, &mut said);
        }
        said
    }

    fn end(&mut self, talk: Talk, at: Millis, said: &mut Vec<Signal>) {
        let over = talk.over(at);
        self.seen.add(over.clone());
        self.over.push(over);
        talk.end(at, said);
    }

    /// When [`Board::tick`] is due; none where no call is about to end.
    pub fn due(&self) -> Option<Millis> {
        self.talks.values().filter_map(|talk| talk.ends(&self.rules)).min()
    }

    /// The calls that go on.
    pub fn alive(&self) -> Vec<Chain> {
        self.talks.values().map(|talk| talk.chain.clone()).collect()
    }

    /// The calls that go on or were seen lately, as far as they are known.
    pub fn known(&self) -> Vec<Over> {
        self.talks.values().map(|talk| talk.over(talk.last)).chain(self.seen.all().cloned()).collect()
    }

    /// The participants of a call; empty where there is no such call any more.
    pub fn seats_of(&self, chain: &Chain) -> Vec<Seat> {
        let talk = self.talks.values().find(|talk| talk.chain == *chain);
        talk.map(Talk::taken).unwrap_or_default()
    }

    /// Callers at route points who have not been asked for yet: where they are, their call, and what is known of them.
    pub fn take_asking(&mut self) -> Vec<Asking> {
        self.doorstep.take()
    }

    /// A caller at a route point was sent on: he is not asked for again.
    pub fn sent_on(&mut self, seat: &Seat) {
        self.doorstep.sent_on(seat);
    }

    /// Calls that ended since the last time.
    pub fn take_over(&mut self) -> Vec<Over> {
        std::mem::take(&mut self.over)
    }

    /// Calls that vanished while nobody listened, since the last time.
    pub fn take_gone(&mut self) -> Vec<Over> {
        std::mem::take(&mut self.gone)
    }

    /// A call is about to be ordered; how the order is called. Until `until` it may show up.
    pub fn expect(&mut self, order: Order, now: Millis, until: Millis) -> u64 {
        self.orders.expect(order, now, until)
    }

    /// The PBX has taken the order and gave it this `callid`: the call's id.
    pub fn confirm(&mut self, order: u64, callid: u64, at: Millis) -> Chain {
        let callid = self.resolve(callid);
        let order = self.orders.take(order);
        let talk = self.talks.entry(callid).or_insert_with(|| Talk::new(Self::chain(callid, at), at));
        if let Some(order) = order {
            talk.order.get_or_insert(order);
        }
        // If nobody ever takes part in it, it is over.
        if talk.taken().is_empty() {
            talk.empty_since.get_or_insert(at);
        }
        talk.chain.clone()
    }

    /// The PBX has not taken the order.
    pub fn forget(&mut self, order: u64) {
        self.orders.take(order);
    }

    fn chain(callid: u64, at: Millis) -> Chain {
        Chain::from(format!("{}_{callid}", stamped(at)))
    }

    fn resolve(&self, callid: u64) -> u64 {
        self.joined.get(&callid).copied().unwrap_or(callid)
    }

    /// The call that a participant belongs to, which is made if there is none yet.
    fn place(&mut self, seat: &Seat, now: &Participant, at: Millis, said: &mut Vec<Signal>) -> u64 {
        let callid = self.resolve(now.callid);
        if let Some(into) = self.goes_on(callid, now) {
            self.join(callid, into, at, said);
            return into;
        }
        if !self.talks.contains_key(&callid) && self.talks.len() < MOST {
            let same = |call: &Call| match (&call.external, now.outside()) {
                (Some(known), Some(number)) => same_number(known, number),
                _ => true,
            };
            let mut talk = match self.inherited.remove(&callid) {
                Some(call) if same(&call) => Talk::inherited(&call),
                other => {
                    other.iter().map(Over::of).for_each(|over| self.vanish(over));
                    Talk::new(Self::chain(callid, at), at)
                }
            };
            talk.order = talk.order.take().or_else(|| self.orders.behind(seat, now, at));
            self.talks.insert(callid, talk);
        }
        callid
    }

    /// The call with the same outside party that goes on as `callid`, because it was transferred from there.
    fn goes_on(&self, callid: u64, now: &Participant) -> Option<u64> {
        let (number, from) = (now.outside()?, now.referred_by_dn.as_str());
        if from.is_empty() || self.talks.get(&callid).is_some_and(|talk| talk.external.is_some()) {
            return None;
        }
        let was_there = |talk: &Talk| {
            talk.external.as_deref().is_some_and(|known| same_number(known, number))
                && talk.knows(&Extension::from(from))
        };
        self.talks.iter().filter(|(id, talk)| **id != callid && was_there(talk)).map(|(id, _)| *id).max()
    }

    /// `part` turns out to belong to `into`.
    fn join(&mut self, part: u64, into: u64, at: Millis, said: &mut Vec<Signal>) {
        self.joined.insert(part, into);
        let Some(chain) = self.talks.get(&into).map(|talk| talk.chain.clone()) else { return };
        if let Some(consultation) = self.talks.remove(&part) {
            said.push(Signal { chain: consultation.chain.clone(), at, fact: Fact::Merged { into: chain } });
            if let Some(talk) = self.talks.get_mut(&into) {
                talk.adopt(consultation);
            }
        }
        self.seats.values_mut().filter(|callid| **callid == part).for_each(|callid| *callid = into);
    }

    /// Takes a seat out of a call; whether that was a call between extensions.
    fn vacate(&mut self, seat: &Seat, callid: u64, at: Millis, said: &mut Vec<Signal>) -> bool {
        let Some(talk) = self.talks.get_mut(&callid) else { return false };
        talk.vacate(seat, at, said);
        talk.external.is_none()
    }
}
