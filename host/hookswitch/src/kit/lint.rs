//! Common mistakes of plugins, seen in what they did in plays.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_journal::runs::{Effect, Reply, Request, Run};
use serde_json::Value;

use super::stage::Play;
use crate::{manifest::Manifest, session::HTTP};

/// Functions that return a page and are asked for the next one.
const PAGED: [&str; 2] = ["directory.users", "lookup.by-text"];

/// A mistake, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Remark {
    /// Where: a function or a part of the manifest.
    pub(crate) place: String,
    pub(crate) text: String,
}

/// Looks at all plays of a plugin's scenarios.
pub(crate) fn lint(manifest: &Manifest, plays: &[Play]) -> BTreeSet<Remark> {
    let mut remarks = BTreeSet::new();
    let mut called = BTreeSet::new();
    for (run, requests) in plays.iter().flat_map(|play| &play.runs) {
        called.insert(run.begun.function.as_str());
        of_run(run, requests, &mut remarks);
    }
    let unseen = manifest.serves().filter(|function| !called.contains(function));
    remarks.extend(unseen.map(|function| Remark {
        place: function.to_owned(),
        text: "is served, and no scenario calls it: write one".to_owned(),
    }));
    let asked: BTreeSet<String> =
        plays.iter().flat_map(|play| &play.seen).map(|seen| seen.request.url.origin().ascii_serialization()).collect();
    let unused = manifest.http.iter().filter(|origin| origin.contains("://") && !origin.contains('*'));
    remarks.extend(unused.filter(|origin| !asked.contains(*origin)).map(|origin| Remark {
        place: "manifest http".to_owned(),
        text: format!("{origin} is asked for, and no scenario goes there: every origin is a question to the admin"),
    }));
    remarks
}

fn of_run(run: &Run, requests: &[Request], remarks: &mut BTreeSet<Remark>) {
    let http: Vec<&Request> = requests.iter().filter(|request| request.intent.kind == HTTP).collect();
    let mut remark = |text: String| {
        remarks.insert(Remark { place: run.begun.function.clone(), text });
    };
    let mut read_before = false;
    let mut pages: BTreeMap<&str, usize> = BTreeMap::new();
    for request in &http {
        *pages.entry(path(&request.intent.url)).or_default() += 1;
    }
    for Request { intent, answer } in http {
        let what = format!("{} {}", intent.method, path(&intent.url));
        let keyed = intent.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"));
        match intent.effect {
            Effect::Read => read_before = true,
            Effect::Once if keyed => remark(format!(
                "{what} has an idempotency key and is sent as `once`: as `idempotent` the host may repeat it after a crash"
            )),
            Effect::Once if !read_before && run.begun.attempt > 1 => remark(format!(
                "{what} is sent as `once` on a later try with nothing read before: the try before may have done it; \
                 search first (`search_then_create`)"
            )),
            Effect::Idempotent if intent.method == "POST" && !keyed && !holds_key(intent.body.start()) => {
                remark(format!(
                    "{what} is sent as `idempotent`, and nothing in it tells the CRM that it comes twice: put `job.key` \
                     where the CRM keeps it, or send it as `once`"
                ));
            }
            _ => {}
        }
        if intent.effect == Effect::Read && ["PUT", "PATCH", "DELETE"].contains(&intent.method.as_str()) {
            remark(format!("{what} is sent as `read`: the host would repeat it at will"));
        }
        let Some(Reply::Response { status, body, .. }) = answer.as_ref().map(|answer| &answer.reply) else { continue };
        let more = body.whole().is_some_and(has_more) && pages.get(path(&intent.url)) == Some(&1);
        if (200..300).contains(status) && more && !PAGED.contains(&run.begun.function.as_str()) {
            remark(format!(
                "{what} was answered with a page that says that there are more, and no further one is asked for"
            ));
        }
    }
}

fn path(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Whether a body holds something that looks like a key of `job.key`: hexadecimal, and long.
fn holds_key(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').any(|word| word.len() >= 16)
}

/// Whether an answer says that it is only a page of more.
fn has_more(body: &[u8]) -> bool {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return false };
    let says = |value: Option<&Value>| match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    let names = ["next", "next_page", "nextPage", "next_cursor", "nextCursor", "has_more", "hasMore", "nextPageToken"];
    let inside = |name: &str| answer.get(name).and_then(Value::as_object).is_some_and(|links| says(links.get("next")));
    names.iter().any(|name| says(answer.get(*name))) || inside("links") || inside("paging") || inside("pagination")
}
