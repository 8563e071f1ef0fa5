//! The source: one PBX, whichever way its events come.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use hookswitch_call::{Call, Millis};
use hookswitch_web::Handler;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Config, Events, archive::Archive, cdr, check::check, client::Client, control::Handset, door::Door,
    exchange::Exchange, features::FEATURES, work::Work,
};
use crate::{Begin, Checked, Features, Outlet, Question, Recordings, Route, Router, Source, Started};

/// One Yeastar P-Series PBX.
#[derive(Debug)]
pub struct Yeastar {
    config: Config,
    client: Arc<Client>,
}

impl Yeastar {
    /// A source for the PBX that `config` describes; connects to nothing yet.
    ///
    /// # Errors
    ///
    /// What cannot be used of the configuration, for the admin.
    pub fn new(config: Config) -> Result<Self, String> {
        if let Events::Webhook { secret } = &config.events {
            super::door::signer(secret)?;
        }
        Ok(Self { client: Arc::new(Client::new(&config)?), config })
    }
}

#[async_trait]
impl Source for Yeastar {
    fn features(&self) -> Features {
        FEATURES
    }

    async fn check(&self) -> Result<Checked, String> {
        let client = Arc::new(Client::new(&self.config)?);
        let exchange = Exchange::new(self.config.ground.clone(), 0, &[]);
        let (outlet, _) = Outlet::new(1);
        check(&Work::new(self.config.clone(), client, exchange, outlet, Arc::new(Nobody), CancellationToken::new()))
            .await
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        Some(Arc::new(Archive(self.client.clone())))
    }

    fn start(self: Box<Self>, Begin { recent, newest, outlet, router, stop, .. }: Begin) -> Started {
        let Self { config, client } = *self;
        let settle = u64::try_from(config.patience.settle.as_millis()).unwrap_or(u64::MAX / 2);
        let exchange = Exchange::new(config.ground.clone(), settle, &recent);
        let events = config.events.clone();
        let work = Arc::new(Work::new(config, client, exchange, outlet, router, stop.clone()));
        let posts = match &events {
            Events::WebSocket => None,
            // That it is a secret to sign with was seen when the source was made.
            Events::Webhook { secret } => {
                Door::new(work.clone(), secret).ok().map(|door| Arc::new(door) as Arc<dyn Handler>)
            }
        };
        let handset = Arc::new(Handset(work.clone()));
        let (control, phonebook) = (Some(handset.clone() as _), Some(handset as _));
        let since = since(&recent, newest);
        Started { work: run(work, since, stop), posts, control, phonebook }
    }
}

/// The Unix second from which on records of calls are news to the host.
fn since(recent: &[Call], newest: Option<Millis>) -> Option<u64> {
    let newest = newest?;
    let second = newest.0 / 1000;
    Some(match recent.iter().find(|call| call.started == newest) {
        // It is known again, so that others of the same second are not taken for it. Its id has the PBX's clock.
        Some(call) => cdr::second(&call.chain).map_or(second, |own| own.min(second)),
        // Records and calls may differ by a second.
        None => second + 2,
    })
}

/// Works until `stop`, or until nobody takes reports any more.
fn run(work: Arc<Work>, since: Option<u64>, stop: CancellationToken) -> BoxFuture<'static, ()> {
    let holder = work.client.hold();
    Box::pin(async move {
        let (gaps, gap) = mpsc::channel(4);
        let listening = async {
            match &work.config.events {
                Events::WebSocket => work.subscribe(since, gaps, &stop).await,
                Events::Webhook { .. } => {
                    // Whether anything was missed is asked at once, and later again and again.
                    let _ = gaps.send(since).await;
                    stop.cancelled().await;
                }
            }
        };
        tokio::select! {
            () = listening => {}
            _ = work.keep(gap, &stop) => {}
        }
        work.tasks.close();
        work.tasks.wait().await;
        holder.let_go().await;
    })
}

/// For a trial, in which no call is asked about.
struct Nobody;

#[async_trait]
impl Router for Nobody {
    async fn route(&self, _: Question) -> Route {
        Route::default()
    }
}
