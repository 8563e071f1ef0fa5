//! From signals to calls: one state machine for every phone system.
//!
//! The tracker takes whatever sources report, in whatever order, twice or not at all, and keeps these promises:
//!
//! - an event is emitted once: what is known already is dropped;
//! - a call has exactly one end, and after it come only recordings; an end that was concluded is corrected once if the
//!   real one is heard after all;
//! - a phone that rings stops ringing: where the PBX does not say so, the answer of another phone or the end of the call
//!   says it ([`Derived`](crate::event::Confidence::Derived)). A PBX that does say so is waited for
//!   ([`Tracker::told_ring_ends`]), because it knows the reason and the cause;
//! - a signal about an unknown call creates the call in the state that the signal implies (the host was started in
//!   mid-call).

mod ending;
mod step;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::{Call, Chain, Event, Millis, PbxName, Signal, signal::Fact};

/// The calls of one phone system.
#[derive(Debug)]
pub struct Tracker {
    pbx: PbxName,
    calls: HashMap<Chain, Call>,
    derive_ring_ends: bool,
}

impl Tracker {
    /// A tracker for `pbx` that goes on with `calls`, as they were when the host stopped.
    pub fn new(pbx: PbxName, calls: impl IntoIterator<Item = Call>) -> Self {
        let calls = calls.into_iter().map(|call| (call.chain.clone(), call)).collect();
        Self { pbx, calls, derive_ring_ends: true }
    }

    /// The same for a PBX that reports every end of ringing by itself: the answer of one phone then waits for the PBX to
    /// say why and with which cause the others stopped.
    #[must_use]
    pub fn told_ring_ends(self) -> Self {
        Self { derive_ring_ends: false, ..self }
    }

    /// The call with this id, if it is known.
    pub fn call(&self, chain: &Chain) -> Option<&Call> {
        self.calls.get(chain)
    }

    /// Remembers a call that had been forgotten.
    pub fn remember(&mut self, call: Call) {
        self.calls.entry(call.chain.clone()).or_insert(call);
    }

    /// Takes one signal and returns what follows from it, in order; empty if it says nothing new.
    pub fn apply(&mut self, signal: Signal) -> Vec<Event> {
        let Signal { chain, at, fact } = signal;
        if let Fact::Merged { into } = fact {
            return self.merge(&chain, into, at);
        }
        let addition =
            matches!(fact, Fact::Recorded { .. } | Fact::Transcript { .. } | Fact::Summary { .. } | Fact::Noted { .. });
        // What is added to a call makes none: of a call that nobody heard of nothing else may ever come.
        if addition && !self.calls.contains_key(&chain) {
            return Vec::new();
        }
        let call = self.calls.entry(chain).or_insert_with_key(|chain| Call::implied(&self.pbx, chain, &fact, at));
        let mut step = step::Step::new(call, at, self.derive_ring_ends);
        step.take(fact);
        step.into_events()
    }

    /// Ends every living call that is not among `alive`: the PBX does not know it any more.
    pub fn reconcile(&mut self, alive: &[Chain], at: Millis) -> Vec<Event> {
        let alive: HashSet<&Chain> = alive.iter().collect();
        let mut gone: Vec<_> = self
            .calls
            .values()
            .filter(|call| call.is_open() && !alive.contains(&call.chain))
            .map(|call| (call.started, call.chain.clone()))
            .collect();
        gone.sort();
        gone.into_iter().flat_map(|(_, chain)| self.close(&chain, at)).collect()
    }

    /// Ends the call `chain` whose end was never heard: `Lost`, unless somebody had answered before.
    pub fn close(&mut self, chain: &Chain, at: Millis) -> Vec<Event> {
        let Some(call) = self.calls.get_mut(chain) else { return Vec::new() };
        let mut step = step::Step::new(call, at, self.derive_ring_ends);
        step.vanish();
        step.into_events()
    }

    /// Forgets calls that were over before `before`. Until then late signals about them are recognised as late.
    pub fn forget_ended(&mut self, before: Millis) {
        self.calls.retain(|_, call| call.is_open() || call.changed >= before);
    }

    /// The calls that go on.
    pub fn open(&self) -> Vec<Chain> {
        self.calls.values().filter(|call| call.is_open()).map(|call| call.chain.clone()).collect()
    }

    /// `part` was a part of `into` all along: its agents move there.
    fn merge(&mut self, part: &Chain, into: Chain, at: Millis) -> Vec<Event> {
        if *part == into {
            return Vec::new();
        }
        let Some(mut merged) = self.calls.remove(part) else { return Vec::new() };
        let mut events = Vec::new();
        if merged.is_open() {
            if let Some(call) = self.calls.get_mut(&into).filter(|call| call.is_open()) {
                let mut step = step::Step::new(call, at, self.derive_ring_ends);
                step.adopt(&merged.agents);
                events = step.into_events();
            }
            let mut step = step::Step::new(&mut merged, at, self.derive_ring_ends);
            step.merged_into(into);
            events.extend(step.into_events());
        }
        self.calls.insert(part.clone(), merged);
        events
    }
}
