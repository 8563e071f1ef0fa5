//! Does what the script in its setting `script` says: which requests leave, what is stored, how a function ends. So a test
//! says in one place what the plugin does and what the CRM answers, and judges the host by what it saw of both.
//!
//! The words of a script are in [`script`]; [`run`] carries it out.

mod manifest;
mod run;
mod script;

use hookswitch_sdk::commands::{Dial, Hook, Reply};
use hookswitch_sdk::{
    Call, Cards, Commands, Contact, ContactPage, Contacts, Directory, Entry, Event, Failure, Feed, Journal, Lookup,
    Manifest, Note, Number, Plugin, Progress, Recording, Recordings, Reference, Route, Routing, Speech, Text, Tickets,
    Transcript, Turn, User, UserPage, export, job,
};

use run::{End, Facts, Run};

struct Scripted;

export!(
    Scripted: Plugin, Lookup, Contacts, Journal, Tickets, Cards, Recordings, Directory, Routing, Commands, Feed, Speech
);

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

    fn by_email(email: String) -> Result<Vec<Contact>, Failure> {
        let found = perform("lookup.by-email", Facts { before: email, ..Facts::default() })?;
        Ok(found.map(contact).into_iter().collect())
    }

    fn by_text(text: String, after: Option<String>) -> Result<ContactPage, Failure> {
        let found = perform("lookup.by-text", Facts { before: text, ..Facts::default() })?;
        Ok(ContactPage { contacts: found.map(contact).into_iter().collect(), next: after })
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

impl Tickets for Scripted {
    fn open(call: Call, known: Option<Contact>, text: Text) -> Result<Reference, Failure> {
        let contact = known.map(|contact| contact.id).unwrap_or_default();
        Ok(ticket(perform("tickets.open", Facts { contact, before: text.subject, ..Facts::of(Some(call)) })?))
    }

    fn update(opened: Reference, call: Call, _text: Text, _notes: Vec<Note>) -> Result<Reference, Failure> {
        Ok(ticket(perform("tickets.update", Facts { before: opened.id, ..Facts::of(Some(call)) })?))
    }

    fn of_contact(contact: Contact) -> Result<Vec<Reference>, Failure> {
        let found = perform("tickets.of-contact", Facts { contact: contact.id, ..Facts::default() })?;
        Ok(found.map(|id| ticket(Some(id))).into_iter().collect())
    }
}

/// Not among what is served: else every call would have a card to be shown.
impl Cards for Scripted {
    fn sync(
        call: Call,
        begun: Option<Reference>,
        known: Option<Contact>,
        visible: Vec<String>,
        gone: Vec<String>,
    ) -> Result<(), Failure> {
        let contact = known.map(|contact| contact.id).unwrap_or_default();
        let before = begun.map(|reference| reference.id).unwrap_or_default();
        let users = format!("{} not {}", visible.join(" "), gone.join(" "));
        perform("cards.sync", Facts { contact, before, users, ..Facts::of(Some(call)) }).map(drop)
    }
}

impl Recordings for Scripted {
    fn attach(to: Reference, file: Recording, _link: Option<String>) -> Result<Reference, Failure> {
        Ok(reference(perform("recordings.attach", Facts { before: to.id, chain: file.chain, ..Facts::default() })?))
    }

    fn transcribe(to: Reference, file: Recording, _words: Transcript) -> Result<Reference, Failure> {
        Ok(reference(perform("recordings.transcribe", Facts { before: to.id, chain: file.chain, ..Facts::default() })?))
    }
}

/// Not among what is served, like the cards.
impl Directory for Scripted {
    fn users(after: Option<String>) -> Result<UserPage, Failure> {
        let found = perform("directory.users", Facts { before: after.unwrap_or_default(), ..Facts::default() })?;
        Ok(UserPage { users: found.map(user).into_iter().collect(), next: None })
    }
}

impl Routing for Scripted {
    fn route(call: Call, known: Vec<Contact>) -> Result<Option<Route>, Failure> {
        let contact = known.into_iter().next().map(|contact| contact.id).unwrap_or_default();
        let target = perform("routing.route", Facts { contact, ..Facts::of(Some(call)) })?;
        Ok(target.map(|target| Route::to("extension", &target)))
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

    fn finished(dial: Dial, outcome: String, reason: String) -> Result<(), Failure> {
        let before = format!("{} {outcome} {reason}", dial.number);
        perform("commands.finished", Facts { before, ..Facts::default() }).map(drop)
    }
}

impl Feed for Scripted {
    fn deliver(events: Vec<Event>) -> Result<(), Failure> {
        let events: Vec<String> = events.into_iter().map(|event| format!("{} {}", event.seq, event.json)).collect();
        perform("feed.deliver", Facts { before: events.join("\n"), ..Facts::default() }).map(drop)
    }
}

impl Speech for Scripted {
    fn start(file: Recording, language: String) -> Result<Progress, Failure> {
        Ok(progress(file.id, perform("speech.start", Facts { before: language, ..Facts::default() })?))
    }

    fn poll(token: String) -> Result<Progress, Failure> {
        Ok(progress(token.clone(), perform("speech.poll", Facts { before: token, ..Facts::default() })?))
    }

    fn summarise(words: Transcript) -> Result<String, Failure> {
        let said: Vec<String> = words.turns.into_iter().map(|turn| turn.text).collect();
        Ok(perform("speech.summarise", Facts { before: said.join(" "), ..Facts::default() })?.unwrap_or_default())
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

fn ticket(id: Option<String>) -> Reference {
    Reference { kind: "ticket".into(), ..reference(id) }
}

fn user(id: String) -> User {
    User { id, name: "Scripted".into(), email: String::new(), extensions: Vec::new(), active: true, extra: Vec::new() }
}

/// What was said, where the script returns it; else it is asked for again.
fn progress(token: String, said: Option<String>) -> Progress {
    let turn = |text| Turn { speaker: "external".into(), start_ms: 0, end_ms: 1000, text };
    match said {
        Some(said) => Progress::Done(Transcript { turns: vec![turn(said)], ..Transcript::default() }),
        None => Progress::Pending((token, 1000)),
    }
}
