//! Stands between the host and another plugin, with which it is composed to one component. Each call goes on to the inner
//! plugin; when that has returned, and before the host hears of it, a request goes out to a test. While it waits for its
//! answer the inner plugin's instance is as its call has left it, for the test to look into.
//!
//! The inner plugin notices nothing, and needs no change. Of its manifest one line is different: the origin of the test
//! is among those that it asks for.

mod types;

use serde_json::Value;

mod bindings {
    wit_bindgen::generate!({ path: ["../../../wit/0.1.0", "wit"], world: "hookswitch:witness/witness", generate_all });
}

use bindings::exports::hookswitch::plugin as outer;
use bindings::hookswitch::plugin::http::{Body, Effect, Request, send};
use bindings::hookswitch::plugin::types::{Call, Contact, Failure, Number, Reference};
use bindings::hookswitch::plugin::{cards, commands, contacts, directory, journal, lookup, plugin};

/// Where the test listens. The test writes its port here, into the component's bytes: a plugin says what it wants to
/// reach before it can read any setting.
static ORIGIN: [u8; 22] = *b"http://127.0.0.1:00000";

struct Witness;

bindings::export!(Witness with_types_in bindings);

/// Kept from the compiler, which would copy what it knows into the code.
fn origin() -> &'static str {
    std::str::from_utf8(std::hint::black_box(&ORIGIN)).unwrap_or_default()
}

/// Calls the test, and waits until it has seen enough.
fn over<T>(function: &str, result: T) -> T {
    // Whatever comes of it: the plugin's result stays what it is.
    let _ = send(&Request {
        method: "GET".into(),
        url: format!("{}/{function}", origin()),
        headers: Vec::new(),
        credential: None,
        body: Body::Empty,
        effect: Effect::Read,
        timeout_ms: None,
        keep_secret: Vec::new(),
    });
    result
}

/// The manifest with the test's origin.
fn with_origin(manifest: &str) -> Option<String> {
    let mut manifest: Value = serde_json::from_str(manifest).ok()?;
    let http = manifest.as_object_mut()?.entry("http").or_insert_with(|| Value::Array(Vec::new()));
    http.as_array_mut()?.push(origin().into());
    Some(manifest.to_string())
}

impl outer::plugin::Guest for Witness {
    fn manifest(files: Vec<(String, String)>) -> Result<String, Failure> {
        plugin::manifest(&files).map(|manifest| with_origin(&manifest).unwrap_or(manifest))
    }

    fn prepare() -> Result<(), Failure> {
        over("plugin.prepare", plugin::prepare())
    }

    fn check() -> Result<Vec<String>, Failure> {
        over("plugin.check", plugin::check())
    }
}

impl outer::lookup::Guest for Witness {
    fn by_number(number: Number, call: Option<Call>) -> Result<Vec<Contact>, Failure> {
        over("lookup.by-number", lookup::by_number(&number, call.as_ref()))
    }

    fn by_email(email: String) -> Result<Vec<Contact>, Failure> {
        over("lookup.by-email", lookup::by_email(&email))
    }

    fn by_text(text: String, after: Option<String>) -> Result<outer::lookup::Page, Failure> {
        over("lookup.by-text", lookup::by_text(&text, after.as_deref())).map(Into::into)
    }
}

impl outer::contacts::Guest for Witness {
    fn create(draft: Contact, call: Option<Call>) -> Result<Contact, Failure> {
        over("contacts.create", contacts::create(&draft, call.as_ref()))
    }
}

impl outer::journal::Guest for Witness {
    fn begin(call: Call, contact: Option<Contact>) -> Result<Reference, Failure> {
        over("journal.begin", journal::begin(&call, contact.as_ref()))
    }

    fn write(entry: outer::journal::Entry, begun: Option<Reference>) -> Result<Reference, Failure> {
        over("journal.write", journal::write(&entry.into(), begun.as_ref()))
    }

    fn update(written: Reference, entry: outer::journal::Entry) -> Result<Reference, Failure> {
        over("journal.update", journal::update(&written, &entry.into()))
    }
}

impl outer::cards::Guest for Witness {
    fn sync(
        call: Call,
        begun: Option<Reference>,
        contact: Option<Contact>,
        visible: Vec<String>,
        gone: Vec<String>,
    ) -> Result<(), Failure> {
        over("cards.sync", cards::sync(&call, begun.as_ref(), contact.as_ref(), &visible, &gone))
    }
}

impl outer::directory::Guest for Witness {
    fn users(after: Option<String>) -> Result<outer::directory::Page, Failure> {
        over("directory.users", directory::users(after.as_deref())).map(Into::into)
    }
}

impl outer::commands::Guest for Witness {
    fn receive(hook: outer::commands::Hook) -> Result<outer::commands::Reply, Failure> {
        over("commands.receive", commands::receive(&hook.into())).map(Into::into)
    }

    fn finished(dial: outer::commands::Dial, outcome: String, reason: String) -> Result<(), Failure> {
        over("commands.finished", commands::finished(&dial.into(), &outcome, &reason))
    }
}
