//! {{title}}: finds the caller in the CRM or makes a contact of him, and writes the call down there.
//!
//! The CRM here is made up: it takes JSON at `contacts` (`GET` by `phone` or `key`, `POST`) and `calls` (`POST`). Put your
//! own requests in their place, and in the scenarios.

use hookswitch_sdk::http::{Answer, Effect, Request};
use hookswitch_sdk::{
    Call, Contact, Contacts, Entry, Failure, Journal, Lookup, Manifest, Number, Plugin, Reference, job,
    search_then_create,
};
use serde::Deserialize;
use serde_json::json;

struct CrmPlugin;

hookswitch_sdk::export!(CrmPlugin: Plugin, Lookup, Contacts, Journal);

impl Plugin for CrmPlugin {
    fn manifest() -> Manifest {
        Manifest::new("{{name}}", "{{title}}", env!("CARGO_PKG_VERSION"))
            .serves(["lookup.by-number", "contacts.create", "journal.write"])
            .base_url("crm", "Address of the CRM", "With its key: https://crm.example.com/api/KEY/")
    }

    /// Tests the connection: what it returns is shown by `hookswitch check`.
    fn check() -> Result<Vec<String>, Failure> {
        people("key", "none")?;
        Ok(vec!["the CRM answers".into()])
    }
}

/// A contact as the CRM gives it.
#[derive(Deserialize)]
struct Person {
    id: String,
    name: String,
}

impl Lookup for CrmPlugin {
    fn by_number(number: Number, _call: Option<Call>) -> Result<Vec<Contact>, Failure> {
        let phone = number.e164.unwrap_or(number.raw);
        people("phone", &phone)
    }
}

/// Asks the CRM for contacts. It answers 204 where it has none.
fn people(by: &str, value: &str) -> Result<Vec<Contact>, Failure> {
    let people: Option<Vec<Person>> = send(Request::get("contacts").query(by, value))?.json_or_nothing()?;
    Ok(people.unwrap_or_default().into_iter().map(contact).collect())
}

fn contact(person: Person) -> Contact {
    Contact { id: person.id, kind: "contact".into(), last_name: person.name, ..Contact::default() }
}

impl Contacts for CrmPlugin {
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
            || Ok(contact(send(Request::post("contacts", Effect::Once).json(&body))?.json()?)),
        )
    }
}

/// What the CRM answers to a call.
#[derive(Deserialize)]
struct Written {
    id: String,
}

impl Journal for CrmPlugin {
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
        let written: Written = send(Request::post("calls", Effect::Idempotent).json(&body))?.json()?;
        Ok(Reference { kind: "call".into(), id: written.id, url: String::new() })
    }
}

/// An error that comes with status 200: `{"error": {"code": "…", "message": "…"}}`.
#[derive(Deserialize)]
struct Refusal {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    message: String,
}

/// Sends a request; every error becomes the failure that has the right effect.
fn send(request: Request) -> Result<Answer, Failure> {
    request.credential("crm").send()?.success()?.problem(|Refusal { error }| match error.code.as_str() {
        "busy" => Failure::temporary(format!("the CRM is busy: {}", error.message)),
        _ => Failure::rejected(error.code, format!("The CRM refused it: {}", error.message)),
    })
}
