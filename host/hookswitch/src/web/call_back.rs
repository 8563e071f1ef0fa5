//! `/callback/NAME`: visitors of a web site leave a number and are called.
//!
//! Nothing here is proven, as whoever visits a page is unknown. So the doors are narrow: pages of listed origins only, a
//! number of listed countries that the dial rules allow, in working hours, so often per address, number and hour, each
//! with a ticket that the page has fetched a moment before; and a visitor hears no more of a call than how it stands.

use std::time::{Duration, Instant};

use hookswitch_call::{Millis, number::Number};
use hookswitch_web::{HeaderValue, Method, Request, Response, StatusCode};
use http::header;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    Outside,
    ask::{json_answer, problem},
};
use crate::{
    clock,
    config::{CallBack, Loaded, are_open, next_opening},
    dials::{self, Ask, Patience, standing},
};

/// The form and its work, for the page of the admin.
const SNIPPET: &str = include_str!("call_back/snippet.js");
/// What stands in the snippet for its settings.
const SETTINGS: &str = "__SETTINGS__";

const HOUR: Duration = Duration::from_secs(3600);
/// Nobody types a number faster, and nobody leaves a page open for longer, in milliseconds.
const FASTEST: u64 = 1_000;
const LONGEST: u64 = 60 * 60 * 1000;
/// How often an address may fetch tickets and ask how its call stands, an hour.
const QUESTIONS: u32 = 2_000;

/// What a page posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    number: String,
    ticket: String,
    /// People do not see this field; programs fill it in.
    #[serde(default)]
    website: String,
}

/// Answers a request below `/callback/NAME`.
pub(super) async fn answer(outside: &Outside, name: &str, rest: &[&str], request: Request) -> Response {
    let loaded = outside.service.loaded().await;
    let Some(config) = loaded.config.callback.get(name) else {
        return problem(StatusCode::NOT_FOUND, "unknown", "there is nothing here");
    };
    if let (["snippet.js"], &Method::GET) = (rest, &request.method) {
        return snippet(&loaded, name, config);
    }
    // A browser says where its page comes from, and pages cannot change it.
    let origin = request.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin.filter(|origin| config.origins.iter().any(|known| known == origin)).map(str::to_owned)
    else {
        return problem(StatusCode::FORBIDDEN, "origin", "this page may not use it: see `origins`");
    };
    let reply = match (rest, &request.method) {
        (_, &Method::OPTIONS) => Response::new(StatusCode::NO_CONTENT)
            .with(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"))
            .with(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"))
            .with(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600")),
        ([], &Method::GET) => opening(outside, &loaded, name, config, &origin, &request),
        ([], &Method::POST) => call(outside, &loaded, name, config, &origin, &request).await,
        ([id], &Method::GET) => state(outside, name, id, &request).await,
        _ => problem(StatusCode::METHOD_NOT_ALLOWED, "method", "get, or post a number"),
    };
    let allowed = HeaderValue::from_str(&origin).unwrap_or(HeaderValue::from_static("null"));
    reply.with(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed).with(header::VARY, HeaderValue::from_static("Origin"))
}

fn snippet(loaded: &Loaded, name: &str, config: &CallBack) -> Response {
    let Some(url) = &loaded.config.server.public_url else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not-configured", "[server] public-url is not set");
    };
    let settings = json!({ "url": url.at(&format!("/callback/{name}")), "texts": config.texts });
    // In a script a `<` could begin the end of it.
    let settings = settings.to_string().replace('<', "\\u003c");
    Response::text(StatusCode::OK, SNIPPET.replacen(SETTINGS, &settings, 1))
        .with(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"))
        .with(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))
}

/// Whether visitors are called now, and a ticket to be called with.
fn opening(
    outside: &Outside,
    loaded: &Loaded,
    name: &str,
    config: &CallBack,
    origin: &str,
    request: &Request,
) -> Response {
    if let Err(refused) = questions(outside, name, request) {
        return refused;
    }
    let now = clock::now();
    let zone = loaded.config.server.zone();
    let Ok(at) = Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or_default()) else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "clock", "the clock is wrong");
    };
    let at = at.to_zoned(zone);
    let open = are_open(&config.hours, &at);
    let opens = if open { None } else { next_opening(&config.hours, &at) };
    let opens = opens.map(|opens| opens.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    json_answer(StatusCode::OK, &json!({ "open": open, "opens": opens, "ticket": ticket(outside, name, origin, now) }))
}

async fn call(
    outside: &Outside,
    loaded: &Loaded,
    name: &str,
    config: &CallBack,
    origin: &str,
    request: &Request,
) -> Response {
    let wish: Wish = match serde_json::from_slice(&request.body) {
        Ok(wish) => wish,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "bad-request", &error.to_string()),
    };
    let now = clock::now();
    if !wish.website.is_empty() || !is_valid(outside, name, origin, &wish.ticket, now) {
        return problem(
            StatusCode::FORBIDDEN,
            "ticket",
            "get a ticket first, and post it with a number a moment later",
        );
    }
    let zone = loaded.config.server.zone();
    let at = Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or_default()).ok().map(|at| at.to_zoned(zone));
    if !at.is_some_and(|at| are_open(&config.hours, &at)) {
        return problem(StatusCode::CONFLICT, "closed", "visitors are called in working hours");
    }
    let Some(pbx) = config.pbx(&loaded.config).and_then(|pbx| loaded.config.pbx.get_key_value(pbx)) else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not-configured", "there is no phone system");
    };
    let (pbx, system) = pbx;
    let numbering = system.numbering(&config.line, loaded.config.server.region.as_deref());
    let number = Number::parse(&wish.number, &numbering);
    let at_home = |region: &String| config.countries.iter().any(|country| country.eq_ignore_ascii_case(region));
    let Some(e164) = number.e164.clone().filter(|_| number.region.as_ref().is_some_and(at_home)) else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "number", "this number is not called from here");
    };
    let origin_of_dial = format!("callback/{name}");
    if is_under_way(outside, config, &origin_of_dial, &e164, now).await {
        return problem(StatusCode::CONFLICT, "already", "this number is being called, or was a moment ago");
    }
    let limits = [
        (format!("{origin_of_dial} address {}", request.source), config.limits.per_address),
        (format!("{origin_of_dial} number {e164}"), config.limits.per_number),
        (origin_of_dial.clone(), config.limits.in_all),
    ];
    for (counted, most) in limits {
        if let Err(wait) = outside.limiter.admit(counted, most, HOUR, Instant::now()) {
            tracing::warn!(callback = name, source = %request.source, "a visitor is not called: too many calls");
            return problem(StatusCode::TOO_MANY_REQUESTS, "too-often", "there were too many calls")
                .with(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
    }
    let Some(id) = dials::unguessable() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not-now", "the system gives no chance");
    };
    let ask = Ask {
        origin: origin_of_dial,
        key: id.clone(),
        alike: None,
        pbx: Some(pbx.clone()),
        from: Ok(config.from.clone()),
        user: None,
        number: e164,
        line: config.line.clone(),
        crm_call: None,
        extra: Vec::new(),
    };
    match dials::order(&outside.service, vec![ask], Patience::Waits).await {
        Ok(mut ordered) => match ordered.first_mut().map(|ordered| ordered.answer.try_recv()) {
            // What the admin's rules say is not the visitor's business.
            Some(Ok(Err(_))) => {
                problem(StatusCode::UNPROCESSABLE_ENTITY, "number", "this number is not called from here")
            }
            _ => json_answer(StatusCode::ACCEPTED, &json!({ "id": id })),
        },
        Err(error) => {
            tracing::error!(callback = name, %error, "a visitor's wish cannot be written down");
            problem(StatusCode::SERVICE_UNAVAILABLE, "not-now", "try again in a moment")
        }
    }
}

/// Whether the number is being called from here, or was a short while ago.
async fn is_under_way(outside: &Outside, config: &CallBack, origin: &str, number: &str, now: Millis) -> bool {
    let (origin, number) = (origin.to_owned(), number.to_owned());
    let last = outside.service.journal().read(move |view| view.last_dialled(&origin, &number)).await;
    let again_after = config.again_after.0.as_millis();
    last.is_ok_and(|last| {
        last.is_some_and(|last| last.never.is_none() && u128::from(now.since(last.created)) < again_after)
    })
}

/// How the call of a visitor stands, in a word.
async fn state(outside: &Outside, name: &str, id: &str, request: &Request) -> Response {
    if let Err(refused) = questions(outside, name, request) {
        return refused;
    }
    let found = standing(outside.service.journal(), &format!("callback/{name}"), id).await;
    let Ok(Some(found)) = found else {
        return problem(StatusCode::NOT_FOUND, "unknown", "there is no such call");
    };
    let word = match (&found.problem, &found.call) {
        (Some(_), _) => "failed",
        (None, Some(call)) if call.outcome == "answered" => "done",
        (None, Some(call)) if !call.outcome.is_empty() => "failed",
        (None, Some(call)) if call.state == "talking" || call.state == "held" => "talking",
        _ => "calling",
    };
    json_answer(StatusCode::OK, &json!({ "state": word }))
}

fn questions(outside: &Outside, name: &str, request: &Request) -> Result<(), Response> {
    let counted = format!("callback/{name} questions {}", request.source);
    outside.limiter.admit(counted, QUESTIONS, HOUR, Instant::now()).map_err(|wait| {
        problem(StatusCode::TOO_MANY_REQUESTS, "too-often", "ask less often")
            .with(header::RETRY_AFTER, wait.as_secs().max(1).into())
    })
}

/// A ticket says when it was given, to a page of which origin; only this process can make one.
fn ticket(outside: &Outside, name: &str, origin: &str, at: Millis) -> String {
    let nonce = fastrand::u64(..);
    let proof = proof(outside, name, origin, at, nonce);
    format!("{}.{nonce:016x}.{}", at.0, proof.to_hex())
}

fn proof(outside: &Outside, name: &str, origin: &str, at: Millis, nonce: u64) -> blake3::Hash {
    blake3::keyed_hash(&outside.ticket_key, format!("{name}\n{origin}\n{}\n{nonce:016x}", at.0).as_bytes())
}

/// Whether a ticket is genuine, neither too fresh nor too old, and was not used before.
fn is_valid(outside: &Outside, name: &str, origin: &str, ticket: &str, now: Millis) -> bool {
    let mut parts = ticket.splitn(3, '.');
    let read = (|| {
        let at = Millis(parts.next()?.parse().ok()?);
        let nonce = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some((at, nonce, blake3::Hash::from_hex(parts.next()?).ok()?))
    })();
    let Some((at, nonce, shown)) = read else { return false };
    // Hashes are compared in constant time.
    proof(outside, name, origin, at, nonce) == shown
        && (FASTEST..LONGEST).contains(&now.since(at))
        && outside
            .limiter
            .admit(format!("ticket {nonce:016x}"), 1, Duration::from_millis(LONGEST), Instant::now())
            .is_ok()
}
