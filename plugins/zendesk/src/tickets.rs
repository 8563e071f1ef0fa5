//! Opens tickets for calls, and tells them what became of the call.

use hookswitch_sdk::{Call, Contact, Failure, Note, Reference, Text, Tickets};
use serde_json::Value;

use crate::account::{self, Account};
use crate::case::{Case, Opening};
use crate::options::Options;
use crate::{Zendesk, person, record, text, voice};

impl Tickets for Zendesk {
    fn open(call: Call, contact: Option<Contact>, text: Text) -> Result<Reference, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        let body = text::body(&text);
        let requester = record::requester(contact.as_ref(), &options);
        let opening = opening(&call, &text, requester, &body, "ticket", &options);
        let case = Case::open(&account, &options, voice::via(&call), &opening)?;
        if call.ended_ms.is_some() {
            case.log(&call, None, false)?;
        }
        Ok(case.reference())
    }

    fn update(ticket: Reference, call: Call, text: Text, notes: Vec<Note>) -> Result<Reference, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        let body = text::with_notes(&text, &notes);
        let requester = record::requester(None, &options);
        let opening = opening(&call, &text, requester, &body, "follow-up", &options);
        let case = Case::find(&account, &options, &ticket, &opening)?;
        case.say(&body)?;
        if call.ended_ms.is_some() {
            case.log(&call, None, false)?;
        }
        Ok(case.reference())
    }

    fn of_contact(contact: Contact) -> Result<Vec<Reference>, Failure> {
        let account = Account::open()?;
        let Some(user) = contact.id.parse::<u64>().ok().filter(|_| contact.kind == person::KIND) else {
            return Ok(Vec::new());
        };
        let query = [("sort_by", "created_at"), ("sort_order", "desc"), ("per_page", "100")];
        let mut answer = account.get(&format!("users/{user}/tickets/requested"), &query)?;
        let tickets = account::list(&mut answer, "tickets")?;
        Ok(tickets.iter().filter(|ticket| is_open(ticket)).filter_map(|ticket| reference(&account, ticket)).collect())
    }
}

fn opening<'a>(
    call: &Call,
    text: &Text,
    requester: Option<u64>,
    body: &'a str,
    label: &'a str,
    options: &Options,
) -> Opening<'a> {
    Opening { subject: text::subject(text), requester, assignee: options.assignee(call), body, label }
}

fn is_open(ticket: &Value) -> bool {
    !matches!(person::text(ticket, "status"), "solved" | "closed" | "deleted")
}

fn reference(account: &Account, ticket: &Value) -> Option<Reference> {
    account::id(ticket).map(|id| account.ticket(id))
}
