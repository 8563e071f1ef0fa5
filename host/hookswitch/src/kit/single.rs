//! Single functions of a plugin, called without a call from a phone (`[[run]]` of a scenario).

mod blank;
mod input;
mod spelling;

use std::{sync::Arc, time::Duration};

use hookswitch_call::number::Region;
use hookswitch_journal::CallRef;
use hookswitch_runtime::{
    CallError, Component, Job, Outcome,
    contract::{
        Call, Contact, Note, Number, Reference, Text, Transcript,
        commands::{Dial, Hook},
        feed::Event,
        journal::Entry,
    },
};
use serde::Serialize;
use serde_json::Value;

use self::input::Input;
pub(super) use self::spelling::kebab;
use super::scenario::{Single, one_of};
use crate::desk::{Desk, Lane, Visit, word};

/// What a function came to.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    /// What it returned, in the contract's names; or a word for how it failed, and the text.
    pub(crate) result: Result<Value, (&'static str, String)>,
}

const WALL: Duration = Duration::from_secs(30);

/// Functions that are called with a recording.
const OF_RECORDINGS: [&str; 3] = ["recordings.attach", "recordings.transcribe", "speech.start"];

/// What can be called: `"function"(arguments) => method(how they are handed over)`.
macro_rules! functions {
    ($($name:literal($($argument:ident: $type:ty),*) => $method:ident($($given:expr),*);)*) => {
        /// The functions that a scenario can call, as the contract names them.
        pub(super) const FUNCTIONS: &[&str] = &[$($name),*];

        /// Calls one of them. The outer error is the scenario's.
        async fn call(caller: &Caller<'_>, function: &str, input: &Input) -> Result<Result<Value, CallError>, String> {
            Ok(match function {
                $($name => {
                    input.only(&[$(stringify!($argument)),*])?;
                    $(let $argument: $type = input.argument(stringify!($argument))?;)*
                    run(caller, $name, async |it, job| it.$method(job, $($given),*).await).await
                })*
                other => return Err(refusal(other)),
            })
        }
    };
}

functions! {
    "plugin.prepare"() => prepare();
    "plugin.check"() => check();
    "lookup.by-number"(number: Number, call: Option<Call>) => lookup_by_number(&number, call.as_ref());
    "lookup.by-email"(email: String) => lookup_by_email(&email);
    "lookup.by-text"(text: String, after: Option<String>) => lookup_by_text(&text, after.as_deref());
    "contacts.create"(draft: Contact, call: Option<Call>) => contacts_create(&draft, call.as_ref());
    "journal.begin"(call: Call, contact: Option<Contact>) => journal_begin(&call, contact.as_ref());
    "journal.write"(entry: Entry, begun: Option<Reference>) => journal_write(&entry, begun.as_ref());
    "journal.update"(written: Reference, entry: Entry) => journal_update(&written, &entry);
    "tickets.open"(call: Call, contact: Option<Contact>, text: Text) => tickets_open(&call, contact.as_ref(), &text);
    "tickets.update"(ticket: Reference, call: Call, text: Text, notes: Vec<Note>)
        => tickets_update(&ticket, &call, &text, &notes);
    "tickets.of-contact"(contact: Contact) => tickets_of_contact(&contact);
    "cards.sync"(
        call: Call, begun: Option<Reference>, contact: Option<Contact>, visible: Vec<String>, gone: Vec<String>
    ) => cards_sync(&call, begun.as_ref(), contact.as_ref(), &visible, &gone);
    "directory.users"(after: Option<String>) => directory_users(after.as_deref());
    "routing.route"(call: Call, known: Vec<Contact>) => routing_route(&call, &known);
    "commands.receive"(hook: Hook) => commands_receive(&hook);
    "commands.finished"(dial: Dial, outcome: String, reason: String) => commands_finished(&dial, &outcome, &reason);
    "feed.deliver"(events: Vec<Event>) => feed_deliver(&events);
    "speech.poll"(token: String) => speech_poll(&token);
    "speech.summarise"(words: Transcript) => speech_summarise(&words);
}

/// Fails for a function that there is not, or that cannot be called by itself.
///
/// # Errors
///
/// Which functions can be.
pub(super) fn callable(function: &str) -> Result<(), String> {
    if FUNCTIONS.contains(&function) { Ok(()) } else { Err(refusal(function)) }
}

fn refusal(function: &str) -> String {
    if OF_RECORDINGS.contains(&function) {
        return format!(
            "`{function}` is called with a recording, and a scenario has none: it cannot be called by itself"
        );
    }
    one_of(function, FUNCTIONS).err().unwrap_or_default()
}

/// Calls all of them, one after the other.
pub(super) async fn all(desk: &Arc<Desk>, singles: &[Single]) -> Vec<Came> {
    these(desk, singles, None, None).await
}

/// Calls one.
pub(crate) async fn alone(desk: &Arc<Desk>, single: &Single) -> Came {
    let failed = Came { result: Err(("scenario", "nothing was called".to_owned())) };
    these(desk, std::slice::from_ref(single), None, None).await.pop().unwrap_or(failed)
}

/// Calls them in a call that the journal knows, as the job that the seed is of.
pub(super) async fn in_call(
    desk: &Arc<Desk>,
    singles: &[Single],
    call: &CallRef,
    seed: Option<blake3::Hash>,
) -> Vec<Came> {
    these(desk, singles, Some(call), seed).await
}

async fn these(desk: &Arc<Desk>, singles: &[Single], of: Option<&CallRef>, seed: Option<blake3::Hash>) -> Vec<Came> {
    let region = desk.host.server.region.as_deref().and_then(Region::from_code);
    let caller = Caller { desk, of, seed };
    let mut came = Vec::new();
    for Single { function, input, .. } in singles {
        let called = match Input::of(input, region) {
            Ok(input) => call(&caller, function, &input).await,
            Err(wrong) => Err(wrong),
        };
        let result = match called {
            Ok(Ok(value)) => Ok(kebab(value)),
            Ok(Err(error)) => Err((word(&error), error.to_string())),
            Err(wrong) => Err(("scenario", wrong)),
        };
        came.push(Came { result });
    }
    came
}

/// Who calls a function, and in which call.
struct Caller<'a> {
    desk: &'a Arc<Desk>,
    of: Option<&'a CallRef>,
    seed: Option<blake3::Hash>,
}

async fn run<T: Serialize>(
    Caller { desk, of, seed }: &Caller<'_>,
    function: &'static str,
    call: impl AsyncFnOnce(&Component, Job) -> Outcome<T>,
) -> Result<Value, CallError> {
    let visit = Visit { function, lane: Lane::Record, wall: WALL, call: *of, leave: None, seed: *seed };
    let returned = desk.visit(visit, call).await?;
    Ok(serde_json::to_value(returned).unwrap_or_default())
}
