//! Puts recordings and their words to calls.
//!
//! The portal keeps one recording and one transcript for each call, and a second one takes the place of the first (sheet
//! 3.4). So the first file of a call has both places. Further files, and the words of them, are comments on the timeline of
//! the call's record, as is every summary.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Failure, Recording, Recordings, Reference, Transcript, info, job};

use crate::entity::Entity;
use crate::finish::Finished;
use crate::memory::{self, Finish, Placed};
use crate::options::Options;
use crate::refusal::Refusal;
use crate::{Bitrix24, portal, record, statistics, timeline, transcript};

impl Recordings for Bitrix24 {
    fn attach(to: Reference, file: Recording, link: Option<String>) -> Result<Reference, Failure> {
        let link = link.as_deref();
        match memory::RECORD.load()? {
            Some(placed) if placed.file != file.id => remark(&to, &file, link)?,
            Some(placed) if placed.done => {}
            placed => place(&to.id, &file, link, placed.is_some())?,
        }
        Ok(to)
    }

    fn transcribe(to: Reference, file: Recording, words: Transcript) -> Result<Reference, Failure> {
        let summary = transcript::summary(&words);
        // Only what needs a comment needs a record for it.
        let entity = if summary.is_some() { entity(&to.id)? } else { None };
        match memory::TRANSCRIPT.load()? {
            placed if has_place(&file, placed.as_ref())? => {
                place_words(&to.id, &file, &words, summary.filter(|_| entity.is_none()), placed)?;
            }
            _ => {
                if let Some(text) = transcript::text(&file, &words) {
                    timeline::remark(record_of(&to.id, &file)?, &text, None, &job::key("words"))?;
                }
            }
        }
        if let (Some(summary), Some(entity)) = (summary, entity) {
            timeline::remark(entity, &transcript::summary_text(&file, summary), None, &job::key("summary"))?;
        }
        Ok(to)
    }
}

/// Makes a file the recording of a call. `went_out`: an earlier try may have done it.
fn place(call_id: &str, file: &Recording, link: Option<&str>, went_out: bool) -> Result<(), Failure> {
    record::check(file)?;
    let placed = |done| Placed { file: file.id.clone(), job: job::key("record"), before: None, done };
    if went_out && statistics::attached(call_id)?.record {
        info!("recording was attached by an earlier try, whose answer was lost");
        return memory::RECORD.save(&placed(true));
    }
    memory::RECORD.save(&placed(false))?;
    match send(call_id, file, link, &Options::read()?) {
        Ok(()) => memory::RECORD.save(&placed(true)),
        Err(refusal) => {
            // The next file may do better.
            if refusal.is_final() && !went_out {
                memory::RECORD.clear()?;
            }
            Err(refusal.into())
        }
    }
}

fn send(call_id: &str, file: &Recording, link: Option<&str>, options: &Options) -> Result<(), Refusal> {
    let in_doubt = |what: &str| Refusal::from(Failure::InDoubt(format!("the portal's answer to {what} names no file")));
    let answer = match link {
        Some(link) => {
            return portal::call(record::METHOD, &record::linked(call_id, file, link), Effect::Once).map(drop);
        }
        None if file.size <= options.upload_above => {
            portal::call_with_file(record::METHOD, record::enclosed(call_id, file), Effect::Once)?
        }
        None => {
            let announced = record::announced(call_id, file);
            let answer = portal::call_for_secret(record::METHOD, &announced, record::ADDRESS)?;
            let (address, field) = record::address(&answer.result)
                .ok_or_else(|| Failure::temporary("the portal gives no address to upload a recording to"))?;
            portal::upload(&address, &field, file)?
        }
    };
    if record::is_kept(&answer.result) { Ok(()) } else { Err(in_doubt(record::METHOD)) }
}

/// Hangs a file that is not the call's recording on the timeline.
fn remark(to: &Reference, file: &Recording, link: Option<&str>) -> Result<(), Failure> {
    if link.is_none() {
        record::check_for_comment(file)?;
    }
    let entity = record_of(&to.id, file)?;
    let enclosed = Some(file).filter(|_| link.is_none());
    timeline::remark(entity, &record::remark(file, link), enclosed, &job::key("file"))
}

/// Whether the words of this file are the call's transcript: those of its recording, else the first that came.
fn has_place(file: &Recording, placed: Option<&Placed>) -> Result<bool, Failure> {
    let owner = match placed {
        Some(placed) => Some(placed.file.clone()),
        None => memory::RECORD.load()?.map(|record| record.file),
    };
    Ok(owner.is_none_or(|owner| owner == file.id))
}

fn place_words(
    call_id: &str,
    file: &Recording,
    words: &Transcript,
    summary: Option<&str>,
    placed: Option<Placed>,
) -> Result<(), Failure> {
    let Some(parameters) = transcript::parameters(call_id, words, summary) else { return Ok(()) };
    let key = job::key("transcript");
    let before = match placed {
        Some(placed) if placed.job == key && placed.done => return Ok(()),
        Some(Placed { job, before, .. }) if job == key => {
            let there = statistics::attached(call_id)?.transcript;
            if there.is_some() && there != before {
                info!("transcript was attached by an earlier try, whose answer was lost");
                return memory::TRANSCRIPT.save(&Placed { file: file.id.clone(), job, before, done: true });
            }
            before
        }
        // A file may have words twice, the phone system's and a speech server's: the later ones take the place.
        Some(_) => statistics::attached(call_id)?.transcript,
        None => None,
    };
    let mark = |done| Placed { file: file.id.clone(), job: key.clone(), before, done };
    memory::TRANSCRIPT.save(&mark(false))?;
    portal::call(transcript::METHOD, &parameters, Effect::Once)?;
    memory::TRANSCRIPT.save(&mark(true))
}

/// The record that a call is tied to.
fn entity(call_id: &str) -> Result<Option<Entity>, Failure> {
    let finished = match memory::FINISH.load()? {
        Some(Finish::Done(finished)) if finished.entity.is_some() => Some(finished),
        _ => statistics::find(call_id)?,
    };
    Ok(finished.and_then(|Finished { entity, .. }| entity))
}

/// The record on whose timeline something of a further file can stand.
fn record_of(call_id: &str, file: &Recording) -> Result<Entity, Failure> {
    entity(call_id)?.ok_or_else(|| {
        Failure::rejected(
            "no-record",
            format!(
                "the portal keeps one recording for each call, and recording {} is a further one of a call that belongs to no \
                 record of the CRM: tie the call to a record in the portal and retry this job, or skip it",
                file.id
            ),
        )
    })
}
