//! A source against a Yeastar P-Series that is strict: over TLS, web sockets and posts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::{
    collections::BTreeSet,
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use fake_yeastar::{Options, Pbx, extension, inbound, outbound};
use hookswitch_call::{
    Call, Event, Millis, Site, Tracker,
    event::Outcome,
    signal::{Direction, Reason, Report, Side},
};
use hookswitch_pbx::{
    Batch, Begin, Control, Dial, Outlet, Question, Refused, Route, Router, Source as _,
    yeastar::{Config, Directory, Events, Ground, Patience, Times, Yeastar},
};
use hookswitch_web::{Bytes, Handler, HeaderMap, HeaderValue, Method, Request, StatusCode};
use jiff::tz::TimeZone;
use serde_json::json;
use tempfile::NamedTempFile;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);
const CALLER: &str = "+4930123456";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What has been heard.
#[derive(Default)]
struct Heard {
    tracker: Option<Tracker>,
    events: Vec<Event>,
    site: Site,
    connected: usize,
    lost: Vec<String>,
    resynced: usize,
}

/// A host that does nothing but listen.
struct Host {
    heard: Arc<Mutex<Heard>>,
    news: watch::Sender<u64>,
    stop: CancellationToken,
    work: JoinHandle<()>,
    posts: Option<Arc<dyn Handler>>,
    control: Option<Arc<dyn Control>>,
    _ca: NamedTempFile,
}

/// Sends callers where their number says.
struct Doorman;

#[async_trait]
impl Router for Doorman {
    async fn route(&self, question: Question) -> Route {
        let external = question.external.unwrap_or_default();
        if external.starts_with("+49777") {
            // Longer than anybody may take.
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Route { target: external.starts_with("+49900").then(|| "reject".to_owned()), name: None }
    }
}

fn config(pbx: &Pbx, ca: &NamedTempFile) -> Config {
    Config {
        reach: hookswitch_pbx::Reach {
            base: pbx.url().parse().unwrap(),
            ca_file: pbx.ca_pem().map(|_| ca.path().to_owned()),
        },
        client_id: "client-of-the-api".to_owned(),
        client_secret: "s3cr3t-of-the-api".into(),
        events: Events::WebSocket,
        topics: Config::TOPICS.into_iter().chain([Config::ASKED]).collect(),
        confirm: true,
        ground: Ground { short_up_to: 6, queues: BTreeSet::new(), directory: Directory::default() },
        times: Times { format: "%Y/%m/%d %H:%M:%S".to_owned(), zone: TimeZone::UTC },
        patience: Patience {
            settle: Duration::from_millis(300),
            retry_first: Duration::from_millis(20),
            retry_longest: Duration::from_millis(200),
            ..Patience::default()
        },
    }
}

impl Host {
    fn start(pbx: &Pbx, change: impl FnOnce(&mut Config)) -> Self {
        Self::go_on(pbx, change, Vec::new(), None)
    }

    fn go_on(pbx: &Pbx, change: impl FnOnce(&mut Config), recent: Vec<Call>, newest: Option<Millis>) -> Self {
        let mut ca = NamedTempFile::new().unwrap();
        ca.write_all(pbx.ca_pem().unwrap_or_default().as_bytes()).unwrap();
        let mut config = config(pbx, &ca);
        change(&mut config);
        let (outlet, mut taken) = Outlet::new(16);
        let stop = CancellationToken::new();
        let open = recent.iter().filter(|call| call.is_open()).map(|call| call.chain.clone()).collect();
        let tracker = Tracker::new("office".into(), recent.clone());
        let heard = Arc::new(Mutex::new(Heard { tracker: Some(tracker), ..Heard::default() }));
        let news = watch::Sender::new(0);
        let source = Box::new(Yeastar::new(config).unwrap());
        let begin = Begin { open, recent, newest, outlet, router: Arc::new(Doorman), stop: stop.clone() };
        let started = source.start(begin);
        let (listening, told) = (heard.clone(), news.clone());
        tokio::spawn(async move {
            while let Some(Batch { reports, kept }) = taken.recv().await {
                listening.lock().unwrap().take(reports);
                if let Some(kept) = kept {
                    let _ = kept.send(());
                }
                told.send_modify(|news| *news += 1);
            }
        });
        let work = tokio::spawn(started.work);
        Self { heard, news, stop, work, posts: started.posts, control: started.control, _ca: ca }
    }

    /// Waits until something is so.
    async fn until<T>(&self, what: &str, found: impl Fn(&Heard) -> Option<T>) -> T {
        let mut news = self.news.subscribe();
        let wait = async {
            loop {
                if let Some(found) = found(&self.heard.lock().unwrap()) {
                    return found;
                }
                news.changed().await.unwrap();
            }
        };
        let waited = timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("{what}: {:#?}", self.heard.lock().unwrap().names()))
    }

    async fn event(&self, call: &str, name: &str) {
        let has = |heard: &Heard| {
            heard.events.iter().any(|event| event.chain.as_str() == call && event.what.name() == name).then_some(())
        };
        self.until(&format!("{call} {name}"), has).await;
    }

    fn call(&self, id: &str) -> Call {
        self.heard.lock().unwrap().tracker.as_ref().unwrap().call(&id.into()).cloned().unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.work).await.unwrap().unwrap();
    }
}

impl Heard {
    fn take(&mut self, reports: Vec<Report>) {
        let tracker = self.tracker.as_mut().unwrap();
        for report in reports {
            match report {
                Report::Call(signal) | Report::Past(signal) => self.events.extend(tracker.apply(signal)),
                Report::Resynced { alive, at } => {
                    self.resynced += 1;
                    self.events.extend(tracker.reconcile(&alive, at));
                }
                Report::Site(news) => drop(self.site.apply(&news)),
                Report::Connected => self.connected += 1,
                Report::Disconnected { reason } => self.lost.push(reason),
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.events.iter().map(|event| format!("{} {}", event.chain, event.what.name())).collect()
    }
}

fn resynced(count: usize) -> impl Fn(&Heard) -> Option<()> {
    move |heard| (heard.resynced >= count).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_over_tls_and_the_pbx_is_asked_nothing_wrong() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    host.until("resynced", resynced(1)).await;
    let name = host.until("the directory", |heard| {
        heard.site.stations().find(|(extension, _)| extension.as_str() == "202").map(|(_, station)| station.clone())
    });
    let station = name.await;
    assert_eq!((station.name.as_str(), station.registered), ("Bob Agent", Some(true)));
    assert!(station.queues.contains_key("6400"), "{station:?}");
    let call = pbx.next_call();
    pbx.now(&call, &[inbound(CALLER, "201", "ALERT"), extension("201", "RING")]).await.unwrap();
    host.event(&call, "ringing").await;
    pbx.now(&call, &[inbound(CALLER, "201", "ANSWERED"), extension("201", "ANSWER")]).await.unwrap();
    pbx.end(&call, &[inbound(CALLER, "201", "BYE"), extension("201", "BYE")], "Inbound", CALLER, "201", 2)
        .await
        .unwrap();
    host.event(&call, "ended").await;
    let told = host.call(&call);
    assert_eq!(told.ended.as_ref().map(|end| end.outcome), Some(Outcome::Answered));
    assert_eq!((told.external.as_deref(), told.line.as_str()), (Some(CALLER), "+4940200100"));
    host.event(&call, "recorded").await;
    host.end().await;
    assert_eq!(pbx.complaints(), [""; 0]);
    assert_eq!(pbx.tokens(), (1, 0, 0), "the token was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_during_a_gap_is_found_out_afterwards() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    host.until("resynced", resynced(1)).await;
    let (goes_on, ends) = (pbx.next_call(), pbx.next_call());
    for (call, agent) in [(&goes_on, "201"), (&ends, "202")] {
        let caller = format!("+4930{agent}");
        pbx.now(call, &[inbound(&caller, agent, "ANSWERED"), extension(agent, "ANSWER")]).await.unwrap();
        host.event(call, "answered").await;
    }
    pbx.end_quietly(&ends, "Inbound", "+4930202", "202", 1);
    // Records of calls that were not recorded have no id of the call, so that of a call that nobody heard is the record's
    // own.
    pbx.end_quietly(&pbx.next_call(), "Inbound", "+49891111", "203", 0);
    pbx.cut();
    host.until("the loss", |heard| heard.lost.first().cloned()).await;
    pbx.subscribed(2).await.unwrap();
    host.until("resynced", resynced(2)).await;
    let ended = host.call(&ends).ended.unwrap();
    assert_eq!((ended.outcome, ended.given_up), (Outcome::Answered, false));
    assert!(host.call(&goes_on).is_open());
    let missed = host.call("U1");
    assert_eq!((missed.direction, missed.external.as_deref()), (Direction::Inbound, Some("+49891111")));
    assert_eq!(missed.ended.unwrap().outcome, Outcome::Missed);
    host.end().await;
    assert_eq!(pbx.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_mid_call_goes_on_with_it_and_asks_for_the_others() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    let (goes_on, ends) = (pbx.next_call(), pbx.next_call());
    for (call, agent) in [(&goes_on, "201"), (&ends, "202")] {
        let caller = format!("+4930{agent}");
        pbx.now(call, &[inbound(&caller, agent, "ANSWERED"), extension(agent, "ANSWER")]).await.unwrap();
        host.event(call, "answered").await;
    }
    let recent = vec![host.call(&goes_on), host.call(&ends)];
    let newest = recent.iter().map(|call| call.started).max();
    // Without a farewell.
    host.work.abort();
    pbx.end_quietly(&ends, "Inbound", "+4930202", "202", 1);
    let host = Host::go_on(&pbx, |_| {}, recent, newest);
    host.event(&ends, "ended").await;
    assert!(host.call(&goes_on).is_open());
    pbx.subscribed(2).await.unwrap();
    pbx.end(&goes_on, &[inbound("+4930201", "201", "BYE")], "Inbound", "+4930201", "201", 3).await.unwrap();
    host.event(&goes_on, "ended").await;
    let ends = host.heard.lock().unwrap().names().iter().filter(|name| name.ends_with("ended")).count();
    assert_eq!(ends, 2);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_long_time_what_was_missed_is_told_and_what_is_long_known_is_not() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let now: u64 = pbx.next_call().split('.').next().unwrap().parse().unwrap();
    let newest = now - 3 * 3600;
    pbx.end_quietly(&format!("{newest}.1"), "Inbound", CALLER, "201", 0);
    pbx.end_quietly(&format!("{}.2", newest + 2), "Inbound", "+49891111", "202", 0);
    // A call that ended long ago is no recent one.
    let host = Host::go_on(&pbx, |_| {}, Vec::new(), Some(Millis(newest * 1000 + 900)));
    host.until("resynced", resynced(1)).await;
    assert_eq!(host.call("U1").external.as_deref(), Some("+49891111"));
    let told = host.heard.lock().unwrap().names();
    assert!(told.iter().all(|name| name.starts_with("U1 ")), "{told:?}");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_its_time_and_no_event_is_lost_by_that() {
    let pbx = Pbx::start(Options { life: Duration::from_secs(2), ..Options::default() }).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    let mut told = Vec::new();
    while pbx.tokens().1 < 2 {
        let call = pbx.next_call();
        pbx.now(&call, &[inbound(CALLER, "201", "ALERT"), extension("201", "RING")]).await.unwrap();
        told.push(call);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pbx.subscribed(3).await.unwrap();
    for call in &told {
        host.event(call, "ringing").await;
    }
    assert_eq!(host.heard.lock().unwrap().lost, [""; 0], "one connection took the other's place");
    assert_eq!(pbx.tokens().0, 1, "one log-in");
    host.end().await;
    assert_eq!(pbx.tokens().2, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_a_restart_of_the_pbx_ended_are_replaced() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    host.until("resynced", resynced(1)).await;
    pbx.end_tokens();
    pbx.cut();
    pbx.subscribed(2).await.unwrap();
    host.until("resynced", resynced(2)).await;
    assert_eq!(pbx.tokens().0, 2);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_kept_alive_and_a_dead_one_is_given_up() {
    let pbx = Pbx::start(Options { idle: Duration::from_millis(900), ..Options::default() }).await.unwrap();
    let host = Host::start(&pbx, |config| config.patience.heartbeat = Duration::from_millis(200));
    pbx.subscribed(1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2000)).await;
    assert_eq!(host.heard.lock().unwrap().lost, [""; 0]);
    host.end().await;
    let host = Host::start(&pbx, |config| config.patience.heartbeat = Duration::from_secs(5));
    host.until("the end of what is silent", |heard| heard.lost.first().cloned()).await;
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_said_once_and_does_not_get_us_blocked() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let wrong = |config: &mut Config| config.client_secret = "wrong".into();
    let host = Host::start(&pbx, wrong);
    let reason = host.until("the refusal", |heard| heard.lost.first().cloned()).await;
    assert!(reason.contains("Client Secret") && reason.contains("PASSWORD ERROR"), "{reason}");
    let control = host.control.clone().unwrap();
    for _ in 0..10 {
        let dial = Dial { from: "201".into(), number: "030".into(), crm_call: None };
        assert!(matches!(control.dial(&dial).await, Err(Refused::Offline(_))));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!pbx.is_blocked());
    assert_eq!(host.heard.lock().unwrap().lost.len(), 1);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_taken_or_refused_and_a_slow_answer_takes_them() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    let calls = [("+4930111", true), ("+49900111", false), ("anonymous", true), ("+49777111", true)];
    let asked: Vec<_> = calls.iter().map(|(caller, taken)| (pbx.next_call(), *caller, *taken)).collect();
    for (call, caller, _) in &asked {
        pbx.ask(call, inbound(caller, "201", "ALERT")).await;
    }
    for (call, caller, taken) in &asked {
        assert_eq!(pbx.decided(call).await.unwrap(), *taken, "{caller}");
    }
    // Of one that was refused nothing more is told, and it ends all the same.
    let refused = &asked[1].0;
    host.event(refused, "ended").await;
    let end = host.call(refused).ended.unwrap();
    assert_eq!((end.outcome, end.reason, end.by), (Outcome::Missed, Reason::Busy, Side::Internal));
    host.end().await;
    assert_eq!(pbx.complaints(), [""; 0], "each was decided on once, in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_calls_are_not_to_be_confirmed_nobody_is_asked() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |config| config.confirm = false);
    pbx.subscribed(1).await.unwrap();
    let call = pbx.next_call();
    pbx.ask(&call, inbound("+49900111", "201", "ALERT")).await;
    host.event(&call, "new").await;
    host.end().await;
    assert!(pbx.requests().iter().all(|request| !request.what.contains("inbound")), "{:?}", pbx.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_made_and_ended() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    host.until("resynced", resynced(1)).await;
    let control = host.control.clone().unwrap();
    let dial = Dial { from: "201".into(), number: "030999".into(), crm_call: Some("crm-7".into()) };
    let call = control.dial(&dial).await.unwrap().call.unwrap();
    assert_eq!(pbx.asked("call/dial", 1).await.unwrap().said, json!({ "caller": "201", "callee": "030999" }));
    host.event(call.as_str(), "ringing").await;
    pbx.now(call.as_str(), &[extension("201", "ANSWER"), outbound("201", "030999", "RING")]).await.unwrap();
    pbx.now(call.as_str(), &[outbound("201", "030999", "ANSWER")]).await.unwrap();
    host.event(call.as_str(), "dialing").await;
    control.hang_up(&call).await.unwrap();
    assert_eq!(pbx.asked("call/hangup", 1).await.unwrap().said["channel_id"], "PJSIP/trunk-provider-endpoint-030999");
    host.event(call.as_str(), "ended").await;
    let told = host.call(call.as_str());
    assert_eq!((told.direction, told.crm_call.as_deref()), (Direction::Outbound, Some("crm-7")));
    assert_eq!(told.ended.unwrap().outcome, Outcome::Answered);
    // What the host has not heard of, the PBX is asked for.
    let quiet = pbx.next_call();
    pbx.quietly(&quiet, &[extension("203", "ANSWER"), outbound("203", "040", "ANSWER")]);
    control.hang_up(&quiet.as_str().into()).await.unwrap();
    assert_eq!(control.hang_up(&quiet.as_str().into()).await, Err(Refused::NoSuchCall));
    let nobody = Dial { from: "999".into(), ..dial };
    assert!(matches!(control.dial(&nobody).await, Err(Refused::Unreachable(_))));
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_extensions_are_looked_up() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |_| {});
    pbx.subscribed(1).await.unwrap();
    host.until("resynced", resynced(1)).await;
    pbx.extension("204", "Dee Agent");
    pbx.tell(30022, &json!({ "ext_number": "204", "option": "CREATE" })).await;
    let name = host.until("the new one", |heard| {
        heard
            .site
            .stations()
            .find(|(extension, _)| extension.as_str() == "204")
            .map(|(_, station)| station.name.clone())
    });
    assert_eq!(name.await, "Dee Agent");
    host.end().await;
}

fn post(body: &str, signature: &str) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert("x-signature", HeaderValue::from_str(signature).unwrap());
    Request {
        source: [127, 0, 0, 1].into(),
        secure: true,
        method: Method::POST,
        path: "/".to_owned(),
        query: String::new(),
        headers,
        body: Bytes::from(body.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_believed_by_its_signature_alone_and_acknowledged_when_it_is_durable() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let webhook = |config: &mut Config| config.events = Events::Webhook { secret: SECRET.into() };
    let mut ca = NamedTempFile::new().unwrap();
    ca.write_all(pbx.ca_pem().unwrap().as_bytes()).unwrap();
    let mut config = config(&pbx, &ca);
    webhook(&mut config);
    let (outlet, mut taken): (_, mpsc::Receiver<Batch>) = Outlet::new(16);
    let stop = CancellationToken::new();
    let begin =
        Begin { open: vec![], recent: vec![], newest: None, outlet, router: Arc::new(Doorman), stop: stop.clone() };
    let started = Box::new(Yeastar::new(config).unwrap()).start(begin);
    let work = tokio::spawn(started.work);
    let posts = started.posts.unwrap();
    let call = pbx.next_call();
    let body = json!({ "type": 30011, "msg": { "call_id": call, "members": [extension("201", "RING")] } }).to_string();
    let signed = pbx.sign(SECRET, &body);
    for (wrong, signature) in [
        (post(&body.replace("201", "202"), &signed), "of another body"),
        (post(&body, &pbx.sign("another secret", &body)), "by another secret"),
        (post(&body, ""), "empty"),
        (post(&body, &signed[1..]), "cut"),
    ] {
        assert_eq!(posts.answer(wrong).await.status, StatusCode::UNAUTHORIZED, "{signature}");
    }
    let mut got = post(&body, &signed);
    got.method = Method::GET;
    assert_eq!(posts.answer(got).await.status, StatusCode::METHOD_NOT_ALLOWED);
    for (authentic, status) in [
        ("{".to_owned(), StatusCode::BAD_REQUEST),
        (json!({ "type": 30011, "msg": { "members": [] } }).to_string(), StatusCode::BAD_REQUEST),
        (body.replace(&call, "1610234567.1"), StatusCode::OK),
    ] {
        let answer = posts.answer(post(&authentic, &pbx.sign(SECRET, &authentic))).await;
        assert_eq!(answer.status, status, "{authentic}");
    }
    // The answer waits until the host has it on disk.
    let asked = post(&body, &signed);
    let mut answer = tokio::spawn(async move { posts.answer(asked).await });
    let kept = loop {
        let Batch { reports, kept } = timeout(PATIENCE, taken.recv()).await.unwrap().unwrap();
        if let Some(kept) = kept {
            assert!(matches!(&reports[..], [Report::Call(_), ..]), "{reports:?}");
            break kept;
        }
    };
    assert!(timeout(Duration::from_millis(200), &mut answer).await.is_err(), "nothing is acknowledged yet");
    kept.send(()).unwrap();
    assert_eq!(timeout(PATIENCE, answer).await.unwrap().unwrap().status, StatusCode::OK);
    stop.cancel();
    timeout(PATIENCE, work).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_nobody_can_keep_is_not_acknowledged() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let host = Host::start(&pbx, |config| config.events = Events::Webhook { secret: SECRET.into() });
    host.until("resynced", resynced(1)).await;
    let posts = host.posts.clone().unwrap();
    let (outlet, taken) = Outlet::new(1);
    drop(taken);
    let begin = Begin {
        open: vec![],
        recent: vec![],
        newest: None,
        outlet,
        router: Arc::new(Doorman),
        stop: CancellationToken::new(),
    };
    let ca = NamedTempFile::new().unwrap();
    let mut config = config(&pbx, &ca);
    config.reach.ca_file = None;
    config.events = Events::Webhook { secret: SECRET.into() };
    let closed = Box::new(Yeastar::new(config).unwrap()).start(begin).posts.unwrap();
    let body = json!({ "type": 30011, "msg": { "call_id": "9999999999.1", "members": [extension("201", "RING")] } })
        .to_string();
    let signature = pbx.sign(SECRET, &body);
    assert_eq!(closed.answer(post(&body, &signature)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(posts.answer(post(&body, &signature)).await.status, StatusCode::OK);
    assert_eq!(host.heard.lock().unwrap().connected, 1, "the first post shows that the PBX reaches us");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_says_what_is_there_and_what_will_not_work() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let mut ca = NamedTempFile::new().unwrap();
    ca.write_all(pbx.ca_pem().unwrap().as_bytes()).unwrap();
    let good = config(&pbx, &ca);
    let checked = Yeastar::new(good.clone()).unwrap().check().await.unwrap();
    assert_eq!(checked.warnings, [""; 0]);
    assert!(checked.found.contains("web socket") && checked.found.contains("3 extensions"), "{}", checked.found);
    assert_eq!(pbx.tokens().2, 0, "nothing is left behind");
    let mut other = good.clone();
    other.times.format = "%m/%d/%Y %I:%M:%S %p".to_owned();
    other.events = Events::Webhook { secret: SECRET.into() };
    let warnings = Yeastar::new(other).unwrap().check().await.unwrap().warnings.join("\n");
    assert!(warnings.contains("display-format") && warnings.contains("no webhook"), "{warnings}");
    let mut wrong = good.clone();
    wrong.client_id = "nobody".to_owned();
    let error = Yeastar::new(wrong).unwrap().check().await.unwrap_err();
    assert!(error.contains("Client ID"), "{error}");
    let mut nowhere = good;
    nowhere.reach.base = "https://127.0.0.1:1".parse().unwrap();
    let error = Yeastar::new(nowhere).unwrap().check().await.unwrap_err();
    assert!(error.contains("cannot connect"), "{error}");
}
