//! Calls of a scenario: stories from the library, or told event by event.

use std::time::Duration;

use hookswitch_call::{
    Call, Chain, Millis, PbxName, Tracker,
    signal::{Fact, Signal},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A call as a scenario tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Telling {
    story: Option<String>,
    #[serde(default)]
    events: Vec<toml::Table>,
    #[serde(default = "number")]
    pub(crate) number: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default = "extension")]
    pub(crate) extension: String,
    #[serde(default = "second")]
    second: String,
    #[serde(default = "line")]
    pub(crate) line: String,
    #[serde(default = "queue")]
    pub(crate) queue: String,
    crm_call: Option<String>,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            story: None,
            events: Vec::new(),
            number: number(),
            name: String::new(),
            extension: extension(),
            second: second(),
            line: line(),
            queue: queue(),
            crm_call: None,
        }
    }
}

fn number() -> String {
    "+49301234567".to_owned()
}
fn extension() -> String {
    "201".to_owned()
}
fn second() -> String {
    "202".to_owned()
}
fn line() -> String {
    "+49309876543".to_owned()
}
fn queue() -> String {
    "sales".to_owned()
}

/// A story of the library.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// Its file, as a scenario could hold it.
    pub(crate) text: &'static str,
}

macro_rules! library {
    ($($name:literal),* $(,)?) => {
        /// All stories, in the order of the documentation.
        pub(crate) const LIBRARY: &[Story] =
            &[$(Story { name: $name, text: include_str!(concat!("stories/", $name, ".toml")) }),*];
    };
}

library![
    "inbound-answered",
    "inbound-missed",
    "inbound-busy",
    "inbound-withheld",
    "inbound-voicemail",
    "outbound-answered",
    "outbound-not-answered",
    "queue-answered",
    "queue-missed",
    "ring-group",
    "blind-transfer",
    "attended-transfer",
    "call-forwarded",
    "internal",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    events: Vec<toml::Table>,
}

/// A fact, and how long after the one before.
pub(crate) type Step = (Duration, Fact);

/// So long an event may be after the one before, in seconds: a day.
const LONGEST: f64 = 86_400.0;

impl Telling {
    /// What happens, step by step.
    ///
    /// # Errors
    ///
    /// What is wrong with the telling.
    pub(crate) fn facts(&self) -> Result<Vec<Step>, String> {
        let events = match (&self.story, self.events.as_slice()) {
            (Some(name), []) => {
                let story = LIBRARY.iter().find(|story| story.name == name).ok_or_else(|| {
                    let known: Vec<_> = LIBRARY.iter().map(|story| story.name).collect();
                    let near = crate::config::nearest(name, &known);
                    let hint = near.map_or_else(|| known.join(", "), |near| format!("did you mean `{near}`?"));
                    format!("there is no story `{name}`: {hint}")
                })?;
                toml::from_str::<File>(story.text).map_err(|error| format!("the story {name}: {error}"))?.events
            }
            (None, [_, ..]) => self.events.clone(),
            _ => return Err("a call has a `story` or `events`, one of them".to_owned()),
        };
        events
            .into_iter()
            .enumerate()
            .map(|(at, event)| self.step(event).map_err(|error| format!("event number {}: {error}", at + 1)))
            .collect()
    }

    /// A story of the library, told of the usual numbers.
    pub(crate) fn of(story: &str) -> Self {
        Self { story: Some(story.to_owned()), ..Self::default() }
    }

    /// The call after each step, as a tracker sees it that is told the story from `start` on.
    ///
    /// # Errors
    ///
    /// What is wrong with the telling.
    pub(crate) fn calls(&self, pbx: &PbxName, chain: &Chain, start: Millis) -> Result<Vec<Call>, String> {
        let mut tracker = Tracker::new(pbx.clone(), Vec::new()).told_ring_ends();
        let mut at = start;
        let mut calls: Vec<Call> = Vec::new();
        for (after, fact) in self.facts()? {
            at = at.after(after);
            tracker.apply(Signal { chain: chain.clone(), at, fact });
            calls.extend(tracker.call(chain).cloned());
        }
        Ok(calls)
    }

    fn step(&self, mut event: toml::Table) -> Result<Step, String> {
        let after = match event.remove("after") {
            None => 0.0,
            Some(toml::Value::Integer(seconds)) => seconds as f64,
            Some(toml::Value::Float(seconds)) => seconds,
            Some(other) => return Err(format!("`after` is a number of seconds, not {other}")),
        };
        if !(0.0..=LONGEST).contains(&after) {
            return Err(format!("`after` is {after} seconds; from 0 to {LONGEST}"));
        }
        let Value::Object(event) = serde_json::to_value(event).map_err(|error| error.to_string())? else {
            return Err("an event is a table".to_owned());
        };
        let mut fact: Map<String, Value> =
            event.into_iter().map(|(key, value)| (key.replace('-', "_"), self.named(value))).collect();
        let kind = fact.get("kind").and_then(Value::as_str).ok_or("an event needs a `kind`")?.to_owned();
        self.complete(&kind, &mut fact);
        let fact = serde_json::from_value(Value::Object(fact)).map_err(|error| error.to_string())?;
        Ok((Duration::from_secs_f64(after), fact))
    }

    /// The names that stories use for who takes part.
    fn named(&self, value: Value) -> Value {
        match value.as_str() {
            Some("{extension}") => self.extension.as_str().into(),
            Some("{second}") => self.second.as_str().into(),
            Some("{queue}") => self.queue.as_str().into(),
            Some("{number}") => self.number.as_str().into(),
            _ => value,
        }
    }

    /// What an event need not say.
    fn complete(&self, kind: &str, fact: &mut Map<String, Value>) {
        let mut usual = |key: &str, value: Value| {
            fact.entry(key).or_insert(value);
        };
        match kind {
            "arrived" => {
                let external = Some(self.number.as_str()).filter(|number| !number.is_empty());
                usual("external", external.into());
                usual("external_name", self.name.as_str().into());
                usual("line", self.line.as_str().into());
                usual("trunk", "".into());
                usual("crm_call", self.crm_call.clone().into());
                usual("started", Value::Null);
            }
            "dialing" => usual("number", self.number.as_str().into()),
            "ringing" | "answered" => usual("role", "called".into()),
            "ring-stopped" => usual("why", "unknown".into()),
            "ended" => usual("by", "unknown".into()),
            _ => {}
        }
        if fact.get("external").and_then(Value::as_str) == Some("") {
            fact.insert("external".to_owned(), Value::Null);
        }
        if kind == "arrived" && fact.get("direction").and_then(Value::as_str) != Some("inbound") {
            fact.entry("from").or_insert_with(|| self.extension.as_str().into());
        }
        let party = |value: &Value| match value.as_str() {
            Some("outside") => json!({ "outside": self.number }),
            Some(extension) => json!({ "extension": extension }),
            None => value.clone(),
        };
        for (of, key) in [("answered", "by"), ("transferred", "to"), ("forwarded", "to")] {
            if let (true, Some(value)) = (kind == of, fact.get_mut(key)) {
                *value = party(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hookswitch_call::signal::Reason;

    use super::*;

    /// What a plugin would be told of each story.
    #[test]
    fn every_story_is_a_call_that_ends_as_its_name_says() {
        for story in LIBRARY {
            let telling: Telling = toml::from_str(&format!("story = \"{}\"", story.name)).unwrap();
            let calls = telling.calls(&PbxName::from("story"), &Chain::from("1"), Millis(1_000_000));
            let calls = calls.unwrap_or_else(|error| panic!("{}: {error}", story.name));
            let call = calls.last().unwrap();
            let end = call.ended.as_ref().unwrap_or_else(|| panic!("{} does not end", story.name));
            let unanswered =
                ["inbound-missed", "inbound-busy", "queue-missed", "outbound-not-answered", "inbound-voicemail"];
            let expected = !unanswered.contains(&story.name);
            assert_eq!(call.answered.is_some(), expected, "{}: {end:?}", story.name);
            assert_ne!(end.reason, Reason::Unknown, "{}: a phone system knows why", story.name);
        }
    }
}
