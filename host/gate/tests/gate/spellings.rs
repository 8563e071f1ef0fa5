//! Whatever a secret is made of, and however a CRM writes it, it does not come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hookswitch_gate::{Credential, Gate, Options, Place};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::places::secret;
use crate::server::{Server, get, grant, ok, post, with};

/// JSON as PHP writes it.
fn php(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' | '/' => format!("\\{c}"),
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    text.chars().map(escaped).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// The secret in other notations; the number says how much around it may stay.
fn echoes(secret: &str) -> Vec<(&'static str, String, usize)> {
    let units: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let mut echoes = vec![
        ("plain", secret.to_owned(), 0),
        ("upper case", secret.to_ascii_uppercase(), 0),
        ("json", json(secret), 0),
        ("php", php(secret), 0),
        ("json escapes", units, 0),
        ("json in json", json(&json(secret)), 0),
        ("php in json", json(&php(secret)), 0),
        ("php in php", php(&php(secret)), 0),
        ("percent", percent(secret), 0),
        ("percent, lower case", percent(secret).to_lowercase(), 0),
        ("percent of all", utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(), 0),
        ("percent of percent", percent(&percent(secret)), 0),
        ("percent of json", percent(&json(secret)), 0),
        ("form", url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(), 0),
        ("html", html(secret), 0),
        ("hex", secret.bytes().map(|byte| format!("{byte:02X}")).collect(), 0),
    ];
    for before in ["", "x", "xy", "user:"] {
        let text = format!("{before}{secret}!");
        echoes.push(("base64", STANDARD.encode(&text), 16));
        echoes.push(("base64 without padding", STANDARD_NO_PAD.encode(&text), 16));
        echoes.push(("base64 for urls", URL_SAFE.encode(&text), 16));
        echoes.push(("base64 for urls without padding", URL_SAFE_NO_PAD.encode(&text), 16));
        echoes.push(("percent of base64", percent(&STANDARD.encode(&text)), 24));
        echoes.push(("php of base64", php(&STANDARD.encode(&text)), 16));
    }
    echoes
}

const MARK: char = '\u{1}';

#[test]
fn a_secret_of_any_characters_is_found_in_every_spelling() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let answer = Arc::new(Mutex::new(String::new()));
    let given = Arc::clone(&answer);
    let server = runtime.block_on(Server::start(move |_| ok(&given.lock().unwrap())));
    let character = prop_oneof![
        3 => any::<char>().prop_filter("no control character", |c| !c.is_control()),
        3 => proptest::char::range('!', '~'),
        1 => proptest::sample::select("/+\\\"'&<>%= {}|äß€😀".chars().collect::<Vec<_>>()),
    ];
    let text = proptest::collection::vec(character, 8..40).prop_map(String::from_iter);
    let secrets = text.prop_filter("long enough without white space", |text| text.trim().chars().count() >= 8);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(150) });
    runner
        .run(&(secrets, any::<bool>()), |(text, is_password)| {
            let value = text.trim();
            let origins = vec![grant(&server.url(""))];
            let credential = if is_password {
                Credential::basic("user", &secret(&text), origins)
            } else {
                Credential::api_key(&secret(&text), Place::Query { name: "key".into() }, origins)
            };
            let credentials = BTreeMap::from([("api".into(), credential.unwrap())]);
            let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
            let echoes = echoes(value);
            let all: Vec<&str> = echoes.iter().map(|(_, echo, _)| echo.as_str()).collect();
            *answer.lock().unwrap() = all.join(&MARK.to_string());
            let response = runtime.block_on(gate.send(with("api", get(&server.url("/x"))))).unwrap();
            let body = String::from_utf8(response.body.to_vec()).unwrap();
            let parts: Vec<&str> = body.split(MARK).collect();
            prop_assert_eq!(parts.len(), echoes.len());
            for ((name, echo, around), part) in echoes.iter().zip(parts) {
                let rest = part.replacen("{api}", "", 1);
                prop_assert!(part.contains("{api}") && rest.len() <= *around, "{}: {:?} of {:?}", name, part, echo);
            }
            let denied = runtime.block_on(gate.send(with("api", post("http://127.0.0.9/", "")))).unwrap_err();
            let shown = format!("{:?} {:?} {denied} {denied:?}", response.sent, response.headers);
            prop_assert!(!shown.contains(value) && !shown.contains(&percent(value)), "{}", shown);
            Ok(())
        })
        .unwrap();
}
