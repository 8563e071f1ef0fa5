//! Descriptions and messages that nobody has thought of. `HOOKSWITCH_FUZZ_SECONDS=600` makes the runs long.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod fuzz;
mod times;
mod values;

use hookswitch_call::Millis;
use hookswitch_pbx::{
    asterisk::Glob,
    webhook::{Answer, Body, Description, Event, Moment, Post, Time, Told, Unfit, Unreadable, Value},
};
use hookswitch_web::{Bytes, HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::Deserialize;

const EXAMPLES: [&str; 5] = [
    include_str!("../../../../examples/config/pbx/mango.toml"),
    include_str!("../../../../examples/config/pbx/zadarma.toml"),
    include_str!("../../../../examples/config/pbx/twilio.toml"),
    include_str!("../../../../examples/config/pbx/freeswitch.toml"),
    OWN,
];
const OWN: &str = include_str!("../../../hookswitch/src/sources/webhook/own.toml");

/// The keys of a description, as the configuration names them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    #[serde(default)]
    body: Body,
    #[serde(default)]
    time: Time,
    #[serde(default)]
    internal_numbers: Vec<Glob>,
    call: Option<Value>,
    leg: Option<Value>,
    sequence: Option<Value>,
    at: Option<Moment>,
    #[serde(default)]
    event: Vec<Event>,
    #[serde(default)]
    #[allow(dead_code, reason = "read to be checked")]
    answer: Answer,
}

/// The description in a text: `[pbx.NAME]` of a configuration, or the table itself.
fn described(text: &str) -> Result<Description, String> {
    let mut whole: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut table = match whole.remove("pbx") {
        Some(toml::Value::Table(systems)) => {
            systems.into_iter().find_map(|(_, system)| system.as_table().cloned()).unwrap_or_default()
        }
        _ => whole,
    };
    for key in ["kind", "secrets", "proof", "window", "echo", "server"] {
        table.remove(key);
    }
    let table = Table::deserialize(table).map_err(|error| error.to_string())?;
    let Table { body, time, internal_numbers, call, leg, sequence, at, event, answer: _ } = table;
    let description = Description { body, time, internal_numbers, call, leg, sequence, at, events: event };
    description.check().map_err(|(_, text)| text).map(|()| description)
}

fn request(path: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let header =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    Request {
        source: [192, 0, 2, 1].into(),
        secure: true,
        method: Method::POST,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.iter().map(header).collect::<HeaderMap>(),
        body: Bytes::from(body.to_owned()),
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const NOW: Millis = Millis(1_709_630_100_000);

#[derive(Debug)]
#[allow(dead_code, reason = "shown where a test fails")]
enum Refused {
    Unreadable(Unreadable),
    Unfit(Unfit),
}

/// What a request tells.
fn told(description: &Description, request: &Request) -> Result<Vec<Told>, Refused> {
    let post = Post::read(request, &description.body).map_err(Refused::Unreadable)?;
    description.tell(&post, NOW).map_err(Refused::Unfit)
}
