//! How many events of the cloud PBX one core turns into call history, and what a routing question costs besides the
//! network: its proof, the reading, the answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fake_rostelecom::sign;
use hookswitch_call::{Millis, Tracker};
use hookswitch_pbx::{
    Begin, Outlet, Question, Reach, Route, Router, Source as _,
    rostelecom::{Config, History, Ledger, Patience, PinAs, Posted, Rostelecom, RuleWords, Words, Zone},
};
use hookswitch_web::{HeaderMap, Method, Request};
use tokio_util::sync::CancellationToken;

const ID: &str = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const KEY: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
const CALLS: u64 = 1000;
/// 2024-03-05 10:20:30 in Moscow.
const AT: u64 = 1_709_623_230_000;

/// One call: two phones ring, one is picked up.
const STEPS: [(&str, &str); 7] = [
    ("new", ""),
    ("calling", "102"),
    ("calling", "103"),
    ("connected", "102"),
    ("disconnected", "103"),
    ("disconnected", "102"),
    ("end", ""),
];

fn event(call: u64, (state, pin): (&str, &str)) -> String {
    format!(
        r#"{{"session_id":"DEMOs{call}","timestamp":"2024-03-05 10:20:30.123","type":"incoming","state":"{state}","from_number":"sip:79990001122@192.0.2.1","from_pin":"","request_number":"sip:74950000000@192.0.2.1","request_pin":"{pin}","disconnect_reason":"","is_record":""}}"#
    )
}

struct Table;

#[async_trait]
impl Router for Table {
    async fn route(&self, _: Question) -> Route {
        Route { name: Some("Ann Example".to_owned()), target: Some("102".to_owned()) }
    }
}

fn events(c: &mut Criterion) {
    let posts: Vec<_> = (0..CALLS).flat_map(|call| STEPS.map(|step| event(call, step))).collect();
    let (zone, patience) = (Zone::default(), Patience::default());
    let mut group = c.benchmark_group("rostelecom");
    group.throughput(Throughput::Elements(posts.len() as u64));
    group.bench_function("events to call history", |b| {
        b.iter(|| {
            let now = Instant::now();
            let (mut ledger, mut tracker) = (Ledger::new(&[], patience, now), Tracker::new("cloud".into(), []));
            let mut told = 0;
            for post in &posts {
                let posted = Posted::read(post.as_bytes(), Millis(AT), &zone).unwrap();
                for signal in ledger.hear(&posted, now) {
                    told += tracker.apply(signal).len();
                }
            }
            told
        });
    });
    group.finish();
}

fn routes(c: &mut Criterion) {
    let source = Rostelecom::new(Config {
        reach: Reach { base: "https://127.0.0.1:1".parse().unwrap(), ca_file: None },
        domain: "example.rt.ru".into(),
        client_id: ID.into(),
        sign_key: KEY.into(),
        source_networks: Vec::new(),
        answer_within: Duration::from_secs(2),
        pin_as: PinAs::String,
        words: Words::default(),
        patience: Patience::default(),
        history: History::default(),
        rules: RuleWords::default(),
    });
    let (outlet, _taken) = Outlet::new(1);
    let (router, stop) = (Arc::new(Table), CancellationToken::new());
    let begin = Begin { open: Vec::new(), recent: Vec::new(), newest: None, outlet, router, stop };
    let door = Box::new(source.unwrap()).start(begin).posts.unwrap();
    let body = event(1, STEPS[0]);
    let mut headers = HeaderMap::new();
    headers.insert("x-client-id", ID.parse().unwrap());
    headers.insert("x-client-sign", sign(ID, body.as_bytes(), KEY).parse().unwrap());
    let request = Request {
        source: [192, 0, 2, 10].into(),
        secure: true,
        method: Method::POST,
        path: "/get_number_info".to_owned(),
        query: String::new(),
        headers,
        body: body.into(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    c.bench_function("rostelecom/question to answer", |b| {
        b.iter(|| assert_eq!(runtime.block_on(door.answer(request.clone())).status.as_u16(), 200));
    });
}

criterion_group!(benches, events, routes);
criterion_main!(benches);
