//! Fills gaps: the PBX says nothing twice, so that what it said to nobody is in its history only.

use std::time::{Duration, Instant};

use hookswitch_call::{
    Millis,
    signal::{Direction, Report},
};
use tokio::time::timeout;

use super::{Work, now};
use crate::{
    Closed,
    rostelecom::{Found, Record, client::Failed},
};

/// Each history begins so long before the last one ended: calls are in it by their beginning.
const OVERLAP: Duration = Duration::from_secs(600);
/// A file that is not ready is asked for again after this.
const AGAIN: Duration = Duration::from_secs(60);
/// How often.
const TRIES: u32 = 30;
/// Two orders of the same time are refused, in words of which not all are known: so many slightly different ones are tried.
const ORDERS: u64 = 5;
/// Calls of one history whose records are asked for; of those beyond, the row must do.
const RECORDS: usize = 5_000;

impl Work {
    /// Orders histories, and reports what is in them and was never heard. Ends when nobody takes reports any more.
    pub(super) async fn gaps(&self) -> Result<(), Closed> {
        if self.history.back.is_zero() {
            return std::future::pending().await;
        }
        let back = earlier(now(), self.history.back);
        let mut covered = self.newest.map_or(back, |newest| newest.max(back));
        loop {
            let until = now();
            match self.fetch(earlier(covered, OVERLAP), until).await {
                Ok(records) => {
                    self.report(records).await?;
                    covered = until;
                }
                Err(error) => {
                    tracing::warn!(%error, "the history cannot be had; calls that were missed may be lacking");
                }
            }
            tokio::time::sleep(self.history.every).await;
        }
    }

    async fn fetch(&self, from: Millis, until: Millis) -> Result<Vec<Record>, Failed> {
        let mut completed = self.shared.completed.subscribe();
        let order = self.order(from, until).await?;
        // It may have been completed before we knew how it is called.
        let _ = timeout(self.history.ready, completed.wait_for(|known| *known == order)).await;
        for _ in 0..TRIES {
            if let Some(records) = self.client.history(&order).await? {
                return Ok(records);
            }
            let _ = timeout(AGAIN, completed.changed()).await;
        }
        let what = format!("not ready {} minutes after it was ordered", AGAIN.as_secs() * u64::from(TRIES) / 60);
        Err(Failed::odd("download_call_history", what))
    }

    async fn order(&self, from: Millis, until: Millis) -> Result<String, Failed> {
        let mut refused = self.client.order_history(from, until).await;
        for seconds in 1..ORDERS {
            if !matches!(refused, Err(Failed::Refused { .. })) {
                break;
            }
            refused = self.client.order_history(earlier(from, Duration::from_secs(seconds)), until).await;
        }
        refused
    }

    async fn report(&self, records: Vec<Record>) -> Result<(), Closed> {
        let (all, mut asked, mut new) = (records.len(), 0, 0);
        for row in records {
            if self.shared.ledger().find(&row, Instant::now()) == Found::Known {
                continue;
            }
            new += 1;
            // A row does not say who rang, and when it was answered.
            let record = match row.direction {
                Some(Direction::Internal) => None,
                _ if asked >= RECORDS => None,
                _ => {
                    asked += 1;
                    self.client.record(&row.call).await.ok()
                }
            };
            let _turn = self.shared.turn(&row.call).await;
            // An event of it may have come meanwhile.
            if self.shared.ledger().find(&row, Instant::now()) == Found::Known {
                continue;
            }
            let signals = self.shared.ledger().past(record.as_ref().unwrap_or(&row), Instant::now());
            self.outlet.give(signals.into_iter().map(Report::Past).collect()).await?;
        }
        self.shared.stir();
        tracing::info!(calls = all, unheard = new, "the history was read");
        Ok(())
    }
}

fn earlier(at: Millis, by: Duration) -> Millis {
    Millis(at.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}
