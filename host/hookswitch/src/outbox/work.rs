//! One try of one job: what the plugin is to do, what came of it, and what becomes of the job.

use std::{sync::Arc, time::Duration};

use hookswitch_call::{Millis, number::Kind};
use hookswitch_journal::{
    Error,
    jobs::{Finish, Head, State},
};
use hookswitch_runtime::contract::{self, Contact, journal::Entry};

use super::{BROKEN, recorded::GONE};
use crate::{
    case::{Asker, Case},
    config::{self, CallType, Templates},
    desk::{Desk, Earlier, Lane, Trace, Try, Unfinished, Work, Worked},
    dials::never,
    dossier::Dossier,
    health::Leave,
    news::News,
    plan::JobKind,
    recordings::Heard,
    retry::Verdict,
    station::Station,
    task::{Product, Task},
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
pub(super) enum Problem {
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
    /// A template of the admin's cannot be rendered.
    #[error("the text of {0}: {1}")]
    Text(&'static str, String),
    /// The journal cannot be asked what a CRM asked for.
    #[error("what the CRM asked for cannot be read: {0}")]
    Dial(Error),
    /// The journal cannot be asked for a recording.
    #[error("the recording cannot be looked up: {0}")]
    Recording(Error),
    /// Links lead nowhere.
    #[error("a link to a recording needs `public-url` in [server]")]
    NoAddress,
    /// There is no journal entry to correct.
    #[error("there is no journal entry to correct")]
    NothingWritten,
    /// This version does not know what the job is.
    #[error("unknown kind of job `{0}`: written by another version of hookswitch?")]
    Unknown(String),
}

/// What a job comes to before the plugin is asked.
pub(super) enum Plan {
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
            let product = if let Came::Done(product) = &tried.came { product.heard() } else { None };
            let heard = JobKind::from_name(&head.kind).and_then(|kind| Heard::at_end(kind, &finish, product));
            let heard = head.recording.zip(heard);
            let news = heard.is_some();
            desk.finish_job(&head.call, (head.id, tried.attempt), finish, tried.trace, &case.dossier(), heard).await;
            if news {
                desk.recordings.nudge();
            }
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
        // What was erased goes nowhere any more, also where a try was cut off.
        match self.recording_is_gone().await {
            Ok(true) => return not_begun(Came::Late(GONE)),
            Ok(false) => {}
            Err(problem) => return not_begun(Came::Failed(problem)),
        }
        let work = Work::Job { id: head.id, call: head.call.clone(), created: head.created };
        let job = Try { work, attempt: head.attempt + 1 };
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

    /// Whether the recording that the job is about is not kept any more.
    async fn recording_is_gone(&self) -> Result<bool, Problem> {
        let Some(id) = self.head.recording else { return Ok(false) };
        let found = self.desk.journal.read(move |view| view.recording(id)).await.map_err(Problem::Recording)?;
        Ok(found.is_none_or(|recording| recording.file.is_none()))
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
                let draft = desk.draft(&news, &number).map_err(|error| Problem::Text("the contact", error))?;
                Ok(Plan::Do(Box::new(Task::CreateContact { draft, call: desk.view(&news) })))
            }
            JobKind::Begin if case.dossier().written.is_some() => Ok(Plan::Late("the entry is written already")),
            JobKind::Begin => {
                // A card without a name is better than no card.
                let contact = case.one_contact(desk, self.asker(Lane::Screen), self.head.id).await.ok().flatten();
                Ok(Plan::Do(Box::new(Task::Begin { call: desk.view(&case.news()), contact })))
            }
            JobKind::Ticket if case.dossier().ticket.is_some() => Ok(Plan::Late("a ticket is open already")),
            JobKind::Ticket => {
                let contact = self.contacts(case).await?.into_iter().next();
                let text =
                    self.text(case, contact.as_ref(), "the ticket", |config, kind| config.tickets.templates(kind))?;
                Ok(Plan::Do(Box::new(Task::OpenTicket { call: desk.view(&case.news()), contact, text })))
            }
            JobKind::TicketUpdate => {
                let Some(ticket) = case.dossier().ticket else { return Ok(Plan::Late("no ticket was opened")) };
                let contact = self.contacts(case).await?.into_iter().next();
                let text =
                    self.text(case, contact.as_ref(), "the ticket", |config, kind| config.tickets.templates(kind))?;
                let call = desk.view(&case.news());
                Ok(Plan::Do(Box::new(Task::UpdateTicket { ticket, call, text, notes: Vec::new() })))
            }
            JobKind::Write => {
                let _ = tokio::time::timeout(CARDS, case.cards_down.cancelled()).await;
                let entry = self.entry(case).await?;
                Ok(Plan::Do(Box::new(Task::Write { entry, begun: case.dossier().begun })))
            }
            JobKind::Finished => {
                let found = never::task(&desk.journal, &self.head.call).await.map_err(Problem::Dial)?;
                Ok(found.map_or(Plan::Late("the journal does not know any more what was asked for"), |task| {
                    Plan::Do(Box::new(task))
                }))
            }
            JobKind::Attach | JobKind::Transcribe | JobKind::Listen | JobKind::Ask | JobKind::Summarise => {
                self.plan_recorded(kind, case).await
            }
            JobKind::Update => {
                let written = case.dossier().written.ok_or(Problem::NothingWritten)?;
                Ok(Plan::Do(Box::new(Task::Update { written, entry: self.entry(case).await? })))
            }
        }
    }

    /// The journal entry of the call as it ended.
    async fn entry(&self, case: &Case) -> Result<Entry, Problem> {
        let contacts = self.contacts(case).await?;
        let text =
            self.text(case, contacts.first(), "the journal entry", |config, kind| config.journal.templates(kind))?;
        Ok(Entry {
            call: self.desk.view(&case.news()),
            contacts,
            text,
            notes: Vec::new(),
            links: Vec::new(),
            ticket: case.dossier().ticket,
        })
    }

    /// Who the caller is.
    async fn contacts(&self, case: &Case) -> Result<Vec<Contact>, Problem> {
        match case.contacts(&self.desk, self.asker(Lane::Record)).await {
            Ok(contacts) => Ok(contacts),
            // In the end an entry without a contact is better than none.
            Err(_) if self.head.failures >= ENTRY_WITHOUT_CONTACT => Ok(Vec::new()),
            Err(error) => Err(Unfinished::Call(error).into()),
        }
    }

    /// What the admin's templates say of the call as it stands.
    fn text(
        &self,
        case: &Case,
        contact: Option<&Contact>,
        of: &'static str,
        templates: impl FnOnce(&config::Plugin, CallType) -> Templates<'_>,
    ) -> Result<contract::Text, Problem> {
        let (news, ticket) = (case.news(), case.dossier().ticket);
        let templates = templates(&self.desk.config, CallType::of(&news.call));
        self.desk.text(templates, &news, contact, ticket.as_ref()).map_err(|error| Problem::Text(of, error))
    }

    /// What becomes of the job, and what is to be written down of it: nothing if the journal knows better.
    fn verdict(&self, Tried { came, attempt, crashes, .. }: &Tried) -> (Option<Finish>, Fate) {
        let head = &self.head;
        let (plugin, call, job, kind) = (&self.desk.name, &head.call.chain, head.id, &head.kind);
        let problem = match came {
            Came::Done(product) => {
                if let Some(finish) = self.still_listening(kind, product, self.desk.clock.now()) {
                    let Finish::Retry { due, .. } = finish else { return (Some(finish), Fate::Over) };
                    let next = Head { state: State::Waiting, due, attempt: *attempt, ..head.clone() };
                    let after = Duration::from_millis(due.since(self.desk.clock.now()));
                    return (Some(finish), Fate::Again { head: Some(next), after });
                }
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
