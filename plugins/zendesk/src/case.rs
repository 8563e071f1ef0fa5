//! A ticket that is written into, whatever has become of it, and in which nothing is written twice.

use std::cell::Cell;

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Contact, Failure, Reference, Text, clock, info, job, pages, search_then_create};
use serde_json::{Map, Value, json};

use crate::account::{self, Account};
use crate::answer::Reason;
use crate::memory::{TEXT, TICKET, VOICE, Written};
use crate::options::{self, Options};
use crate::record::{self, Draft};
use crate::{person, text, voice};

/// How many pages of a hundred comments are looked through.
const MOST_PAGES: usize = 20;

/// A ticket of this call.
pub(crate) struct Case<'a> {
    account: &'a Account,
    options: &'a Options,
    call: &'a Call,
    id: u64,
    /// It is nobody's yet.
    unassigned: Cell<bool>,
}

/// What a new ticket is to say.
pub(crate) struct Opening<'a> {
    pub(crate) contact: Option<&'a Contact>,
    pub(crate) text: &'a Text,
    /// The first comment.
    pub(crate) body: &'a str,
    /// Tells this ticket from others that the same job might make.
    pub(crate) label: &'a str,
    pub(crate) follows: Option<u64>,
}

impl<'a> Case<'a> {
    /// Makes a ticket, or finds the one that an earlier try of this job has made.
    pub(crate) fn open(
        account: &'a Account,
        options: &'a Options,
        call: &'a Call,
        opening: &Opening<'_>,
    ) -> Result<Self, Failure> {
        let Opening { contact, text, body, label, follows } = *opening;
        let key = job::key(label);
        let (subject, assignee) = (text::subject(text), options.assignee(call));
        let draft = Draft { call, contact, subject, body, assignee, key: &key, follows };
        let ticket = search_then_create(
            || made(account, &key),
            || {
                let answer = account.create(draft.path(options), &key, &draft.fields(options))?;
                answer.get("ticket").cloned().ok_or_else(|| Failure::InDoubt("Zendesk names no new ticket".into()))
            },
        )?;
        let id = account::id(&ticket).ok_or_else(|| Failure::InDoubt("Zendesk's new ticket has no id".into()))?;
        TICKET.save(&id)?;
        TEXT.save(&Written::Done(body.to_owned()))?;
        Ok(Self { account, options, call, id, unassigned: is_unassigned(&ticket) })
    }

    /// Finds the ticket again. A closed one cannot be written into: a follow-up takes its place, which begins with `body`.
    ///
    /// # Errors
    /// Somebody has deleted it: that was a decision, and no other is made in its place.
    pub(crate) fn find(
        account: &'a Account,
        options: &'a Options,
        call: &'a Call,
        ticket: &Reference,
        opening: &Opening<'_>,
    ) -> Result<Self, Failure> {
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
            "closed" => {
                info!("ticket is closed, what is to be said goes into a follow-up", ticket = id);
                Self::open(account, options, call, &Opening { follows: Some(id), ..*opening })
            }
            _ => Ok(Self { account, options, call, id, unassigned: is_unassigned(&found) }),
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
    /// work any more. True: it has been written now, and with it the link to the recording.
    pub(crate) fn log(&self, recording: Option<&str>, solve: bool) -> Result<bool, Failure> {
        let started_at = clock::format(self.call.started_ms, Some("UTC"), voice::TIME)
            .map_err(|error| Failure::NotConfigured(format!("the call's time cannot be written: {error}")))?;
        let agent = self.call.credited.as_ref().and_then(options::user);
        let comment = voice::comment(self.call, &started_at, agent, recording);
        match VOICE.load()? {
            Some(Written::Done(_)) => return Ok(false),
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
        VOICE.save(&Written::Done(self.id))?;
        Ok(true)
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference { kind: "ticket".into(), id: self.id.to_string(), url: self.account.ticket_page(self.id) }
    }

    /// Changes the ticket; one that is nobody's gets the agent of the call. Every comment comes in a request of its own:
    /// where a ticket gets both at once, the text wins and the call is lost (sheet 1).
    fn put(&self, mut ticket: Map<String, Value>) -> Result<(), Failure> {
        let agent = self.options.assignee(self.call).filter(|_| self.unassigned.get());
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

    /// Whether the ticket has such a comment.
    fn has(&self, wanted: impl Fn(&Value) -> bool) -> Result<bool, Failure> {
        let path = format!("tickets/{}/comments", self.id);
        let comments = pages(MOST_PAGES, |after: Option<&String>| {
            let mut query = vec![("page[size]", "100")];
            query.extend(after.map(|after| ("page[after]", after.as_str())));
            let mut answer = self.account.get(&path, &query)?;
            let next = next_page(&answer);
            Ok((account::list(&mut answer, "comments")?, next))
        })?;
        Ok(comments.iter().any(wanted))
    }
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
