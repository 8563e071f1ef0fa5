//! Secrets that a plugin asks for itself, such as a token in an answer: the host keeps them, the plugin gets a mask.

use hyper::body::Bytes;

use crate::error::{Error, Malformed};
use crate::grant::Grant;
use crate::json::{self, Json};
use crate::request::Response;
use crate::secrets::Secrets;
use crate::target::Target;
use crate::vault::Kept;

/// Places that a request may name, and names in each.
const MAX_PLACES: usize = 16;
const MAX_DEPTH: usize = 16;

/// Bytes of one secret at most.
const LONGEST: usize = 16 * 1024;

/// Judges the places that a request names: `access_token`, `result.0.uploadUrl`.
pub(crate) fn check(places: &[String], secrets: &Secrets) -> Result<(), Malformed> {
    if places.is_empty() {
        return Ok(());
    }
    if secrets.vault.is_none() {
        return Err(Malformed::KeepSecret { reason: "this host has no store for secrets" });
    }
    if places.len() > MAX_PLACES {
        return Err(Malformed::KeepSecret { reason: "more than 16 places" });
    }
    let bad = |place: &String| place.split('.').any(str::is_empty) || place.split('.').count() > MAX_DEPTH;
    if places.iter().any(bad) {
        return Err(Malformed::KeepSecret {
            reason: "a place is 1 to 16 names with dots between, as in `result.token`",
        });
    }
    Ok(())
}

/// Keeps what stands at `places` of a successful answer in JSON, and puts masks there. Texts and numbers are kept; what
/// is something else, or not there, is left alone.
pub(crate) async fn keep(mut response: Response, places: &[String], secrets: &Secrets) -> Result<Response, Error> {
    let Some(vault) = secrets.vault.as_deref().filter(|_| !places.is_empty()) else { return Ok(response) };
    if !(200..300).contains(&response.status) {
        return Ok(response);
    }
    let Some((body, values)) = masked(&response.body, places, |value| secrets.masks.of_value(value)) else {
        return Ok(response);
    };
    let lost = |cause: &str, response: Response| {
        let cause = format!("the secret in the answer cannot be kept: {cause}");
        Error::InDoubt { cause, sent: Box::new(response.sent) }
    };
    if values.iter().any(|(_, value)| value.len() > LONGEST) {
        return Err(lost("it is longer than 16 KiB", response));
    }
    let from = Grant::from(&response.sent.origin);
    let kept =
        values.into_iter().map(|(mask, value)| Kept { mask, origins: origins(&from, &value), value: value.into() });
    if let Err(cause) = secrets.keep(vault, kept.collect()).await {
        return Err(lost(&cause, response));
    }
    response.body = body;
    Ok(response)
}

/// The body with masks, and what they stand for; `None` where there is no secret.
fn masked(body: &[u8], places: &[String], mask: impl Fn(&str) -> String) -> Option<(Bytes, Vec<(String, String)>)> {
    let json = Json::parse(body)?;
    let mut found: Vec<_> = places.iter().flat_map(|place| json.find(&place.split('.').collect::<Vec<_>>())).collect();
    found.sort_by_key(|range| range.start);
    found.dedup();
    let (mut values, mut masks) = (Vec::new(), Vec::new());
    for range in found {
        let Some(value) = value(json.text(&range)) else { continue };
        let mask = mask(&value);
        masks.push((range, json::string(&mask)));
        values.push((mask, value));
    }
    (!values.is_empty()).then(|| (json.replaced(masks).into(), values))
}

/// The text or number that a JSON value is. An empty text hides nothing.
fn value(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => {
            // Half a surrogate pair is JSON, but no text.
            let text = serde_json::from_str(json).unwrap_or_else(|_| json.trim_matches('"').to_owned());
            (!text.is_empty()).then_some(text)
        }
        b'-' | b'0'..=b'9' => Some(json.to_owned()),
        _ => None,
    }
}

/// Where a kept secret may go: to where it came from, and to where it leads.
fn origins(from: &Grant, value: &str) -> Vec<Grant> {
    let mut origins = vec![from.clone()];
    let leads = Target::absolute(value.trim()).ok().map(|target| Grant::from(&target.origin));
    origins.extend(leads.filter(|leads| leads != from));
    origins
}
