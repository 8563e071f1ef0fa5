//! Asking the PBX: which calls go on, how those ended that do not, and its extensions and queues.

use super::{Attempt, Telling, Work, now};
use crate::yeastar::{cdr::Cdr, client::Error, event::Members, exchange::Gap, news::Directory};

/// Records are looked for from so many seconds earlier: clocks differ, and at the end of daylight saving an hour comes
/// twice.
const EARLIER: u64 = 3600 + 60;
const LATER: u64 = 3600 + 60;

impl Work {
    /// Finds out which calls go on and what became of the others.
    pub(super) async fn survey(&self, gap: Option<Gap>) -> Attempt<()> {
        let asked = now();
        let listed = match self.calls().await {
            Ok(listed) => listed,
            Err(error) => return Ok(Err(error)),
        };
        let mut roll = None;
        self.tell(Telling::Give, |exchange| {
            let mut called = exchange.roll(listed, asked, now());
            let reports = std::mem::take(&mut called.reports);
            roll = Some(called);
            reports
        })
        .await?;
        let Some(roll) = roll else { return Ok(Ok(())) };
        let oldest = (now().0 / 1000).saturating_sub(self.config.patience.history.as_secs());
        let history = !self.config.patience.history.is_zero();
        let since = |gap: Gap| gap.since.filter(|_| history).map(|since| since.max(oldest));
        let gap = gap.map(|gap| Gap { since: since(gap), ..gap });
        let from = roll.since().into_iter().chain(gap.and_then(|gap| gap.since)).min();
        let rows = match from {
            Some(from) => self.records(from).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the PBX tells nothing of calls that are over; is `display-format` the one it is set to?");
                Vec::new()
            }),
            None => Vec::new(),
        };
        self.tell(Telling::Give, |exchange| exchange.past(roll, rows, gap)).await?;
        Ok(Ok(()))
    }

    /// The calls that go on. What cannot be read of them is left out.
    pub(in crate::yeastar) async fn calls(&self) -> Result<Vec<Members>, Error> {
        let listed = self.client.list("call/query", "data", &[]).await?;
        let all = listed.len();
        let listed: Vec<Members> = listed.into_iter().filter_map(|call| Members::read(call).ok()).collect();
        if listed.len() < all {
            // To take them for gone would end them.
            return Err(Error::Strange { what: "call/query".to_owned(), text: "a call cannot be read".to_owned() });
        }
        Ok(listed)
    }

    /// Records of calls that began in this Unix second or later.
    async fn records(&self, from: u64) -> Result<Vec<Cdr>, Error> {
        let times = &self.config.times;
        let until = now().0 / 1000 + LATER;
        let (Some(start), Some(end)) = (times.write(from.saturating_sub(EARLIER)), times.write(until)) else {
            return Ok(Vec::new());
        };
        let span = [("start_time", start.as_str()), ("end_time", end.as_str())];
        let rows = self.client.list("cdr/search", "data", &span).await?;
        Ok(rows.iter().map(|row| Cdr::of_row(row, times)).collect())
    }

    /// The lists of extensions and queues. Without the queues callers in them are not seen as such, which is no reason to
    /// give up.
    pub(super) async fn look_up(&self) -> Result<Directory, Error> {
        let mut directory = Directory::default();
        for extension in self.client.list("extension/list", "data", &[]).await? {
            directory.extension(extension);
        }
        match self.queues().await {
            Ok(queues) => queues.into_iter().for_each(|queue| directory.queue(queue)),
            Err(error) => tracing::warn!(%error, "the queues are not known; list their numbers as `queues`"),
        }
        Ok(directory)
    }

    /// The list stands in the answer as `queue_list` (the vendor's guide, *Query Queue List*); other lists do as `data`.
    async fn queues(&self) -> Result<Vec<serde_json::Value>, Error> {
        let queues = self.client.list("queue/list", "queue_list", &[]).await?;
        if queues.is_empty() { self.client.list("queue/list", "data", &[]).await } else { Ok(queues) }
    }
}
