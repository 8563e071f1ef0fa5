//! What a routing question of the cloud PBX costs besides the network: its proof, the reading, the answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use fake_rostelecom::sign;
use hookswitch_pbx::{
    Begin, Outlet, Question, Reach, Route, Router, Source as _,
    rostelecom::{Config, History, Patience, PinAs, Rostelecom, RuleWords, Words},
};
use hookswitch_web::{HeaderMap, Method, Request};
use tokio_util::sync::CancellationToken;

const ID: &str = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const KEY: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

/// What is asked before a caller is routed.
const QUESTION: &str = r#"{"session_id":"DEMOs1","timestamp":"2024-03-05 10:20:30.123","type":"incoming","state":"new","from_number":"sip:79990001122@192.0.2.1","from_pin":"","request_number":"sip:74950000000@192.0.2.1","request_pin":"","disconnect_reason":"","is_record":""}"#;

struct Table;

#[async_trait]
impl Router for Table {
    async fn route(&self, _: Question) -> Route {
        Route { name: Some("Ann Example".to_owned()), target: Some("102".to_owned()) }
    }
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
    let mut headers = HeaderMap::new();
    headers.insert("x-client-id", ID.parse().unwrap());
    headers.insert("x-client-sign", sign(ID, QUESTION.as_bytes(), KEY).parse().unwrap());
    let request = Request {
        source: [192, 0, 2, 10].into(),
        secure: true,
        method: Method::POST,
        path: "/get_number_info".to_owned(),
        query: String::new(),
        headers,
        body: QUESTION.into(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    c.bench_function("rostelecom/question to answer", |b| {
        b.iter(|| assert_eq!(runtime.block_on(door.answer(request.clone())).status.as_u16(), 200));
    });
}

criterion_group!(benches, routes);
criterion_main!(benches);
