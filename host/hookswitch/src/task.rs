//! What a plugin is asked to do in a job: a function of the contract with all that it is given. Written down with the
//! run, so that a run which was cut off can be resumed with the very same.

use std::time::Duration;

use hookswitch_runtime::{
    Component, Job, Outcome,
    contract::{Call, Contact, Reference, journal::Entry},
};
use serde::{Deserialize, Serialize};

use crate::{desk::Lane, dossier::Dossier};

/// Registrations: somebody's phone is ringing.
const FAST: Duration = Duration::from_secs(5);
/// Everything that nobody waits for.
const SLOW: Duration = Duration::from_secs(30);

/// A function with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Task {
    /// `contacts.create`.
    CreateContact { draft: Contact, call: Call },
    /// `journal.begin`.
    Begin { call: Call, contact: Option<Contact> },
    /// `journal.write`.
    Write { entry: Entry, begun: Option<Reference> },
    /// `journal.update`.
    Update { written: Reference, entry: Entry },
}

/// What a task gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Product {
    /// The contact of the call; none if there is nothing to know somebody by.
    Contact(Option<Box<Contact>>),
    /// The call as the CRM registered it.
    Begun(Reference),
    /// The journal entry.
    Written(Reference),
}

impl Product {
    /// Enters it into what the CRM knows of the call.
    pub(crate) fn enter(&self, dossier: &mut Dossier) {
        match self.clone() {
            Self::Contact(contact) => dossier.contacts = Some(contact.map(|contact| *contact).into_iter().collect()),
            Self::Begun(begun) => dossier.begun = Some(begun),
            Self::Written(written) => dossier.written = Some(written),
        }
    }
}

impl Task {
    /// The function, as the contract names it.
    pub(crate) fn function(&self) -> &'static str {
        match self {
            Self::CreateContact { .. } => "contacts.create",
            Self::Begin { .. } => "journal.begin",
            Self::Write { .. } => "journal.write",
            Self::Update { .. } => "journal.update",
        }
    }

    /// Whose requests come first.
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::CreateContact { .. } | Self::Begin { .. } => Lane::Screen,
            Self::Write { .. } | Self::Update { .. } => Lane::Record,
        }
    }

    /// The wall-clock limit.
    pub(crate) fn wall(&self) -> Duration {
        match self {
            Self::Begin { .. } => FAST,
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
            Self::Write { entry, begun } => {
                giving(plugin.journal_write(job, entry, begun.as_ref()).await, Product::Written)
            }
            Self::Update { written, entry } => {
                giving(plugin.journal_update(job, written, entry).await, Product::Written)
            }
        }
    }
}

fn giving<T, U>(Outcome { result, usage }: Outcome<T>, product: impl FnOnce(T) -> U) -> Outcome<U> {
    Outcome { result: result.map(product), usage }
}
