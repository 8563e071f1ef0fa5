//! The record stream: the jobs of one call at one plugin, strictly in order, each until it is done or parked.

use std::{sync::Arc, time::Duration};

use hookswitch_call::{Millis, number::Kind};
use hookswitch_journal::{
    CallRef,
    jobs::{Finish, Job},
};
use hookswitch_runtime::{
    CallError,
    contract::{Contact, PhoneEntry, Reference, journal::Entry},
};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{Known, News};
use crate::{
    clock,
    desk::{Desk, Lane, Visit},
    plan::JobKind,
    retry, texts, view,
};

/// Look-ups and registrations: somebody's phone is ringing.
const FAST: Duration = Duration::from_secs(5);
/// Everything that nobody waits for.
const SLOW: Duration = Duration::from_secs(30);
/// The last card is taken down before the entry is written, unless that takes longer than this.
const CARDS: Duration = Duration::from_secs(5);

pub(super) struct Record {
    pub(super) desk: Arc<Desk>,
    pub(super) key: CallRef,
    pub(super) news: watch::Receiver<News>,
    pub(super) jobs: mpsc::UnboundedReceiver<Job>,
    pub(super) known: Arc<watch::Sender<Known>>,
    pub(super) cards: JoinHandle<Option<()>>,
    pub(super) stop: CancellationToken,
}

/// Why a job did not get done this time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// The plugin, or the sandbox around it, says so.
    #[error("{0}")]
    Call(#[from] Arc<CallError>),
    /// A template of the admin's cannot be rendered.
    #[error("the text of the journal entry: {0}")]
    Text(String),
    /// There is no journal entry to correct.
    #[error("there is no journal entry to correct")]
    NothingWritten,
    /// This version does not know what the job is.
    #[error("unknown kind of job `{0}`: written by another version of hookswitch?")]
    Unknown(String),
}

impl Record {
    /// Runs jobs until no more can come.
    pub(super) async fn run(mut self) {
        self.identify().await;
        let stop = self.stop.clone();
        while let Some(Some(job)) = stop.run_until_cancelled(self.jobs.recv()).await {
            self.settle(job).await;
        }
        // What has not begun by now never will.
        self.known.send_modify(|known| known.begin_settled = true);
        self.cards_settled().await;
    }

    /// Waits until the last card is down.
    async fn cards_settled(&mut self) {
        // A handle must not be asked again once it has answered.
        if !self.cards.is_finished() {
            // A task that was cancelled has nothing more to say.
            let _ = (&mut self.cards).await;
        }
    }

    /// Asks the CRM who calls, as soon as the call is known; a failure is tried again by the jobs that need the answer.
    async fn identify(&self) {
        if let Err(error) = self.contacts().await {
            tracing::warn!(plugin = %self.desk.name, call = %self.key.chain, %error, "caller not looked up");
        }
    }

    /// Runs one job until it is done or parked. At a stop a try that is under way is brought to its end, and no other
    /// begins.
    async fn settle(&mut self, mut job: Job) {
        let kind = JobKind::from_name(&job.kind);
        loop {
            let wait = Duration::from_millis(job.due.since(clock::now()));
            if self.stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            job.attempt += 1;
            self.desk.start_job(&job).await;
            let outcome = match kind {
                Some(kind) => self.perform(kind, &job).await,
                None => Err(Problem::Unknown(job.kind.clone())),
            };
            let finish = match &outcome {
                Ok(result) => Finish::Done { result: result.clone() },
                Err(problem) => verdict(problem, &job, clock::now()),
            };
            let log = (&self.desk.name, &self.key.chain);
            match (&outcome, &finish) {
                (Ok(_), _) => tracing::info!(plugin = %log.0, call = %log.1, job = job.kind, "job done"),
                (Err(error), Finish::Retry { due, .. }) => {
                    let wait_ms = due.since(clock::now());
                    tracing::warn!(plugin = %log.0, call = %log.1, job = job.kind, %error, wait_ms, "job will be tried again");
                }
                (Err(error), _) => {
                    tracing::error!(plugin = %log.0, call = %log.1, job = job.kind, %error, "job parked")
                }
            }
            let dossier = self.known.borrow().dossier.clone();
            self.desk.finish_job(&self.key, &job, finish.clone(), &dossier).await;
            match finish {
                Finish::Retry { due, .. } => job.due = due,
                _ => break,
            }
        }
        if kind == Some(JobKind::Begin) {
            self.known.send_modify(|known| known.begin_settled = true);
        }
    }

    async fn perform(&mut self, kind: JobKind, job: &Job) -> Result<Value, Problem> {
        match kind {
            JobKind::Contact => self.create_contact(job).await.map(|contact| json(&contact)),
            JobKind::Begin => self.begin(job).await.map(|begun| json(&begun)),
            JobKind::Write => self.write(job).await.map(|written| json(&written)),
            JobKind::Update => self.update(job).await.map(|written| json(&written)),
        }
    }

    fn visit<'a>(&'a self, function: &'static str, lane: Lane, wall: Duration, job: Option<&'a Job>) -> Visit<'a> {
        Visit { function, lane, wall, call: Some(&self.key), job }
    }

    /// Who the caller is, as the CRM said or says now.
    async fn contacts(&self) -> Result<Vec<Contact>, CallError> {
        if let Some(contacts) = self.known.borrow().dossier.contacts.clone() {
            return Ok(contacts);
        }
        let news = self.news.borrow().clone();
        let searchable = news.external.clone().filter(|number| matches!(number.kind, Kind::External | Kind::Invalid));
        let contacts = match searchable {
            Some(number) if self.desk.served.lookup_by_number => {
                let call = self.desk.view(&news);
                let number = view::number(&number);
                let visit = self.visit("lookup.by-number", Lane::Screen, FAST, None);
                self.desk
                    .visit(visit, async |plugin, job| plugin.lookup_by_number(job, &number, Some(&call)).await)
                    .await?
            }
            _ => Vec::new(),
        };
        self.know_contacts(contacts.clone()).await;
        Ok(contacts)
    }

    async fn know_contacts(&self, contacts: Vec<Contact>) {
        self.known.send_modify(|known| known.dossier.contacts = Some(contacts));
        let dossier = self.known.borrow().dossier.clone();
        self.desk.write_dossier(&self.key, &dossier).await;
    }

    /// Makes sure that the caller is somebody in the CRM; none if there is no number to know somebody by.
    async fn create_contact(&self, job: &Job) -> Result<Option<Contact>, Problem> {
        if let Some(known) = self.contacts().await?.into_iter().next() {
            return Ok(Some(known));
        }
        let news = self.news.borrow().clone();
        let Some(number) = news.external.clone().filter(|number| number.kind == Kind::External) else {
            return Ok(None);
        };
        let call = self.desk.view(&news);
        let key = number.e164.clone().unwrap_or_else(|| number.raw.clone());
        let draft = draft(&key, &news.call.external_name);
        let visit = self.visit("contacts.create", Lane::Record, SLOW, Some(job));
        // One at a time per number: two first calls of one caller at once make one contact.
        let create = async {
            self.desk.visit(visit, async |plugin, job| plugin.contacts_create(job, &draft, Some(&call)).await).await
        };
        let contact = self.desk.one_contact(&key, create).await?;
        self.know_contacts(vec![contact.clone()]).await;
        Ok(Some(contact))
    }

    async fn begin(&self, job: &Job) -> Result<Reference, Problem> {
        // A card without a name is better than no card.
        let contact = self.contacts().await.ok().and_then(|contacts| contacts.into_iter().next());
        let news = self.news.borrow().clone();
        let call = self.desk.view(&news);
        let visit = self.visit("journal.begin", Lane::Screen, FAST, Some(job));
        let begun = self
            .desk
            .visit(visit, async |plugin, job| plugin.journal_begin(job, &call, contact.as_ref()).await)
            .await?;
        self.known.send_modify(|known| known.dossier.begun = Some(begun.clone()));
        Ok(begun)
    }

    async fn write(&mut self, job: &Job) -> Result<Reference, Problem> {
        let _ = tokio::time::timeout(CARDS, self.cards_settled()).await;
        let entry = self.entry().await?;
        let begun = self.known.borrow().dossier.begun.clone();
        let visit = self.visit("journal.write", Lane::Record, SLOW, Some(job));
        let written =
            self.desk.visit(visit, async |plugin, job| plugin.journal_write(job, &entry, begun.as_ref()).await).await?;
        self.known.send_modify(|known| known.dossier.written = Some(written.clone()));
        Ok(written)
    }

    async fn update(&self, job: &Job) -> Result<Reference, Problem> {
        let entry = self.entry().await?;
        let Some(written) = self.known.borrow().dossier.written.clone() else {
            return Err(Problem::NothingWritten);
        };
        let visit = self.visit("journal.update", Lane::Record, SLOW, Some(job));
        let result =
            self.desk.visit(visit, async |plugin, job| plugin.journal_update(job, &written, &entry).await).await;
        Ok(result?)
    }

    /// The journal entry of the call as it ended.
    async fn entry(&self) -> Result<Entry, Problem> {
        let contacts = self.contacts().await.unwrap_or_default();
        let news = self.news.borrow().clone();
        let text = |template| {
            texts::call_text(template, &news.call, news.external.as_deref(), &self.desk.zone).map_err(Problem::Text)
        };
        Ok(Entry {
            call: self.desk.view(&news),
            contacts,
            text: hookswitch_runtime::contract::Text {
                subject: text(&self.desk.config.journal.subject)?,
                body: text(&self.desk.config.journal.body)?,
            },
            notes: Vec::new(),
            links: Vec::new(),
            ticket: None,
        })
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        Self::Call(Arc::new(error))
    }
}

/// What becomes of a job that failed.
fn verdict(problem: &Problem, job: &Job, now: Millis) -> Finish {
    let text = problem.to_string();
    let Problem::Call(error) = problem else { return Finish::Parked { problem: text } };
    match retry::next(error, job.attempt, now.since(job.created), &mut fastrand::Rng::new()) {
        Some(wait) => {
            let due = Millis(now.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
            Finish::Retry { due, problem: Some(text), counts: true }
        }
        None => Finish::Parked { problem: text },
    }
}

/// A contact made of what a call tells.
fn draft(number: &str, name: &str) -> Contact {
    Contact {
        id: String::new(),
        kind: String::new(),
        first_name: String::new(),
        last_name: name.to_owned(),
        company: String::new(),
        url: String::new(),
        photo_url: String::new(),
        emails: Vec::new(),
        phones: vec![PhoneEntry { kind: "business".to_owned(), value: number.to_owned() }],
        owner: None,
        address: Vec::new(),
        extra: Vec::new(),
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
