//! One try to fetch a recording.

use std::{io, sync::Arc, time::Duration};

use hookswitch_journal::recordings::Recording;
use hookswitch_pbx::Unfetched;

use super::Recordings;
use crate::{
    clock,
    config::{self, Span},
    retry::Retry,
    service::Service,
};

/// How long is waited after failures.
const WAITS: Retry =
    Retry { tries: u32::MAX, first: Span(Duration::from_secs(2)), longest: Span(Duration::from_secs(600)) };
/// So many tries, of about an hour, are made however long ago the call was: after a longer stop of the service, the first
/// ones may fail because everything is just starting.
const FEWEST: u32 = 12;
/// While the disk takes nothing.
const DISK: Duration = Duration::from_secs(30);

/// What came of a try.
enum Came {
    /// Here it is.
    Here { hash: String, bytes: u64 },
    /// Here it is, and somebody had the recording erased meanwhile.
    Gone { hash: String },
    /// Not this time.
    Not(String),
    /// Not before an admin does something.
    Barred(String),
    /// Our own disk does not take it.
    Unkept(io::Error),
    /// Nobody can be asked for it.
    Never(String),
}

/// Tries to fetch `recording`, and writes down what came of it.
pub(super) async fn fetch(service: Arc<Service>, recordings: Arc<Recordings>, recording: Recording) {
    let Some(config) = service.loaded().await.config.recordings.clone() else {
        // Whoever wants none misses none.
        let why = "recordings are not fetched: the configuration has no [recordings]";
        let id = recording.id;
        return told(recordings.journal.write(move |txn| txn.give_recording_up(id, why)).await);
    };
    let (pbx, call, id) = (&recording.call.pbx, &recording.call.chain, recording.id);
    match attempt(&service, &recordings, &recording, &config).await {
        Came::Here { hash, bytes } => {
            tracing::info!(%pbx, %call, recording = %id, bytes, sha256 = hash, "recording fetched");
        }
        Came::Gone { hash } => {
            tracing::info!(%pbx, %call, recording = %id, "recording fetched, and not wanted any more");
            told(recordings.archive.release(&recordings.journal, vec![hash]).await);
        }
        Came::Never(why) => give_up(&recordings, &recording, why).await,
        Came::Unkept(error) => {
            tracing::error!(%pbx, %call, recording = %id, %error, "a recording cannot be kept; trying again");
            put_off(&recordings, &recording, DISK, format!("it cannot be kept: {error}"), false).await;
        }
        Came::Not(why) | Came::Barred(why)
            if recording.failures >= FEWEST && clock::now() > recording.created.after(config.patience.0) =>
        {
            give_up(&recordings, &recording, why).await;
        }
        Came::Barred(why) => {
            tracing::error!(%pbx, %call, recording = %id, error = why, "recording not fetched");
            put_off(&recordings, &recording, WAITS.longest.0, why, true).await;
        }
        Came::Not(why) => {
            let after = WAITS.wait(recording.failures + 1, &mut fastrand::Rng::new());
            let wait_ms = after.as_millis();
            tracing::info!(%pbx, %call, recording = %id, error = why, wait_ms, "recording not there yet");
            put_off(&recordings, &recording, after, why, true).await;
        }
    }
    recordings.nudge();
}

async fn attempt(
    service: &Service,
    recordings: &Recordings,
    recording: &Recording,
    config: &config::Recordings,
) -> Came {
    let pbx = recording.call.pbx.as_str();
    let source = match service.recordings_at(pbx).await {
        Some(Some(source)) => source,
        Some(None) => return Came::Never(format!("the phone system {pbx} gives no recordings out")),
        None => return Came::Barred(format!("there is no [pbx.{pbx}] any more")),
    };
    let mut incoming = match recordings.archive.begin(config.largest.0).await {
        Ok(incoming) => incoming,
        Err(error) => return Came::Unkept(error),
    };
    match source.fetch(&recording.source, &mut incoming).await {
        Ok(_) if incoming.bytes() == 0 => return Came::Not("the phone system gave an empty file".to_owned()),
        Ok(_) => {}
        Err(_) if incoming.is_too_large() => {
            return Came::Never(format!(
                "it is larger than {} MiB: raise `largest` in [recordings]",
                config.largest.0 >> 20
            ));
        }
        Err(unfetched) if let Some(error) = incoming.broken() => {
            tracing::debug!(%unfetched, "a recording cannot be written");
            return Came::Unkept(error);
        }
        Err(unfetched @ (Unfetched::Missing(_) | Unfetched::Failed(_))) => return Came::Not(unfetched.to_string()),
        Err(unfetched @ (Unfetched::Forbidden(_) | Unfetched::NotConfigured(_))) => {
            return Came::Barred(unfetched.to_string());
        }
    }
    let whole = match incoming.whole().await {
        Ok(whole) => whole,
        Err(error) => return Came::Unkept(error),
    };
    let _alone = recordings.archive.moving().await;
    let (hash, bytes) = match recordings.archive.keep(whole).await {
        Ok(kept) => kept,
        Err(error) => return Came::Unkept(error),
    };
    let (id, original, now) = (recording.id, hash.clone(), clock::now());
    let noted = recordings.journal.write(move |txn| txn.recording_fetched(id, &original, bytes, now)).await;
    match noted {
        Ok(true) => Came::Here { hash, bytes },
        Ok(false) => Came::Gone { hash },
        Err(error) => Came::Unkept(io::Error::other(error)),
    }
}

async fn give_up(recordings: &Recordings, Recording { id, call, .. }: &Recording, why: String) {
    let (id, pbx, chain) = (*id, &call.pbx, &call.chain);
    tracing::error!(
        %pbx, call = %chain, recording = %id, error = why,
        "recording given up: mend it, then `hookswitch recordings fetch {id}`"
    );
    let noted = recordings.journal.write(move |txn| txn.give_recording_up(id, &why)).await;
    told(noted);
}

async fn put_off(recordings: &Recordings, recording: &Recording, after: Duration, why: String, counts: bool) {
    let (id, due) = (recording.id, clock::now().after(after));
    told(recordings.journal.write(move |txn| txn.put_recording_off(id, due, &why, counts)).await);
}

/// What the journal did not take is done again.
pub(super) fn told<T>(noted: Result<T, hookswitch_journal::Error>) {
    if let Err(error) = noted {
        tracing::error!(%error, "the journal did not take the news of a recording");
    }
}
