//! The smallest useful plugin: it finds the caller in a CRM or makes a contact of him, and writes the call down there.
//!
//! The CRM takes JSON at two addresses below a secret one: `contacts` (`GET` by `phone` or `key`, `POST`) and `calls`
//! (`POST`).

use hookswitch_sdk::http::{Effect, Request};
use hookswitch_sdk::{
    Call, Contact, Contacts, Entry, Failure, Journal, Lookup, Manifest, Number, Plugin, Reference, job,
    search_then_create,
};
use serde::Deserialize;
use serde_json::json;

struct FirstPlugin;

hookswitch_sdk::export!(FirstPlugin: Plugin, Lookup, Contacts, Journal);

impl Plugin for FirstPlugin {
    fn manifest() -> Manifest {
        Manifest::new("first-plugin-rust", "First plugin in Rust", env!("CARGO_PKG_VERSION"))
            .serves(["lookup.by-number", "contacts.create", "journal.write"])
            .base_url("crm", "Address of the CRM", "With its key: https://crm.example.com/api/KEY/")
    }
}

/// A contact as the CRM gives it.
#[derive(Deserialize)]
struct Person {
    id: String,
    name: String,
}

impl Lookup for FirstPlugin {
    fn by_number(number: Number, _call: Option<Call>) -> Result<Vec<Contact>, Failure> {
        let phone = number.e164.unwrap_or(number.raw);
        people("phone", &phone)
    }
}

/// Asks the CRM for contacts.
fn people(by: &str, value: &str) -> Result<Vec<Contact>, Failure> {
    let answer = Request::get("contacts").query(by, value).credential("crm").send()?;
    let people: Vec<Person> = answer.success()?.json()?;
    Ok(people.into_iter().map(contact).collect())
}

fn contact(person: Person) -> Contact {
    Contact { id: person.id, kind: "contact".into(), last_name: person.name, ..Contact::default() }
}

impl Contacts for FirstPlugin {
    fn create(draft: Contact, _call: Option<Call>) -> Result<Contact, Failure> {
        // The CRM makes as many contacts as it is told to. If an earlier try lost its answer, the key finds the contact.
        let key = job::key("contact");
        let name = Some(draft.last_name).filter(|name| !name.is_empty());
        let body = json!({
            "key": key,
            "name": name.unwrap_or_else(|| "Unknown caller".into()),
            "phone": draft.phones.first().map(|phone| &phone.value),
        });
        search_then_create(
            || Ok(people("key", &key)?.into_iter().next()),
            || {
                let answer = Request::post("contacts", Effect::Once).credential("crm").json(&body).send()?;
                Ok(contact(answer.success()?.json()?))
            },
        )
    }
}

/// What the CRM answers to a call.
#[derive(Deserialize)]
struct Written {
    id: String,
}

impl Journal for FirstPlugin {
    fn write(entry: Entry, _begun: Option<Reference>) -> Result<Reference, Failure> {
        let call = entry.call;
        let body = json!({
            // The CRM takes a second call with the same key for the first one: that makes the request idempotent.
            "key": job::key("call"),
            "contact": entry.contacts.first().map(|contact| &contact.id),
            "phone": call.external.map(|number| number.e164.unwrap_or(number.raw)),
            "agent": call.credited.map(|agent| agent.extension),
            "outcome": call.outcome,
            "seconds": call.talk_ms / 1000,
            "text": entry.text.subject,
        });
        let answer = Request::post("calls", Effect::Idempotent).credential("crm").json(&body).send()?;
        let written: Written = answer.success()?.json()?;
        Ok(Reference { kind: "call".into(), id: written.id, url: String::new() })
    }
}
