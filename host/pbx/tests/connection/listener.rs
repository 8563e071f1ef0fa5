//! Runs a source and keeps what it says.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hookswitch_call::{
    Call, Event, Tracker,
    event::{Outcome, What},
    signal::{Party, Report},
    site::Site,
};
use hookswitch_pbx::{
    Batch, Begin, Control, Outlet, Question, Route, Router, Source as _,
    asterisk::{Asterisk, Config},
};
use hookswitch_web::Handler;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::DEADLINE;

pub(crate) struct Listener {
    pub(crate) heard: Heard,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) posts: Option<Arc<dyn Handler>>,
    reports: mpsc::Receiver<Batch>,
    stop: CancellationToken,
    source: Option<JoinHandle<()>>,
}

pub(crate) struct Heard {
    tracker: Tracker,
    pub(crate) events: Vec<Event>,
    pub(crate) connects: usize,
    pub(crate) resyncs: usize,
    pub(crate) reasons: Vec<String>,
    pub(crate) site: Site,
}

/// Says of every caller the same; after this time, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Always {
    pub(crate) route: Route,
    pub(crate) after: Option<Duration>,
    pub(crate) asked: Arc<std::sync::Mutex<Vec<Question>>>,
}

#[async_trait::async_trait]
impl Router for Always {
    async fn route(&self, question: Question) -> Route {
        self.asked.lock().expect("no panic").push(question);
        if let Some(after) = self.after {
            tokio::time::sleep(after).await;
        }
        self.route.clone()
    }
}

impl Listener {
    pub(crate) fn start(config: Config) -> Self {
        Self::with_router(config, Always::default())
    }

    pub(crate) fn with_router(config: Config, router: Always) -> Self {
        let (outlet, reports) = Outlet::new(64);
        let stop = CancellationToken::new();
        let source = Asterisk::with_random(config, fastrand::Rng::with_seed(1));
        let router = Arc::new(router);
        let begin = Begin { open: Vec::new(), recent: Vec::new(), newest: None, outlet, router, stop: stop.clone() };
        let started = Box::new(source).start(begin);
        let source = tokio::spawn(started.work);
        let tracker = Tracker::new("office".into(), []).told_ring_ends();
        let heard =
            Heard { tracker, events: Vec::new(), connects: 0, resyncs: 0, reasons: Vec::new(), site: Site::default() };
        let control = started.control.expect("Asterisk can be steered");
        Self { heard, control, posts: started.posts, reports, stop, source: Some(source) }
    }

    /// Listens until `condition` holds.
    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Heard) -> bool) {
        let wait = async {
            while !condition(&self.heard) {
                let batch = self.reports.recv().await.expect("the source runs");
                batch.reports.into_iter().for_each(|report| self.heard.take(report));
            }
        };
        if timeout(DEADLINE, wait).await.is_err() {
            panic!("no {what}; heard {:#?}, reasons {:?}", self.heard.events, self.heard.reasons);
        }
    }

    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        let source = self.source.take().expect("a running source");
        timeout(Duration::from_secs(5), source).await.expect("the source stops").expect("without a panic");
    }
}

impl Heard {
    fn take(&mut self, report: Report) {
        match report {
            Report::Site(news) => drop(self.site.apply(&news)),
            Report::Call(signal) | Report::Past(signal) => self.events.extend(self.tracker.apply(signal)),
            Report::Resynced { alive, at } => {
                self.resyncs += 1;
                self.events.extend(self.tracker.reconcile(&alive, at));
            }
            Report::Connected => self.connects += 1,
            Report::Disconnected { reason } => self.reasons.push(reason),
        }
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        let chains: HashMap<_, _> = self.events.iter().map(|event| (&event.chain, ())).collect();
        chains.into_keys().filter_map(|chain| self.tracker.call(chain))
    }

    pub(crate) fn ended(&self) -> Vec<Outcome> {
        self.events
            .iter()
            .filter_map(|event| match event.what {
                What::Ended { outcome, .. } => Some(outcome),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn rings(&self) -> Vec<String> {
        self.extensions(|what| match what {
            What::Ringing { extension, .. } => Some(extension.to_string()),
            _ => None,
        })
    }

    pub(crate) fn ring_stops(&self) -> Vec<String> {
        self.extensions(|what| match what {
            What::RingStopped { extension, .. } => Some(extension.to_string()),
            _ => None,
        })
    }

    pub(crate) fn answers(&self) -> Vec<Party> {
        self.events
            .iter()
            .filter_map(|event| match &event.what {
                What::Answered { by, .. } => Some(by.clone()),
                _ => None,
            })
            .collect()
    }

    fn extensions(&self, of: impl Fn(&What) -> Option<String>) -> Vec<String> {
        self.events.iter().filter_map(|event| of(&event.what)).collect()
    }
}
