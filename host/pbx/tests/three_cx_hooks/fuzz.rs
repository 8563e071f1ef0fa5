//! Hostile posts of somebody who knows the secret: real ones that are cut, mixed and altered, and plain noise.
//!
//! Runs for a moment in the test suite; `HOOKSWITCH_FUZZ_SECONDS=600` makes it long.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hookswitch_web::Method;

use crate::office::{Office, request};

/// One post.
#[derive(Clone, Debug, bolero::TypeGenerator)]
enum Piece {
    /// An event, with values by number.
    Event {
        event: u8,
        link: u8,
        user: u8,
        call: u8,
        words: [u8; 4],
        files: u8,
    },
    /// The same with bytes in the middle replaced.
    Broken {
        event: u8,
        at: u16,
        bytes: Vec<u8>,
    },
    Json(Vec<u8>),
    Query(String),
}

const EVENTS: [&str; 9] = [
    "ringing",
    "hangupincoming",
    "hangupoutgoing",
    "incoming",
    "outgoing",
    "recording",
    "login",
    "agentadded",
    "dance",
];
const WORDS: [&str; 12] =
    ["", "ext", "queue", "other", "Ok", "Missed", "true", "False", "Blind", "Accomp", "External", "\u{1b}[2J"];

fn text(event: u8, link: u8, user: u8, call: u8, words: [u8; 4], files: u8) -> String {
    let word = |number: u8| WORDS[usize::from(number) % WORDS.len()];
    let files: Vec<_> = (0..files % 5).map(|number| format!("\"https://pbx.example/{number}.mp3\"")).collect();
    let files = if files.is_empty() { String::new() } else { format!(",\"FILES\":[{}]", files.join(",")) };
    format!(
        "{{\"event\":\"{}\",\"callerid\":\"+442\",\"user\":\"10{}\",\"usertype\":\"{}\",\"finishtype\":\"{}\",\
         \"transfer\":\"{}\",\"trtype\":\"{}\",\"id\":\"24030509150{}_77-{}\"{files}}}",
        EVENTS[usize::from(event) % EVENTS.len()],
        user % 4,
        word(words[0]),
        word(words[1]),
        word(words[2]),
        word(words[3]),
        call % 3,
        link % 5,
    )
    .replace('\u{1b}', "\\u001b")
}

fn seconds() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn no_posts_break_the_reader_the_model_or_the_history() {
    let (inputs, read) = (AtomicU64::new(0), AtomicU64::new(0));
    bolero::check!().with_type::<Vec<Piece>>().cloned().with_test_time(seconds()).for_each(|pieces| {
        inputs.fetch_add(1, Ordering::Relaxed);
        let mut office = Office::new();
        for piece in pieces {
            let json = |body: &[u8]| {
                let mut request = request(Method::POST, "/", "", "application/json", "");
                request.body = body.to_vec().into();
                request
            };
            let request = match piece {
                Piece::Event { event, link, user, call, words, files } => {
                    json(text(event, link, user, call, words, files).as_bytes())
                }
                Piece::Broken { event, at, bytes } => {
                    let mut body = text(event, 1, 1, 1, [1, 4, 7, 8], 1).into_bytes();
                    let at = usize::from(at) % body.len();
                    let end = (at + bytes.len()).min(body.len());
                    body.splice(at..end, bytes);
                    json(&body)
                }
                Piece::Json(body) => json(&body),
                Piece::Query(query) => request(Method::GET, "/", &query, "", ""),
            };
            if office.take(&request).is_ok() {
                read.fetch_add(1, Ordering::Relaxed);
            }
        }
        for event in &office.events {
            let call = office.tracker.call(&event.chain).expect("an event of a call that nobody knows");
            let ends = office.events.iter().filter(|other| other.chain == call.chain && other.what.name() == "ended");
            assert!(ends.count() <= 1, "a call ended twice: {:?}", office.events);
        }
    });
    println!("{inputs:?} streams, {read:?} posts of them readable, in {:?}", seconds());
}
