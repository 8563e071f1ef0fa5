//! A ticket that is written into, whatever has become of it, and in which nothing is written twice.

use std::cell::Cell;

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Failure, Reference, clock, info, job, pages, search_then_create};
use serde_json::{Map, Value, json};

use crate::account::{self, Account};
use crate::answer::Reason;
use crate::memory::{Slot, TEXT, TICKET, VOICE, Written};
use crate::options::{self, Options};
use crate::record::{self, Draft, Origin};
use crate::{person, text, voice};

/// How many pages of a hundred comments are looked through.
const MOST_PAGES: usize = 20;

/// A ticket of this call.
pub(crate) struct Case<'a> {
    account: &'a Account,
    options: &'a Options,
    id: u64,
    /// Who gets it if it is nobody's.
    assignee: Option<u64>,
    /// It is nobody's yet.
    unassigned: Cell<bool>,
}

/// What a new ticket is to say.
pub(crate) struct Opening<'a> {
    pub(crate) subject: String,
    pub(crate) requester: Option<u64>,
    pub(crate) assignee: Option<u64>,
    /// The first comment.
    pub(crate) body: &'a str,
    /// Tells this ticket from others that the same job might make.
    pub(crate) label: &'a str,
}

/// A ticket that was looked up.
pub(crate) enum Found<'a> {
    Open(Case<'a>),
    /// It cannot be written into: what is to be said goes into a follow-up.
    Closed(Closed),
}

impl Found<'_> {
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Open(case) => case.id,
            Self::Closed(closed) => closed.id,
        }
    }
}

/// What a follow-up takes from the closed ticket where it knows no better.
pub(crate) struct Closed {
    id: u64,
    subject: String,
    requester: Option<u64>,
}

impl<'a> Case<'a> {
    /// Makes a ticket, or finds the one that an earlier try of this job has made. `via` is the call's channel.
    pub(crate) fn open(
        account: &'a Account,
        options: &'a Options,
        via: u64,
        opening: &Opening<'_>,
    ) -> Result<Self, Failure> {
        let Opening { ref subject, requester, assignee, body, label } = *opening;
        let (key, comment) = (job::key(label), record::comment(body, options));
        let origin = Origin::Call { via };
        let draft = Draft { origin, requester, subject, comment: &comment, assignee, key: &key };
        let case = Self::make(account, options, &draft)?;
        TEXT.save(&Written::Done(body.to_owned()))?;
        Ok(case)
    }

    fn make(account: &'a Account, options: &'a Options, draft: &Draft<'_>) -> Result<Self, Failure> {
        let ticket = search_then_create(
            || made(account, draft.key),
            || {
                let answer = account.create(draft.path(options), draft.key, &draft.fields(options))?;
                answer.get("ticket").cloned().ok_or_else(|| Failure::InDoubt("Zendesk names no new ticket".into()))
            },
        )?;
        let id = account::id(&ticket).ok_or_else(|| Failure::InDoubt("Zendesk's new ticket has no id".into()))?;
        TICKET.save(&id)?;
        Ok(Self { account, options, id, assignee: draft.assignee, unassigned: is_unassigned(&ticket) })
    }

    /// Finds the ticket again. A closed one cannot be written into: a follow-up takes its place, which begins with `body`.
    ///
    /// # Errors
    /// Somebody has deleted it: that was a decision, and no other is made in its place.
    pub(crate) fn find(
        account: &'a Account,
        options: &'a Options,
        ticket: &Reference,
        opening: &Opening<'_>,
    ) -> Result<Self, Failure> {
        let closed = match Self::look(account, options, ticket)? {
            Found::Open(case) => return Ok(Self { assignee: opening.assignee, ..case }),
            Found::Closed(closed) => closed,
        };
        let case = Self::follow(account, options, &closed, opening, &record::comment(opening.body, options))?;
        TEXT.save(&Written::Done(opening.body.to_owned()))?;
        Ok(case)
    }

    /// Makes the follow-up of a closed ticket, which begins with `comment`.
    pub(crate) fn follow(
        account: &'a Account,
        options: &'a Options,
        closed: &Closed,
        opening: &Opening<'_>,
        comment: &Value,
    ) -> Result<Self, Failure> {
        info!("ticket is closed, what is to be said goes into a follow-up", ticket = closed.id);
        let subject = if opening.subject.is_empty() { &closed.subject } else { &opening.subject };
        let draft = Draft {
            origin: Origin::FollowUp { of: closed.id },
            requester: opening.requester.or(closed.requester),
            subject,
            comment,
            assignee: opening.assignee,
            key: &job::key(opening.label),
        };
        Self::make(account, options, &draft)
    }

    /// Looks a ticket up, to write into it.
    ///
    /// # Errors
    /// As [`Case::find`].
    pub(crate) fn look(account: &'a Account, options: &'a Options, ticket: &Reference) -> Result<Found<'a>, Failure> {
        let gone = || {
            Failure::rejected(
                "ticket-gone",
                format!("ticket {} was deleted in Zendesk: restore it there and retry this job, or skip it", ticket.id),
            )
        };
        let found = match account.get(&format!("tickets/{}", ticket.id), &[]) {
            Err(refusal) if refusal.reason == Reason::Missing => return Err(gone()),
            found => found?.get("ticket").cloned().ok_or_else(|| Failure::temporary("Zendesk shows no ticket"))?,
        };
        let id = account::id(&found).ok_or_else(|| Failure::temporary("Zendesk's ticket has no id"))?;
        match person::text(&found, "status") {
            "deleted" => Err(gone()),
            "closed" => Ok(Found::Closed(Closed {
                id,
                subject: person::text(&found, "subject").to_owned(),
                requester: found.get("requester_id").and_then(Value::as_u64),
            })),
            _ => Ok(Found::Open(Self { account, options, id, assignee: None, unassigned: is_unassigned(&found) })),
        }
    }

    /// Writes a text, unless the latest that was written says as much.
    pub(crate) fn say(&self, body: &str) -> Result<(), Failure> {
        match TEXT.load()? {
            Some(Written::Done(said)) if text::covers(&said, body) => return Ok(()),
            Some(Written::Sent(said)) if text::same(&said, body) && self.has(|found| says(found, body))? => {}
            _ => {
                TEXT.save(&Written::Sent(body.to_owned()))?;
                let mut ticket = Map::new();
                ticket.insert("comment".into(), record::comment(body, self.options));
                self.put(ticket)?;
            }
        }
        TEXT.save(&Written::Done(body.to_owned()))
    }

    /// Writes the voice comment of a call that is over, once for all jobs of the call. With `solve` the ticket is nobody's
    /// work any more.
    pub(crate) fn log(&self, call: &Call, recording: Option<&str>, solve: bool) -> Result<(), Failure> {
        let started_at = clock::format(call.started_ms, Some("UTC"), voice::TIME)
            .map_err(|error| Failure::NotConfigured(format!("the call's time cannot be written: {error}")))?;
        let agent = call.credited.as_ref().and_then(options::user);
        let comment = voice::comment(call, &started_at, agent, recording);
        match VOICE.load()? {
            Some(Written::Done(_)) => return Ok(()),
            Some(Written::Sent(ticket))
                if ticket == self.id && self.has(|found| voice::is_of_call(found, &comment))? => {}
            _ => {
                VOICE.save(&Written::Sent(self.id))?;
                let mut ticket = Map::new();
                ticket.insert("voice_comment".into(), comment);
                // Zendesk solves no ticket that is nobody's.
                if let Some(solver) = agent.or(self.options.fallback_assignee).filter(|_| solve) {
                    ticket.insert("status".into(), "solved".into());
                    ticket.insert("assignee_id".into(), solver.into());
                }
                self.put(ticket)?;
            }
        }
        VOICE.save(&Written::Done(self.id))
    }

    /// Writes what a job adds to the call, such as a recording; `slot` remembers that it has been sent.
    pub(crate) fn add(&self, comment: Value, slot: &Slot<Written<u64>>) -> Result<(), Failure> {
        slot.save(&Written::Sent(self.id))?;
        let mut ticket = Map::new();
        ticket.insert("comment".into(), comment);
        self.put(ticket)?;
        slot.save(&Written::Done(self.id))
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn reference(&self) -> Reference {
        self.account.ticket(self.id)
    }

    /// Changes the ticket; one that is nobody's gets the agent of the call. Every comment comes in a request of its own:
    /// where a ticket gets both at once, the text wins and the call is lost (sheet 1).
    fn put(&self, mut ticket: Map<String, Value>) -> Result<(), Failure> {
        let agent = self.assignee.filter(|_| self.unassigned.get());
        if let Some(agent) = agent.filter(|_| !ticket.contains_key("assignee_id")) {
            ticket.insert("assignee_id".into(), agent.into());
        }
        let answer = self.account.put(&format!("tickets/{}", self.id), &json!({"ticket": ticket}), Effect::Once)?;
        if answer.get("ticket").and_then(account::id) != Some(self.id) {
            return Err(Failure::InDoubt(format!("Zendesk's answer names no ticket {}", self.id)));
        }
        self.unassigned.set(self.unassigned.get() && agent.is_none());
        Ok(())
    }

    fn has(&self, wanted: impl Fn(&Value) -> bool) -> Result<bool, Failure> {
        has(self.account, self.id, wanted)
    }
}

/// Whether a ticket has a comment of text that begins in this way. One that is closed can still be read.
pub(crate) fn has_beginning(account: &Account, ticket: u64, beginning: &str) -> Result<bool, Failure> {
    has(account, ticket, |found| begins(found, beginning))
}

/// Whether a ticket has such a comment.
fn has(account: &Account, ticket: u64, wanted: impl Fn(&Value) -> bool) -> Result<bool, Failure> {
    let path = format!("tickets/{ticket}/comments");
    let comments = pages(MOST_PAGES, |after: Option<&String>| {
        let mut query = vec![("page[size]", "100")];
        query.extend(after.map(|after| ("page[after]", after.as_str())));
        let mut answer = account.get(&path, &query)?;
        let next = next_page(&answer);
        Ok((account::list(&mut answer, "comments")?, next))
    })?;
    Ok(comments.iter().any(wanted))
}

/// The cursor of the next page of a list.
pub(crate) fn next_page(answer: &Value) -> Option<String> {
    let meta = answer.get("meta").filter(|meta| meta.get("has_more") == Some(&Value::Bool(true)))?;
    Some(person::text(meta, "after_cursor").to_owned()).filter(|cursor| !cursor.is_empty())
}

/// The ticket that an earlier try of this job has made.
fn made(account: &Account, key: &str) -> Result<Option<Value>, Failure> {
    let mut answer = account.get("tickets", &[("external_id", key)])?;
    let tickets = account::list(&mut answer, "tickets")?;
    Ok(tickets.into_iter().find(|ticket| person::text(ticket, "external_id") == key))
}

fn is_unassigned(ticket: &Value) -> Cell<bool> {
    Cell::new(ticket.get("assignee_id").is_none_or(Value::is_null))
}

/// Whether a comment of the ticket is this text.
fn says(found: &Value, body: &str) -> bool {
    person::text(found, "type") == "Comment"
        && ["plain_body", "body"].into_iter().any(|key| text::same(person::text(found, key), body))
}

/// Whether a comment of the ticket is a text that begins in this way.
fn begins(found: &Value, beginning: &str) -> bool {
    let starts = |text: &str| {
        let mut words = text.split_whitespace();
        beginning.split_whitespace().all(|wanted| words.next() == Some(wanted))
    };
    person::text(found, "type") == "Comment"
        && ["plain_body", "body"].into_iter().any(|key| starts(person::text(found, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_known_by_its_first_words() {
        let comment = |kind: &str, body: &str| json!({"type": kind, "body": body, "plain_body": body});
        assert!(begins(&comment("Comment", "Recording: a.mp3,\n1:02\n\nhttps://x"), "Recording: a.mp3, 1:02"));
        for (kind, body) in [
            ("Comment", "Recording: a.mp3"),
            ("Comment", "a"),
            ("Comment", "Recording: a.mp3, 1:03"),
            ("VoiceComment", "Recording: a.mp3, 1:02"),
        ] {
            assert!(!begins(&comment(kind, body), "Recording: a.mp3, 1:02"), "{kind} {body}");
        }
    }
}
