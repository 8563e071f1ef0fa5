//! One call at one plugin: two streams that run beside each other.
//!
//! - [`record`]: durable jobs, one after the other, retried until they are done or parked.
//! - [`screen`]: who should see the card now; the newest state wins, nothing is parked.
//!
//! They share the [`Dossier`]: the record stream fills it in, the screen stream needs the CRM's id of the call from it.

mod record;
mod screen;

use std::sync::Arc;

use hookswitch_call::{Call, number::Number};
use hookswitch_journal::{CallRef, jobs::Job};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{desk::Desk, dossier::Dossier};

/// A call as the tracker sees it now.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Its state.
    pub(crate) call: Arc<Call>,
    /// The outside party's number; none where suppressed.
    pub(crate) external: Option<Arc<Number>>,
    /// The public number of the business, in E.164 where it could be completed.
    pub(crate) line: String,
}

/// One call at one plugin.
pub(crate) struct Conversation {
    pub(crate) desk: Arc<Desk>,
    pub(crate) key: CallRef,
    /// The newest state of the call; closed when nothing more is to come.
    pub(crate) news: watch::Receiver<News>,
    /// Jobs in the order in which they run.
    pub(crate) jobs: mpsc::UnboundedReceiver<Job>,
    pub(crate) stop: CancellationToken,
}

/// What both streams know.
#[derive(Clone, Debug, Default)]
struct Known {
    dossier: Dossier,
    /// The CRM has registered the call, or will not.
    begin_settled: bool,
}

impl Conversation {
    /// Runs both streams to their end: the call is over, every job is done or parked, every card is gone. Ends early,
    /// leaving the rest durable, when the program stops.
    pub(crate) async fn run(self) {
        let Self { desk, key, news, jobs, stop } = self;
        let dossier = desk.read_dossier(&key).await;
        let begin_settled = !desk.served.journal_begin || dossier.begun.is_some();
        let (known, _) = watch::channel(Known { dossier, begin_settled });
        let known = Arc::new(known);
        let screen = screen::Screen { desk: desk.clone(), key: key.clone(), news: news.clone(), known: known.clone() };
        let cards = tokio::spawn(stop.clone().run_until_cancelled_owned(screen.run()));
        record::Record { desk, key, news, jobs, known, cards, stop }.run().await;
    }
}
