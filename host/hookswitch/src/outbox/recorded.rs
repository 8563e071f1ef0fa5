//! Jobs about recordings: where a file and its words go, and what a speech plugin is asked.

use std::time::Duration;

use hookswitch_call::Millis;
use hookswitch_journal::{
    RecordingId, View,
    jobs::{Finish, State},
    recordings::{Progress, Words},
};
use hookswitch_runtime::{
    CallError,
    contract::{self, Delay, Failure, Reference, speech},
};

use super::work::{Plan, Problem, Worker};
use crate::{
    case::Case,
    config::Deliver,
    desk::Unfinished,
    plan::JobKind,
    recordings::{File, left, transcript},
    task::{Product, Task},
};

/// Nobody listens for longer than this (contract, `speech.poll`).
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Nobody is asked again sooner, in milliseconds.
const SHORTEST: u64 = 1000;
/// Nor sooner than after this part of the time that it has taken so far: some 200 questions fill a day.
const SHARE: u64 = 20;
/// While the entry waits for somebody's decision, it is looked whether it is there after this, in milliseconds.
const NO_ENTRY: u64 = 60_000;
/// What a recording is put to in a CRM that has neither entries nor tickets.
const CALL: &str = "call";

pub(super) const GONE: &str = "the recording is not kept any more";

impl Worker {
    /// What a job about a recording comes to before the plugin is asked.
    pub(super) async fn plan_recorded(&self, kind: JobKind, case: &Case) -> Result<Plan, Problem> {
        let Some(id) = self.head.recording else { return Ok(Plan::Late("the job names no recording")) };
        let Some((file, words)) = self.recorded(id).await? else { return Ok(Plan::Late(GONE)) };
        let seen = || self.seen(case, &file);
        let said = words.as_ref().and_then(|words| transcript(words.record.as_ref()));
        let task = match kind {
            JobKind::Attach => match self.record_of(case).await? {
                Some(to) => Task::Attach { to, file: seen(), link: self.link(case, &file)? },
                None => return Ok(Plan::Late("the call has no entry in this CRM")),
            },
            JobKind::Transcribe => match (self.record_of(case).await?, said) {
                (Some(to), Some(words)) => Task::Transcribe { to, file: seen(), words },
                (None, _) => return Ok(Plan::Late("the call has no entry in this CRM")),
                (_, None) => return Ok(Plan::Late("the words are not kept any more")),
            },
            JobKind::Listen => {
                let speech = self.desk.host.recordings.as_ref().and_then(|recordings| recordings.speech.as_ref());
                Task::Listen {
                    file: seen(),
                    language: speech.map(|speech| speech.language.clone()).unwrap_or_default(),
                }
            }
            JobKind::Ask => {
                match words.filter(|words| words.progress == Progress::Pending).and_then(|words| words.token) {
                    Some(token) => Task::Ask { token },
                    None => return Ok(Plan::Late("nobody listens to the recording any more")),
                }
            }
            _ => match said {
                Some(words) => Task::Summarise { words },
                None => return Ok(Plan::Late("the words are not kept any more")),
            },
        };
        Ok(Plan::Do(Box::new(task)))
    }

    /// The file of a recording and what is known of its words; none if it is not here.
    async fn recorded(&self, id: RecordingId) -> Result<Option<(File, Option<Words>)>, Problem> {
        let find = move |view: &View<'_>| {
            let Some(recording) = view.recording(id)? else { return Ok(None) };
            let words = view.words_of(id)?;
            Ok(File::of(view, recording, None)?.map(|file| (file, words)))
        };
        self.desk.journal.read(find).await.map_err(Problem::Recording)
    }

    fn seen(&self, case: &Case, file: &File) -> contract::Recording {
        file.seen(&case.news().call, &self.desk.zone, left(&self.desk.host))
    }

    /// What the CRM has of the call that a recording can be put to; none if there will never be something.
    async fn record_of(&self, case: &Case) -> Result<Option<Reference>, Problem> {
        let dossier = case.dossier();
        if let Some(known) = dossier.written.or(dossier.ticket) {
            return Ok(Some(known));
        }
        if self.desk.with_policy(|policy| policy.serves_no_record()) {
            let id = self.head.call.chain.to_string();
            return Ok(Some(Reference { kind: CALL.to_owned(), id, url: String::new() }));
        }
        let (call, plugin) = (self.head.call.clone(), self.desk.name.clone());
        let jobs = self.desk.journal.read(move |view| view.jobs_of(&call)).await.map_err(Problem::Recording)?;
        let makes = |kind: &str| matches!(JobKind::from_name(kind), Some(JobKind::Write | JobKind::Ticket));
        let to_come = jobs
            .iter()
            .any(|job| job.plugin == plugin && makes(&job.kind) && !matches!(job.state, State::Done | State::Skipped));
        if !to_come {
            return Ok(None);
        }
        let reason = "the journal entry is not written yet: see `hookswitch jobs list --state parked`".to_owned();
        Err(Unfinished::Call(CallError::Failure(Failure::Temporary(Delay { after_ms: Some(NO_ENTRY), reason }))).into())
    }

    /// A link to the file, where the admin wants links. The same at each try.
    fn link(&self, case: &Case, file: &File) -> Result<Option<String>, Problem> {
        let delivery = &self.desk.config.recordings;
        if delivery.deliver != Deliver::Link {
            return Ok(None);
        }
        let Some(public) = &self.desk.host.server.public_url else { return Err(Problem::NoAddress) };
        let until = self.head.created.after(delivery.link_for.0);
        if until <= self.desk.clock.now() {
            let text = "the link would not work any more: raise `link-for` and retry the job, or skip it".to_owned();
            return Err(Unfinished::Call(CallError::Failure(Failure::NotConfigured(text))).into());
        }
        let name = file.name(&case.news().call, &self.desk.zone);
        Ok(Some(self.desk.recordings.link(public, file, &name, until, false)))
    }

    /// What becomes of a job whose answer is that somebody listens still; none of any other.
    pub(super) fn still_listening(&self, kind: &str, product: &Product, now: Millis) -> Option<Finish> {
        let Product::Progress(speech::Progress::Pending((_, after_ms))) = product else { return None };
        if JobKind::from_name(kind) != Some(JobKind::Ask) {
            return None;
        }
        if now > self.head.created.after(LONGEST) {
            let problem = "the speech service has not finished within a day".to_owned();
            return Some(Finish::Parked { problem });
        }
        let after = u64::from(*after_ms).max(SHORTEST).max(now.since(self.head.created) / SHARE);
        let due = Millis(now.0.saturating_add(after));
        Some(Finish::Retry { due, problem: None, counts: false })
    }
}
