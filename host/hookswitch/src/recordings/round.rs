//! What is to be done next, round after round.

use std::{collections::HashSet, sync::Arc, time::Duration};

use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, RecordingId,
    recordings::{Recording, State},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{convert, fetch, tell, words};
use crate::{clock, service::Service};

/// So many of each sort are looked at in one round.
const MOST: u32 = 64;
/// A round comes no later than this: the clock may have been set.
const LONGEST: Duration = Duration::from_secs(600);
/// And no sooner, where there is something to do for which there is no room.
const SHORTEST: Duration = Duration::from_millis(500);
/// While the journal gives no answer.
const BROKEN: Duration = Duration::from_secs(5);

/// Works until `stop`. What is under way then is done again at the next start.
pub(crate) async fn run(service: Arc<Service>, stop: CancellationToken) {
    let recordings = service.recordings().clone();
    // Nobody puts a file in its place yet.
    if let Err(error) = recordings.archive.sweep(service.journal(), Duration::ZERO).await {
        tracing::warn!(%error, "files that nobody needs are still there");
    }
    let mut round = Round { service, at_work: HashSet::new(), fetches: 0, conversions: 0, work: JoinSet::new() };
    loop {
        let wait = match round.go().await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "recordings cannot be looked at; trying again");
                BROKEN
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = recordings.nudged.notified() => {}
            Some(done) = round.work.join_next() => round.settle(done),
            () = tokio::time::sleep(wait) => {}
        }
        while let Some(done) = round.work.try_join_next() {
            round.settle(done);
        }
    }
}

struct Round {
    service: Arc<Service>,
    at_work: HashSet<RecordingId>,
    fetches: usize,
    conversions: usize,
    work: JoinSet<(RecordingId, State)>,
}

impl Round {
    /// Begins all that can be begun; how long to wait for more.
    async fn go(&mut self) -> Result<Duration, Error> {
        let config = self.service.loaded().await.config.recordings.clone().unwrap_or_default();
        for recording in self.due(State::Awaited).await? {
            if self.fetches < config.fetches && self.at_work.insert(recording.id) {
                self.fetches += 1;
                let (id, service) = (recording.id, self.service.clone());
                let recordings = service.recordings().clone();
                self.work.spawn(async move {
                    fetch::fetch(service, recordings, recording).await;
                    (id, State::Awaited)
                });
            }
        }
        for recording in self.due(State::Fetched).await? {
            if let Some(original) = recording.original.clone()
                && self.conversions < config.conversions
                && self.at_work.insert(recording.id)
            {
                self.conversions += 1;
                let (id, service) = (recording.id, self.service.clone());
                let recordings = service.recordings().clone();
                self.work.spawn(async move {
                    convert::convert(service, recordings, recording, original).await;
                    (id, State::Fetched)
                });
            }
        }
        for recording in self.due(State::Ready).await? {
            tell::tell(&self.service, &recording).await?;
        }
        words::follow(&self.service).await?;
        let next = self.service.journal().read(|view| view.next_due()).await?;
        Ok(next.map_or(LONGEST, |next| Duration::from_millis(next.since(clock::now())).clamp(SHORTEST, LONGEST)))
    }

    async fn due(&self, state: State) -> Result<Vec<Recording>, Error> {
        let now: Millis = clock::now();
        // Those that are at work are among them.
        let most = MOST + u32::try_from(self.at_work.len()).unwrap_or(u32::MAX);
        self.service.journal().read(move |view| view.recordings_due(state, now, most)).await
    }

    fn settle(&mut self, done: Result<(RecordingId, State), tokio::task::JoinError>) {
        match done {
            Ok((id, state)) => {
                self.at_work.remove(&id);
                let counter = if state == State::Awaited { &mut self.fetches } else { &mut self.conversions };
                *counter = counter.saturating_sub(1);
            }
            Err(error) => {
                tracing::error!(%error, "work on a recording broke off");
                // Which one is not said: the others are done again at worst.
                self.work.abort_all();
                (self.at_work, self.fetches, self.conversions) = (HashSet::new(), 0, 0);
            }
        }
    }
}
