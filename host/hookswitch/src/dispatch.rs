//! From accepted events to plugins: which conversation gets what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hookswitch_journal::{CallRef, jobs::Job};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    conversation::{Conversation, News},
    desk::Desk,
};

/// Hands calls to plugins.
pub(crate) struct Dispatch {
    desks: Vec<Arc<Desk>>,
    calls: Mutex<Calls>,
    stop: CancellationToken,
}

/// A call and the plugin that it is handed to.
type Place = (String, CallRef);

#[derive(Default)]
struct Calls {
    /// Conversations to which something may still come.
    live: HashMap<Place, Live>,
    /// Conversations that work off what they have.
    ending: HashMap<Place, JoinHandle<()>>,
}

struct Live {
    news: watch::Sender<News>,
    jobs: mpsc::UnboundedSender<Job>,
    task: JoinHandle<()>,
}

impl Dispatch {
    pub(crate) fn new(desks: Vec<Arc<Desk>>, stop: CancellationToken) -> Self {
        Self { desks, calls: Mutex::default(), stop }
    }

    /// The plugins that get the calls of the phone system `pbx`.
    pub(crate) fn desks_of<'a>(&'a self, pbx: &'a str) -> impl Iterator<Item = &'a Arc<Desk>> {
        self.desks.iter().filter(move |desk| desk.config.serves_pbx(pbx))
    }

    /// Hands the new state of a call, and the jobs that follow from it, to the plugins. Must be called in the order of
    /// the journal.
    pub(crate) fn hand_over(&self, key: &CallRef, news: &News, jobs: Vec<Job>) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        for desk in self.desks_of(key.pbx.as_str()) {
            let place = (desk.name.clone(), key.clone());
            let own: Vec<Job> = jobs.iter().filter(|job| job.plugin == desk.name).cloned().collect();
            let previous = calls.ending.remove(&place);
            let live = calls
                .live
                .remove(&place)
                .inspect(|live| {
                    live.news.send_replace(news.clone());
                })
                .unwrap_or_else(|| self.open(desk, key, news, previous));
            // A conversation takes jobs for as long as its sender lives, so none of these can be refused.
            own.into_iter().for_each(|job| drop(live.jobs.send(job)));
            if news.call.is_open() {
                calls.live.insert(place, live);
            } else {
                calls.ending.retain(|_, task| !task.is_finished());
                calls.ending.insert(place, live.task);
            }
        }
    }

    fn open(&self, desk: &Arc<Desk>, key: &CallRef, news: &News, previous: Option<JoinHandle<()>>) -> Live {
        let (news, news_seen) = watch::channel(news.clone());
        let (jobs, jobs_due) = mpsc::unbounded_channel();
        let conversation = Conversation {
            desk: desk.clone(),
            key: key.clone(),
            news: news_seen,
            jobs: jobs_due,
            stop: self.stop.clone(),
        };
        let task = tokio::spawn(async move {
            // A late correction waits until the end of the call has been written.
            if let Some(previous) = previous {
                let _ = previous.await;
            }
            conversation.run().await;
        });
        Live { news, jobs, task }
    }

    /// Waits until every conversation has come to rest after the stop, but not longer than `limit`.
    pub(crate) async fn drain(&self, limit: Duration) {
        let tasks: Vec<_> = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let Calls { live, ending } = std::mem::take(&mut *calls);
            live.into_values().map(|live| live.task).chain(ending.into_values()).collect()
        };
        let all = futures::future::join_all(tasks);
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("work was still under way at the stop; it goes on at the next start");
        }
    }
}
