//! How many messages of each kind of phone system one core reads and understands, and turns into call history: the same
//! call over a queue, answered by the second of two agents. Asterisk has a bench of its own, `ami`.
//!
//! `cargo bench -p hookswitch-pbx --bench sources`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

use std::{collections::BTreeSet, time::Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hookswitch_call::{Millis, Signal, Tracker, signal::Report};
use hookswitch_pbx::{rostelecom, three_cx, three_cx_hooks, webhook, yeastar};
use hookswitch_web::{Bytes, HeaderMap, Method, Request};
use serde::Deserialize;
use serde_json::{Value, json};

const CALLS: u64 = 1000;
/// 2024-03-05 08:15:01 UTC.
const AT: Millis = Millis(1_709_626_501_000);

/// What the tracker makes of reports, counted.
fn events(tracker: &mut Tracker, reports: impl IntoIterator<Item = Report>) -> usize {
    let signals = reports.into_iter().filter_map(|report| match report {
        Report::Call(signal) | Report::Past(signal) => Some(signal),
        _ => None,
    });
    signals.map(|signal| tracker.apply(signal).len()).sum()
}

fn of_signals(tracker: &mut Tracker, signals: Vec<Signal>) -> usize {
    signals.into_iter().map(|signal| tracker.apply(signal).len()).sum()
}

fn tracker() -> Tracker {
    Tracker::new("office".into(), [])
}

fn request(body: String) -> Request {
    Request {
        source: [192, 0, 2, 10].into(),
        secure: true,
        method: Method::POST,
        path: "/".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::from(body),
    }
}

fn three_cx_webhooks() -> Vec<Request> {
    const CALL: [&str; 5] = [
        r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"804","usertype":"queue","id":"ID-0"}"#,
        r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"101","usertype":"ext","id":"ID-0"}"#,
        r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"102","usertype":"ext","id":"ID-0"}"#,
        r#"{"event":"hangupincoming","callerid":"+4420000001","user":"102","did":"Main line","trtype":"NotDef","id":"ID-1"}"#,
        r#"{"event":"incoming","callerid":"+4420000001","user":"102","did":"Main line","finishtype":"Ok","transfer":"false","title":"Call","id":"ID-1"}"#,
    ];
    let call = |number: u64| CALL.map(|post| request(post.replace("ID", &format!("240305081500_{number}"))));
    (0..CALLS).flat_map(call).collect()
}

/// A participant as the PBX answers for it, or its number where it is gone.
enum Change {
    Is(Vec<u8>),
    Gone,
}

fn three_cx_changes() -> Vec<(three_cx::Seat, Change)> {
    let call = |call: u64| {
        [("101", 1, "Ringing"), ("102", 2, "Ringing"), ("102", 2, "Connected"), ("101", 1, ""), ("102", 2, "")].map(
            |(dn, number, status)| {
                let id = call * 10 + number;
                let participant = json!({
                    "id": id, "dn": dn, "status": status, "callid": call, "legid": 1, "direct_control": false,
                    "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": "+4420000001",
                    "on_behalf_of_dn": "804", "on_behalf_of_type": "Wqueue",
                });
                let change =
                    if status.is_empty() { Change::Gone } else { Change::Is(participant.to_string().into_bytes()) };
                (three_cx::Seat { dn: dn.into(), id }, change)
            },
        )
    };
    (1..=CALLS).flat_map(call).collect()
}

fn yeastar_messages() -> Vec<String> {
    let inbound = |status: &str| {
        json!({ "inbound": { "from": "+4420000001", "to": "6400", "trunk_name": "provider", "member_status": status,
                             "channel_id": "PJSIP/trunk-provider-endpoint-00000002", "call_path": " " }})
    };
    let agent = |number: &str, status: &str| {
        json!({ "extension": { "number": number, "channel_id": format!("PJSIP/{number}-00000001"),
                               "member_status": status, "call_path": "6400" }})
    };
    let call = |number: u64| {
        [
            vec![inbound("ALERT")],
            vec![inbound("ANSWERED"), agent("201", "RING"), agent("202", "RING")],
            vec![inbound("ANSWERED"), agent("202", "ANSWER")],
            vec![agent("201", "BYE")],
            vec![inbound("BYE"), agent("202", "BYE")],
        ]
        .map(|members| {
            let msg = json!({ "call_id": format!("1709626500.{number}"), "members": members }).to_string();
            json!({ "type": 30011, "sn": "3631A2124XXX", "msg": msg }).to_string()
        })
    };
    (0..CALLS).flat_map(call).collect()
}

fn rostelecom_posts() -> Vec<String> {
    let call = |number: u64| {
        [("new", ""), ("calling", "101"), ("calling", "102"), ("connected", "102"), ("disconnected", "101")].map(
            |(state, pin)| {
                json!({
                    "session_id": format!("DEMOs{number}"), "timestamp": "2024-03-05 11:15:01.000", "type": "incoming",
                    "state": state, "from_number": "sip:79990001122@192.0.2.1", "from_pin": "",
                    "request_number": "sip:74950000000@192.0.2.1", "request_pin": pin, "disconnect_reason": "",
                    "is_record": "",
                })
                .to_string()
            },
        )
    };
    (0..CALLS).flat_map(call).collect()
}

/// The keys of our own format's description.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Own {
    body: webhook::Body,
    time: webhook::Time,
    call: Option<webhook::Value>,
    sequence: Option<webhook::Value>,
    at: Option<webhook::Moment>,
    event: Vec<webhook::Event>,
}

fn own_format() -> webhook::Description {
    let own: Own = toml::from_str(include_str!("../../hookswitch/src/sources/webhook/own.toml")).unwrap();
    let Own { body, time, call, sequence, at, event: events } = own;
    webhook::Description { body, time, internal_numbers: Vec::new(), call, leg: None, sequence, at, events }
}

fn own_messages() -> Vec<Request> {
    let call = |number: u64| {
        let message = |kind: &str, seq: u64, data: Value| {
            let chain = format!("call-{number}");
            let message =
                json!({ "kind": kind, "chain": chain, "at": "2024-03-05T08:15:01Z", "seq": seq, "data": data });
            request(message.to_string())
        };
        [
            message("call.new", 1, json!({ "direction": "inbound", "external": { "number": "+4420000001" } })),
            message("call.ringing", 2, json!({ "ext": "101" })),
            message("call.ringing", 3, json!({ "ext": "102" })),
            message("call.answered", 4, json!({ "ext": "102" })),
            message("call.ended", 5, json!({ "reason": "normal", "side": "external" })),
        ]
    };
    (0..CALLS).flat_map(call).collect()
}

fn sources(c: &mut Criterion) {
    let mut group = c.benchmark_group("messages to call history");
    group.throughput(Throughput::Elements(CALLS * 5));

    let (posts, names) = (three_cx_webhooks(), three_cx_hooks::Names::default());
    group.bench_function("3cx-webhooks", |b| {
        b.iter(|| {
            let clock = three_cx_hooks::Clock(jiff::tz::TimeZone::UTC);
            let (mut calls, mut tracker) = (three_cx_hooks::Calls::new(clock, Vec::new(), &[]), tracker());
            let mut count = 0;
            for post in &posts {
                let told = three_cx_hooks::Told::read(&three_cx_hooks::Post::read(post).unwrap(), &names).unwrap();
                count += events(&mut tracker, calls.reports(&told, AT));
                calls.remember(&told, AT);
            }
            count
        });
    });

    let changes = three_cx_changes();
    group.bench_function("3cx", |b| {
        b.iter(|| {
            let (mut board, mut tracker) = (three_cx::Board::new(three_cx::Rules::default(), []), tracker());
            let mut count = 0;
            for (seat, change) in &changes {
                let signals = match change {
                    Change::Is(bytes) => board.seat(seat.clone(), &three_cx::Participant::read(bytes).unwrap(), AT),
                    Change::Gone => board.remove(seat, AT),
                };
                count += of_signals(&mut tracker, signals);
            }
            count
        });
    });

    let messages = yeastar_messages();
    group.bench_function("yeastar", |b| {
        let ground =
            yeastar::Ground { short_up_to: 6, queues: BTreeSet::new(), directory: yeastar::Directory::default() };
        b.iter(|| {
            let (mut exchange, mut tracker) = (yeastar::Exchange::new(ground.clone(), 3000, &[]), tracker());
            let mut count = 0;
            for message in &messages {
                let heard = exchange.apply(yeastar::Event::read(message.as_bytes()).unwrap(), AT);
                count += events(&mut tracker, heard.reports);
            }
            count
        });
    });

    let posts = rostelecom_posts();
    group.bench_function("rostelecom", |b| {
        let (zone, now) = (rostelecom::Zone::default(), Instant::now());
        b.iter(|| {
            let mut ledger = rostelecom::Ledger::new(&[], rostelecom::Patience::default(), now);
            let (mut tracker, mut count) = (tracker(), 0);
            for post in &posts {
                let posted = rostelecom::Posted::read(post.as_bytes(), AT, &zone).unwrap();
                count += of_signals(&mut tracker, ledger.hear(&posted, now));
            }
            count
        });
    });

    let (description, messages) = (own_format(), own_messages());
    group.bench_function("webhook, own format", |b| {
        b.iter_batched(
            tracker,
            |mut tracker| {
                let mut count = 0;
                for message in &messages {
                    let post = webhook::Post::read(message, &description.body).unwrap();
                    for told in description.tell(&post, AT).unwrap() {
                        count += events(&mut tracker, told.reports);
                    }
                }
                count
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, sources);
criterion_main!(benches);
