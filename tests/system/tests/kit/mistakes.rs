//! Mistakes in scenarios are named with their place and what to do about them; so is what a CRM was asked unexpectedly.

use anyhow::{Context, Result, ensure};

use crate::bench::{Bench, first_plugin, script};

const WRITE: &str = "exports.journal = { write({ call }) {
  return { id: crm.post(\"calls\", { json: { outcome: call.outcome } }).id };
} };";

const CALL: &str = "[[call]]\nstory = \"inbound-missed\"\n";
const RUN: &str = "[[run]]\nfunction = \"journal.write\"\n";
const POST: &str = "[[crm]]\nrequest = \"POST https://crm.test/calls\"\n";

/// Fails unless a scenario is refused with these words.
fn refused(scenario: &str, words: &[&str]) -> Result<()> {
    let said = Bench::with(&script(WRITE), scenario)?.test(&[])?.ended(1)?.says(words);
    said.map(drop).with_context(|| format!("scenario:\n{scenario}"))
}

#[test]
fn in_what_may_stand_in_a_file() -> Result<()> {
    refused("[[call]\n", &["scenarios/one.toml:1:", "unclosed"])?;
    let unknown = "about = \"x\"\n[[call]]\nstory = \"internal\"\nnumbr = \"1\"\n";
    refused(unknown, &["scenarios/one.toml:4:1", "unknown field `numbr`", "did you mean `number`?"])?;
    refused("[[call]]\nstory = 5\n", &["scenarios/one.toml:2:9", "expected a string"])?;
    refused("include = [\"_gone.toml\"]\n[[call]]\nstory = \"internal\"\n", &["_gone.toml", "No such file"])
}

#[test]
fn in_calls() -> Result<()> {
    let first = "scenarios/one.toml: [[call]] number 1";
    let refused = |call: &str, words: &str| refused(&format!("[[call]]\n{call}\n"), &[first, words]);
    refused("story = \"inbound-answred\"", "no story `inbound-answred`: did you mean `inbound-answered`?")?;
    refused("number = \"1\"", "a call has a `story` or `events`, one of them")?;
    refused("story = \"internal\"\nevents = [{ kind = \"queued\" }]", "a `story` or `events`, one of them")?;
    refused("events = [{ after = 1 }]", "event number 1: an event needs a `kind`")?;
    refused("events = [{ kind = \"rang\" }]", "event number 1: unknown variant `rang`, expected one of `arrived`")?;
    let soon = "events = [{ kind = \"arrived\", direction = \"inbound\", after = \"soon\" }]";
    refused(soon, "event number 1: `after` is a number of seconds")?;
    let late = "events = [{ kind = \"arrived\", direction = \"inbound\", after = -1 }]";
    refused(late, "event number 1: `after` is -1 seconds; from 0 to 86400")
}

#[test]
fn in_exchanges() -> Result<()> {
    let get = "[[crm]]\nrequest = \"GET https://crm.test/a\"\n";
    let with = |line: &str, words: &[&str]| refused(&format!("{get}{line}\n"), words);
    with("json = { a = 1 }\nbody = \"x\"", &["[[crm]] number 1 (GET https://crm.test/a)", "only one of `json`"])?;
    with("answer.json = 1\nanswer.text = \"x\"", &["[[crm]] number 1", "only one of `answer.json`"])?;
    with("json.a = \"<anything>\"", &["[[crm]] number 1", "`<anything>` is no matcher; there are <any>"])?;
    with("json.a = \"<matches: [>\"", &["[[crm]] number 1", "`<matches: [>`", "unclosed character class"])?;
    with(
        "times = \"often\"",
        &["one.toml:3:9", "`\"often\"` is no count: write a number, \"any\", \"0-3\" or \"1-\""],
    )?;
    with("times = \"3-1\"", &["one.toml:3:9", "is no count"])?;
    with("keep.a = \"body.x\"", &["one.toml:3:", "`body.x` is no place: json.phone, query.q"])?;
    with("cards.show = \"body.x\"", &["one.toml:3:", "`body.x` is no place: json.phone, query.q"])?;
    with("cards.hide = 5", &["one.toml:3:", "write where the request names them"])?;
    with("answer.fault = \"boom\"", &["one.toml:3:16", "unknown variant `boom`, expected `cut` or `silent`"])?;
    with("answr.status = 1", &["one.toml:3:1", "unknown field `answr`", "did you mean `answer`?"])?;
    for request in ["crm.test/a", "get https://crm.test/a", "GET"] {
        let scenario = format!("[[crm]]\nrequest = \"{request}\"\n");
        refused(&scenario, &["one.toml:2:11", "is no request: write \"GET https://crm.test/contacts?phone=*\""])?;
    }
    Ok(())
}

#[test]
fn in_answers_that_cannot_be_given() -> Result<()> {
    let with = |answer: &str, words: &[&str]| refused(&format!("{RUN}{POST}{answer}\n"), words);
    with("answer.file = \"gone.json\"", &["POST https://crm.test/calls", "number 1 of [[crm]]", "gone.json: No such"])?;
    with("answer.text = \"{{ nope( }}\"", &["number 1 of [[crm]]", "syntax error"])
}

#[test]
fn in_what_is_configured() -> Result<()> {
    let with = |line: &str, words: &[&str]| refused(&format!("[plugin]\n{line}\n{CALL}"), words);
    with("credentials.other = \"x\"", &["FAIL  one", "`plugin.credentials.other`", "asks for no such credential"])?;
    with(
        "credentials.crm = \"nonsense\"",
        &["`plugin.credentials.crm`: `nonsense` is no address", "https://crm.test/"],
    )?;
    with("credentials.crm = 5", &["`plugin.credentials.crm` is a text or a table, not 5"])?;
    with("component = \"x.wasm\"", &["`plugin.component` is the stage's own, leave it out"])?;
    with("settings.nope = \"x\"", &["settings.nope: the plugin has no such setting; it has no settings"])?;
    with("contacs.create = \"automatic\"", &["unknown field `contacs`", "did you mean `contacts`?"])?;
    refused(&format!("server.region = \"XX\"\n{CALL}"), &["`XX` is no country"])
}

#[test]
fn in_single_functions() -> Result<()> {
    let with = |line: &str, words: &[&str]| refused(&format!("[[run]]\n{line}\n"), words);
    with("function = \"journal.wrte\"", &["[[run]] number 1", "`journal.wrte`", "did you mean `journal.write`?"])?;
    with("function = \"journal.write\"\nfails = \"temporry\"", &["[[run]] number 1", "did you mean `temporary`?"])?;
    with("function = \"journal.write\"\nreturns = [\"<foo>\"]", &["[[run]] number 1", "`<foo>` is no matcher"])?;
    with("function = \"lookup.by-number\"", &["[[run]] number 1", "`input.number` is missing"])?;
    let odd = "function = \"journal.write\"\ninput.entry.call.direction = \"sideways\"";
    with(odd, &["[[run]] number 1", "`input.entry`", "sideways"])
}

#[test]
fn in_what_is_expected() -> Result<()> {
    let with = |line: &str, words: &[&str]| refused(&format!("{CALL}[expect]\n{line}\n"), words);
    with("jobs.wrte = \"done\"", &["[expect] jobs.wrte", "did you mean `write`?"])?;
    with("jobs.write = \"finished\"", &["[expect] jobs.write", "`finished`", "done, skipped, parked"])?;
    with("problem.wrte = \"x\"", &["[expect] problem.wrte", "did you mean `write`?"])?;
    with("result.lookup = []", &["[expect] result.lookup", "did you mean `lookup-by-number`?"])?;
    with("result.journal-write = \"<foo>\"", &["[expect]", "`<foo>` is no matcher"])
}

#[test]
fn and_when_there_is_nothing_to_play() -> Result<()> {
    let bench = Bench::with(&script(WRITE), CALL)?;
    bench.test(&["nowhere"])?.ended(1)?.says(&["nowhere", "No such file"])?;
    bench.test(&["--filter", "two"])?.ended(1)?.says(&["there is no scenario in scenarios that is asked for"])?;
    bench.run(&["test"])?.ended(1)?.says(&["there is no plugin.toml here", "hookswitch plugin new"])?;
    bench.run(&["test", "--plugin", "gone.wasm"])?.ended(1)?.says(&["cannot read the plugin gone.wasm"])?;
    Ok(())
}

#[test]
fn an_unexpected_request_is_shown_beside_the_nearest_exchange() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(
        "scenarios/one.toml",
        r#"
[plugin]
credentials.crm = "https://crm.test/api/KEY/"
[[call]]
story = "inbound-answered"
number = "030 1234567"
[[crm]]
request = "GET https://crm.test/api/KEY/users"
answer.json = { users = [] }
[[crm]]
request = "GET https://crm.test/api/KEY/contacts?phone=%2B49301234567"
answer.json = [{ id = "7", name = "Erika Mustermann" }]
[[crm]]
request = "POST https://crm.test/api/KEY/calls"
json = { contact = "8", outcome = "missed", agent = "201" }
answer.json = { id = "c-1" }
"#,
    )?;
    let plugin = first_plugin("rust")?;
    let said = bench.run(&["test", "--plugin", &plugin.to_string_lossy()])?.ended(1)?;
    let said = said.says(&[
        "nobody expects `POST https://crm.test/api/KEY/calls`",
        "\"text\":\"Inbound call +49 30 1234567\"",
        "`POST https://crm.test/api/KEY/calls` (number 3 of [[crm]]) is nearest",
        "json.contact: expected \"8\", found \"7\"",
        "json.outcome: expected \"missed\", found \"answered\"",
        "(number 3 of [[crm]]) was asked 0 times, not 1 times",
        "the job `write` is parked",
    ])?;
    ensure!(!said.out.contains("json.agent"), "{}", said.out);
    Ok(())
}

#[test]
fn what_was_stored_logged_and_returned_is_compared() -> Result<()> {
    let body = "exports.journal = { write() { storage.plugin.set(\"seen\", { count: 2 }); return { id: \"c\" }; } };";
    let good =
        "[expect]\nstorage.seen = { count = 2 }\nstorage.other = \"<missing>\"\nresult.journal-write.id = \"c\"\n";
    Bench::with(&script(body), &format!("{CALL}{good}"))?.test(&[])?.ended(0)?;
    let bad = "[expect]\nstorage.seen = { count = 3 }\nlog = [\"no such line\"]\nresult.journal-write.id = \"d\"\n\
               jobs.write = \"parked\"\n";
    let said = Bench::with(&script(body), &format!("{CALL}{bad}"))?.test(&[])?.ended(1)?;
    said.says(&[
        "storage.seen.count: expected 3, found 2",
        "no line of the log holds `no such line`",
        "result.journal-write.id: expected \"d\", found \"c\"",
        "the job `write` is done",
    ])
    .map(drop)
}
