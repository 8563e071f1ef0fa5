//! Plugins are told of a recording that is ready: by jobs of the call that it belongs to.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef, Error, JobId, Journal, RecordingId,
    jobs::{Job, NewJob},
    recordings::{Recording, State},
};

use super::{file::Known, words};
use crate::{clock, desk::Desk, news::News, plan::JobKind, service::Service};

/// A call that goes on is looked at again after this; its end says so sooner.
const GOES_ON: Duration = Duration::from_secs(600);

/// A file of a call that is there before an earlier one waits for it so long.
const TURN: Duration = Duration::from_secs(60);
/// So often it looks whether it is there.
const LOOK: Duration = Duration::from_millis(500);

/// Gives plugins their jobs for a recording, when its call is over.
pub(super) async fn tell(service: &Arc<Service>, recording: &Recording) -> Result<(), Error> {
    let (id, call) = (recording.id, recording.call.clone());
    let journal = service.journal();
    let now = clock::now();
    let Some(entry) = journal.read(move |view| view.call(&call)).await? else { return Ok(()) };
    if let Some(into) = entry.call.merged_into.clone() {
        // What was recorded of a part belongs to the whole.
        let whole = CallRef { pbx: recording.call.pbx.clone(), chain: into };
        let recording = recording.clone();
        let moved = journal.write(move |txn| match txn.move_recording(id, &whole) {
            // There is nobody to be told of it.
            Ok(false) | Err(Error::UnknownCall(_)) => txn.recording_told(id),
            // The words that were said in the part are no words of the whole call: they go with their file.
            Ok(true) => words::take(txn, &recording, &entry.call, now),
            Err(error) => Err(error),
        });
        return moved.await;
    }
    if entry.call.is_open() {
        let due = now.after(GOES_ON);
        return journal.write(move |txn| txn.put_recording_off(id, due, "the call goes on", false)).await;
    }
    if is_behind_another(journal, recording, now).await? {
        let due = now.after(LOOK);
        return journal.write(move |txn| txn.put_recording_off(id, due, "an earlier file is on its way", false)).await;
    }
    let config = service.loaded().await.config.clone();
    let news = News::of(&config, entry.call);
    let mut jobs: Vec<NewJob> = Vec::new();
    for desk in service.dispatch().desks_of(news.call.pbx.as_str()) {
        if desk.with_policy(|policy| policy.attaches(&news)) {
            jobs.push(job(&desk, JobKind::Attach, id, now));
        }
    }
    let speech = config.recordings.as_ref().and_then(|recordings| recordings.speech.as_ref());
    let listener = speech.and_then(|speech| service.desk(&speech.plugin)).filter(|desk| desk.served.speech_start);
    let known: Option<Known> = recording.facts.clone().and_then(|facts| serde_json::from_value(facts).ok());
    let is_silent = known.is_some_and(|known| known.facts.is_silent());
    // What the phone system has written down itself is not listened to again, and silence is not worth its price.
    if let Some(desk) = listener.filter(|_| news.call.transcript.is_none() && !is_silent) {
        jobs.push(job(&desk, JobKind::Listen, id, now));
    }
    give(service, &news, jobs, move |txn| txn.recording_told(id)).await
}

/// Whether an earlier file of the same call will be there in a moment: a CRM that has room for one recording of a call takes
/// the first one for it.
async fn is_behind_another(journal: &Journal, recording: &Recording, now: Millis) -> Result<bool, Error> {
    let (id, call) = (recording.id, recording.call.clone());
    let all = journal.read(move |view| view.recordings_of(&call)).await?;
    let comes = |other: &Recording| {
        other.id < id && matches!(other.state, State::Awaited | State::Fetched) && now < other.created.after(TURN)
    };
    Ok(all.iter().any(comes))
}

pub(super) fn job(desk: &Desk, kind: JobKind, recording: RecordingId, due: Millis) -> NewJob {
    NewJob { plugin: desk.name.clone(), kind: kind.name().to_owned(), recording: Some(recording), due }
}

/// Adds jobs to a call, together with what `note` writes down, and hands them to their plugins.
pub(super) async fn give(
    service: &Service,
    news: &News,
    jobs: Vec<NewJob>,
    note: impl FnOnce(&hookswitch_journal::Txn<'_>) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let (call, now) = (CallRef::from(&*news.call), clock::now());
    let added = service.journal().write(move |txn| {
        let ids: Vec<JobId> = txn.add_jobs(&call, &jobs, now)?;
        note(txn)?;
        ids.into_iter().filter_map(|id| txn.job(id).transpose()).collect::<Result<Vec<Job>, _>>()
    });
    let mut of_plugins: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    for job in added.await? {
        of_plugins.entry(job.plugin.clone()).or_default().push(job);
    }
    let number = news.external.as_ref().and_then(|number| number.e164.clone());
    for (plugin, jobs) in of_plugins {
        if let Some(station) = service.dispatch().station(&plugin) {
            jobs.into_iter().for_each(|job| station.add(job, number.clone()));
        }
    }
    Ok(())
}
