//! A CRM that gives away all it knows: it echoes secrets in every spelling, in headers, in values and in errors.

use std::{collections::BTreeSet, sync::Mutex};

use serde_json::Value;

use crate::{
    server::{Reply, Request},
    spelling::{Course, Secret},
};

/// In an answer, stands for all secrets in every spelling.
pub const ECHO: &str = "@ECHO@";

/// What such a CRM says.
pub struct Crm {
    secrets: Vec<Secret>,
    /// What a better one would answer, by path, with [`ECHO`] in its values.
    answer: fn(&str) -> Value,
    /// Where it has given away a secret that is its own.
    given: Mutex<BTreeSet<String>>,
}

impl Crm {
    pub fn new(secrets: Vec<Secret>, answer: fn(&str) -> Value) -> Self {
        Self { secrets, answer, given: Mutex::default() }
    }

    /// The first time it is asked at a place it fails, and says why at length.
    pub fn reply(&self, Request { place, nth }: &Request) -> Reply {
        let mut given = self.given.lock().expect("nobody panics with the lock");
        let is_told = |secret: &&Secret| match secret.course {
            // In the answer that brings it, it stands at its place only.
            Course::Given(at) => given.contains(at),
            Course::Sent | Course::Kept => true,
        };
        let told = self.secrets.iter().filter(is_told);
        let spellings: Vec<_> = told.flat_map(Secret::spellings).map(|spelling| spelling.written).collect();
        let is_token = |text: &&String| text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut headers: Vec<_> =
            spellings.iter().filter(is_token).map(|text| ("x-echo".to_owned(), text.clone())).collect();
        if *nth == 0 {
            headers.push(("content-type".to_owned(), "text/html".to_owned()));
            return Reply { status: 500, headers, body: format!("<html>500 {}</html>", spellings.join("\n")) };
        }
        given.insert(place.clone());
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        // Each spelling as it is, wherever it may stand in a text of JSON.
        let is_inside = |text: &&String| serde_json::from_str::<String>(&format!("\"{text}\"")).is_ok();
        let inside: Vec<&str> = spellings.iter().filter(is_inside).map(String::as_str).collect();
        Reply { status: 200, headers, body: (self.answer)(place).to_string().replace(ECHO, &inside.join(" ")) }
    }
}
