//! The cloud PBX of Rostelecom: events, records and files as the sheet (`pbx-rostelecom.md`) shows them, to what happened
//! to calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod disorder;
mod door;
mod files;
mod formats;
mod fuzz;
mod stories;

use std::time::{Duration, Instant};

use hookswitch_call::{Call, Event, Millis, Signal, Tracker};
use hookswitch_pbx::rostelecom::{Ledger, Patience, Posted, Record, Roster, Words, Zone};
use serde_json::{Value, json};

/// 2024-03-05 10:20:30 in Moscow.
pub const START: u64 = 1_709_623_230_000;

/// A ledger, and a tracker that takes what it says.
pub struct Desk {
    pub ledger: Ledger,
    pub tracker: Tracker,
    pub events: Vec<Event>,
    pub words: Words,
    pub now: Instant,
}

impl Desk {
    pub fn open() -> Self {
        Self::after(&[])
    }

    /// After a restart of the host, with what it knows.
    pub fn after(recent: &[Call]) -> Self {
        let now = Instant::now();
        let mut ledger = Ledger::new(recent, Patience::default(), now);
        ledger.learn(roster());
        let tracker = Tracker::new("cloud".into(), recent.to_vec());
        Self { ledger, tracker, events: Vec::new(), words: Words::default(), now }
    }

    /// The PBX posts an event.
    pub fn hear(&mut self, event: &Value) {
        let posted = self.read(event);
        let signals = self.ledger.hear(&posted, self.now);
        self.apply(signals);
    }

    pub fn read(&self, event: &Value) -> Posted {
        let stamp = event["timestamp"].as_str().unwrap();
        let arrival = Zone::default().read(stamp).unwrap();
        Posted::read(event.to_string().as_bytes(), arrival, &Zone::default()).unwrap()
    }

    /// Every record that is asked for now is answered like this.
    pub fn answer(&mut self, info: Option<&Value>) -> usize {
        let due = self.ledger.due(self.now, 100);
        for call in &due {
            let record = info.map(|info| record(call.as_str(), info, &self.words));
            let at = Millis(START + 3_600_000);
            let signals = self.ledger.tell(call, record.as_ref(), at, self.now);
            self.apply(signals);
        }
        due.len()
    }

    /// The PBX's history has this call.
    pub fn past(&mut self, record: &Record) {
        let signals = self.ledger.past(record, self.now);
        self.apply(signals);
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn apply(&mut self, signals: Vec<Signal>) {
        for signal in signals {
            self.events.extend(self.tracker.apply(signal));
        }
    }

    pub fn call(&self, id: &str) -> &Call {
        self.tracker.call(&id.into()).expect("the call is known")
    }

    /// The events so far, in short: `answered 102`.
    pub fn told(&self) -> Vec<String> {
        self.events.iter().map(short).collect()
    }
}

/// An event in one line.
pub fn short(event: &Event) -> String {
    let what = serde_json::to_value(&event.what).unwrap();
    let text = |key: &str| match &what[key] {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => object.values().next().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let keys = ["extension", "by", "queue", "outcome", "reason", "file", "name", "how", "from", "to", "role"];
    let words = keys.iter().filter_map(|key| text(key)).filter(|word| word != "called" && word != "unknown");
    [event.what.name().to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

pub fn record(call: &str, info: &Value, words: &Words) -> Record {
    let field = |name: &str| match &info[name] {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    Record::read(call.into(), &field, words)
}

/// Two users, and a group of both.
pub fn roster() -> Roster {
    Roster::read(&json!({
        "result": "0", "resultMessage": "",
        "users": [
            {"display_name": "Ann Example", "name": "admin", "pin": "102", "is_supervisor": true, "email": "a@example.com"},
            {"display_name": "Bob Example", "name": "bob", "pin": "103", "is_operator": true, "recording": 1},
        ],
        "groups": [{"name": "Sales", "pin": "800", "distribution": 1, "users_list": ["102", 103]}],
    }))
}

/// An event of an inbound call, so many milliseconds after its start.
pub fn inbound(after: u64, state: &str, pin: &str) -> Value {
    json!({
        "session_id": "DEMOs1", "timestamp": Zone::default().write(Millis(START + after)) + &format!(".{:03}", after % 1000),
        "type": "incoming", "state": state, "from_number": "sip:79990001122@192.0.2.1", "from_pin": "",
        "request_number": "sip:74950000000@192.0.2.1", "request_pin": pin, "disconnect_reason": "", "is_record": "",
    })
}

/// An event of an outbound call.
pub fn outbound(after: u64, state: &str, pin: &str) -> Value {
    let mut event = inbound(after, state, pin);
    event["type"] = "outbound".into();
    event["from_number"] = "sip:admin@example.rt.ru".into();
    event["from_pin"] = "102".into();
    event["request_number"] = "sip:79990001122@192.0.2.1".into();
    event
}

/// What `call_info` says of an inbound call that was answered.
pub fn info(log: &str, seconds: u64) -> Value {
    json!({
        "call_type": 1, "direction": 1, "state": 1, "orig_number": "sip:79990001122@192.0.2.1", "orig_pin": null,
        "dest_number": "sip:74950000000@192.0.2.1", "answering_sipuri": "sip:admin@example.rt.ru", "answering_pin": "102",
        "start_call_date": (START / 1000).to_string(), "duration": seconds, "session_log": log, "is_voicemail": false,
        "is_record": true, "is_fax": false, "status_code": null, "status_string": null,
    })
}
