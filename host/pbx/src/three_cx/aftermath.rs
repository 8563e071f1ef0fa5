//! What comes after a call: its recordings, with transcript and summary, and what the call log says later.

use std::{sync::Arc, time::Duration};

use hookswitch_call::{
    Call, Millis, Signal,
    signal::{Fact, Report},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Config, board::Over, control::Shared, gateway::Gateway, past::Gap, recording, source::now, times::written,
};
use crate::{Closed, Outlet};

/// Calls that wait for their recordings; more are not waited for.
const MOST: usize = 5_000;
/// Recordings are searched so many milliseconds beyond a call.
const MARGIN: u64 = 60_000;
/// While the PBX gives no answer, it is asked again after this …
const UNANSWERED: Duration = Duration::from_secs(60);
/// … until a call is older than this.
const OLDEST: Duration = Duration::from_secs(24 * 3600);
/// The log is asked about a gap so many times, as long as there is no answer.
const GAP_TRIES: u32 = 10;

/// Something to be looked for later.
#[derive(Debug)]
pub(super) enum Later {
    /// The recordings of a call.
    Recordings(Over),
    /// What the log tells of a gap.
    Gap(Gap),
}

/// A gap about which the log is asked again.
struct Open {
    gap: Gap,
    due: Instant,
    tries: u32,
}

/// A call whose recordings are waited for.
struct Awaited {
    call: Over,
    /// When it ended.
    ended: Instant,
    tries: usize,
    due: Instant,
    told: Vec<Fact>,
}

/// Calls of the host's last run whose recordings may still come.
pub(super) fn left_over(recent: &[Call], config: &Config) -> Vec<Over> {
    let longest = config.patience.recordings.iter().max().copied().unwrap_or_default();
    let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    let waits = |call: &&Call| {
        let ended = call.ended.as_ref().is_some_and(|end| now().since(end.at) < longest);
        ended
            && call.answered.is_some()
            && (call.recordings.is_empty() || config.transcripts && call.transcript.is_none())
    };
    recent.iter().filter(waits).map(Over::of).collect()
}

/// Looks for what is asked for, until nobody takes it any more.
pub(super) async fn attend(
    gateway: &Gateway,
    board: &Shared,
    config: &Arc<Config>,
    outlet: &Outlet,
    mut later: mpsc::Receiver<Later>,
) -> Closed {
    let mut awaited: Vec<Awaited> = Vec::new();
    let mut gaps: Vec<Open> = Vec::new();
    loop {
        let dues = awaited.iter().map(|one| one.due).chain(gaps.iter().map(|open| open.due));
        let next = dues.min().unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            something = later.recv() => match something {
                Some(Later::Recordings(call)) => if awaited.len() < MOST {
                    awaited.extend(Awaited::of(call, config));
                },
                Some(Later::Gap(gap)) => {
                    gaps.push(Open { gap, due: Instant::now() + config.patience.history_again, tries: 0 });
                }
                None => return Closed,
            },
            () = sleep_until(next) => {
                let moment = Instant::now();
                let mut said = look(gateway, config, &mut awaited, moment).await;
                let due: Vec<_> = gaps.extract_if(.., |open| open.due <= moment).collect();
                for mut open in due {
                    match open.gap.ask(gateway, board).await {
                        Ok(told) => said.extend(told),
                        Err(error) => {
                            tracing::warn!(%error, "the call log cannot be asked again");
                            open.tries += 1;
                            open.due = moment + config.patience.history_again;
                            gaps.extend(Some(open).filter(|open| open.tries < GAP_TRIES && !error.is_refusal()));
                        }
                    }
                }
                if !said.is_empty() && outlet.give(said).await.is_err() {
                    return Closed;
                }
            }
        }
    }
}

/// Asks for the recordings of all calls that are due at once.
async fn look(gateway: &Gateway, config: &Config, awaited: &mut Vec<Awaited>, moment: Instant) -> Vec<Report> {
    let due = || awaited.iter().filter(|one| one.due <= moment).map(|one| &one.call);
    let (Some(from), Some(to)) = (due().map(|call| call.started).min(), due().map(|call| call.until).max()) else {
        return Vec::new();
    };
    let (from, to) = (written(Millis(from.0.saturating_sub(MARGIN))), written(Millis(to.0 + MARGIN)));
    let query = format!("$filter=StartTime ge {from} and StartTime le {to}&$orderby=StartTime asc");
    let mut said = Vec::new();
    match gateway.list("Recordings", &query).await {
        Ok(list) => {
            let all = recording::read(list.rows, list.ahead);
            for one in awaited.iter_mut().filter(|one| one.due <= moment) {
                said.extend(one.look(&recording::of(&one.call, &all), config));
            }
        }
        Err(error) => {
            tracing::warn!(%error, "recordings cannot be asked for");
            if error.is_refusal() {
                awaited.clear();
            }
            // No answer is no try.
            awaited.iter_mut().filter(|one| one.due <= moment).for_each(|one| one.due = moment + UNANSWERED);
            awaited.retain(|one| one.ended.elapsed() < OLDEST);
        }
    }
    awaited.retain_mut(|one| one.due > moment || one.next(config));
    said
}

impl Awaited {
    /// None where it is too late.
    fn of(call: Over, config: &Config) -> Option<Self> {
        let ago = Duration::from_millis(now().since(call.until));
        let ended = Instant::now().checked_sub(ago)?;
        let mut one = Self { call, ended, tries: 0, due: ended, told: Vec::new() };
        let steps = &config.patience.recordings;
        // Of the times that have passed already, the last one stands for all.
        one.tries = steps.iter().filter(|step| **step <= ago).count().saturating_sub(1);
        one.due = ended + *steps.get(one.tries)?;
        Some(one)
    }

    /// What is news of `found`.
    fn look(&mut self, found: &recording::Found, config: &Config) -> Vec<Report> {
        let news: Vec<_> = found.facts.iter().filter(|fact| !self.told.contains(fact)).cloned().collect();
        let whole = found.any && (found.transcribed || !config.transcripts && news.is_empty());
        if whole {
            self.tries = usize::MAX - 1;
        }
        self.told.extend(news.iter().cloned());
        let (chain, at) = (self.call.chain.clone(), now());
        news.into_iter().map(|fact| Report::Call(Signal { chain: chain.clone(), at, fact })).collect()
    }

    /// Sets the next time; whether there is one.
    fn next(&mut self, config: &Config) -> bool {
        self.tries += 1;
        let step = config.patience.recordings.get(self.tries);
        step.map(|step| self.due = self.ended + *step).is_some()
    }
}
