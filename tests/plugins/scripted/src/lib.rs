//! Does what the script in its setting `script` says: which requests leave, what is stored, how a function ends. So a test
//! says in one place what the plugin does and what the CRM answers, and judges the host by what it saw of both.
//!
//! The words of a script are in [`script`]; [`run`] carries it out.

mod manifest;
mod run;
mod script;

use hookswitch_sdk::commands::{Hook, Reply};
use hookswitch_sdk::{
    Call, Commands, Contact, Contacts, Entry, Failure, Journal, Lookup, Manifest, Number, Plugin, Reference, export,
    job,
};

use run::{End, Facts, Run};

struct Scripted;

export!(Scripted: Plugin, Lookup, Contacts, Journal, Commands);

impl Plugin for Scripted {
    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn prepare() -> Result<(), Failure> {
        perform("plugin.prepare", Facts::default()).map(drop)
    }

    fn check() -> Result<Vec<String>, Failure> {
        Ok(perform("plugin.check", Facts::default())?.into_iter().collect())
    }
}

/// Runs the part of the script for `function` and this try.
fn run(function: &str, facts: Facts) -> Result<Option<End>, Failure> {
    let script = script::read()?;
    Run::new(facts).steps(script.of(function, job::attempt()))
}

/// Gives what the script returns; none: it returns nothing.
fn perform(function: &str, facts: Facts) -> Result<Option<String>, Failure> {
    match run(function, facts)? {
        None => Ok(None),
        Some(End::Id(id)) => Ok(Some(id)),
        Some(End::Reply(_)) => Err(Failure::NotConfigured(format!("setting `script`: {function} has no reply"))),
    }
}

impl Lookup for Scripted {
    fn by_number(number: Number, call: Option<Call>) -> Result<Vec<Contact>, Failure> {
        let found = perform("lookup.by-number", Facts { number: Some(number), ..Facts::of(call) })?;
        Ok(found.map(contact).into_iter().collect())
    }
}

impl Contacts for Scripted {
    fn create(draft: Contact, call: Option<Call>) -> Result<Contact, Failure> {
        let id = perform("contacts.create", Facts::of(call))?;
        Ok(Contact { phones: draft.phones, ..contact(id.unwrap_or_else(|| "made".into())) })
    }
}

impl Journal for Scripted {
    fn begin(call: Call, known: Option<Contact>) -> Result<Reference, Failure> {
        let contact = known.map(|contact| contact.id).unwrap_or_default();
        Ok(reference(perform("journal.begin", Facts { contact, ..Facts::of(Some(call)) })?))
    }

    fn write(entry: Entry, begun: Option<Reference>) -> Result<Reference, Failure> {
        Ok(reference(perform("journal.write", of_entry(entry, begun))?))
    }

    fn update(written: Reference, entry: Entry) -> Result<Reference, Failure> {
        Ok(reference(perform("journal.update", of_entry(entry, Some(written)))?))
    }
}

impl Commands for Scripted {
    fn receive(hook: Hook) -> Result<Reply, Failure> {
        Ok(match run("commands.receive", Facts { hook: Some(hook), ..Facts::default() })? {
            None => Reply::new(200),
            Some(End::Id(id)) => Reply::new(200).text("text/plain", &id),
            Some(End::Reply(reply)) => reply,
        })
    }
}

fn of_entry(entry: Entry, before: Option<Reference>) -> Facts {
    Facts {
        contact: entry.contacts.into_iter().next().map(|contact| contact.id).unwrap_or_default(),
        before: before.map(|reference| reference.id).unwrap_or_default(),
        ..Facts::of(Some(entry.call))
    }
}

fn contact(id: String) -> Contact {
    Contact { id, kind: "contact".into(), last_name: "Scripted".into(), ..Contact::default() }
}

fn reference(id: Option<String>) -> Reference {
    Reference { kind: "entry".into(), id: id.unwrap_or_else(|| "written".into()), url: String::new() }
}
