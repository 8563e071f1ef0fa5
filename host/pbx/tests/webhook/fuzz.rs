//! Whatever is posted to whatever description: it is read or refused, in bounds, and the history stays whole.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hookswitch_call::{
    Tracker,
    signal::{Fact, Report},
};
use serde_json::{Value, json};

use hookswitch_web::Request;

use super::{EXAMPLES, FORM, described, request, told};

/// What real systems post, in the order of the descriptions.
const TRAFFIC: [&str; 5] = [
    include_str!("../../../hookswitch/src/sources/webhook/traffic/mango.http"),
    include_str!("../../../hookswitch/src/sources/webhook/traffic/zadarma.http"),
    include_str!("../../../hookswitch/src/sources/webhook/traffic/twilio.http"),
    include_str!("../../../hookswitch/src/sources/webhook/traffic/freeswitch.http"),
    OWN,
];
const OWN: &str = r#"POST /

{ "kind": "call.new", "chain": "c", "data": { "direction": "inbound", "external": { "number": "+4420000001" } } }

POST /

{ "kind": "call.ringing", "chain": "c", "data": { "ext": "105" } }

POST /

{ "kind": "call.answered", "chain": "c", "data": { "ext": "105" } }

POST /

{ "kind": "call.ended", "chain": "c", "data": { "reason": "normal" } }"#;

fn time() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// What stands between quotes in a description: places, and the words that it knows.
fn words(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let quoted = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    let bare = text.lines().filter_map(|line| line.split_once("when")).flat_map(|(_, rest)| {
        rest.split(|char: char| !(char.is_alphanumeric() || "-_".contains(char))).filter(|word| !word.is_empty())
    });
    quoted.chain(bare).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What stands at a place of a message that is made up.
#[derive(Clone, Debug, bolero::TypeGenerator)]
enum Made {
    /// A word of the description.
    Word(u8),
    Number(u32),
    Text(String),
    List(Vec<u16>),
    Nothing,
    Flag(bool),
}

/// A real message, to be changed.
#[derive(Clone)]
struct Message {
    path: String,
    /// The fields of a form; JSON in one of them, or alone, is apart.
    form: Option<Vec<(String, String)>>,
    json: Option<Value>,
}

impl Message {
    fn all(traffic: &str) -> Vec<Self> {
        let parts = traffic.split("\n\nPOST ").map(|part| part.trim_start_matches("POST "));
        parts.map(|part| part.split_once("\n\n").unwrap()).map(|(head, body)| Self::read(head, body.trim())).collect()
    }

    fn read(head: &str, body: &str) -> Self {
        let path = head.lines().next().unwrap().to_owned();
        if !head.contains(FORM.1) {
            return Self { path, form: None, json: Some(serde_json::from_str(body).unwrap()) };
        }
        let form = hookswitch_web::form::parse(body.as_bytes()).unwrap();
        let json = form.iter().find(|(name, _)| name == "json").map(|(_, text)| serde_json::from_str(text).unwrap());
        Self { path, form: Some(form), json }
    }

    fn set(&mut self, place: &str, value: Value) {
        if let Some(json) = &mut self.json {
            return put(json, &place.split('.').take(8).collect::<Vec<_>>(), value);
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let form = self.form.as_mut().unwrap();
        form.retain(|(name, _)| name != place);
        form.push((place.to_owned(), text));
    }

    fn request(self) -> Request {
        let json = self.json.map(|json| json.to_string());
        let Some(mut form) = self.form else { return request(&self.path, "", &[], &json.unwrap()) };
        if let (Some(json), Some((_, text))) = (json, form.iter_mut().find(|(name, _)| name == "json")) {
            *text = json;
        }
        request(&self.path, "", &[FORM], &hookswitch_web::form::write(&form))
    }
}

fn put(json: &mut Value, steps: &[&str], value: Value) {
    match steps {
        [] => *json = value,
        [step, rest @ ..] => {
            if !json.is_object() {
                *json = json!({});
            }
            put(&mut json[*step], rest, value);
        }
    }
}

#[test]
fn no_message_breaks_a_description() {
    let traffic: Vec<_> = TRAFFIC.iter().map(|text| Message::all(text)).collect();
    let described: Vec<_> = EXAMPLES.iter().map(|text| (described(text).unwrap(), words(text))).collect();
    let (inputs, facts) = (AtomicU64::new(0), AtomicU64::new(0));
    type Input = (u8, Vec<(u8, Vec<(u8, Made)>)>, Vec<u8>);
    bolero::check!().with_type::<Input>().with_test_time(time()).for_each(|(which, messages, noise)| {
        inputs.fetch_add(1, Ordering::Relaxed);
        let (description, words) = &described[usize::from(*which) % described.len()];
        let word = |number: u8| words[usize::from(number) % words.len()];
        let traffic = &traffic[usize::from(*which) % described.len()];
        let mut tracker = Tracker::new("office".into(), []);
        let mut ends: HashMap<_, u32> = HashMap::new();
        for (real, changes) in messages {
            let mut message = traffic[usize::from(*real) % traffic.len()].clone();
            for (place, made) in changes {
                message.set(
                    word(*place),
                    match made {
                        Made::Word(number) => json!(word(*number)),
                        Made::Number(number) => json!(number),
                        Made::Text(text) => json!(text),
                        Made::List(list) => json!(list),
                        Made::Nothing => Value::Null,
                        Made::Flag(flag) => json!(flag),
                    },
                );
            }
            let Ok(told) = told(description, &message.request()) else { continue };
            for report in told.into_iter().flat_map(|told| told.reports) {
                let (Report::Call(signal) | Report::Past(signal)) = report else { continue };
                facts.fetch_add(1, Ordering::Relaxed);
                assert!(!signal.chain.as_str().is_empty() && signal.chain.as_str().len() <= 255);
                if let Fact::Ringing { extension, .. } = &signal.fact {
                    assert!((1..=255).contains(&extension.as_str().len()), "{extension}");
                }
                for event in tracker.apply(signal) {
                    if event.what.name() == "ended" {
                        *ends.entry(event.chain.clone()).or_default() += 1;
                    }
                }
            }
        }
        assert!(ends.values().all(|count| *count == 1), "a call ended twice: {ends:?}");
        // And what is no message at all.
        let noise = String::from_utf8_lossy(noise);
        for headers in [vec![FORM], Vec::new()] {
            let _ = told(description, &request("/", &noise.replace(['#', ' '], ""), &headers, &noise));
        }
    });
    println!("{} inputs, {} facts", inputs.load(Ordering::Relaxed), facts.load(Ordering::Relaxed));
    assert!(facts.load(Ordering::Relaxed) > inputs.load(Ordering::Relaxed) / 2, "hardly anything was told");
}

#[test]
fn no_text_breaks_the_reader_of_descriptions() {
    let (inputs, good) = (AtomicU64::new(0), AtomicU64::new(0));
    type Edits = Vec<(u16, u8, Vec<u8>)>;
    bolero::check!().with_type::<(u8, Edits)>().with_test_time(time()).for_each(|(which, edits)| {
        inputs.fetch_add(1, Ordering::Relaxed);
        let mut bytes = EXAMPLES[usize::from(*which) % EXAMPLES.len()].as_bytes().to_vec();
        for (at, gone, new) in edits {
            let at = usize::from(*at) % bytes.len().max(1);
            let end = (at + usize::from(*gone)).min(bytes.len());
            bytes.splice(at..end, new.iter().copied());
        }
        if let Ok(description) = described(&String::from_utf8_lossy(&bytes)) {
            good.fetch_add(1, Ordering::Relaxed);
            let _ = told(&description, &request("/events/call", "", &[], r#"{"kind":"call.new","chain":"c"}"#));
        }
    });
    println!("{} descriptions, {} of them good", inputs.load(Ordering::Relaxed), good.load(Ordering::Relaxed));
}
