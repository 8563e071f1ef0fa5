//! What is to be done next, round after round.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hookswitch_call::{Millis, PbxName};
use hookswitch_journal::{
    Error, RecordingId, Txn,
    recordings::{Recording, State},
};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{convert, fetch, tell, words};
use crate::{
    clock,
    config::{self, Config},
    service::Service,
};

/// So many of each sort are looked at in one round.
const MOST: u32 = 64;
/// And no more than so many where there is room, and nothing for it among the first.
const FARTHEST: u32 = 4096;
/// A round comes no later than this: the clock may have been set.
const LONGEST: Duration = Duration::from_secs(600);
/// And no sooner, where there is something to do for which there is no room.
const SHORTEST: Duration = Duration::from_millis(500);
/// While the journal gives no answer.
const BROKEN: Duration = Duration::from_secs(5);
/// What broke off is done again after this.
const BROKEN_OFF: Duration = Duration::from_secs(60);

/// Works until `stop`. What is under way then is done again at the next start.
pub(crate) async fn run(service: Arc<Service>, stop: CancellationToken) {
    let recordings = service.recordings().clone();
    // Nobody puts a file in its place yet.
    if let Err(error) = recordings.archive.sweep(service.journal(), Duration::ZERO).await {
        tracing::warn!(%error, "files that nobody needs are still there");
    }
    let mut round = Round { service, at_work: HashMap::new(), work: JoinSet::new() };
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
            Some(done) = round.work.join_next_with_id() => round.settle(done).await,
            () = tokio::time::sleep(wait) => {}
        }
        while let Some(done) = round.work.try_join_next_with_id() {
            round.settle(done).await;
        }
    }
}

struct Round {
    service: Arc<Service>,
    at_work: HashMap<Id, Work>,
    work: JoinSet<()>,
}

/// What is done about a recording at this moment.
struct Work {
    recording: RecordingId,
    pbx: PbxName,
    /// Where it stands meanwhile.
    state: State,
}

impl Round {
    /// Begins all that can be begun; how long to wait for more.
    async fn go(&mut self) -> Result<Duration, Error> {
        let config = self.service.loaded().await.config;
        for state in [State::Awaited, State::Fetched] {
            self.begin_all(state, &config).await?;
        }
        for recording in self.due(State::Ready, MOST).await? {
            tell::tell(&self.service, &recording).await?;
        }
        words::follow(&self.service).await?;
        let next = self.service.journal().read(|view| view.next_due()).await?;
        Ok(next.map_or(LONGEST, |next| Duration::from_millis(next.since(clock::now())).clamp(SHORTEST, LONGEST)))
    }

    async fn due(&self, state: State, most: u32) -> Result<Vec<Recording>, Error> {
        let now: Millis = clock::now();
        self.service.journal().read(move |view| view.recordings_due(state, now, most)).await
    }

    /// Begins what is due in `state`, as far as there is room.
    async fn begin_all(&mut self, state: State, config: &Config) -> Result<(), Error> {
        let bounds = config.recordings.clone().unwrap_or_default();
        let mut most = MOST;
        loop {
            let due = self.due(state, most).await?;
            let are_all = due.len() < usize::try_from(most).unwrap_or(usize::MAX);
            for recording in due {
                if self.has_room(state, recording.call.pbx.as_str(), &bounds) {
                    self.begin(recording);
                }
            }
            // What one phone system does not give out may stand before all that the others have.
            let is_room = config.pbx.keys().any(|pbx| self.has_room(state, pbx, &bounds));
            if are_all || most >= FARTHEST || !is_room {
                return Ok(());
            }
            most *= 4;
        }
    }

    /// Whether one more may be begun. Each phone system has fetches of its own: one that hangs holds up no other.
    fn has_room(&self, state: State, pbx: &str, bounds: &config::Recordings) -> bool {
        let at_work = self.at_work.values().filter(|work| work.state == state);
        match state {
            State::Awaited => at_work.filter(|work| work.pbx.as_str() == pbx).count() < bounds.fetches,
            _ => at_work.count() < bounds.conversions,
        }
    }

    fn begin(&mut self, recording: Recording) {
        let Recording { id, state, .. } = recording;
        if self.at_work.values().any(|work| work.recording == id) {
            return;
        }
        let pbx = recording.call.pbx.clone();
        let (service, recordings) = (self.service.clone(), self.service.recordings().clone());
        let work = match (state, recording.original.clone()) {
            (State::Fetched, Some(original)) => {
                self.work.spawn(convert::convert(service, recordings, recording, original))
            }
            (State::Awaited, _) => self.work.spawn(fetch::fetch(service, recordings, recording)),
            _ => return,
        };
        self.at_work.insert(work.id(), Work { recording: id, pbx, state });
    }

    async fn settle(&mut self, done: Result<(Id, ()), JoinError>) {
        let (id, error) = match done {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), Some(error)),
        };
        let Some(Work { recording, .. }) = self.at_work.remove(&id) else { return };
        let Some(error) = error else { return };
        tracing::error!(%recording, %error, "work on a recording broke off; trying again");
        let due = clock::now().after(BROKEN_OFF);
        let put_off = move |txn: &Txn<'_>| txn.put_recording_off(recording, due, "work on it broke off", true);
        fetch::told(self.service.journal().write(put_off).await);
    }
}
