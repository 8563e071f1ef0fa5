//! A CRM that gives away all it knows: it echoes secrets in every spelling, in headers, in values, in errors and in
//! redirects.

use std::{
    collections::BTreeMap,
    iter,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use serde_json::{Value, json};

use crate::{
    server::{Reply, Request},
    spelling::{Course, Secret},
};

/// In an answer, stands for all secrets in every spelling.
pub const ECHO: &str = "@ECHO@";

/// Asked for the second time, it takes the token for one that has run out.
pub const STALE: &str = "/stale";
/// It leads to somebody else's.
pub const AWAY: &str = "/away";
/// The same, with all secrets in the address.
pub const AWAY_WITH_ALL: &str = "/away-with-all";

/// Where tokens are asked for. After its failure so many requests are refused with an explanation, each with other
/// spellings in it.
pub const TOKENS: [(&str, usize); 2] = [("/oauth", 5), ("/fetch", 1)];
/// Explanations are cut after 200 characters; what stands in one must be shorter.
const EXPLANATION: usize = 160;
/// Bytes of headers that echo; more than 16 KiB of them all would not be taken.
const HEADERS: usize = 12 * 1024;

/// What such a CRM says.
pub struct Crm {
    /// The decoy is the first.
    secrets: Vec<Secret>,
    /// What a better one would answer, with [`ECHO`] in its values.
    answer: fn(&Request) -> Value,
    /// Somebody else's origin.
    elsewhere: String,
    /// How far each place has been asked, for the secrets that it gives away of its own.
    given: Mutex<BTreeMap<String, usize>>,
    replies: AtomicUsize,
}

impl Crm {
    pub fn new(secrets: Vec<Secret>, answer: fn(&Request) -> Value, elsewhere: String) -> Self {
        Self { secrets, answer, elsewhere, given: Mutex::default(), replies: AtomicUsize::new(0) }
    }

    /// The first time it is asked at a place it fails, and says why at length.
    pub fn reply(&self, request: &Request) -> Reply {
        let told = self.told(request);
        let spellings: Vec<_> = told.iter().flat_map(|secret| secret.spellings()).map(|one| one.written).collect();
        let mut headers = self.headers(&told);
        let mut reply = |status, kind: &str, body| {
            headers.push(("content-type".to_owned(), kind.to_owned()));
            Reply { status, headers: std::mem::take(&mut headers), body }
        };
        if request.nth == 0 {
            return reply(500, "text/html", format!("<html>500 {}</html>", spellings.join("\n")));
        }
        // Each spelling as it is, wherever it may stand in a text of JSON.
        let is_inside = |text: &&String| serde_json::from_str::<String>(&format!("\"{text}\"")).is_ok();
        let inside: Vec<&str> = spellings.iter().filter(is_inside).map(String::as_str).collect();
        let answer = (self.answer)(request);
        if TOKENS.iter().any(|(place, refusals)| *place == request.place && request.nth <= *refusals) {
            let refused = json!({"error": "temporarily_unavailable", "error_description": ECHO}).to_string();
            return reply(400, "application/json", refused.replace(ECHO, &explanation(&inside, request.nth)));
        }
        let body = answer.to_string().replace(ECHO, &inside.join(" "));
        match request.place.as_str() {
            STALE if request.nth == 1 => reply(401, "application/json", body),
            AWAY | AWAY_WITH_ALL => {
                let mut location = format!("{}/elsewhere?led=away", self.elsewhere);
                if request.place == AWAY_WITH_ALL {
                    let in_url = |text: &&String| {
                        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%+".contains(&byte))
                    };
                    location.extend(spellings.iter().filter(in_url).flat_map(|text| ["&all=", text]));
                }
                let mut reply = reply(307, "application/json", body);
                reply.headers.push(("location".to_owned(), location));
                reply
            }
            _ => reply(200, "application/json", body),
        }
    }

    /// The secrets that it knows by now, without those that it gives away with this answer: there they stand at their
    /// place only.
    fn told(&self, Request { place, nth }: &Request) -> Vec<&Secret> {
        let mut given = self.given.lock().expect("nobody panics with the lock");
        let is_told = |secret: &&Secret| match secret.course {
            Course::Given(at, when) => given.get(at).is_some_and(|asked| *asked >= when),
            Course::Sent | Course::Kept => true,
            Course::Used | Course::Passed => false,
        };
        let told = self.secrets.iter().filter(is_told).collect();
        given.insert(place.clone(), *nth);
        told
    }

    /// Spellings that are tokens: those of the decoy, and of as many secrets as find room, each time from another one on.
    fn headers(&self, told: &[&Secret]) -> Vec<(String, String)> {
        let turn = self.replies.fetch_add(1, Relaxed);
        let Some((decoy, others)) = told.split_first() else { return Vec::new() };
        let in_turn = others.iter().cycle().skip(turn % others.len().max(1)).take(others.len());
        let mut room = HEADERS;
        let tokens = |secret: &Secret| {
            let written = secret.spellings().into_iter().map(|spelling| spelling.written);
            let is_token = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
            ("x-echo".to_owned(), written.filter(is_token).collect::<Vec<_>>().join(" "))
        };
        let headers = iter::once(decoy).chain(in_turn).map(|secret| tokens(secret));
        headers.take_while(|(name, value)| (room = room.saturating_sub(name.len() + value.len()), room > 0).1).collect()
    }
}

/// The `nth` part of all spellings.
fn explanation(spellings: &[&str], nth: usize) -> String {
    let mut parts = vec![String::new()];
    for spelling in spellings.iter().filter(|spelling| spelling.len() < EXPLANATION) {
        if parts.last().is_some_and(|part| part.len() + spelling.len() >= EXPLANATION) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(spelling);
            part.push(' ');
        }
    }
    parts[nth % parts.len()].clone()
}
