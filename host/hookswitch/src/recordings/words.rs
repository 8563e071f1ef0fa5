//! What was said: heard by a speech plugin, or told by the phone system; summed up; then told to plugins.

use std::{sync::Arc, time::Duration};

use hookswitch_call::{Call, Millis};
use hookswitch_journal::{
    Error, RecordingId, Txn,
    jobs::Finish,
    recordings::{Progress, Recording, Words},
};
use hookswitch_runtime::contract::{Transcript, Turn, speech};
use serde::Deserialize;
use serde_json::Value;

use super::{file::Known, tell};
use crate::{clock, news::News, plan::JobKind, service::Service};

/// So many are looked at in one round.
const MOST: u32 = 64;
/// A phone system that has written a call down sums it up soon afterwards (call model, section 4): so long is waited for
/// that.
const SUMMARY: Duration = Duration::from_secs(60);

/// What a speech plugin has said in a job.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// How far it is.
    Progress(speech::Progress),
    /// The conversation in a few sentences.
    Summary(String),
    /// There will be no summary.
    NoSummary,
}

impl Heard {
    /// What the end of a job tells of the words, if it tells something.
    pub(crate) fn at_end(kind: JobKind, finish: &Finish, product: Option<Self>) -> Option<Self> {
        match (kind, finish) {
            (_, Finish::Done { .. }) => product,
            // Words without a summary are better than none.
            (JobKind::Summarise, Finish::Parked { .. } | Finish::Skipped { .. }) => Some(Self::NoSummary),
            _ => None,
        }
    }

    /// Writes it down, together with the end of its job.
    pub(crate) fn enter(self, txn: &Txn<'_>, recording: RecordingId, now: Millis) -> Result<(), Error> {
        let known = txn.words_of(recording)?;
        // The phone system was quicker: CRMs would have the words twice.
        if known.as_ref().is_some_and(|known| known.progress == Progress::Whole) {
            return Ok(());
        }
        let words = |progress, token, record| Words { recording, progress, token, record, told: false };
        match self {
            Self::Progress(speech::Progress::Pending((token, after_ms))) => {
                let due = Millis(now.0.saturating_add(after_ms.into()));
                txn.put_words(&words(Progress::Pending, Some(token), None), due)
            }
            Self::Progress(speech::Progress::Done(transcript)) => {
                let progress = if transcript.summary.is_some() { Progress::Whole } else { Progress::Heard };
                txn.put_words(&words(progress, None, serde_json::to_value(transcript).ok()), now)
            }
            Self::Summary(summary) => {
                let Some(mut transcript) = known.and_then(|known| transcript(known.record.as_ref())) else {
                    return Ok(());
                };
                transcript.summary = Some(summary);
                txn.put_words(&words(Progress::Whole, None, serde_json::to_value(transcript).ok()), now)
            }
            Self::NoSummary => match known.filter(|known| known.progress == Progress::Heard) {
                Some(known) => txn.put_words(&Words { progress: Progress::Whole, ..known }, now),
                None => Ok(()),
            },
        }
    }
}

/// The words as plugins get them, of what the journal keeps.
pub(crate) fn transcript(record: Option<&Value>) -> Option<Transcript> {
    Transcript::deserialize(record?).ok()
}

/// Makes the jobs that follow from how far the words of recordings are.
pub(super) async fn follow(service: &Arc<Service>) -> Result<(), Error> {
    let journal = service.journal();
    for id in journal.read(|view| view.recordings_spoken(MOST)).await? {
        take_spoken(service, id).await?;
    }
    let now = clock::now();
    for words in journal.read(move |view| view.words_due(now, MOST)).await? {
        follow_one(service, words).await?;
    }
    Ok(())
}

/// Takes over what the phone system has said of the call of a recording.
async fn take_spoken(service: &Service, id: RecordingId) -> Result<(), Error> {
    let taken = service.journal().write(move |txn| {
        txn.spoken_taken(id)?;
        let Some(recording) = txn.recording(id)? else { return Ok(()) };
        match txn.call(&recording.call)? {
            Some(entry) => take(txn, &recording, &entry.call, clock::now()),
            None => Ok(()),
        }
    });
    taken.await
}

/// Takes over for `recording` what the phone system has said of `call`, if it has said something.
pub(super) fn take(txn: &Txn<'_>, recording: &Recording, call: &Call, now: Millis) -> Result<(), Error> {
    // What is told is told: a CRM would have it twice.
    if txn.words_of(recording.id)?.is_some_and(|known| known.progress != Progress::Pending && known.told) {
        return Ok(());
    }
    let known = recording.facts.clone().and_then(|facts| serde_json::from_value::<Known>(facts).ok());
    let duration_ms = known.and_then(|known| known.facts.duration_ms).unwrap_or_default();
    let Some(transcript) = spoken(call, duration_ms) else { return Ok(()) };
    let due = if transcript.summary.is_some() { now } else { now.after(SUMMARY) };
    let record = serde_json::to_value(transcript).ok();
    let words = Words { recording: recording.id, progress: Progress::Whole, token: None, record, told: false };
    txn.put_words(&words, due)
}

/// What the phone system says, which is one text without speakers.
fn spoken(call: &Call, duration_ms: u64) -> Option<Transcript> {
    let text = call.transcript.clone().unwrap_or_default();
    let summary = call.summary.clone();
    let turn = Turn { speaker: String::new(), start_ms: 0, end_ms: duration_ms, text };
    let turns = Some(turn).filter(|turn| !turn.text.is_empty()).into_iter().collect::<Vec<_>>();
    let known = !turns.is_empty() || summary.is_some();
    known.then(|| Transcript { language: String::new(), turns, summary, extra: Vec::new() })
}

async fn follow_one(service: &Arc<Service>, words: Words) -> Result<(), Error> {
    let id = words.recording;
    let found = service.journal().read(move |view| {
        let Some(recording) = view.recording(id)? else { return Ok(None) };
        view.call(&recording.call)
    });
    let Some(entry) = found.await? else { return Ok(()) };
    let config = service.loaded().await.config.clone();
    let news = News::of(&config, entry.call);
    let speech = config.recordings.as_ref().and_then(|recordings| recordings.speech.clone());
    let listener = speech.as_ref().and_then(|speech| service.desk(&speech.plugin));
    let now = clock::now();
    let summarises = speech.is_some_and(|speech| speech.summarise);
    let mut jobs = Vec::new();
    match (words.progress, listener) {
        (Progress::Pending, Some(desk)) => jobs.push(tell::job(&desk, JobKind::Ask, id, now)),
        // Who was listening is not there any more.
        (Progress::Pending, None) => {}
        (Progress::Heard, Some(desk)) if summarises && desk.served.speech_summarise => {
            jobs.push(tell::job(&desk, JobKind::Summarise, id, now));
        }
        (Progress::Heard | Progress::Whole, _) => {
            for desk in service.dispatch().desks_of(news.call.pbx.as_str()) {
                if desk.with_policy(|policy| policy.transcribes(&news)) {
                    jobs.push(tell::job(&desk, JobKind::Transcribe, id, now));
                }
            }
        }
    }
    tell::give(service, &news, jobs, move |txn| txn.words_told(id)).await
}
