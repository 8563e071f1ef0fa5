//! A CRM that gives away all it knows: it echoes secrets in every spelling, in headers, in values and in errors.

use serde_json::Value;

use crate::{
    server::{Reply, Request},
    spelling::Secret,
};

/// In an answer, stands for all secrets in every spelling.
pub const ECHO: &str = "@ECHO@";

/// What such a CRM says to a request. `answer` is what a better one would: a value with [`ECHO`] in it.
pub fn reply(secrets: &[Secret], request: &Request, answer: &Value) -> Reply {
    let spellings: Vec<_> = secrets.iter().flat_map(Secret::spellings).map(|spelling| spelling.written).collect();
    let is_token = |text: &&String| text.bytes().all(|byte| byte.is_ascii_graphic());
    let mut headers: Vec<_> =
        spellings.iter().filter(is_token).map(|text| ("x-echo".to_owned(), text.clone())).collect();
    // The first time it fails, and says why at length.
    if request.nth == 0 {
        headers.push(("content-type".to_owned(), "text/html".to_owned()));
        return Reply { status: 500, headers, body: format!("<html>500 {}</html>", spellings.join("\n")) };
    }
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    // Each spelling as it is, wherever it may stand in a text of JSON.
    let is_inside = |text: &&String| serde_json::from_str::<String>(&format!("\"{text}\"")).is_ok();
    let inside: Vec<&str> = spellings.iter().filter(is_inside).map(String::as_str).collect();
    Reply { status: 200, headers, body: answer.to_string().replace(ECHO, &inside.join(" ")) }
}
