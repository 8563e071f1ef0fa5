//! What is posted, at the door itself: who is let in, when it is acknowledged, and how long an answer may take.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use fake_rostelecom::sign;
use hookswitch_call::signal::Report;
use hookswitch_pbx::{
    Batch, Begin, Outlet, Question, Reach, Route, Router, Source as _,
    rostelecom::{Config, History, Patience, PinAs, Rostelecom, RuleWords, Words},
};
use hookswitch_web::{Bytes, Handler, HeaderMap, HeaderValue, Method, Request};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::inbound;

const ID: &str = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const KEY: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

/// Knows everybody, after so long.
struct Slow(Duration);

#[async_trait]
impl Router for Slow {
    async fn route(&self, question: Question) -> Route {
        assert_eq!((question.external.as_deref(), question.line.as_str()), (Some("79990001122"), "74950000000"));
        tokio::time::sleep(self.0).await;
        Route { name: Some("Ann Example".into()), target: Some("102".into()) }
    }
}

fn open(router: Slow, networks: &[&str]) -> (Arc<dyn Handler>, mpsc::Receiver<Batch>) {
    let source = Rostelecom::new(Config {
        reach: Reach { base: "https://127.0.0.1:1".parse().unwrap(), ca_file: None },
        domain: "example.rt.ru".into(),
        client_id: ID.into(),
        sign_key: KEY.into(),
        source_networks: serde_json::from_value(json!(networks)).unwrap(),
        answer_within: Duration::from_millis(200),
        pin_as: PinAs::String,
        words: Words::default(),
        patience: Patience::default(),
        history: History::default(),
        rules: RuleWords::default(),
    });
    let (outlet, taken) = Outlet::new(4);
    let (router, stop) = (Arc::new(router), CancellationToken::new());
    let begin = Begin { open: Vec::new(), recent: Vec::new(), newest: None, outlet, router, stop };
    (Box::new(source.unwrap()).start(begin).posts.unwrap(), taken)
}

fn post(method: &str, body: &str) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert("x-client-id", HeaderValue::from_static(ID));
    headers.insert("x-client-sign", sign(ID, body.as_bytes(), KEY).parse().unwrap());
    Request {
        source: IpAddr::from([192, 0, 2, 10]),
        secure: true,
        method: Method::POST,
        path: format!("/{method}"),
        query: String::new(),
        headers,
        body: Bytes::from(body.to_owned()),
    }
}

fn ring() -> Request {
    post("call_events", &inbound(0, "calling", "102").to_string())
}

#[tokio::test]
async fn a_route_that_comes_too_late_is_not_waited_for() {
    for (takes, answer) in [
        (Duration::ZERO, json!({"result": 0, "resultMessage": "", "displayName": "Ann Example", "PIN": "102"})),
        (Duration::MAX, json!({"result": 0, "resultMessage": ""})),
    ] {
        let (door, mut taken) = open(Slow(takes), &[]);
        let question = post("get_number_info", &inbound(0, "new", "").to_string());
        let response = timeout(Duration::from_secs(10), door.answer(question)).await.expect("an answer in time");
        assert_eq!(response.status.as_u16(), 200);
        assert_eq!(serde_json::from_slice::<Value>(&response.body).unwrap(), answer, "after {takes:?}");
        assert!(taken.try_recv().is_err(), "asking tells nothing");
    }
}

#[tokio::test]
async fn an_event_is_acknowledged_when_it_is_durable_and_not_before() {
    let (door, mut taken) = open(Slow(Duration::ZERO), &[]);
    let mut answer = door.answer(ring());
    let Batch { reports, kept } = tokio::select! {
        batch = taken.recv() => batch.unwrap(),
        _ = &mut answer => panic!("acknowledged before it was taken"),
    };
    assert!(matches!(reports.as_slice(), [Report::Call(_), Report::Call(_)]), "{reports:?}");
    assert!(futures::poll!(&mut answer).is_pending(), "acknowledged before it was durable");
    kept.unwrap().send(()).unwrap();
    let response = answer.await;
    assert_eq!((response.status.as_u16(), &response.body[..]), (200, br#"{"result":0,"resultMessage":""}"#.as_slice()));

    // The host stops: the event is not acknowledged.
    let answer = door.answer(post("call_events", &inbound(9000, "connected", "102").to_string()));
    let lost = async {
        drop(taken.recv().await.unwrap());
        drop(taken);
    };
    let (response, ()) = tokio::join!(answer, lost);
    assert_eq!(response.status.as_u16(), 503);
    assert_eq!(door.answer(ring()).await.status.as_u16(), 503);
}

#[tokio::test]
async fn strangers_are_not_heard() {
    let (door, mut taken) = open(Slow(Duration::ZERO), &["192.0.2.0/24", "2001:db8::/32"]);
    let with = |change: fn(&mut Request)| {
        let mut request = ring();
        change(&mut request);
        request
    };
    for (number, (request, status)) in [
        (with(|request| request.source = IpAddr::from([198, 51, 100, 1])), 403),
        (with(|request| request.method = Method::GET), 405),
        (with(|request| drop(request.headers.remove("x-client-sign"))), 401),
        (with(|request| drop(request.headers.remove("x-client-id"))), 401),
        (with(|request| assert!(request.headers.append("x-client-id", HeaderValue::from_static("another")))), 401),
        (with(|request| drop(request.headers.insert("x-client-sign", HeaderValue::from_static("")))), 401),
        (with(|request| request.body = Bytes::from([&request.body, b" ".as_slice()].concat())), 401),
        (post("call_events", &" ".repeat(70_000)), 413),
        (post("call_events", "[]"), 400),
        (post("call_events", &"[".repeat(60_000)), 400),
        (post("history_file_completed", "{}"), 400),
        (post("get_number_info", "{}"), 400),
        (post("hang_up", "{}"), 404),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(door.answer(request).await.status.as_u16(), status, "case {number}");
    }
    assert!(taken.try_recv().is_err(), "nothing of it was believed");
}
