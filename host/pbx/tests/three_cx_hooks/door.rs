//! The door: who may post, what is answered, and when.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hookswitch_call::signal::Report;
use hookswitch_pbx::{
    Batch, Begin, Links, Outlet, Question, Route, Router, Source,
    three_cx_hooks::{Config, Hooks, Names},
};
use hookswitch_web::{Handler, Method, Network, Request, Response};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::office::{berlin, json, request};

const SECRET: &str = "kH3_an-address-that-nobody-guesses";
const RINGING: &str =
    r#"{"event":"ringing","callerid":"+4420000001","user":"101","usertype":"ext","id":"240305091500_77-0"}"#;
const PATIENCE: Duration = Duration::from_secs(10);

struct Nowhere;

#[async_trait]
impl Router for Nowhere {
    async fn route(&self, _: Question) -> Route {
        Route::default()
    }
}

struct Open {
    posts: Arc<dyn Handler>,
    batches: mpsc::Receiver<Batch>,
    stop: CancellationToken,
}

fn open(networks: &[&str]) -> Open {
    let networks = networks.iter().map(|text| Network::try_from((*text).to_owned()).unwrap()).collect();
    let source = Hooks::new(Config {
        name: "office".into(),
        secret: SECRET.into(),
        networks,
        clock: berlin(),
        queues: Vec::new(),
        names: Names::default(),
        links: Links::default(),
        address: "https://calls.example.com/pbx/office/SECRET".into(),
    })
    .unwrap();
    let (outlet, batches) = Outlet::new(16);
    let stop = CancellationToken::new();
    let begin = Begin {
        open: Vec::new(),
        recent: Vec::new(),
        newest: None,
        outlet,
        router: Arc::new(Nowhere),
        stop: stop.clone(),
    };
    let started = Box::new(source).start(begin);
    tokio::spawn(started.work);
    Open { posts: started.posts.expect("it takes posts"), batches, stop }
}

fn at(path: &str, body: &str) -> Request {
    Request { path: path.to_owned(), ..json(body) }
}

/// What a request is answered with.
async fn answer(posts: &Arc<dyn Handler>, request: Request) -> (u16, String) {
    told(&timeout(PATIENCE, posts.answer(request)).await.expect("an answer"))
}

fn told(response: &Response) -> (u16, String) {
    (response.status.as_u16(), String::from_utf8(response.body.to_vec()).unwrap())
}

#[tokio::test]
async fn only_who_knows_the_secret_and_comes_from_where_he_may_is_heard() {
    let mut open = open(&["192.0.2.0/24", "2001:db8::7"]);
    let path = format!("/{SECRET}");
    for (path, source) in [
        (path.as_str(), "198.51.100.7"),
        ("/", "192.0.2.10"),
        ("", "192.0.2.10"),
        ("/kH3_an-address-that-nobody-guesse", "192.0.2.10"),
        ("/kH3_an-address-that-nobody-guessesx", "192.0.2.10"),
        ("/kh3_an-address-that-nobody-guesses", "192.0.2.10"),
        ("/x/kH3_an-address-that-nobody-guesses", "192.0.2.10"),
        ("/kH3_an-address-that-nobody-guesses/x", "192.0.2.10"),
    ] {
        let request = Request { source: source.parse().unwrap(), ..at(path, RINGING) };
        assert_eq!(answer(&open.posts, request).await, (403, "not proven".to_owned()), "{path} from {source}");
    }
    // Who is not known learns nothing of what would have been wrong.
    assert_eq!(answer(&open.posts, at("/wrong", "not json")).await.0, 403);
    assert!(open.batches.try_recv().is_err(), "something was reported");
    let keeper = tokio::spawn(async move {
        while let Some(Batch { kept, .. }) = open.batches.recv().await {
            kept.expect("wants to know").send(()).unwrap();
        }
    });
    for (path, source) in [(&*path, "192.0.2.10"), (&format!("{path}/"), "::ffff:192.0.2.10"), (&*path, "2001:db8::7")]
    {
        let request = Request { source: source.parse().unwrap(), ..at(path, RINGING) };
        assert_eq!(answer(&open.posts, request).await, (200, "ok".to_owned()), "{path} from {source}");
    }
    drop(open.posts);
    open.stop.cancel();
    timeout(PATIENCE, keeper).await.expect("nothing holds the way to report").unwrap();
}

#[tokio::test]
async fn a_post_is_answered_only_when_it_is_durable_and_said_again_if_that_is_not_known() {
    let mut open = open(&[]);
    let path = format!("/{SECRET}");
    let first = tokio::spawn({
        let (posts, request) = (open.posts.clone(), at(&path, RINGING));
        async move { posts.answer(request).await }
    });
    let batch = timeout(PATIENCE, open.batches.recv()).await.unwrap().unwrap();
    assert!(matches!(batch.reports.as_slice(), [Report::Connected, Report::Call(_), Report::Call(_)]), "{batch:?}");
    assert!(!first.is_finished(), "answered before it was durable");
    // The module hangs up, and nobody knows whether it became durable: the same post must be reported again.
    first.abort();
    let second = tokio::spawn({
        let (posts, request) = (open.posts.clone(), at(&path, RINGING));
        async move { posts.answer(request).await }
    });
    let again = timeout(PATIENCE, open.batches.recv()).await.unwrap().unwrap();
    assert_eq!(again.reports.len(), 3, "{again:?}");
    again.kept.unwrap().send(()).unwrap();
    assert_eq!(told(&second.await.unwrap()).0, 200);
    // The host stops: the module must say it again to the next run.
    drop(open.batches);
    assert_eq!(answer(&open.posts, at(&path, RINGING)).await.0, 503);
}

#[tokio::test]
async fn posts_of_one_call_are_taken_in_one_after_the_other() {
    let mut open = open(&[]);
    let path = format!("/{SECRET}");
    let post = |body: String| {
        let (posts, request) = (open.posts.clone(), at(&path, &body));
        tokio::spawn(async move { posts.answer(request).await })
    };
    let queued = RINGING.replace(r#""101""#, r#""804""#).replace(r#""ext""#, r#""queue""#);
    let first = post(queued.clone());
    let batch = timeout(PATIENCE, open.batches.recv()).await.unwrap().unwrap();
    let second = post(queued);
    // On one thread the second has come as far as it can after that.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(open.batches.try_recv().is_err(), "the second did not wait");
    batch.kept.unwrap().send(()).unwrap();
    let again = timeout(PATIENCE, open.batches.recv()).await.unwrap().unwrap();
    assert_eq!(again.reports.len(), 1, "the caller enters the queue once: {again:?}");
    again.kept.unwrap().send(()).unwrap();
    for post in [first, second] {
        assert_eq!(post.await.unwrap().status.as_u16(), 200);
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_a_reason() {
    let open = open(&[]);
    let path = format!("/{SECRET}");
    let (status, text) = answer(&open.posts, at(&path, r#"{"event":"dance","id":"240305091500_77-0"}"#)).await;
    assert!(status == 422 && text.contains("`dance`") && text.contains("events.ignored"), "{status} {text}");
    assert_eq!(answer(&open.posts, Request { method: Method::PUT, ..at(&path, RINGING) }).await.0, 405);
    let query = "event=dance&id=240305091500_77-0";
    assert_eq!(answer(&open.posts, request(Method::GET, &path, query, "", "")).await.0, 422);
}

#[tokio::test]
async fn a_trial_says_where_to_post_and_never_the_secret() {
    let source = Hooks::new(Config {
        name: "office".into(),
        secret: SECRET.into(),
        networks: Vec::new(),
        clock: berlin(),
        queues: Vec::new(),
        names: Names::default(),
        links: Links::default(),
        address: "https://calls.example.com/pbx/office/SECRET".into(),
    })
    .unwrap();
    let checked = source.check().await.unwrap();
    assert!(checked.found.contains("https://calls.example.com/pbx/office/SECRET"), "{checked:?}");
    assert!(checked.warnings.iter().any(|warning| warning.contains("networks")), "{checked:?}");
    assert!(!format!("{checked:?} {source:?}").contains(SECRET));
}
