//! What a plugin is asked to do in a job, or with a batch of events: a function of the contract with all that it is given. Written down with the
//! run, so that a run which was cut off can be resumed with the very same.

use std::time::Duration;

use hookswitch_runtime::{
    Component, Job, Outcome,
    contract::{
        Call, Contact, Note, Recording, Reference, Text, Transcript, commands::Dial, feed, journal::Entry,
        speech::Progress,
    },
};
use serde::{Deserialize, Serialize};

use crate::{desk::Lane, dossier::Dossier, recordings::Heard};

/// Registrations: somebody's phone is ringing.
const FAST: Duration = Duration::from_secs(5);
/// Everything that nobody waits for.
const SLOW: Duration = Duration::from_secs(30);
/// What sends a whole file.
const UPLOAD: Duration = Duration::from_secs(300);
/// What another service thinks about.
const BACKGROUND: Duration = Duration::from_secs(60);

/// A function with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Task {
    /// `contacts.create`.
    CreateContact { draft: Contact, call: Call },
    /// `journal.begin`.
    Begin { call: Call, contact: Option<Contact> },
    /// `tickets.open`.
    OpenTicket { call: Call, contact: Option<Contact>, text: Text },
    /// `tickets.update`.
    UpdateTicket { ticket: Reference, call: Call, text: Text, notes: Vec<Note> },
    /// `journal.write`.
    Write { entry: Entry, begun: Option<Reference> },
    /// `journal.update`.
    Update { written: Reference, entry: Entry },
    /// `feed.deliver`.
    Deliver { events: Vec<feed::Event> },
    /// `commands.finished`.
    Finished { dial: Dial, outcome: String, reason: String },
    /// `recordings.attach`.
    Attach { to: Reference, file: Recording, link: Option<String> },
    /// `recordings.transcribe`.
    Transcribe { to: Reference, file: Recording, words: Transcript },
    /// `speech.start`.
    Listen { file: Recording, language: String },
    /// `speech.poll`.
    Ask { token: String },
    /// `speech.summarise`.
    Summarise { words: Transcript },
}

/// What a task gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Product {
    /// The contact of the call; none if there is nothing to know somebody by.
    Contact(Option<Box<Contact>>),
    /// The call as the CRM registered it.
    Begun(Reference),
    /// The ticket of the call.
    Ticket(Reference),
    /// The journal entry.
    Written(Reference),
    /// The events are where they belong.
    Delivered,
    /// The CRM knows what it was to be told.
    Told,
    /// The entry, with a recording or its words.
    Attached(Reference),
    /// How far a transcript is.
    Progress(Progress),
    /// A conversation in a few sentences.
    Summary(String),
}

impl Product {
    /// Enters it into what the CRM knows of the call.
    pub(crate) fn enter(&self, dossier: &mut Dossier) {
        match self.clone() {
            Self::Contact(contact) => dossier.contacts = Some(contact.map(|contact| *contact).into_iter().collect()),
            Self::Begun(begun) => dossier.begun = Some(begun),
            Self::Ticket(ticket) => dossier.ticket = Some(ticket),
            Self::Written(written) => dossier.written = Some(written),
            Self::Attached(to) => match (&mut dossier.written, &mut dossier.ticket) {
                (Some(written), _) => *written = to,
                (None, Some(ticket)) => *ticket = to,
                (None, None) => {}
            },
            // It is about many calls.
            Self::Delivered => {}
            // They are no business of the CRM's.
            Self::Told | Self::Progress(_) | Self::Summary(_) => {}
        }
    }

    /// What it tells of the words of a recording, if it tells something.
    pub(crate) fn heard(&self) -> Option<Heard> {
        match self {
            Self::Progress(progress) => Some(Heard::Progress(progress.clone())),
            Self::Summary(summary) => Some(Heard::Summary(summary.clone())),
            _ => None,
        }
    }
}

impl Task {
    /// The function, as the contract names it.
    pub(crate) fn function(&self) -> &'static str {
        match self {
            Self::CreateContact { .. } => "contacts.create",
            Self::Begin { .. } => "journal.begin",
            Self::OpenTicket { .. } => "tickets.open",
            Self::UpdateTicket { .. } => "tickets.update",
            Self::Write { .. } => "journal.write",
            Self::Update { .. } => "journal.update",
            Self::Deliver { .. } => "feed.deliver",
            Self::Finished { .. } => "commands.finished",
            Self::Attach { .. } => "recordings.attach",
            Self::Transcribe { .. } => "recordings.transcribe",
            Self::Listen { .. } => "speech.start",
            Self::Ask { .. } => "speech.poll",
            Self::Summarise { .. } => "speech.summarise",
        }
    }

    /// Whose requests come first.
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::CreateContact { .. } | Self::Begin { .. } => Lane::Screen,
            Self::Attach { .. } | Self::Listen { .. } => Lane::Upload,
            _ => Lane::Record,
        }
    }

    /// The wall-clock limit.
    pub(crate) fn wall(&self) -> Duration {
        match self {
            Self::Begin { .. } => FAST,
            Self::Attach { .. } | Self::Listen { .. } => UPLOAD,
            Self::Ask { .. } | Self::Summarise { .. } => BACKGROUND,
            _ => SLOW,
        }
    }

    /// Calls the function.
    pub(crate) async fn perform(&self, plugin: &Component, job: Job) -> Outcome<Product> {
        match self {
            Self::CreateContact { draft, call } => {
                let made = plugin.contacts_create(job, draft, Some(call)).await;
                giving(made, |contact| Product::Contact(Some(Box::new(contact))))
            }
            Self::Begin { call, contact } => {
                giving(plugin.journal_begin(job, call, contact.as_ref()).await, Product::Begun)
            }
            Self::OpenTicket { call, contact, text } => {
                giving(plugin.tickets_open(job, call, contact.as_ref(), text).await, Product::Ticket)
            }
            Self::UpdateTicket { ticket, call, text, notes } => {
                giving(plugin.tickets_update(job, ticket, call, text, notes).await, Product::Ticket)
            }
            Self::Write { entry, begun } => {
                giving(plugin.journal_write(job, entry, begun.as_ref()).await, Product::Written)
            }
            Self::Update { written, entry } => {
                giving(plugin.journal_update(job, written, entry).await, Product::Written)
            }
            Self::Deliver { events } => giving(plugin.feed_deliver(job, events).await, |()| Product::Delivered),
            Self::Finished { dial, outcome, reason } => {
                giving(plugin.commands_finished(job, dial, outcome, reason).await, |()| Product::Told)
            }
            Self::Attach { to, file, link } => {
                giving(plugin.recordings_attach(job, to, file, link.as_deref()).await, Product::Attached)
            }
            Self::Transcribe { to, file, words } => {
                giving(plugin.recordings_transcribe(job, to, file, words).await, Product::Attached)
            }
            Self::Listen { file, language } => {
                giving(plugin.speech_start(job, file, language).await, Product::Progress)
            }
            Self::Ask { token } => giving(plugin.speech_poll(job, token).await, Product::Progress),
            Self::Summarise { words } => giving(plugin.speech_summarise(job, words).await, Product::Summary),
        }
    }
}

fn giving<T, U>(Outcome { result, usage }: Outcome<T>, product: impl FnOnce(T) -> U) -> Outcome<U> {
    Outcome { result: result.map(product), usage }
}
