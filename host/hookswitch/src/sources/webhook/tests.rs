//! Ready descriptions and wrong ones, through the door that phone systems post to. The traffic beside this file is what the
//! sheets say that they post, signed with the demo keys below.

mod faults;
mod own;
mod refusals;
mod stories;

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use hookswitch_call::{Call, Chain, Event, Tracker, signal::Report};
use hookswitch_pbx::{Begin, Outlet, Question, Route, Router};
use hookswitch_web::{Bytes, Handler, HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{config, sources};

/// What stands in the examples in place of secrets, and here.
const SECRETS: [(&str, &str); 5] = [
    ("{ env = \"MANGO_SALT\" }", "\"demo-mango-salt\""),
    ("{ env = \"ZADARMA_SECRET\" }", "\"demo-zadarma-secret\""),
    ("{ env = \"TWILIO_AUTH_TOKEN\" }", "\"demo-twilio-token\""),
    ("{ env = \"FREESWITCH_PASSWORD\" }", "\"demo-password\""),
    ("{ env = \"CALLS_KEY\" }", "\"demo-calls-key\""),
];

/// An example, as an admin would have it with his own secrets.
fn example(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/config/pbx");
    let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
    let text = SECRETS.iter().fold(text, |text, (written, secret)| text.replace(written, secret));
    text.replace("your-vpbx-api-key", "demo-vpbx-api-key")
}

/// A phone system that is open for posts, and what follows from them.
struct Door {
    posts: Arc<dyn Handler>,
    heard: Arc<Mutex<Heard>>,
    taking: JoinHandle<()>,
}

struct Heard {
    tracker: Tracker,
    events: Vec<Event>,
    reports: Vec<Report>,
}

/// Answers with what a test wants, at the caller's expense.
struct Routes(Route);

#[async_trait]
impl Router for Routes {
    async fn route(&self, question: Question) -> Route {
        assert!(!question.line.is_empty() && question.call.is_some(), "{question:?}");
        if question.external.is_some() { self.0.clone() } else { Route::default() }
    }
}

impl Door {
    /// Opens what is configured as `[pbx.NAME]`.
    fn open(name: &str, text: &str) -> Self {
        Self::with_route(name, text, Route::default())
    }

    fn with_route(name: &str, text: &str, route: Route) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hookswitch.toml");
        std::fs::write(&path, text).unwrap();
        let loaded = config::load(&path).unwrap_or_else(|error| panic!("{name}: {:?}", miette::Report::new(error)));
        let source = sources::open(name, &loaded).unwrap();
        let (outlet, mut taken) = Outlet::new(16);
        let begin = Begin {
            open: Vec::new(),
            recent: Vec::new(),
            newest: None,
            outlet,
            router: Arc::new(Routes(route)),
            stop: CancellationToken::new(),
        };
        let posts = source.start(begin).posts.unwrap();
        let tracker = Tracker::new(name.into(), []);
        let heard = Arc::new(Mutex::new(Heard { tracker, events: Vec::new(), reports: Vec::new() }));
        let into = heard.clone();
        let taking = tokio::spawn(async move {
            while let Some(batch) = taken.recv().await {
                let mut heard = into.lock().unwrap();
                for report in batch.reports {
                    if let Report::Call(signal) | Report::Past(signal) = report.clone() {
                        let events = heard.tracker.apply(signal);
                        heard.events.extend(events);
                    }
                    heard.reports.push(report);
                }
                batch.kept.unwrap().send(()).unwrap();
            }
        });
        Self { posts, heard, taking }
    }

    /// Nothing can be kept from now on.
    async fn deafen(&mut self) {
        self.taking.abort();
        assert!((&mut self.taking).await.is_err());
    }

    async fn answer(&self, request: Request) -> (u16, String) {
        let (status, body, _) = self.whole(request).await;
        (status, body)
    }

    async fn whole(&self, request: Request) -> (u16, String, HeaderMap) {
        let Response { status, headers, body, .. } = self.posts.answer(request).await;
        (status.as_u16(), String::from_utf8(body.to_vec()).unwrap(), headers)
    }

    /// The names of all events so far.
    fn events(&self) -> Vec<&'static str> {
        self.heard.lock().unwrap().events.iter().map(|event| event.what.name()).collect()
    }

    fn reports(&self) -> Vec<Report> {
        self.heard.lock().unwrap().reports.clone()
    }

    fn call(&self, chain: &str) -> Call {
        self.heard.lock().unwrap().tracker.call(&Chain::from(chain)).cloned().expect(chain)
    }
}

/// A request as it stands in a file of traffic.
fn request(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Request {
        source: IpAddr::from([192, 168, 1, 10]),
        secure: true,
        method: method.parse::<Method>().unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Bytes::from(body.trim_end_matches('\n').to_owned()),
    }
}

/// The requests of a file of traffic.
fn traffic(name: &str) -> Vec<Request> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/sources/webhook/traffic/{name}.http"));
    let text = std::fs::read_to_string(file).unwrap();
    text.split("\n\nPOST ").map(|part| request(&format!("POST {}\n", part.trim_start_matches("POST ")))).collect()
}
