//! Asks for the records of calls that are over, or that nothing was heard of for long.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream::FuturesUnordered};
use hookswitch_call::{Chain, signal::Report};

use super::{Work, now};
use crate::{
    Closed,
    rostelecom::{Record, client::Failed},
};

/// Records that are asked for at the same time.
const AT_ONCE: usize = 8;
/// How long nothing is done where nothing is on the agenda.
const IDLE: Duration = Duration::from_secs(60);

impl Work {
    /// Keeps the agenda of the ledger. Ends when nobody takes reports any more.
    pub(super) async fn records(&self) -> Result<(), Closed> {
        let mut asked = FuturesUnordered::new();
        loop {
            let due = self.shared.ledger().due(Instant::now(), AT_ONCE.saturating_sub(asked.len()));
            asked.extend(due.into_iter().map(|call| async move { (self.client.record(&call).await, call) }));
            let next = self.shared.ledger().next().filter(|_| asked.len() < AT_ONCE);
            let wait = next.map_or(IDLE, |next| next.saturating_duration_since(Instant::now()));
            tokio::select! {
                Some((answer, call)) = asked.next() => self.tell(&call, answer).await?,
                () = self.shared.stirred.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn tell(&self, call: &Chain, answer: Result<Record, Failed>) -> Result<(), Closed> {
        if let Err(error) = &answer {
            tracing::warn!(%call, %error, "the record of a call cannot be had now");
        }
        let _turn = self.shared.turn(call).await;
        let signals = self.shared.ledger().tell(call, answer.ok().as_ref(), now(), Instant::now());
        if signals.is_empty() {
            return Ok(());
        }
        // If this gets lost the call is open at the next start, and asked for again.
        self.outlet.give(signals.into_iter().map(Report::Past).collect()).await
    }
}
