//! Writes calls down: into the ticket that was opened for them, else into one of their own, which is solved at once.

use hookswitch_sdk::{Entry, Failure, Journal, Reference};

use crate::account::Account;
use crate::case::{Case, Opening};
use crate::options::Options;
use crate::{Zendesk, record, text, voice};

impl Journal for Zendesk {
    fn write(entry: Entry, _begun: Option<Reference>) -> Result<Reference, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        let link = entry.links.first().map(String::as_str);
        let Some(ticket) = &entry.ticket else {
            let body = text::whole(&entry);
            let opening = opening(&entry, &body, "entry", &options);
            let case = Case::open(&account, &options, voice::via(&entry.call), &opening)?;
            case.log(&entry.call, link, true)?;
            return Ok(case.reference());
        };
        let body = text::whole(&entry);
        let case = Case::find(&account, &options, ticket, &opening(&entry, &body, "follow-up", &options))?;
        case.log(&entry.call, link, false)?;
        // The ticket has its own text of the call already.
        let added = text::added(&entry);
        if !added.is_empty() {
            case.say(&added)?;
        }
        Ok(case.reference())
    }

    fn update(written: Reference, entry: Entry) -> Result<Reference, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        let body = if entry.ticket.is_some() { text::added(&entry) } else { text::whole(&entry) };
        if body.is_empty() {
            return Ok(written);
        }
        let case = Case::find(&account, &options, &written, &opening(&entry, &body, "follow-up", &options))?;
        case.say(&body)?;
        Ok(case.reference())
    }
}

fn opening<'a>(entry: &Entry, body: &'a str, label: &'a str, options: &Options) -> Opening<'a> {
    Opening {
        subject: text::subject(&entry.text),
        requester: record::requester(entry.contacts.first(), options),
        assignee: options.assignee(&entry.call),
        body,
        label,
    }
}
