//! Which jobs follow from what happened to a call: pure, so that events and their jobs are known before either counts.

use hookswitch_call::{Call, signal::Direction};

use crate::{
    config::{CallType, Contacts, Create, Journal},
    manifest::Served,
};

/// A step of the record stream, in the order in which they run for one call and plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum JobKind {
    /// Find the caller in the CRM, or create a contact.
    Contact,
    /// Register the call with the CRM (`journal.begin`).
    Begin,
    /// Write the journal entry (`journal.write`).
    Write,
    /// Correct the journal entry (`journal.update`).
    Update,
}

impl JobKind {
    const ALL: [Self; 4] = [Self::Contact, Self::Begin, Self::Write, Self::Update];

    /// The name in the journal, in JSON and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Begin => "begin",
            Self::Write => "write",
            Self::Update => "update",
        }
    }

    /// The kind with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a plugin can do and what its admin wants of it.
#[derive(Debug)]
pub(crate) struct Policy<'a> {
    /// What the plugin serves.
    pub(crate) serves: Served,
    /// `contacts` of its configuration.
    pub(crate) contacts: &'a Contacts,
    /// `journal` of its configuration.
    pub(crate) journal: &'a Journal,
}

/// Whether a CRM is to know of this call: an outside party is involved, and somebody rang, dialled or talked, or the
/// call ended without.
pub(crate) fn concerns(call: &Call) -> bool {
    let reached = !call.agents.is_empty() || call.ended.is_some();
    call.direction != Direction::Internal && call.merged_into.is_none() && reached
}

/// The jobs that follow when a call changes from `before` (none: it was unknown) to `after`.
pub(crate) fn jobs(before: Option<&Call>, after: &Call, policy: &Policy<'_>) -> Vec<JobKind> {
    if !concerns(after) {
        return Vec::new();
    }
    let mut jobs = Vec::new();
    if !before.is_some_and(concerns) {
        jobs.extend(policy.creates_contact(after).then_some(JobKind::Contact));
        jobs.extend(policy.begins(after).then_some(JobKind::Begin));
    }
    match (before.and_then(|call| call.ended.as_ref()), &after.ended) {
        (None, Some(_)) => jobs.extend(policy.writes(after).then_some(JobKind::Write)),
        // The end was heard after the call had been given up.
        (Some(was), Some(is)) if was != is => {
            jobs.extend((policy.serves.journal_update && policy.writes(after)).then_some(JobKind::Update));
        }
        _ => {}
    }
    jobs
}

impl Policy<'_> {
    fn creates_contact(&self, call: &Call) -> bool {
        self.serves.contacts_create
            && self.contacts.create == Create::Automatic
            && self.contacts.on.contains(&call.direction)
            && call.external.is_some()
    }

    /// Whether an entry of this call may come to be: what type it will have is known only at its end.
    fn begins(&self, call: &Call) -> bool {
        let possible = match call.direction {
            Direction::Inbound => [CallType::Inbound, CallType::Missed],
            Direction::Outbound => [CallType::Outbound, CallType::NotAnswered],
            Direction::Internal => return false,
        };
        self.serves.journal_begin && possible.iter().any(|kind| self.journal.when.contains(kind))
    }

    /// A call that was registered must be finished, whatever its type; the CRM would show it as going on for ever.
    fn writes(&self, call: &Call) -> bool {
        let wanted = CallType::of(call).is_some_and(|kind| self.journal.when.contains(&kind));
        self.serves.journal_write && (wanted || self.begins(call))
    }
}
