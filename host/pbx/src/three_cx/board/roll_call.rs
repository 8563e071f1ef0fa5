//! Who is there, all at once: what a socket has not told comes to light, and what became of calls in a gap.

use std::collections::{HashMap, HashSet};

use hookswitch_call::{Millis, Signal, signal::Fact};

use super::{Board, MOST, Over, Talk};
use crate::three_cx::{message::Seat, number::same_number, participant::Dn};

impl Board {
    /// One number of the PBX is as `dn` says, with all its participants.
    pub fn dn(&mut self, dn: Dn, at: Millis) -> Vec<Signal> {
        self.count(vec![dn], at, |seat, dns| dns.contains(&seat.dn))
    }

    /// All numbers of the PBX are as `dns` say; there are no others.
    pub fn roll_call(&mut self, dns: Vec<Dn>, at: Millis) -> Vec<Signal> {
        self.kinds.clear();
        self.count(dns, at, |_, _| true)
    }

    /// As [`Board::roll_call`], after a gap in which nobody listened: calls that are not there any more have
    /// [`gone`](Board::take_gone).
    pub fn roll_call_after_gap(&mut self, dns: Vec<Dn>, at: Millis) -> Vec<Signal> {
        let mut said = Vec::new();
        for callid in self.vanished(&dns) {
            let Some(talk) = self.talks.remove(&callid) else { continue };
            match talk.empty_since {
                // It was over when the gap began.
                Some(at) => self.end(talk, at, &mut said),
                None => self.vanish(talk.over(talk.last)),
            }
        }
        let talks = &self.talks;
        self.seats.retain(|_, callid| talks.contains_key(callid));
        self.doorstep.again(|seat| self.seats.contains_key(seat));
        self.joined.retain(|_, into| talks.contains_key(into));
        said.extend(self.roll_call(dns, at));
        for call in std::mem::take(&mut self.inherited).values() {
            self.vanish(Over::of(call));
        }
        let present = |talk: &Talk| Fact::Present { extensions: talk.present() };
        said.extend(self.talks.values().map(|talk| Signal { chain: talk.chain.clone(), at, fact: present(talk) }));
        said
    }

    /// The calls that `dns` do not show any more: the PBX gives their numbers to others after its restart.
    fn vanished(&self, dns: &[Dn]) -> Vec<u64> {
        let mut numbers: HashMap<u64, Vec<&str>> = HashMap::new();
        for one in dns.iter().flat_map(|dn| &dn.participants) {
            numbers.entry(self.resolve(one.callid)).or_default().extend(one.outside());
        }
        let is_there = |callid: &u64, talk: &Talk| {
            let same = |known: &str, numbers: &[&str]| {
                numbers.is_empty() || numbers.iter().any(|number| same_number(known, number))
            };
            numbers.get(callid).is_some_and(|numbers| talk.external.as_deref().is_none_or(|known| same(known, numbers)))
        };
        self.talks.iter().filter(|(callid, talk)| !is_there(callid, talk)).map(|(callid, _)| *callid).collect()
    }

    fn count(&mut self, dns: Vec<Dn>, at: Millis, counted: impl Fn(&Seat, &HashSet<String>) -> bool) -> Vec<Signal> {
        let mut said = Vec::new();
        let numbers: HashSet<String> = dns.iter().map(|dn| dn.dn.clone()).collect();
        self.kinds.extend(dns.iter().take(MOST).map(|dn| (dn.dn.clone(), dn.kind)));
        let mut there = HashSet::new();
        for Dn { dn, participants, .. } in dns {
            for participant in participants {
                let seat = Seat { dn: dn.clone(), id: participant.id };
                said.extend(self.seat(seat.clone(), &participant, at));
                there.insert(seat);
            }
        }
        let left: Vec<_> =
            self.seats.keys().filter(|seat| counted(seat, &numbers) && !there.contains(seat)).cloned().collect();
        for seat in left {
            said.extend(self.remove(&seat, at));
        }
        said
    }

    pub(super) fn vanish(&mut self, over: Over) {
        self.seen.add(over.clone());
        self.gone.push(over);
    }
}
