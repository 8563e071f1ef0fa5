//! Single functions of a plugin, called without a call from a phone (`[[run]]` of a scenario).

use std::{sync::Arc, time::Duration};

use hookswitch_call::number::{Number, Numbering, Region};
use hookswitch_journal::CallRef;
use hookswitch_runtime::{
    CallError, Component, Job,
    contract::{Call, Contact, Content, Direction, Number as Told, commands::Hook},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::scenario::Single;
use crate::{
    desk::{Desk, Lane, Visit, word},
    view,
};

/// What a function came to.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    /// What it returned, in the contract's names; or a word for how it failed, and the text.
    pub(crate) result: Result<Value, (&'static str, String)>,
}

/// The functions that a scenario can call, as the contract names them.
pub(super) const FUNCTIONS: [&str; 9] = [
    "plugin.prepare",
    "plugin.check",
    "lookup.by-number",
    "contacts.create",
    "directory.users",
    "commands.receive",
    "journal.begin",
    "journal.write",
    "journal.update",
];

const WALL: Duration = Duration::from_secs(30);

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
    let mut came = Vec::new();
    for single in singles {
        let result = match call(&Caller { desk, of, seed }, single).await {
            Ok(Ok(value)) => Ok(kebab(value)),
            Ok(Err(error)) => Err((word(&error), error.to_string())),
            Err(wrong) => Err(("scenario", wrong)),
        };
        came.push(Came { result });
    }
    came
}

/// The outer error is the scenario's.
async fn call(caller: &Caller<'_>, single: &Single) -> Result<Result<Value, CallError>, String> {
    let desk = caller.desk;
    let input = snake(match &single.input {
        Value::Null => json!({}),
        given => given.clone(),
    });
    let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(match single.function.as_str() {
        "plugin.prepare" => run(caller, "plugin.prepare", async |it, job| it.prepare(job).await).await,
        "plugin.check" => run(caller, "plugin.check", async |it, job| it.check(job).await).await,
        "lookup.by-number" => {
            let number = match input.get("number") {
                Some(Value::String(text)) => number(desk, text),
                Some(given @ Value::Object(_)) => read(given.clone(), "number")?,
                _ => return Err("`input.number` is missing".to_owned()),
            };
            let call = input.get("call").map(call_of).transpose()?;
            run(caller, "lookup.by-number", async |it, job| it.lookup_by_number(job, &number, call.as_ref()).await)
                .await
        }
        "contacts.create" => {
            let draft: Contact = part(&input, "draft", &no_contact())?;
            let call = input.get("call").map(call_of).transpose()?;
            run(caller, "contacts.create", async |it, job| it.contacts_create(job, &draft, call.as_ref()).await).await
        }
        "directory.users" => {
            let after = text("after");
            run(caller, "directory.users", async |it, job| it.directory_users(job, after.as_deref()).await).await
        }
        "commands.receive" => {
            let hook = hook(&input)?;
            run(caller, "commands.receive", async |it, job| it.commands_receive(job, &hook).await).await
        }
        "journal.begin" => {
            let call = call_of(input.get("call").unwrap_or(&json!({})))?;
            let contact = input.get("contact").map(|_| part(&input, "contact", &no_contact())).transpose()?;
            run(caller, "journal.begin", async |it, job| it.journal_begin(job, &call, contact.as_ref()).await).await
        }
        "journal.write" => {
            let mut entry = json!({
                "call": call_of(input.get("call").unwrap_or(&json!({})))?, "contacts": [],
                "text": { "subject": "", "body": "" }, "notes": [], "links": [], "ticket": null,
            });
            lay(&mut entry, input.get("entry").unwrap_or(&json!({})));
            let entry = read(entry, "entry")?;
            let begun = input.get("begun").cloned().map(|begun| read(begun, "begun")).transpose()?;
            run(caller, "journal.write", async |it, job| it.journal_write(job, &entry, begun.as_ref()).await).await
        }
        "journal.update" => {
            let written = read(input.get("written").cloned().unwrap_or_default(), "written")?;
            let entry = read(input.get("entry").cloned().unwrap_or_default(), "entry")?;
            run(caller, "journal.update", async |it, job| it.journal_update(job, &written, &entry).await).await
        }
        other => return Err(format!("`{other}` cannot be called by itself; {} can", FUNCTIONS.join(", "))),
    })
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
    call: impl AsyncFnOnce(&Component, Job) -> hookswitch_runtime::Outcome<T>,
) -> Result<Value, CallError> {
    let visit = Visit { function, lane: Lane::Record, wall: WALL, call: *of, leave: None, seed: *seed };
    let returned = desk.visit(visit, call).await?;
    Ok(serde_json::to_value(returned).unwrap_or_default())
}

fn number(desk: &Desk, text: &str) -> Told {
    let region = desk.host.server.region.as_deref().and_then(Region::from_code);
    view::number(&Number::parse(text, &Numbering { region, ..Numbering::default() }))
}

fn read<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("`input.{name}`: {error}"))
}

/// The part `name` of the input, laid over what is empty.
fn part<T: DeserializeOwned>(input: &Value, name: &str, empty: &impl Serialize) -> Result<T, String> {
    let mut value = serde_json::to_value(empty).map_err(|error| error.to_string())?;
    lay(&mut value, input.get(name).unwrap_or(&Value::Null));
    read(value, name)
}

fn lay(value: &mut Value, over: &Value) {
    if let (Value::Object(below), Value::Object(above)) = (value, over) {
        for (key, value) in above {
            match below.get_mut(key) {
                Some(known) if known.is_object() && value.is_object() => lay(known, value),
                _ => drop(below.insert(key.clone(), value.clone())),
            }
        }
    }
}

fn no_contact() -> Contact {
    let none = String::new;
    Contact {
        id: none(),
        kind: none(),
        first_name: none(),
        last_name: none(),
        company: none(),
        url: none(),
        photo_url: none(),
        emails: Vec::new(),
        phones: Vec::new(),
        owner: None,
        address: Vec::new(),
        extra: Vec::new(),
    }
}

fn call_of(given: &Value) -> Result<Call, String> {
    let none = String::new;
    let empty = Call {
        pbx: "story".to_owned(),
        chain: "call-1".to_owned(),
        leg: 0,
        direction: Direction::Inbound,
        external: None,
        external_name: none(),
        line: none(),
        queue: none(),
        state: none(),
        outcome: none(),
        reason: none(),
        started_ms: 0,
        answered_ms: None,
        ended_ms: None,
        talk_ms: 0,
        agents: Vec::new(),
        credited: None,
        crm_call: None,
        extra: Vec::new(),
    };
    part(&json!({ "call": given }), "call", &empty)
}

fn hook(input: &Value) -> Result<Hook, String> {
    let text = |name: &str, usual: &str| input.get(name).and_then(Value::as_str).unwrap_or(usual).to_owned();
    let fields = |name: &str| -> Vec<(String, String)> {
        let members = input.get(name).and_then(Value::as_object).into_iter().flatten();
        members
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect()
    };
    let body = match input.get("body") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    Ok(Hook {
        name: Some(text("name", ""))
            .filter(|name| !name.is_empty())
            .ok_or("`input.name`, the hook's name, is missing")?,
        method: text("method", "POST"),
        query: fields("query"),
        headers: fields("headers"),
        form: fields("form"),
        body: Content::Text(body),
        proven: vec!["scenario".to_owned()],
    })
}

fn renamed(value: Value, from: char, to: &str) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| renamed(item, from, to)).collect()),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name.replace(from, to), renamed(value, from, to)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// The contract's names, as the generated types spell them. Names in `form`, `query` and `headers` are the sender's own.
fn snake(input: Value) -> Value {
    let own = ["form", "query", "headers", "body"];
    match input {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    if own.contains(&name.as_str()) {
                        (name, value)
                    } else {
                        (name.replace('-', "_"), renamed(value, '-', "_"))
                    }
                })
                .collect(),
        ),
        other => other,
    }
}

/// And back.
pub(super) fn kebab(value: Value) -> Value {
    renamed(value, '_', "-")
}
