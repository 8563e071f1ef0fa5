//! The same calls as every kind of phone system tells them come to the same events, but for what a phone system cannot
//! know; what that is stands in the documentation with the section that says so.
//!
//! `HOOKSWITCH_WRITE_DOCS=1` writes the table into `docs/phone-systems.md`; otherwise it must stand there.

use std::{collections::BTreeMap, time::Duration};

use ami_replay::Playback;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    PATIENCE, World,
    phones::{Phone, QUEUE, STORIES, Story},
    root, trace,
};

/// Columns of the documentation: kinds, and what they are called there.
const KINDS: [(&str, &str); 6] = [
    ("asterisk", "Asterisk"),
    ("3cx", "3CX"),
    ("3cx-webhooks", "3CX webhooks"),
    ("yeastar", "Yeastar"),
    ("rostelecom", "Rostelecom"),
    ("webhook", "own format"),
];

/// The kind, the story or `*`, the beginning of an event, and where it is written that this kind cannot tell it.
const CANNOT: [(&str, &str, &str, &str); 8] = [
    ("3cx", "*", "held", "participants do not show it: call-model, section 5"),
    ("3cx", "*", "resumed", "participants do not show it: call-model, section 5"),
    ("3cx-webhooks", "*", "held", "nothing is posted of it: pbx-3cx, C.1 to C.3"),
    ("3cx-webhooks", "*", "resumed", "nothing is posted of it: pbx-3cx, C.1 to C.3"),
    ("3cx-webhooks", "*", "dialing", "nothing is posted before the other side picks up: pbx-3cx, C.1"),
    ("rostelecom", "*", "held", "no event tells of it: pbx-rostelecom, section 3.2"),
    ("rostelecom", "*", "resumed", "no event tells of it: pbx-rostelecom, section 3.2"),
    (
        "rostelecom",
        "queue, given up",
        "left-queue",
        "whether the caller or the queue gave up is not told: pbx-rostelecom, section 4",
    ),
];

/// What a kind tells besides, and why.
const BESIDES: [(&str, &str, &str, &str); 1] = [(
    "rostelecom",
    "attended transfer",
    "ringing 202",
    "the consultation rings in the same session: pbx-rostelecom, section 3.2",
)];

/// An Asterisk, and one of each other kind.
struct Exchange {
    world: World,
    phones: Vec<Phone>,
}

impl Exchange {
    async fn open() -> Result<Self> {
        let (world, phones) = Phone::world(PATIENCE, "").await?;
        Ok(Self { world, phones })
    }

    /// What the program makes of the call of this outside number: events, and whether they were told or concluded.
    async fn heard(&self, pbx: &str, queue: &str, outside: &str) -> Result<Vec<(String, bool)>> {
        let digits = outside.trim_start_matches('+');
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let chain = loop {
            let calls = self.world.json(&["calls", "--pbx", pbx, "--number", digits]).await?;
            ensure!(calls.len() < 2, "{outside} called {pbx} once: {calls:?}");
            if let Some(call) = calls.first().filter(|call| !call["outcome"].is_null()) {
                break call["call"].as_str().context("a call without a name")?.to_owned();
            }
            let late = tokio::time::Instant::now() > deadline;
            ensure!(!late, "{pbx} never ended the call of {outside}: {calls:?}\n{}", self.world.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let (out, _) = self.world.run(&["trace", &format!("{pbx}/{chain}"), "--json"], 0).await?;
        let document: Value = serde_json::from_str(&out)?;
        let events = document["events"].as_array().with_context(|| format!("no events in {document}"))?;
        Ok(events
            .iter()
            .filter_map(|event| Some((in_short(event)?.replace(queue, QUEUE), event["confidence"] == "reported")))
            .collect())
    }
}

/// An event in the words of the stories; none if they do not speak of it.
fn in_short(event: &Value) -> Option<String> {
    let text = |key: &str| match &event[key] {
        Value::String(text) => text.clone(),
        Value::Object(party) if party.contains_key("extension") => {
            party["extension"].as_str().unwrap_or("?").to_owned()
        }
        Value::Object(_) => "outside".to_owned(),
        other => other.to_string(),
    };
    let keys: &[&str] = match event["event"].as_str()? {
        "new" => &["direction"],
        "queued" => &["queue"],
        "left-queue" => &["queue", "exit"],
        "dialing" | "ringing" | "ring-stopped" | "held" | "resumed" => &["extension"],
        "answered" => &["by"],
        "transferred" => &["how", "from", "to"],
        "ended" => return Some(format!("ended {} by {}", text("outcome"), text("credited"))),
        "leg-ended" | "noted" | "recorded" | "recording" => return None,
        other => return Some(format!("{other}: {event}")),
    };
    Some(keys.iter().fold(text("event"), |words, key| words + " " + &text(key)))
}

/// What is known of one event: whether it was told or concluded; none if it cannot be known.
type Told = BTreeMap<&'static str, Option<bool>>;

/// Holds what was heard from a kind against the story, and notes each of its events.
fn compare(story: &Story, kind: &'static str, heard: &[(String, bool)], table: &mut [Told]) -> Result<()> {
    let is_told_late =
        |event: &str| ["transferred", "ring-stopped", "left-queue"].iter().any(|late| event.starts_with(late));
    let applies = |rule: &(&str, &str, &str, &str), event: &str| {
        rule.0 == kind && (rule.1 == "*" || rule.1 == story.name) && event.starts_with(rule.2)
    };
    let mut left: Vec<&(String, bool)> =
        heard.iter().filter(|(event, _)| !BESIDES.iter().any(|rule| applies(rule, event))).collect();
    let mut order = Vec::new();
    for (event, row) in story.events.iter().zip(table) {
        let at = left.iter().position(|(heard, _)| heard == event);
        let cannot = CANNOT.iter().any(|rule| applies(rule, event));
        match at {
            Some(at) => {
                ensure!(!cannot, "{kind} can tell {event:?} after all");
                if !is_told_late(event) {
                    order.push(heard.iter().position(|(heard, _)| heard == event));
                }
                row.insert(kind, Some(left.remove(at).1));
            }
            None => {
                ensure!(cannot, "{kind} does not tell {event:?} in {:?}: {heard:#?}", story.name);
                row.insert(kind, None);
            }
        }
    }
    ensure!(left.is_empty() || CANNOT.iter().any(|rule| applies(rule, &left[0].0)), "{kind} tells besides: {left:?}");
    ensure!(order.is_sorted(), "{kind} tells {:?} in another order: {heard:#?}", story.name);
    Ok(())
}

/// Numbers the notes of a table.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn number(&mut self, text: &str) -> usize {
        let at = self.0.iter().position(|known| known == text).unwrap_or_else(|| {
            self.0.push(text.to_owned());
            self.0.len() - 1
        });
        at + 1
    }

    fn list(&self) -> String {
        let lines = self.0.iter().enumerate().map(|(at, note)| format!("{}. {note}\n", at + 1));
        format!("\n{}", lines.collect::<String>())
    }
}

fn heading(first: &str) -> String {
    let names = KINDS.map(|(_, name)| name).join(" | ");
    format!("| {first} | {names} |\n|---|{}\n", "---|".repeat(KINDS.len()))
}

/// The table of stories.
fn stories(all: &[(&Story, Vec<Told>)]) -> String {
    let (mut text, mut notes) = (heading("event"), Notes::default());
    for (story, table) in all {
        text += &format!("| **{}** |{}\n", story.name, " |".repeat(KINDS.len()));
        for (event, row) in story.events.iter().zip(table) {
            let cells = KINDS.map(|(kind, _)| match row.get(kind) {
                Some(Some(true)) => "yes".to_owned(),
                Some(Some(false)) => "concluded".to_owned(),
                _ => {
                    let rule = CANNOT.iter().find(|rule| {
                        rule.0 == kind && (rule.1 == "*" || rule.1 == story.name) && event.starts_with(rule.2)
                    });
                    format!("cannot know ({})", notes.number(rule.map_or("", |rule| rule.3)))
                }
            });
            text += &format!("| {event} | {} |\n", cells.join(" | "));
        }
    }
    for (kind, story, event, why) in BESIDES {
        let name = KINDS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, name)| name);
        notes.number(&format!("{name} tells \"{event}\" besides, in \"{story}\": {why}"));
    }
    text + &notes.list()
}

/// The table of what each kind can do, as the program says it.
async fn abilities(world: &World) -> Result<String> {
    let (out, _) = world.run(&["pbx", "kinds", "--json"], 0).await?;
    let kinds: Vec<Value> = serde_json::from_str(&out)?;
    let (mut text, mut notes) = (heading("feature"), Notes::default());
    ensure!(kinds.iter().map(|kind| &kind["kind"]).eq(KINDS.iter().map(|(kind, _)| kind)), "other kinds: {out}");
    let features = kinds[0]["features"].as_object().context("features")?;
    for feature in features.keys() {
        let cells = kinds.iter().map(|kind| {
            let ability = kind["features"][feature].as_str().unwrap_or_default();
            match (ability.strip_prefix("if "), ability.strip_prefix("no: ")) {
                (Some(condition), _) => format!("if ({})", notes.number(condition)),
                (_, Some(why)) => format!("no ({})", notes.number(why)),
                _ => ability.to_owned(),
            }
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        text += &format!("| {feature} | {cells} |\n");
    }
    Ok(text + &notes.list())
}

/// Holds a table against the one in the documentation, or writes it there.
fn documented(name: &str, table: &str) -> Result<()> {
    let path = root().join("docs/phone-systems.md");
    let text = std::fs::read_to_string(&path)?;
    let mark = format!("<!-- {name}: written by tests/system/tests/one_story.rs -->\n");
    let (before, rest) = text.split_once(&mark).with_context(|| format!("no mark of {name}"))?;
    let (present, after) = rest.split_once("<!-- end -->").context("no end")?;
    if std::env::var_os("HOOKSWITCH_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{mark}{table}<!-- end -->{after}"))?;
        return Ok(());
    }
    ensure!(present == table, "docs/phone-systems.md has another table of {name}; this one is right:\n{table}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_told_by_each_phone_system_comes_to_the_same_events() -> Result<()> {
    let exchange = Exchange::open().await?;
    let mut all = Vec::new();
    for (serial, story) in STORIES.iter().enumerate() {
        let mut table = vec![Told::new(); story.events.len()];
        let caller = format!("+4940669{serial:05}");
        let asterisk = trace(story.trace)?.renumbered(story.outside, &caller)?;
        exchange.world.pbx.play(&asterisk, Playback { fresh_ids: true, ..Playback::default() }).await;
        for phone in &exchange.phones {
            phone.tell(story, &phone.outside(serial), Duration::ZERO).await?;
        }
        compare(story, "asterisk", &exchange.heard("office", QUEUE, &caller).await?, &mut table)?;
        // Some wait a little for their own record of a call before it is over.
        for phone in &exchange.phones {
            let heard = exchange.heard(phone.kind(), phone.queue(), &phone.outside(serial)).await?;
            compare(story, phone.kind(), &heard, &mut table)?;
        }
        all.push((story, table));
    }
    for phone in &exchange.phones {
        ensure!(phone.complaints().is_empty(), "{}: {:?}", phone.kind(), phone.complaints());
    }
    documented("the same calls", &stories(&all))?;
    documented("what each can do", &abilities(&exchange.world).await?)
}
