//! What every phone system's module gives to the host, and gets from it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use hookswitch_call::{Call, Chain, Millis, signal::Report};
use hookswitch_web::Handler;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    control::Control, feature::Features, phonebook::Phonebook, recordings::Recordings, restrictions::Restrictions,
    route::Router,
};

/// A phone system that is configured, and not reached yet.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it can do.
    fn features(&self) -> Features;

    /// Reaches the phone system once, logs in, and looks around. Changes nothing there.
    ///
    /// # Errors
    ///
    /// What is wrong and how to mend it, for the admin.
    async fn check(&self) -> Result<Checked, String>;

    /// Fetches its recordings, where it can be asked for them: before it is started, and beside its work.
    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        None
    }

    /// Reads and sets what its users may do, where it can be asked for that.
    fn restrictions(&self) -> Option<&dyn Restrictions> {
        None
    }

    /// Begins to listen.
    fn start(self: Box<Self>, begin: Begin) -> Started;
}

/// What a trial found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What answered, and how it is reached, in one line: `Asterisk 22.1, manager interface 11.0.0, encrypted`.
    pub found: String,
    /// What will not work, and what to change.
    pub warnings: Vec<String>,
}

/// What a source works with.
pub struct Begin {
    /// Calls that were going on when the host stopped. A source finds out what became of them if its phone system can
    /// tell.
    pub open: Vec<Chain>,
    /// The same calls and those that ended within the last hour, as the host knows them: recordings of theirs may be
    /// awaited.
    pub recent: Vec<Call>,
    /// When the newest call began that the host knows of; none where it knows of none. Later calls in the phone system's
    /// records are news, for systems that number their calls otherwise there than live.
    pub newest: Option<Millis>,
    /// Where reports go.
    pub outlet: Outlet,
    /// Who says where a caller should go, for phone systems that ask.
    pub router: Arc<dyn Router>,
    /// Cancelled when the source is to end.
    pub stop: CancellationToken,
}

/// A source at work.
pub struct Started {
    /// Its work. Ends when it is stopped, or when nobody takes reports any more.
    pub work: BoxFuture<'static, ()>,
    /// Answers what the phone system posts to `/pbx/NAME/…`. The path of a request is what stands behind `/pbx/NAME`.
    pub posts: Option<Arc<dyn Handler>>,
    /// Steers the phone system.
    pub control: Option<Arc<dyn Control>>,
    /// Keeps names in its phonebook.
    pub phonebook: Option<Arc<dyn Phonebook>>,
}

/// Reports that belong together: they become durable in one commit.
#[derive(Debug)]
pub struct Batch {
    /// In order.
    pub reports: Vec<Report>,
    /// Told when they are durable.
    pub kept: Option<oneshot::Sender<()>>,
}

/// Takes reports. While the host cannot keep them, giving them waits.
#[derive(Clone, Debug)]
pub struct Outlet(mpsc::Sender<Batch>);

/// Nobody takes reports any more: the host stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host takes no reports any more")]
pub struct Closed;

impl Outlet {
    /// An outlet, and where what it is given arrives; so many batches may wait in between.
    pub fn new(waiting: usize) -> (Self, mpsc::Receiver<Batch>) {
        let (sender, receiver) = mpsc::channel(waiting);
        (Self(sender), receiver)
    }

    /// Hands reports over. For sources that can ask their phone system again.
    ///
    /// # Errors
    ///
    /// [`Closed`].
    pub async fn give(&self, reports: Vec<Report>) -> Result<(), Closed> {
        self.0.send(Batch { reports, kept: None }).await.map_err(|_| Closed)
    }

    /// Hands reports over and returns when they are durable: what a phone system has posted is acknowledged after that.
    ///
    /// # Errors
    ///
    /// [`Closed`]; the phone system must say it again.
    pub async fn keep(&self, reports: Vec<Report>) -> Result<(), Closed> {
        let (kept, durable) = oneshot::channel();
        self.0.send(Batch { reports, kept: Some(kept) }).await.map_err(|_| Closed)?;
        durable.await.map_err(|_| Closed)
    }
}
