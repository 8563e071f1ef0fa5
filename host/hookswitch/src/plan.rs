//! Which jobs follow from what happened to a call: pure, so that events and their jobs are known before either counts.

use std::time::Duration;

use hookswitch_call::{Call, signal::Direction};
use hookswitch_pbx::asterisk::Glob;

use crate::{
    config::{CallType, Create, Deliver, Open, Plugin, Unbound},
    manifest::Served,
    news::News,
    users::Users,
    view::ASKED_BY,
};

/// A step of the record stream, in the order in which they run for one call and plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum JobKind {
    /// Find the caller in the CRM, or create a contact.
    Contact,
    /// Register the call with the CRM (`journal.begin`).
    Begin,
    /// Open a ticket (`tickets.open`).
    Ticket,
    /// Tell the ticket what became of the call (`tickets.update`).
    TicketUpdate,
    /// Write the journal entry (`journal.write`).
    Write,
    /// Correct the journal entry (`journal.update`).
    Update,
    /// Tell that a call which the CRM asked for was not made (`commands.finished`).
    Finished,
    /// Put a recording to the entry (`recordings.attach`).
    Attach,
    /// Put the words of a recording there (`recordings.transcribe`).
    Transcribe,
    /// Have the words of a recording written down (`speech.start`).
    Listen,
    /// Ask how far that is (`speech.poll`).
    Ask,
    /// Have the words summed up (`speech.summarise`).
    Summarise,
}

impl JobKind {
    const ALL: [Self; 12] = [
        Self::Contact,
        Self::Begin,
        Self::Ticket,
        Self::TicketUpdate,
        Self::Write,
        Self::Update,
        Self::Finished,
        Self::Attach,
        Self::Transcribe,
        Self::Listen,
        Self::Ask,
        Self::Summarise,
    ];

    /// The name in the journal, in JSON and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Begin => "begin",
            Self::Ticket => "ticket",
            Self::TicketUpdate => "ticket-update",
            Self::Write => "write",
            Self::Update => "update",
            Self::Finished => "finished",
            Self::Attach => "attach",
            Self::Transcribe => "transcribe",
            Self::Listen => "listen",
            Self::Ask => "ask",
            Self::Summarise => "summarise",
        }
    }

    /// The kind with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a plugin can do and what its admin wants of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    /// What the plugin serves.
    pub(crate) serves: Served,
    /// The `NAME` of `[plugin.NAME]`.
    pub(crate) plugin: &'a str,
    /// `[plugin.NAME]`.
    pub(crate) wants: &'a Plugin,
    /// Who sits at which extension.
    pub(crate) users: &'a Users,
}

/// The jobs that follow when a call changes from `before` (none: it was unknown) to `after`.
pub(crate) fn jobs(before: Option<&News>, after: &News, policy: &Policy<'_>) -> Vec<JobKind> {
    if !policy.concerns(after) {
        return Vec::new();
    }
    let call = &after.call;
    let mut jobs = Vec::new();
    if !before.is_some_and(|before| policy.concerns(before)) {
        jobs.extend(policy.creates_contact(call).then_some(JobKind::Contact));
        jobs.extend(policy.begins(call).then_some(JobKind::Begin));
        jobs.extend(policy.opens_ticket_at_ring(call).then_some(JobKind::Ticket));
    }
    match (before.and_then(|before| before.call.ended.as_ref()), &call.ended) {
        (None, Some(_)) => {
            jobs.extend(policy.opens_ticket_at_end(call).then_some(JobKind::Ticket));
            let follows = policy.opens_ticket_at_ring(call) && policy.serves.tickets_update;
            jobs.extend(follows.then_some(JobKind::TicketUpdate));
            jobs.extend(policy.writes(call).then_some(JobKind::Write));
        }
        // The end was heard after the call had been given up.
        (Some(was), Some(is)) if was != is => {
            let opened = policy.opens_ticket_at_ring(call) || policy.opens_ticket_at_end(call);
            jobs.extend((policy.serves.tickets_update && opened).then_some(JobKind::TicketUpdate));
            jobs.extend((policy.serves.journal_update && policy.writes(call)).then_some(JobKind::Update));
        }
        _ => {}
    }
    jobs
}

impl Policy<'_> {
    /// Whether the plugin's CRM is to know of this call: an outside party is involved or internal calls are wanted,
    /// somebody rang, dialled or talked or the call ended without, and the admin has not left it out. Once it is so it
    /// stays so.
    pub(crate) fn concerns(&self, news: &News) -> bool {
        let (call, calls) = (&news.call, &self.wants.calls);
        let reached = !call.agents.is_empty() || call.ended.is_some();
        let among = |wanted: &Option<Vec<Glob>>, found: &[&str]| {
            wanted.as_ref().is_none_or(|wanted| found.iter().any(|text| wanted.iter().any(|glob| glob.matches(text))))
        };
        let outside: Vec<&str> = news.external.iter().flat_map(|number| number.spellings()).collect();
        let queues: Vec<&str> = call.queues.iter().map(String::as_str).collect();
        let extensions: Vec<&str> = call.agents.iter().map(|agent| agent.extension.as_str()).collect();
        // What its own CRM asked for has a card there, whatever else it wants to know.
        let asked = |(name, origin): &(String, String)| name == ASKED_BY && origin == self.plugin;
        if call.crm_call.is_some() && call.extra.iter().any(asked) {
            return reached && call.merged_into.is_none() && call.direction != Direction::Internal;
        }
        reached
            && call.merged_into.is_none()
            && (call.direction != Direction::Internal || calls.internal)
            && among(&calls.lines, &[&news.line, &call.line])
            && among(&calls.queues, &queues)
            && among(&calls.extensions, &extensions)
            && !calls.skip.iter().any(|glob| outside.iter().any(|text| glob.matches(text)))
            && (calls.unbound == Unbound::Keep || self.has_user(call))
    }

    /// Whether the plugin gets the recordings of a call that is over.
    pub(crate) fn attaches(&self, news: &News) -> bool {
        self.serves.recordings_attach && self.wants.recordings.deliver != Deliver::Nothing && self.keeps_record(news)
    }

    /// Whether it gets what was said in them.
    pub(crate) fn transcribes(&self, news: &News) -> bool {
        self.serves.recordings_transcribe && self.wants.recordings.transcripts && self.keeps_record(news)
    }

    /// Whether there is something of the call that recordings can be put to, or will be; of a plugin that makes nothing
    /// like that it is the call itself.
    fn keeps_record(&self, news: &News) -> bool {
        let call = &news.call;
        self.concerns(news)
            && (self.serves_no_record()
                || self.writes(call)
                || self.opens_ticket_at_ring(call)
                || self.opens_ticket_at_end(call))
    }

    /// Whether the plugin makes neither journal entries nor tickets.
    pub(crate) fn serves_no_record(&self) -> bool {
        !self.serves.journal_write && !self.serves.tickets_open
    }

    /// Whether somebody in the call is a CRM user; of a call that nobody took part in nobody can say.
    fn has_user(&self, call: &Call) -> bool {
        call.agents.is_empty()
            || call.agents.iter().any(|agent| self.users.at(call.pbx.as_str(), agent.extension.as_str()).is_some())
    }

    fn creates_contact(&self, call: &Call) -> bool {
        let contacts = &self.wants.contacts;
        self.serves.contacts_create
            && contacts.create == Create::Automatic
            && contacts.on.contains(&call.direction)
            && call.external.is_some()
    }

    /// Whether an entry of this call may come to be: what type it will have is known only at its end.
    fn begins(&self, call: &Call) -> bool {
        self.serves.journal_begin && self.wants.journal.when.iter().any(|kind| may_become(call, *kind))
    }

    fn opens_ticket_at_ring(&self, call: &Call) -> bool {
        let tickets = &self.wants.tickets;
        self.serves.tickets_open
            && tickets.open == Open::Ring
            && tickets.when.iter().any(|kind| may_become(call, *kind))
    }

    fn opens_ticket_at_end(&self, call: &Call) -> bool {
        let tickets = &self.wants.tickets;
        self.serves.tickets_open
            && tickets.open == Open::End
            && tickets.when.contains(&CallType::of(call))
            && !self.is_short(call)
    }

    /// A call that was registered must be finished, whatever its type; the CRM would show it as going on for ever.
    fn writes(&self, call: &Call) -> bool {
        let wanted = self.wants.journal.when.contains(&CallType::of(call)) && !self.is_short(call);
        // What the CRM asked for has a card there.
        self.serves.journal_write && (wanted || self.begins(call) || call.crm_call.is_some())
    }

    fn is_short(&self, call: &Call) -> bool {
        let took = call.ended.as_ref().map(|end| Duration::from_millis(end.at.since(call.started)));
        let least = self.wants.calls.shorter_than.map(|span| span.0);
        took.zip(least).is_some_and(|(took, least)| took < least)
    }
}

fn may_become(call: &Call, kind: CallType) -> bool {
    CallType::possible(call.direction).contains(&kind)
}
