//! One try of one job: what the plugin is to do, what came of it, and what becomes of the job.

use std::{sync::Arc, time::Duration};

use hookswitch_call::{Millis, number::Kind};
use hookswitch_journal::{
    Error,
    jobs::{Finish, Head, State},
};
use hookswitch_runtime::contract::{self, Contact, PhoneEntry, journal::Entry};

use super::BROKEN;
use crate::{
    case::{Asker, Case},
    desk::{Desk, Earlier, Lane, Trace, Try, Unfinished, Worked},
    dossier::Dossier,
    health::Leave,
    news::News,
    plan::JobKind,
    retry::Verdict,
    station::Station,
    task::{Product, Task},
    texts,
};

/// The last card is taken down before the entry is written, unless that takes longer than this.
const CARDS: Duration = Duration::from_secs(5);

/// After so many failures the entry is written even if the CRM does not say who called.
const ENTRY_WITHOUT_CONTACT: u32 = 3;

/// Who tries a job.
pub(super) struct Worker {
    pub(super) station: Arc<Station>,
    pub(super) desk: Arc<Desk>,
    pub(super) head: Head,
    /// To ask the CRM.
    pub(super) leave: Leave,
}

/// What becomes of a job.
pub(super) enum Fate {
    /// It is done, parked or skipped.
    Over,
    /// It runs again after a while; `head` is how it stands now, none if it stands as it did.
    Again { head: Option<Head>, after: Duration },
    /// Nobody knows how far it came.
    Broken,
}

/// Why a job did not get done this time.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
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

/// What a job comes to before the plugin is asked.
enum Plan {
    Do(Box<Task>),
    /// The result is known.
    Known(Product),
    /// There is nothing to do any more.
    Late(&'static str),
}

/// What came of a try.
enum Came {
    Done(Product),
    Late(&'static str),
    Failed(Problem),
}

/// How a try went.
struct Tried {
    came: Came,
    /// Which try it was; as before if none began.
    attempt: u32,
    /// If the plugin crashed: in how many tries, this one included.
    crashes: Option<u32>,
    trace: Option<Trace>,
}

/// The number that a job must hold while it is worked on: of a caller whom the CRM does not know, as far as we know, and
/// whom it may create.
pub(super) fn number_to_hold(station: &Station, head: &Head) -> Option<String> {
    match JobKind::from_name(&head.kind) {
        Some(JobKind::Contact | JobKind::Begin) if !station.knows_caller(&head.call) => head.number.clone(),
        _ => None,
    }
}

impl Worker {
    /// Tries the job, and writes down what becomes of it.
    pub(super) async fn run(self) -> Fate {
        let Self { station, desk, head, .. } = &self;
        let _working = station.working();
        let case = match station.case(&head.call, || self.load()).await {
            Ok(case) => case,
            Err(error) => {
                let (plugin, call, job) = (&desk.name, &head.call.chain, head.id);
                tracing::error!(plugin, %call, %job, %error, "the call of a job cannot be read");
                return Fate::Again { head: None, after: BROKEN };
            }
        };
        let tried = self.attempt(&case).await;
        let (finish, fate) = self.verdict(&tried);
        if let Some(finish) = finish {
            let _alone = case.saving().await;
            desk.finish_job(&head.call, (head.id, tried.attempt), finish, tried.trace, &case.dossier()).await;
        }
        if matches!(fate, Fate::Over) {
            station.settled(&head.call, &head.kind);
        }
        fate
    }

    fn asker(&self, lane: Lane) -> Asker<'_> {
        Asker { lane, leave: Some(&self.leave) }
    }

    async fn load(&self) -> Result<(News, Dossier), Error> {
        let (call, plugin) = (self.head.call.clone(), self.desk.name.clone());
        let found = self.desk.journal.read(move |view| Ok((view.call(&call)?, view.dossier(&call, &plugin)?)));
        let (entry, dossier) = found.await?;
        let entry = entry.ok_or_else(|| Error::UnknownCall(self.head.call.clone()))?;
        Ok((News::of(&self.desk.host, entry.call), Dossier::read(dossier)))
    }

    async fn attempt(&self, case: &Case) -> Tried {
        let Self { desk, head, .. } = self;
        let not_begun = |came| Tried { came, attempt: head.attempt, crashes: None, trace: None };
        let Some(kind) = JobKind::from_name(&head.kind) else {
            return not_begun(Came::Failed(Problem::Unknown(head.kind.clone())));
        };
        let job = Try { job: head.id, call: head.call.clone(), created: head.created, attempt: head.attempt + 1 };
        let start = match desk.earlier(&job).await {
            Ok(Earlier::CutOff(start)) => Ok(start),
            Ok(Earlier::Tries(tries)) => match self.plan(kind, case).await {
                Ok(Plan::Do(task)) => desk.begin(&job, *task, tries).await.map_err(Problem::from),
                Ok(Plan::Known(product)) => return not_begun(Came::Done(product)),
                Ok(Plan::Late(why)) => return not_begun(Came::Late(why)),
                Err(problem) => Err(problem),
            },
            Err(error) => Err(error.into()),
        };
        let start = match start {
            Ok(start) => start,
            Err(problem) => return not_begun(Came::Failed(problem)),
        };
        let Worked { result, attempt, crashes, trace } = desk.perform(&job, start).await;
        let came = match result {
            Ok(product) => {
                case.learn(|dossier| product.enter(dossier));
                Came::Done(product)
            }
            Err(error) => Came::Failed(error.into()),
        };
        Tried { came, attempt, crashes, trace: Some(trace) }
    }

    async fn plan(&self, kind: JobKind, case: &Case) -> Result<Plan, Problem> {
        let desk = &self.desk;
        match kind {
            JobKind::Contact => {
                if let Some(known) =
                    case.one_contact(desk, self.asker(Lane::Screen), self.head.id).await.map_err(Unfinished::Call)?
                {
                    return Ok(Plan::Known(Product::Contact(Some(Box::new(known)))));
                }
                let news = case.news();
                let Some(number) = news.external.clone().filter(|number| number.kind == Kind::External) else {
                    return Ok(Plan::Known(Product::Contact(None)));
                };
                let number = number.e164.as_ref().unwrap_or(&number.raw);
                let draft = draft(number, &news.call.external_name);
                Ok(Plan::Do(Box::new(Task::CreateContact { draft, call: desk.view(&news) })))
            }
            JobKind::Begin if case.dossier().written.is_some() => Ok(Plan::Late("the entry is written already")),
            JobKind::Begin => {
                // A card without a name is better than no card.
                let contact = case.one_contact(desk, self.asker(Lane::Screen), self.head.id).await.ok().flatten();
                Ok(Plan::Do(Box::new(Task::Begin { call: desk.view(&case.news()), contact })))
            }
            JobKind::Write => {
                let _ = tokio::time::timeout(CARDS, case.cards_down.cancelled()).await;
                let entry = self.entry(case).await?;
                Ok(Plan::Do(Box::new(Task::Write { entry, begun: case.dossier().begun })))
            }
            JobKind::Update => {
                let written = case.dossier().written.ok_or(Problem::NothingWritten)?;
                Ok(Plan::Do(Box::new(Task::Update { written, entry: self.entry(case).await? })))
            }
        }
    }

    /// The journal entry of the call as it ended.
    async fn entry(&self, case: &Case) -> Result<Entry, Problem> {
        let desk = &self.desk;
        let contacts = match case.contacts(desk, self.asker(Lane::Record)).await {
            Ok(contacts) => contacts,
            // In the end an entry without a contact is better than none.
            Err(_) if self.head.failures >= ENTRY_WITHOUT_CONTACT => Vec::new(),
            Err(error) => return Err(Unfinished::Call(error).into()),
        };
        let news = case.news();
        let text = |template| {
            texts::call_text(template, &news.call, news.external.as_deref(), &desk.zone).map_err(Problem::Text)
        };
        Ok(Entry {
            call: desk.view(&news),
            contacts,
            text: contract::Text {
                subject: text(&desk.config.journal.subject)?,
                body: text(&desk.config.journal.body)?,
            },
            notes: Vec::new(),
            links: Vec::new(),
            ticket: None,
        })
    }

    /// What becomes of the job, and what is to be written down of it: nothing if the journal knows better.
    fn verdict(&self, Tried { came, attempt, crashes, .. }: &Tried) -> (Option<Finish>, Fate) {
        let head = &self.head;
        let (plugin, call, job, kind) = (&self.desk.name, &head.call.chain, head.id, &head.kind);
        let problem = match came {
            Came::Done(product) => {
                tracing::info!(plugin, %call, %job, kind, "job done");
                let result = serde_json::to_value(product).unwrap_or_default();
                return (Some(Finish::Done { result }), Fate::Over);
            }
            Came::Late(why) => {
                tracing::info!(plugin, %call, %job, kind, why, "job skipped");
                return (Some(Finish::Skipped { problem: Some((*why).to_owned()) }), Fate::Over);
            }
            Came::Failed(problem) => problem,
        };
        let verdict = match problem {
            Problem::Unfinished(Unfinished::NotStarted(Error::JobState { .. } | Error::UnknownJob(_))) => {
                tracing::info!(plugin, %call, %job, kind, "somebody has decided about the job meanwhile");
                return (None, Fate::Over);
            }
            Problem::Unfinished(Unfinished::NotStarted(error)) => {
                tracing::error!(plugin, %call, %job, kind, %error, "the job cannot be started; it will be tried again");
                return (None, Fate::Again { head: None, after: BROKEN });
            }
            Problem::Unfinished(Unfinished::Call(error)) => {
                self.desk.config.retry.verdict(error, head.failures + 1, *crashes, &mut fastrand::Rng::new())
            }
            _ => Verdict::Park,
        };
        match verdict {
            Verdict::Again { after, counts } => {
                let wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(plugin, %call, %job, kind, error = %problem, wait_ms, "job will be tried again");
                let due = Millis(self.desk.clock.now().0.saturating_add(wait_ms));
                let failures = head.failures + u32::from(counts);
                let next = Head { state: State::Waiting, due, attempt: *attempt, failures, ..head.clone() };
                let finish = Finish::Retry { due, problem: Some(problem.to_string()), counts };
                (Some(finish), Fate::Again { head: Some(next), after })
            }
            Verdict::Park => {
                tracing::error!(
                    plugin, %call, %job, kind, error = %problem,
                    "job parked: see `hookswitch jobs show {job}`, then retry or skip it"
                );
                (Some(Finish::Parked { problem: problem.to_string() }), Fate::Over)
            }
        }
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
