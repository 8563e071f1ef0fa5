//! The ways to do harm.

use std::collections::BTreeMap;
use std::hint::black_box;

use hookswitch_sdk::bindings::imports::hookswitch::plugin::http::{self, Body, Effect, Error, Request};
use hookswitch_sdk::bindings::imports::hookswitch::plugin::types::Content;
use hookswitch_sdk::bindings::imports::hookswitch::plugin::{
    clock, documents, job, logging, people, phone, random, recording, secrets, settings, storage,
};
use hookswitch_sdk::{Delay, Failure};

/// What a function answers, if it comes to that.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) lines: Vec<String>,
}

/// Tries the terminal of whoever reads it: sets its title, clears it, and says what the host would say.
const TERMINAL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nok       plugin.other        all is well\u{202e}";

pub(crate) fn act(harm: &str) -> Result<Answer, Failure> {
    match harm {
        "spin" => loop {
            std::hint::spin_loop();
        },
        "eat" => eat(),
        "recurse" => Ok(Answer { lines: vec![deeper(1).to_string()] }),
        "panic" => panic!("{TERMINAL}"),
        "log" => {
            for line in 0..1_000_000_u32 {
                logging::log(logging::Level::Info, TERMINAL, &[("line".into(), line.to_string())]);
            }
            Ok(Answer::default())
        }
        "headers" => headers(),
        "texts" => texts(),
        "fail" => Err(Failure::Temporary(Delay { after_ms: Some(u64::MAX), reason: TERMINAL.repeat(10_000) })),
        "answer" => Ok(Answer { lines: vec![TERMINAL.repeat(20); 5_000] }),
        "endless-answer" => Ok(Answer { lines: vec!["x".repeat(1 << 20); 100] }),
        _ => Ok(Answer::default()),
    }
}

fn eat() -> ! {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "that is the harm")]
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth + 1))) + depth
}

fn request(headers: Vec<(String, String)>, url: String) -> Request {
    Request {
        method: "GET".into(),
        url,
        headers,
        credential: None,
        body: Body::Empty,
        effect: Effect::Read,
        timeout_ms: Some(0),
        keep_secret: Vec::new(),
    }
}

/// Tells by which error each of the harmful requests was answered.
fn headers() -> Result<Answer, Failure> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let url = || "https://example.com/".to_owned();
    let requests = [
        request(vec![header("x-many", "1"); 40_000], url()),
        request(vec![header("x-large", &"v".repeat(1 << 20))], url()),
        request(vec![header("x-same", "1"), header("X-Same", "2")], url()),
        request(vec![header("host", "evil.example"), header("content-length", "1")], url()),
        request(vec![header("x-line", "a\r\nhost: evil.example")], url()),
        request(Vec::new(), format!("https://{TERMINAL}/")),
        request(Vec::new(), "https://example.com/".to_owned() + &"x".repeat(1 << 20)),
    ];
    let answered = requests.iter().map(|request| match http::send(request) {
        Ok(response) => response.status.to_string(),
        Err(Error::Denied(text) | Error::Other(text) | Error::NotSent(text)) => text,
        Err(other) => other.to_string(),
    });
    Ok(Answer { lines: answered.collect() })
}

/// A text of 2 MiB to every function that takes one.
fn texts() -> Result<Answer, Failure> {
    let text = "x".repeat(2 << 20);
    let scope = storage::Scope::Plugin;
    let one = [text.clone()];
    let mut answers = BTreeMap::new();
    let mut note = |name: &'static str, answer: String| answers.insert(name, answer.len());
    note("clock.format", said(clock::format(0, Some(&text), "%Y")));
    note("clock.format pattern", said(clock::format(u64::MAX, None, &text)));
    note("documents.find", said(documents::find(&text, "c", "{}", &one, "", None).map(|_| String::new())));
    note("documents.insert", said(documents::insert("s", "c", &text)));
    note("documents.update", said(documents::update("s", "c", "{}", &one, &text, true).map(|n| n.to_string())));
    note("job.key", job::key(&text));
    note("people.user-of", people::user_of(&text).unwrap_or_default());
    note("people.extension-of", people::extension_of(&text).unwrap_or_default());
    note("phone.parse", said(phone::parse(&text, Some(&text)).map(|number| number.raw)));
    note("random.bytes", random::bytes(u32::MAX).len().to_string());
    note("recording.of-call", recording::of_call(&text).len().to_string());
    note("recording.read", said(recording::read("id", u64::MAX, u32::MAX).map(|bytes| bytes.len().to_string())));
    note("recording.sign-link", said(recording::sign_link(&text, u32::MAX, true)));
    note("secrets.placeholder", said(secrets::placeholder(&text, &text)));
    note("secrets.matches", secrets::matches(&text, &text).to_string());
    note("settings.get", settings::get(&text).unwrap_or_default());
    note("storage.get", said(storage::get(scope, &text).map(|_| String::new())));
    note(
        "storage.put",
        said(storage::put(scope, "k", &Content::Text(text.clone()), None, None).map(|n| n.to_string())),
    );
    note("storage.keys", said(storage::keys(scope, &text, None, u32::MAX).map(|keys| keys.concat())));
    logging::log(logging::Level::Info, &text, &[(text.clone(), text.clone())]);
    Ok(Answer { lines: answers.iter().map(|(name, length)| format!("{name}: {length} bytes")).collect() })
}

fn said(answer: Result<String, String>) -> String {
    answer.unwrap_or_else(|error| error)
}
