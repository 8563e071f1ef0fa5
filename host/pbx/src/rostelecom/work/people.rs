//! Asks who there is, and finds out by it whether the PBX can be reached.

use std::time::Duration;

use hookswitch_call::signal::Report;

use super::Work;
use crate::{Closed, backoff::Backoff};

/// After a failure it is tried again after about this and ever doubled times.
const AGAIN: Duration = Duration::from_secs(5);

impl Work {
    /// Reports users and groups, and whether the PBX answers. Ends when nobody takes reports any more.
    pub(super) async fn people(&self) -> Result<(), Closed> {
        let mut stands = None;
        let mut backoff = Backoff::new(AGAIN, self.patience.roster);
        loop {
            let asked = tokio::select! {
                asked = self.client.users() => asked,
                // Its first post is a sign of life as well, whatever becomes of our question.
                () = self.shared.first_heard.notified(), if stands.is_none() => {
                    stands = Some(true);
                    self.outlet.give(vec![Report::Connected]).await?;
                    continue;
                }
            };
            match asked {
                Ok(roster) => {
                    let news = self.shared.ledger().learn(roster).into_iter().map(Report::Site);
                    self.shared.looked.send_replace(true);
                    let connected = (stands != Some(true)).then_some(Report::Connected);
                    self.outlet.give(connected.into_iter().chain(news).collect()).await?;
                    stands = Some(true);
                    backoff.reset();
                    tokio::time::sleep(self.patience.roster).await;
                }
                Err(error) => {
                    self.shared.looked.send_replace(true);
                    let wait = backoff.wait(fastrand::f64());
                    tracing::warn!(%error, retry_s = wait.as_secs(), "the phone system cannot be asked");
                    if stands != Some(false) {
                        self.outlet.give(vec![Report::Disconnected { reason: error.to_string() }]).await?;
                    }
                    stands = Some(false);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}
