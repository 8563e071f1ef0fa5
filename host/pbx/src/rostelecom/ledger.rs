//! The calls of a domain: what their events mean, whose record is to be asked for, and when.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use hookswitch_call::{
    Call, Chain, Millis, Signal,
    signal::{Arrival, Direction, Fact},
    site::News,
};

use super::{Patience, Posted, Record, Roster, closing, session::Session};

/// Calls that are over are remembered this long: late events and the history are recognised by it.
const REMEMBER: Duration = Duration::from_secs(2 * 3600);
/// Calls that are remembered. Beyond, those are forgotten whose turn is next.
const MOST: usize = 50_000;
/// After a call's end its record is asked for at once, and again after this and ever doubled times.
const AGAIN_SOON: Duration = Duration::from_secs(1);
/// A call that may be going on is asked for again after this and ever doubled times.
const AGAIN_LATER: Duration = Duration::from_secs(30);
/// The longest of them.
const LONGEST: Duration = Duration::from_secs(600);

/// The calls of a domain.
#[derive(Debug)]
pub struct Ledger {
    patience: Patience,
    roster: Roster,
    calls: HashMap<Chain, Entry>,
    /// What is to be done next, by time.
    agenda: BTreeSet<(Instant, Chain)>,
}

#[derive(Debug)]
struct Entry {
    /// When something is to be done: ask for the record, or forget a call that is over. None while it is asked for.
    due: Option<Instant>,
    /// How often it was asked for in vain.
    tries: u32,
    /// Since when a record is wanted because the call is over.
    over: Option<Instant>,
    /// None: the call is over and told.
    session: Option<Session>,
}

/// What is known of a call that stands in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its end was told, or will be.
    Known,
    /// Nothing.
    New,
}

impl Ledger {
    /// A ledger that goes on with these calls, as they were when the host stopped: those that went on are asked for at
    /// once.
    pub fn new(recent: &[Call], patience: Patience, now: Instant) -> Self {
        let mut ledger = Self { patience, roster: Roster::default(), calls: HashMap::new(), agenda: BTreeSet::new() };
        for call in recent {
            let session = call.is_open().then(|| Session::known(call));
            let due = if session.is_some() { now } else { now + REMEMBER };
            ledger.calls.insert(call.chain.clone(), Entry { due: None, tries: 0, over: None, session });
            ledger.plan(&call.chain, due);
        }
        ledger
    }

    /// Takes in who there is now; what has changed.
    pub fn learn(&mut self, roster: Roster) -> Vec<News> {
        let news = roster.news(&self.roster);
        self.roster = roster;
        news
    }

    /// Takes in an event.
    pub fn hear(&mut self, posted: &Posted, now: Instant) -> Vec<Signal> {
        let Self { patience, roster, .. } = self;
        let (silence, roster) = (patience.silence, std::mem::take(roster));
        let session = self.session(&posted.call, posted.direction);
        let heard = session.map(|session| (session.hear(posted, &roster), session.end));
        self.roster = roster;
        let Some((facts, end)) = heard else { return Vec::new() };
        if let Some(entry) = self.calls.get_mut(&posted.call) {
            match (end, entry.over) {
                (Some(_), None) => {
                    (entry.over, entry.tries) = (Some(now), 0);
                    self.plan(&posted.call, now);
                }
                (Some(_), Some(_)) => {}
                (None, _) => self.plan(&posted.call, now + silence),
            }
        }
        let told = |fact| Signal { chain: posted.call.clone(), at: posted.at, fact };
        facts.into_iter().map(told).collect()
    }

    /// Notes that a call was ordered; what is known of it by that.
    pub fn order(&mut self, call: &Chain, arrival: Arrival, at: Millis, now: Instant) -> Vec<Signal> {
        let silence = self.patience.silence;
        let Some(session) = self.session(call, Direction::Outbound) else { return Vec::new() };
        session.ordered = true;
        session.from = session.from.take().or_else(|| arrival.from.clone());
        self.plan(call, now + silence);
        vec![Signal { chain: call.clone(), at, fact: Fact::Arrived(arrival) }]
    }

    /// At most so many calls whose record is to be asked for now; each is to be followed by [`Ledger::tell`].
    pub fn due(&mut self, now: Instant, most: usize) -> Vec<Chain> {
        let mut asked = Vec::new();
        while asked.len() < most
            && let Some((due, _)) = self.agenda.first()
            && *due <= now
            && let Some((_, call)) = self.agenda.pop_first()
        {
            let Some(entry) = self.calls.get_mut(&call) else { continue };
            entry.due = None;
            match entry.session {
                Some(_) => asked.push(call),
                None => drop(self.calls.remove(&call)),
            }
        }
        asked
    }

    /// When something is to be done next.
    pub fn next(&self) -> Option<Instant> {
        self.agenda.first().map(|(due, _)| *due)
    }

    /// Takes in what was answered for a call that was due, at `at` by the clock on the wall; none: nothing. What is to
    /// be told of the call, with times that may be long past; its end is among it if it is over.
    pub fn tell(&mut self, call: &Chain, record: Option<&Record>, at: Millis, now: Instant) -> Vec<Signal> {
        let record_within = self.patience.record;
        let Some(entry) = self.calls.get_mut(call) else { return Vec::new() };
        let Some(session) = &mut entry.session else { return Vec::new() };
        let facts = match (record, entry.over) {
            (Some(record), over) if over.is_some() || record.is_over(at) => {
                closing::by_record(session, record, &self.roster)
            }
            (_, Some(since)) if now.duration_since(since) >= record_within => {
                closing::without_record(session, call, session.end.unwrap_or(at))
            }
            (_, over) => {
                let first = if over.is_some() { AGAIN_SOON } else { AGAIN_LATER };
                let wait = first.saturating_mul(1 << entry.tries.min(10)).min(LONGEST);
                entry.tries += 1;
                // The last try is not put off beyond the end of all patience.
                let limit = over.map_or(now + wait, |since| (since + record_within).max(now));
                self.plan(call, (now + wait).min(limit));
                return Vec::new();
            }
        };
        self.close(call, now);
        facts.into_iter().map(|(at, fact)| Signal { chain: call.clone(), at, fact }).collect()
    }

    /// What is known of a call of the history. One that goes on for all that was heard is asked for at once.
    pub fn find(&mut self, record: &Record, now: Instant) -> Found {
        let Some(entry) = self.calls.get_mut(&record.call) else { return Found::New };
        if let (Some(session), None) = (&mut entry.session, entry.over) {
            session.end = session.end.or(record.ended());
            (entry.over, entry.tries) = (Some(now), 0);
            self.plan(&record.call, now);
        }
        Found::Known
    }

    /// All of a call that nothing was heard of.
    pub fn past(&mut self, record: &Record, now: Instant) -> Vec<Signal> {
        let session = Session::new(record.direction.unwrap_or(Direction::Inbound));
        let facts = closing::by_record(&session, record, &self.roster);
        if self.session(&record.call, session.direction).is_none() {
            return Vec::new();
        }
        self.close(&record.call, now);
        facts.into_iter().map(|(at, fact)| Signal { chain: record.call.clone(), at, fact }).collect()
    }

    /// The session of a call, begun if there is none; none if the call is over and told.
    fn session(&mut self, call: &Chain, direction: Direction) -> Option<&mut Session> {
        if !self.calls.contains_key(call) {
            while self.calls.len() >= MOST
                && let Some((_, first)) = self.agenda.pop_first()
            {
                self.calls.remove(&first);
            }
        }
        let begun = || Entry { due: None, tries: 0, over: None, session: Some(Session::new(direction)) };
        self.calls.entry(call.clone()).or_insert_with(begun).session.as_mut()
    }

    fn close(&mut self, call: &Chain, now: Instant) {
        if let Some(entry) = self.calls.get_mut(call) {
            entry.session = None;
        }
        self.plan(call, now + REMEMBER);
    }

    /// Puts a call on the agenda, in place of where it stands.
    fn plan(&mut self, call: &Chain, at: Instant) {
        let Some(entry) = self.calls.get_mut(call) else { return };
        if let Some(before) = entry.due.replace(at) {
            self.agenda.remove(&(before, call.clone()));
        }
        self.agenda.insert((at, call.clone()));
    }
}
