//! The fields of a post, from JSON or from a form.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::wire::Request;

/// Everything that a post may have (the sheet).
const KNOWN: [&str; 9] = ["event", "callId", "from", "to", "direction", "user", "queue", "answeringNumber", "cause"];

/// The body as an object; a list in a form is `user[]`.
pub(crate) fn read(request: &Request) -> Result<Value> {
    match request.content_type.as_str() {
        "application/json" => {
            let value: Value = serde_json::from_slice(&request.body).context("the body is not JSON")?;
            if value.is_object() { Ok(value) } else { bail!("the body is no object") }
        }
        "application/x-www-form-urlencoded" => {
            let mut fields = Map::new();
            for (name, value) in url::form_urlencoded::parse(&request.body) {
                match name.strip_suffix("[]") {
                    Some(list) => match fields.entry(list).or_insert_with(|| Value::Array(Vec::new())) {
                        Value::Array(all) => all.push(value.into()),
                        _ => bail!("{list} is a list and none"),
                    },
                    None => {
                        fields.insert(name.into_owned(), value.into());
                    }
                }
            }
            Ok(Value::Object(fields))
        }
        other => bail!("the type `{other}`"),
    }
}

/// What a real Zammad would have swallowed.
pub(crate) fn wrong(post: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |right: bool, what: String| {
        if !right {
            wrong.push(format!("{what}: {post}"));
        }
    };
    let event = post["event"].as_str().unwrap_or_default();
    for (name, value) in post.as_object().into_iter().flatten() {
        check(KNOWN.contains(&name.as_str()), format!("there is no {name}"));
        check(is_text(value) || (name == "user" && event == "newCall" && is_list(value)), format!("an odd {name}"));
    }
    for name in ["callId", "from", "to"] {
        check(post.get(name).is_some(), format!("no {name}"));
    }
    for name in ["from", "to"] {
        let number = post[name].as_str().unwrap_or_default();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        check(is_number && !number.starts_with("00") || number == "anonymous", format!("{name} is no number"));
    }
    let causes = ["normalClearing", "busy", "cancel", "noAnswer", "congestion", "notFound", "forwarded"];
    match event {
        "hangup" => check(post["cause"].as_str().is_some_and(|cause| causes.contains(&cause)), "the cause".to_owned()),
        _ => check(post.get("cause").is_none(), "a cause before the end".to_owned()),
    }
    check(event == "newCall" || post.get("queue").is_none(), "a queue later than at the ring".to_owned());
    check(event != "newCall" || post.get("answeringNumber").is_none(), "an answer at the ring".to_owned());
    wrong
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_list(value: &Value) -> bool {
    value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_text))
}
