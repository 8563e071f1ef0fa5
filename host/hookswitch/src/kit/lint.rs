//! Common mistakes of plugins, seen in what they did in plays.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_journal::{
    JobId,
    runs::{Effect, Intent, Reply, Request, Run},
};
use serde_json::Value;

use super::{crm::Seen, scenario::Scenario, single, stage::Play};
use crate::{
    manifest::{Credential, Manifest},
    session::HTTP,
};

/// Functions that return a page and are asked for the next one.
const PAGED: [&str; 2] = ["directory.users", "lookup.by-text"];

/// A mistake, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Remark {
    /// Where: a function or a part of the manifest.
    pub(crate) place: String,
    pub(crate) text: String,
}

/// A scenario's plays: one without trouble, and those in which the host dies after a write.
pub(crate) struct Played {
    pub(crate) scenario: Scenario,
    pub(crate) without: Play,
    pub(crate) with_death: Vec<Play>,
}

impl Played {
    fn plays(&self) -> impl Iterator<Item = &Play> {
        std::iter::once(&self.without).chain(&self.with_death)
    }

    /// For each time that the scenario's CRM was asked this in a play, whether it changed something.
    fn effects(&self, play: &Play, intent: &Intent) -> impl Iterator<Item = bool> {
        let place = place(&intent.url);
        let same = move |seen: &&Seen| {
            seen.request.method == intent.method
                && seen.request.url.path().ends_with(&place)
                && seen.request.body.starts_with(intent.body.start())
        };
        let writes = |at: usize| self.scenario.crm.get(at).is_some_and(|exchange| exchange.writes());
        play.seen.iter().filter(same).map(move |seen| seen.exchange.is_some_and(writes))
    }

    /// Whether a request had an effect once more because the host died after it and repeated it.
    fn repeats(&self, intent: &Intent) -> bool {
        let writes = |play| self.effects(play, intent).filter(|changed| *changed).count();
        self.with_death.iter().any(|play| writes(play) > writes(&self.without))
    }

    /// Whether an earlier try of a job may have had the effect of a request.
    fn may_be_done(&self, play: &Play, run: &Run, intent: &Intent) -> bool {
        let same = |job: JobId| run.begun.job == Some(job);
        let earlier = play
            .runs
            .iter()
            .filter(|(other, _)| other.begun.job.is_some_and(same) && other.begun.attempt < run.begun.attempt);
        earlier
            .flat_map(|(_, requests)| requests)
            .filter(|other| other.intent.method == intent.method && path(&other.intent.url) == path(&intent.url))
            .enumerate()
            .any(|(at, other)| match other.answer.as_ref().map(|answer| &answer.reply) {
                None => true,
                Some(Reply::Error { kind, .. }) => ["in-doubt", "too-large"].contains(&kind.as_str()),
                Some(Reply::Response { status, .. }) => {
                    !(400..500).contains(status) && self.effects(play, &other.intent).nth(at) == Some(true)
                }
            })
    }
}

/// Looks at all plays of a plugin's scenarios.
pub(crate) fn lint(manifest: &Manifest, played: &[Played]) -> BTreeSet<Remark> {
    let mut remarks = BTreeSet::new();
    let mut called = BTreeSet::new();
    for of_one in played {
        for play in of_one.plays() {
            for (run, requests) in &play.runs {
                called.insert(run.begun.function.as_str());
                of_run(of_one, play, (run, requests), &mut remarks);
            }
        }
    }
    // What is given a recording cannot be called by a scenario.
    let callable = |function: &&str| single::FUNCTIONS.contains(function);
    let unseen = manifest.serves().filter(|function| !called.contains(function)).filter(callable);
    remarks.extend(unseen.map(|function| Remark {
        place: function.to_owned(),
        text: "is served, and no scenario calls it: write one".to_owned(),
    }));
    let seen = played.iter().flat_map(Played::plays).flat_map(|play| &play.seen);
    let asked: BTreeSet<String> = seen.map(|seen| seen.request.url.origin().ascii_serialization()).collect();
    let unused = manifest.http.iter().filter(|origin| origin.contains("://") && !origin.contains('*'));
    // Somebody has signed in there before any scenario begins.
    let of_providers: BTreeSet<String> = manifest.credentials.iter().flat_map(Credential::origins).collect();
    let unused = unused.filter(|origin| !asked.contains(*origin) && !of_providers.contains(*origin));
    remarks.extend(unused.map(|origin| Remark {
        place: "manifest http".to_owned(),
        text: format!("{origin} is asked for, and no scenario goes there: every origin is a question to the admin"),
    }));
    remarks
}

fn of_run(of_one: &Played, play: &Play, (run, requests): (&Run, &[Request]), remarks: &mut BTreeSet<Remark>) {
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
            // Answered in an earlier try, and not sent.
            _ if intent.rule.is_some() => {}
            Effect::Once if keyed => remark(format!(
                "{what} has an idempotency key and is sent as `once`: as `idempotent` the host may repeat it after a crash"
            )),
            Effect::Once if !read_before && of_one.may_be_done(play, run, intent) => remark(format!(
                "{what} is sent as `once` on a later try with nothing read before: the try before may have done it; \
                 search first (`search_then_create`)"
            )),
            Effect::Idempotent
                if intent.method == "POST" && !keyed && !holds_key(intent.body.start()) && of_one.repeats(intent) =>
            {
                remark(format!(
                    "{what} is sent as `idempotent`, and nothing in it tells the CRM that it comes twice, so it is done \
                     again: put `job.key` where the CRM keeps it, or send it as `once`; if it only sets a state, say so in \
                     the scenario (`write = false`)"
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

/// The path of a request's URL, behind the credential's name if it stands below one.
fn place(url: &str) -> String {
    match url.split_once('}') {
        Some((_, below)) if url.starts_with('{') => path(below).to_owned(),
        _ => url::Url::parse(url).map_or_else(|_| path(url).to_owned(), |url| url.path().to_owned()),
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
