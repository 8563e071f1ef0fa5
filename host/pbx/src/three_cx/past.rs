//! What the call log tells of a gap.

use std::time::Duration;

use hookswitch_call::{Chain, Millis, signal::Report};
use tokio::time::timeout;

use super::{
    board::Over,
    control::{Shared, board},
    gateway::{Failure, Gateway},
    history,
    times::written,
};

/// The log is searched so many milliseconds beyond the gap: clocks differ.
const MARGIN: u64 = 60_000;
/// Calls of the host's last run are known for so many milliseconds.
const KNOWN: u64 = 3600 * 1000;
/// The PBX may take this long to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The path of the log's part about calls that began between the two, below that of the XAPI. All parameters must be
/// there.
pub(super) fn log(from: Millis, to: Millis) -> String {
    let (from, to) = (written(from), written(to));
    format!(
        "ReportCallLogData/Pbx.GetCallLogData(periodFrom={from},periodTo={to},sourceType=0,sourceFilter='',\
         destinationType=0,destinationFilter='',callsType=0,callTimeFilterType=0,callTimeFilterFrom='0:00:0',\
         callTimeFilterTo='0:00:0',hidePcalls=false)"
    )
}

/// A time in which nobody listened.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    /// The log is searched from here …
    from: Millis,
    /// … to here.
    to: Millis,
    /// Calls that began later than this are news if nobody saw them …
    since: Millis,
    /// … unless they began later than this: they are told live.
    until: Millis,
    /// Calls that vanished meanwhile.
    gone: Vec<Over>,
}

impl Gap {
    /// The gap from `heard` until `now`; none where nothing can have been missed, because the host has never listened
    /// before. No call is looked for that is older than `limit`.
    pub(super) fn new(heard: Option<Millis>, now: Millis, limit: Duration, gone: Vec<Over>) -> Option<Self> {
        let oldest = gone.iter().map(|over| over.started).min();
        let begin = heard.into_iter().chain(oldest).min()?;
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let from = begin.0.saturating_sub(MARGIN).max(now.0.saturating_sub(limit));
        let since = heard.map_or(now.0, |heard| match now.since(heard) < KNOWN {
            true => heard.0.saturating_sub(MARGIN),
            // Which calls were going on then is not known any more, but none of them began later.
            false => heard.0 + 2_000,
        });
        // While the log is asked nobody looks who is there.
        let until = Millis(now.0 + u64::try_from(PATIENCE.as_millis()).unwrap_or_default());
        Some(Self { from: Millis(from), to: Millis(now.0 + MARGIN), since: Millis(since.max(from)), until, gone })
    }

    /// What the log tells besides the calls that are on the board by now. May be asked again later: the log is written
    /// late, and what was told already changes nothing.
    pub(super) async fn ask(&self, gateway: &Gateway, shared: &Shared) -> Result<Vec<Report>, Failure> {
        let asked = timeout(PATIENCE, gateway.list(&log(self.from, self.to), "$orderby=StartTime asc")).await;
        let late = |_| Failure::Odd(format!("the call log takes longer than {} s", PATIENCE.as_secs()));
        let list = asked.map_err(late)??;
        let log = history::read(list.rows, list.ahead);
        let known = board(shared).known();
        let found: Vec<&Chain> = history::found(&log, &self.gone).collect();
        tracing::info!(
            calls = log.len(),
            vanished = self.gone.len(),
            found = found.len(),
            "the call log was asked about a gap"
        );
        Ok(history::news(&log, &self.gone, &known, self.since..=self.until))
    }
}
