//! A PBX that says what a test has it say, and a host that listens.

use std::collections::BTreeSet;

use hookswitch_call::{
    Call, Chain, Event as Told, Millis, Tracker,
    event::{Outcome, What},
    signal::{Reason, Report},
    site::News,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::yeastar::{
    Directory, Event, Exchange, Gap, Ground, Times,
    cdr::Cdr,
    event::Members,
    exchange::{Asked, Roll},
};

/// When the stories take place: the second in the ids of their calls.
pub(super) const SECOND: u64 = 1_710_234_567;
pub(super) const CALL: &str = "1710234567.362";
pub(super) const CALLER: &str = "+4930123456";
pub(super) const OURS: &str = "+4940200100";

pub(super) struct World {
    pub(super) exchange: Exchange,
    pub(super) tracker: Tracker,
    pub(super) events: Vec<Told>,
    pub(super) news: Vec<News>,
    pub(super) asked: Vec<Asked>,
    pub(super) now: u64,
    /// `msg` is a text that holds JSON, and not an object.
    pub(super) as_text: bool,
    pub(super) resynced: usize,
}

pub(super) fn ground() -> Ground {
    let mut directory = Directory::default();
    for number in ["201", "202", "203"] {
        directory.extension(json!({ "number": number, "caller_id_name": format!("Agent {number}") }));
    }
    directory.queue(json!({ "number": "6400", "dynamic_agent_list": [{ "text2": "201" }] }));
    Ground { short_up_to: 6, queues: BTreeSet::new(), directory }
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            exchange: Exchange::new(ground(), 3000, &[]),
            tracker: Tracker::new("office".into(), []),
            events: Vec::new(),
            news: Vec::new(),
            asked: Vec::new(),
            now: SECOND * 1000 + 300,
            as_text: false,
            resynced: 0,
        }
    }

    /// The same with `msg` as the documentation shows it.
    pub(super) fn as_text() -> Self {
        Self { as_text: true, ..Self::new() }
    }

    /// A message on the wire.
    pub(super) fn wire(&self, kind: u64, msg: &Value) -> String {
        let msg = if self.as_text { Value::from(msg.to_string()) } else { msg.clone() };
        json!({ "type": kind, "sn": "3631A2124XXX", "msg": msg }).to_string()
    }

    /// The PBX says something, a second after what it said before.
    pub(super) fn say(&mut self, kind: u64, msg: Value) {
        let message = self.wire(kind, &msg);
        self.now += 1000;
        self.hear(&message);
    }

    pub(super) fn hear(&mut self, message: &str) {
        let heard = self.exchange.apply(Event::read(message.as_bytes()).unwrap(), Millis(self.now));
        self.asked.extend(heard.asked);
        self.take(heard.reports);
    }

    pub(super) fn take(&mut self, reports: Vec<Report>) {
        for report in reports {
            match report {
                Report::Call(signal) | Report::Past(signal) => self.events.extend(self.tracker.apply(signal)),
                Report::Site(news) => self.news.push(news),
                Report::Resynced { alive, at } => {
                    self.resynced += 1;
                    self.events.extend(self.tracker.reconcile(&alive, at));
                }
                Report::Connected | Report::Disconnected { .. } => panic!("the codec knows nothing of connections"),
            }
        }
    }

    /// Time passes, and what is due then is done.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1000;
        let reports = self.exchange.tick(Millis(self.now));
        self.take(reports);
    }

    /// The PBX is asked which calls go on.
    pub(super) fn ask(&mut self, listed: &[Value], rows: &[Value], gap: Option<u64>) -> Vec<Chain> {
        let asked = Millis(self.now);
        self.now += 50;
        let listed = listed.iter().map(|call| Members::read(call.clone()).unwrap()).collect();
        let mut roll: Roll = self.exchange.roll(listed, asked, Millis(self.now));
        let reports = std::mem::take(&mut roll.reports);
        self.take(reports);
        let gone = roll.gone.clone();
        let rows = rows.iter().map(|row| Cdr::of_row(row, &times())).collect();
        let gap = gap.map(|since| Gap { since: Some(since), sure: true });
        let reports = self.exchange.past(roll, rows, gap);
        self.take(reports);
        gone
    }

    /// The host dies and starts again.
    pub(super) fn restart(&mut self) {
        let calls: Vec<Call> = self.calls();
        self.exchange = Exchange::new(ground(), 3000, &calls);
        self.tracker = Tracker::new("office".into(), calls);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let chains: BTreeSet<_> = self.events.iter().map(|event| event.chain.clone()).collect();
        chains.iter().filter_map(|chain| self.tracker.call(chain)).cloned().collect()
    }

    pub(super) fn call(&self) -> &Call {
        self.call_of(CALL)
    }

    pub(super) fn call_of(&self, id: &str) -> &Call {
        self.tracker.call(&Chain::from(id)).unwrap_or_else(|| panic!("there is no call {id}"))
    }

    /// The names of what was concluded, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |event: &Told| match &event.what {
            What::Ringing { extension, .. } => format!("{extension} rings"),
            What::RingStopped { extension, .. } => format!("{extension} rings no more"),
            What::Answered { by: hookswitch_call::signal::Party::Extension(extension), .. } => {
                format!("{extension} answers")
            }
            What::Answered { .. } => "outside answers".to_owned(),
            What::Transferred { how, from, .. } => {
                format!("{} transfers {how:?}", from.as_ref().map(ToString::to_string).unwrap_or_default())
            }
            What::LegEnded { extension, .. } => format!("{extension} leaves"),
            what => what.name().to_owned(),
        };
        self.events.iter().map(name).collect()
    }

    /// Outcome, reason, and whom it is credited to.
    pub(super) fn ended(&self) -> (Outcome, Reason, String) {
        let end = self.call().ended.as_ref().unwrap_or_else(|| panic!("it goes on: {:#?}", self.names()));
        (end.outcome, end.reason, end.credited.as_ref().map(ToString::to_string).unwrap_or_default())
    }
}

pub(super) fn times() -> Times {
    Times { format: "%Y/%m/%d %H:%M:%S".to_owned(), zone: TimeZone::get("Europe/Berlin").unwrap() }
}

/// Members of a call.
pub(super) fn members(members: &[Value]) -> Value {
    members_of(CALL, members)
}

pub(super) fn members_of(call: &str, members: &[Value]) -> Value {
    json!({ "call_id": call, "members": members })
}

pub(super) fn extension(number: &str, status: &str) -> Value {
    json!({ "extension": {
        "number": number, "channel_id": format!("PJSIP/{number}-00000001"), "member_status": status, "call_path": " ",
    }})
}

/// An agent that a queue calls.
pub(super) fn agent(number: &str, status: &str) -> Value {
    json!({ "extension": {
        "number": number, "channel_id": format!("PJSIP/{number}-00000001"), "member_status": status, "call_path": "6400",
    }})
}

pub(super) fn inbound(status: &str) -> Value {
    json!({ "inbound": {
        "from": CALLER, "to": "201", "trunk_name": "provider", "channel_id": "PJSIP/trunk-provider-endpoint-00000002",
        "member_status": status, "call_path": " ",
    }})
}

pub(super) fn outbound(number: &str, status: &str) -> Value {
    json!({ "outbound": {
        "from": "201", "to": number, "trunk_name": "provider", "channel_id": format!("PJSIP/trunk-{number}"),
        "member_status": status, "call_path": "",
    }})
}

/// A record as 30012 tells it, with single spaces for what is empty.
pub(super) fn record(kind: &str, from: &str, to: &str, status: &str, total: u64, talk: u64) -> Value {
    json!({
        "call_id": CALL, "time_start": "2024-03-12 10:09:27", "call_from": from, "call_to": to, "call_duration": total,
        "talk_duration": talk, "src_trunk_name": if kind == "Inbound" { "provider" } else { " " }, "dst_trunk_name": " ",
        "pin_code": " ", "status": status, "type": kind,
        "recording": if talk > 0 { format!("20240312100930-{CALL}-{from}-{to}-{kind}.wav") } else { " ".to_owned() },
        "did_number": if kind == "Inbound" { OURS } else { " " }, "agent_ring_time": 0,
        "uid": "20240312100927A1B2C", "call_note_id": " ", "enb_call_note": 1,
    })
}

/// A row of `cdr/search` of a call that began so many seconds after the beginning of the stories.
pub(super) fn row(after: u64, uid: &str, from: &str, to: &str, status: &str, total: u64, talk: u64) -> Value {
    json!({
        "id": 64, "time": "2024/03/12 10:09:27", "timestamp": SECOND + after, "uid": uid, "call_from": from,
        "call_to": to, "duration": total, "ring_duration": total - talk, "talk_duration": talk, "disposition": status,
        "call_type": "Inbound", "src_trunk": "provider", "dst_trunk": "", "did_number": OURS,
    })
}
