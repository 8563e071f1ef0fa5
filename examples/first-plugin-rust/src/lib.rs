//! The smallest useful plugin: it finds the caller in a CRM, and writes the call down there.
//!
//! The CRM takes JSON at two addresses below a secret one: `GET contacts?phone=…` and `POST calls`.

use hookswitch_sdk::http::{Effect, Request};
use hookswitch_sdk::{Call, Contact, Entry, Failure, Journal, Lookup, Manifest, Number, Plugin, Reference, job};
use serde::Deserialize;
use serde_json::json;

struct FirstPlugin;

hookswitch_sdk::export!(FirstPlugin: Plugin, Lookup, Journal);

impl Plugin for FirstPlugin {
    fn manifest() -> Manifest {
        Manifest::new("first-plugin-rust", "First plugin in Rust", env!("CARGO_PKG_VERSION"))
            .serves(["lookup.by-number", "journal.write"])
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
        let answer = Request::get("contacts").query("phone", &phone).credential("crm").send()?;
        let people: Vec<Person> = answer.success()?.json()?;
        let contact = |person: Person| Contact {
            id: person.id,
            kind: "contact".into(),
            last_name: person.name,
            ..Contact::default()
        };
        Ok(people.into_iter().map(contact).collect())
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
