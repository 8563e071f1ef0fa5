//! `/dial/NAME`: a program of the admin's has calls made, and asks how they stand. Every message is signed.

use std::time::{Duration, Instant};

use hookswitch_web::{Method, Proof, Request, Response, StatusCode, check};
use http::header;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Outside;
use crate::{
    clock,
    config::DialDoor,
    dials::{self, Ask, Patience, Problem, never, standing},
};

/// What is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    number: String,
    extension: Option<String>,
    /// A user of the door's plugin.
    user: Option<String>,
    pbx: Option<String>,
    #[serde(default)]
    line: String,
    /// What the sender knows the call by; the same id twice is one call.
    id: Option<String>,
}

/// Longest id of a sender.
const LONGEST: usize = 128;

/// Answers a message to the door `name`; `id` names a call whose standing is asked for.
pub(super) async fn answer(outside: &Outside, name: &str, id: Option<&str>, request: Request) -> Response {
    let loaded = outside.service.loaded().await;
    let Some(door) = loaded.config.dial.get(name) else {
        return problem(StatusCode::NOT_FOUND, "unknown", "there is nothing here");
    };
    let key = match door.key.read(&format!("[dial.{name}] key"), &loaded.folder) {
        Ok(key) => key,
        Err(error) => {
            tracing::error!(door = name, error, "no message can be proven");
            return problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "not-configured",
                "the key of this address cannot be read",
            );
        }
    };
    let proof = Proof::Signature { scheme: door.scheme.clone(), secret: "key".to_owned(), id: None };
    let now = clock::now().0 / 1000;
    let proven = match check(&[proof], &request, &|_| Some(key.clone()), &outside.replays, now) {
        Ok(proven) => proven,
        Err(refused) => {
            tracing::warn!(door = name, source = %request.source, %refused, "a message is not proven, and refused");
            return problem(
                StatusCode::FORBIDDEN,
                "not-proven",
                "the signature is missing, wrong, late, or was used before",
            );
        }
    };
    let origin = format!("dial/{name}");
    match (id, &request.method) {
        (None, &Method::POST) => {
            if let Err(wait) =
                outside.limiter.admit(origin.clone(), door.per_minute, Duration::from_secs(60), Instant::now())
            {
                proven.take_back(&outside.replays);
                let seconds = wait.as_secs().max(1);
                return problem(StatusCode::TOO_MANY_REQUESTS, "too-often", "there were too many calls in this minute")
                    .with(header::RETRY_AFTER, seconds.into());
            }
            let wish: Wish = match serde_json::from_slice(&request.body) {
                Ok(wish) => wish,
                Err(error) => return problem(StatusCode::BAD_REQUEST, "bad-request", &error.to_string()),
            };
            dial(outside, door, origin, wish).await
        }
        (Some(id), &Method::GET) => match standing(outside.service.journal(), &origin, id).await {
            Ok(Some(standing)) => json_answer(StatusCode::OK, &json!({ "id": id, "standing": standing })),
            Ok(None) => problem(StatusCode::NOT_FOUND, "unknown", "there is no call with this id"),
            Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, "journal", &error.to_string()),
        },
        _ => problem(StatusCode::METHOD_NOT_ALLOWED, "method", "post a call, or get /dial/NAME/ID"),
    }
}

async fn dial(outside: &Outside, door: &DialDoor, origin: String, wish: Wish) -> Response {
    let Wish { number, extension, user, pbx, line, id } = wish;
    if id
        .as_ref()
        .is_some_and(|id| id.is_empty() || id.len() > LONGEST || id.chars().any(|char| !char.is_ascii_graphic()))
    {
        return problem(StatusCode::BAD_REQUEST, "bad-request", "`id` is 1 to 128 visible characters of ASCII");
    }
    if pbx.as_ref().is_some_and(|pbx| !door.allows(pbx)) {
        return problem(StatusCode::FORBIDDEN, "not-permitted", "calls at this phone system are not made from here");
    }
    let Ok(pbx) = door.chosen(pbx) else {
        return problem(StatusCode::BAD_REQUEST, "bad-request", "name the phone system: `pbx`");
    };
    let from = match (extension, &user, &door.plugin) {
        (Some(extension), ..) => Ok(extension),
        (None, Some(user), Some(plugin)) => {
            let found = outside
                .service
                .desk(plugin)
                .and_then(|desk| Some(desk.users().extension_of(pbx.as_deref(), user)?.to_owned()));
            found.ok_or_else(|| never(Problem::Nobody, format!("the user {user} of {plugin} has no extension")))
        }
        (None, Some(_), None) => {
            Err(never(Problem::Nobody, "users are known by a plugin: set `plugin` of this address"))
        }
        (None, None, _) => {
            return problem(StatusCode::BAD_REQUEST, "bad-request", "say whose phone rings: `extension` or `user`");
        }
    };
    let Some(id) = id.or_else(dials::unguessable) else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not-now", "the system gives no chance");
    };
    let ask =
        Ask { origin, key: id.clone(), alike: None, pbx, from, user, number, line, crm_call: None, extra: Vec::new() };
    let ordered = match dials::order(&outside.service, vec![ask], Patience::Waits).await {
        Ok(ordered) => ordered.into_iter().next(),
        Err(error) => return problem(StatusCode::SERVICE_UNAVAILABLE, "journal", &error.to_string()),
    };
    match ordered {
        Some(mut ordered) => match ordered.answer.try_recv() {
            Ok(Err(never)) => {
                let body = json!({ "id": id, "error": never.problem, "text": never.text });
                json_answer(StatusCode::UNPROCESSABLE_ENTITY, &body)
            }
            _ => json_answer(StatusCode::ACCEPTED, &json!({ "id": id, "repeated": ordered.repeated })),
        },
        None => problem(StatusCode::SERVICE_UNAVAILABLE, "journal", "nothing was taken"),
    }
}

pub(super) fn problem(status: StatusCode, error: &str, text: &str) -> Response {
    json_answer(status, &json!({ "error": error, "text": text }))
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    Response::json(status, body.to_string())
}
