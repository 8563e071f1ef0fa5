//! A 3CX of which only what it says exists, and the host's end of it.

use hookswitch_call::{
    Call, Chain, Event, Millis, Signal, Tracker,
    event::What,
    signal::{Fact, Report},
};
use hookswitch_pbx::three_cx::{Board, Dn, Participant, Rules, Seat};
use serde_json::{Value, json};

/// 2024-03-05T09:15:00Z.
pub(crate) const BEGIN: u64 = 1_709_630_100_000;
pub(crate) const CALLER: &str = "+4420000001";
pub(crate) const LINE: &str = "+4420000100";

pub(crate) struct Office {
    pub(crate) board: Board,
    pub(crate) tracker: Tracker,
    pub(crate) events: Vec<Event>,
    pub(crate) now: Millis,
    participants: Vec<Value>,
}

/// An outside party at the other side.
pub(crate) fn outside() -> Value {
    json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": CALLER, "party_did": LINE,
            "party_caller_name": "Ann Example" })
}

/// An extension at the other side.
pub(crate) fn inside(extension: &str) -> Value {
    json!({ "party_dn": extension, "party_dn_type": "Wextension", "party_caller_id": extension })
}

/// Both.
pub(crate) fn with(one: Value, other: Value) -> Value {
    let (Value::Object(mut one), Value::Object(other)) = (one, other) else { panic!("objects") };
    one.extend(other);
    Value::Object(one)
}

/// A number of the PBX, as it lists it.
pub(crate) fn number(dn: &str, kind: &str, participants: &[Value]) -> Value {
    json!({ "dn": dn, "type": kind, "devices": [], "participants": participants })
}

impl Office {
    pub(crate) fn open() -> Self {
        Self::going_on_with(&[])
    }

    /// After a restart of the host.
    pub(crate) fn going_on_with(calls: &[Call]) -> Self {
        let board = Board::new(Rules::default(), calls.iter().filter(|call| call.is_open()).cloned());
        let tracker = Tracker::new("office".into(), calls.iter().cloned()).told_ring_ends();
        let mut office = Self { board, tracker, events: Vec::new(), now: Millis(BEGIN), participants: Vec::new() };
        office.hear(|board, now| board.roll_call(Self::numbers(&[]), now));
        office
    }

    pub(crate) fn numbers(participants: &[Value]) -> Vec<Dn> {
        let at = |dn: &str| participants.iter().filter(|one| one["dn"] == dn).cloned().collect::<Vec<_>>();
        let kinds = ["101", "102", "103", "104"].map(|dn| (dn, "Wextension"));
        let others = [("804", "Wqueue"), ("900", "Wroutepoint")];
        let all: Vec<_> = kinds.into_iter().chain(others).map(|(dn, kind)| number(dn, kind, &at(dn))).collect();
        Dn::read_all(&serde_json::to_vec(&all).unwrap()).unwrap()
    }

    pub(crate) fn hear(&mut self, say: impl FnOnce(&mut Board, Millis) -> Vec<Signal>) {
        self.now.0 += 1_000;
        for signal in say(&mut self.board, self.now) {
            self.events.extend(self.tracker.apply(signal));
        }
    }

    /// A participant is so now.
    pub(crate) fn is(&mut self, dn: &str, id: u64, callid: u64, status: &str, party: Value) {
        let own =
            json!({ "id": id, "dn": dn, "status": status, "callid": callid, "legid": 1, "direct_control": false });
        let value = with(own, party);
        self.participants.retain(|known| known["id"] != id);
        self.participants.push(value.clone());
        let participant = Participant::read(&serde_json::to_vec(&value).unwrap()).unwrap();
        self.hear(|board, now| board.seat(Seat { dn: dn.into(), id }, &participant, now));
    }

    /// A participant is gone.
    pub(crate) fn gone(&mut self, dn: &str, id: u64) {
        self.participants.retain(|known| known["id"] != id);
        self.hear(|board, now| board.remove(&Seat { dn: dn.into(), id }, now));
    }

    /// So many seconds pass.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now.0 += seconds * 1_000;
        self.hear(Board::tick);
    }

    /// The connection was lost, and stands again: these participants are there.
    pub(crate) fn reconnect(&mut self, participants: &[Value]) {
        self.participants = participants.to_vec();
        let numbers = Self::numbers(participants);
        self.hear(|board, now| board.roll_call_after_gap(numbers, now));
    }

    /// What the source says when it has taken stock.
    pub(crate) fn resynced(&mut self) {
        let alive = self.board.alive();
        self.events.extend(self.tracker.reconcile(&alive, self.now));
    }

    pub(crate) fn report(&mut self, reports: Vec<Report>) {
        for report in reports {
            let (Report::Call(signal) | Report::Past(signal)) = report else { panic!("{report:?}") };
            self.events.extend(self.tracker.apply(signal));
        }
    }

    pub(crate) fn present(&self) -> Vec<Value> {
        self.participants.clone()
    }

    /// The only call.
    pub(crate) fn call(&self) -> &Call {
        let mut calls: Vec<_> = self.calls().into_iter().filter(|call| call.merged_into.is_none()).collect();
        assert_eq!(calls.len(), 1, "{calls:#?}");
        calls.remove(0)
    }

    pub(crate) fn calls(&self) -> Vec<&Call> {
        let mut chains: Vec<&Chain> = self.events.iter().map(|event| &event.chain).collect();
        chains.sort();
        chains.dedup();
        chains.into_iter().filter_map(|chain| self.tracker.call(chain)).collect()
    }

    /// The events of calls that were not merged into others, in short.
    pub(crate) fn story(&self) -> Vec<String> {
        self.events.iter().map(|event| short(&event.what)).collect()
    }
}

fn short(what: &What) -> String {
    match what {
        What::Ringing { extension, .. } => format!("{extension} rings"),
        What::RingStopped { extension, .. } => format!("{extension} rings no more"),
        What::Answered { by: hookswitch_call::signal::Party::Extension(extension), .. } => {
            format!("{extension} answers")
        }
        What::Answered { .. } => "outside answers".to_owned(),
        What::LegEnded { extension, .. } => format!("{extension} leaves"),
        What::Queued { queue } => format!("queue {queue}"),
        What::LeftQueue { exit, .. } => format!("queue left: {exit:?}"),
        What::Dialing { extension, .. } => format!("{extension} dials"),
        What::Transferred { how, .. } => format!("transfer: {how:?}"),
        What::Ended { outcome, .. } => format!("end: {outcome:?}"),
        other => other.name().to_owned(),
    }
}

/// A fact with the words of its kind only.
pub(crate) fn facts(reports: &[Report]) -> Vec<&Fact> {
    reports
        .iter()
        .map(|report| match report {
            Report::Call(signal) | Report::Past(signal) => &signal.fact,
            other => panic!("{other:?}"),
        })
        .collect()
}
