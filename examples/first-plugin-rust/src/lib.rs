//! A small and complete plugin: it finds the caller in a CRM or makes a contact of him, writes the call down there, and
//! tells the host who of the CRM's users sits at which phone.
//!
//! The CRM takes JSON at three addresses below a secret one: `contacts` (`GET` by `phone` or `key`, `POST`), `calls`
//! (`POST`) and `users` (`GET`, page by page). Errors of its own come with status 200.

use hookswitch_sdk::http::{Answer, Effect, Request};
use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{
    Call, Contact, Contacts, Directory, Entry, Failure, Journal, Lookup, Manifest, Number, Plugin, Reference, User,
    UserPage, job, pages, search_then_create, settings,
};
use serde::Deserialize;
use serde_json::json;

struct FirstPlugin;

hookswitch_sdk::export!(FirstPlugin: Plugin, Lookup, Contacts, Journal, Directory);

impl Plugin for FirstPlugin {
    fn manifest() -> Manifest {
        Manifest::new("first-plugin-rust", "First plugin in Rust", env!("CARGO_PKG_VERSION"))
            .serves(["lookup.by-number", "contacts.create", "journal.write", "directory.users"])
            .base_url("crm", "Address of the CRM", "With its key: https://crm.example.com/api/KEY/")
            .setting(
                Setting::text(
                    "unknown-caller",
                    "Name for unknown callers",
                    "For contacts that are made of callers without a name.",
                )
                .default("Unknown caller"),
            )
    }

    fn check() -> Result<Vec<String>, Failure> {
        let users = pages(100, |after: Option<&String>| {
            let page = FirstPlugin::users(after.cloned())?;
            Ok((page.users, page.next))
        })?;
        Ok(vec![format!("the CRM answers, and has {} users", users.len())])
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

/// Asks the CRM for contacts. It answers 204 where it has none.
fn people(by: &str, value: &str) -> Result<Vec<Contact>, Failure> {
    let people: Option<Vec<Person>> = send(Request::get("contacts").query(by, value))?.json_or_nothing()?;
    Ok(people.unwrap_or_default().into_iter().map(contact).collect())
}

fn contact(person: Person) -> Contact {
    Contact { id: person.id, kind: "contact".into(), last_name: person.name, ..Contact::default() }
}

impl Contacts for FirstPlugin {
    fn create(draft: Contact, _call: Option<Call>) -> Result<Contact, Failure> {
        // The CRM makes as many contacts as it is told to. If an earlier try lost its answer, the key finds the contact.
        let key = job::key("contact");
        let name = Some(draft.last_name).filter(|name| !name.is_empty()).or_else(|| settings::get("unknown-caller"));
        let body = json!({
            "key": key,
            "name": name,
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
        let written: Written = send(Request::post("calls", Effect::Idempotent).json(&body))?.json()?;
        Ok(Reference { kind: "call".into(), id: written.id, url: String::new() })
    }
}

/// A page of the CRM's users.
#[derive(Deserialize)]
struct Users {
    users: Vec<Member>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Member {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    extension: Option<String>,
}

impl Directory for FirstPlugin {
    fn users(after: Option<String>) -> Result<UserPage, Failure> {
        let request = Request::get("users");
        let request = if let Some(after) = after { request.query("after", &after) } else { request };
        let page: Users = send(request)?.json()?;
        let users = page.users.into_iter().map(|member| User {
            id: member.id,
            name: member.name,
            email: member.email,
            extensions: member.extension.into_iter().collect(),
            active: true,
            extra: Vec::new(),
        });
        Ok(UserPage { users: users.collect(), next: page.next })
    }
}

/// The CRM's own errors: `{"error": {"code": "…", "message": "…"}}`.
#[derive(Deserialize)]
struct Refusal {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    message: String,
}

/// Sends a request; every error becomes the failure that has the right effect. The CRM is too busy now and then, and says
/// so with an error of its own.
fn send(request: Request) -> Result<Answer, Failure> {
    request.credential("crm").send()?.success()?.problem(|Refusal { error }| match error.code.as_str() {
        "busy" => Failure::temporary(format!("the CRM is busy: {}", error.message)),
        _ => Failure::rejected(error.code, format!("The CRM refused it: {}", error.message)),
    })
}
