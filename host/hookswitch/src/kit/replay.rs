//! What a plugin did in production, played again: each run gets the answers that it got then, and what it asks for now is
//! held against what it asked for then.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef,
    calls::Accepted,
    directory::Directory,
    runs::{Effect, Reply, Request},
    storage,
};
use hookswitch_runtime::contract::storage::Entry;
use serde_json::Value;

use super::{
    Kit,
    exchange::{Answer, AnswerFault, Exchange},
    scenario::{Scenario, Single},
    scene::Scene,
    single,
    stage::Life,
    trace::{Doing, Trace},
    wiring::PLUGIN,
};
use crate::{
    clock::Clock,
    desk::seed_of,
    session::{HTTP, STORAGE},
    sites::People,
    users::Users,
};

/// What one run may take, of the world's time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as traces show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) effect: Effect,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let intent = &request.intent;
        let body = intent.body.start().to_vec();
        Self { method: intent.method.clone(), url: intent.url.clone(), effect: intent.effect, body }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        if !self.body.is_empty() {
            write!(f, "  {}", String::from_utf8_lossy(&self.body).chars().take(400).collect::<String>())?;
        }
        Ok(())
    }
}

/// How a run went this time.
#[derive(Clone, Debug)]
pub(crate) struct Replayed {
    pub(crate) asked: Vec<Asked>,
    /// What was asked for, and was not asked for in production: it has no answer.
    pub(crate) unmatched: Vec<String>,
    /// In a word: `ok`, `temporary`, `trap` …
    pub(crate) outcome: String,
}

/// How two runs of the same work differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Asked for before, and not any more.
    Gone(Asked),
    /// Asked for now, and not before.
    New(Asked),
    /// The run ends in another way.
    Outcome(String, String),
}

/// What production asked for.
pub(crate) fn recorded(doing: &Doing) -> Replayed {
    let http = doing.requests.iter().filter(|request| request.intent.kind == HTTP);
    let outcome = doing.run.ended.as_ref().map(|ended| ended.outcome.clone()).unwrap_or_default();
    Replayed { asked: http.map(Asked::of).collect(), unmatched: Vec::new(), outcome }
}

/// How `now` differs from `before`.
pub(crate) fn changes(before: &Replayed, now: &Replayed) -> Vec<Change> {
    let mut left: Vec<&Asked> = now.asked.iter().collect();
    let mut changes = Vec::new();
    for asked in &before.asked {
        match left.iter().position(|other| *other == asked) {
            Some(at) => drop(left.remove(at)),
            None => changes.push(Change::Gone(asked.clone())),
        }
    }
    changes.extend(left.into_iter().cloned().map(Change::New));
    if before.outcome != now.outcome {
        changes.push(Change::Outcome(before.outcome.clone(), now.outcome.clone()));
    }
    changes
}

impl Kit {
    /// Plays one run of a trace.
    ///
    /// # Errors
    ///
    /// It cannot be played with this plugin.
    pub(crate) fn replay(&self, trace: &Trace, doing: &Doing) -> Result<Replayed, String> {
        let scenario = self.scenario(trace, doing);
        let Scene { crm, loaded, .. } = &self.scene(&scenario, None)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let clock = Clock::Story(Arc::new(AtomicU64::new(doing.run.begun.started.0)));
            let life = Life::begin(self, loaded, clock, Instant::now() + PATIENCE, false).await?;
            let call = CallRef::from(&doing.call);
            let seed = doing.run.begun.job.map(|job| seed_of(job, doing.created));
            furnish(&life, doing, trace).await?;
            let came = single::in_call(&life.desk, &scenario.runs, &call, seed).await;
            let journal = life.journal.clone();
            let runs = journal.read(|view| {
                let last = view.all_runs()?.into_iter().next_back();
                let requests = last.as_ref().map(|run| view.requests_of(run.begun.id)).transpose()?;
                Ok(requests.unwrap_or_default())
            });
            let requests = runs.await.map_err(|error| error.to_string())?;
            let outcome = match came.first().map(|came| &came.result) {
                Some(Err(("scenario", problem))) => return Err(problem.clone()),
                Some(Err((word, _))) => (*word).to_owned(),
                Some(Ok(_)) => "ok".to_owned(),
                None => "nothing".to_owned(),
            };
            let unmatched = crm.seen().into_iter().filter(|seen| seen.exchange.is_none());
            let unmatched = unmatched.map(|seen| seen.request.to_string()).collect();
            let http = requests.iter().filter(|request| request.intent.kind == HTTP);
            Ok(Replayed { asked: http.map(Asked::of).collect(), unmatched, outcome })
        })
    }

    /// The run as a scenario: its one function, and the CRM that answers as it did.
    fn scenario(&self, trace: &Trace, doing: &Doing) -> Scenario {
        let mut server = toml::Table::new();
        let text = |text: &Option<String>| text.clone().map(toml::Value::String);
        server.extend(text(&trace.region).map(|region| ("region".to_owned(), region)));
        server.extend(text(&trace.timezone).map(|zone| ("timezone".to_owned(), zone)));
        let mut plugin = toml::Table::new();
        let known = |name: &String| self.manifest.settings.iter().any(|setting| setting.name == *name);
        let settings = trace.settings.iter().filter(|(name, _)| known(name));
        let settings = settings.map(|(name, value)| (name.clone(), toml::Value::String(value.clone())));
        plugin.insert("settings".to_owned(), toml::Value::Table(settings.collect()));
        let http = doing.requests.iter().filter(|request| request.intent.kind == HTTP);
        Scenario {
            server,
            plugin,
            runs: vec![Single {
                function: doing.run.begun.function.clone(),
                input: arguments(doing),
                returns: None,
                fails: None,
            }],
            crm: http.filter_map(answered).collect(),
            ..Scenario::default()
        }
    }
}

/// What the function was called with.
fn arguments(doing: &Doing) -> Value {
    let mut recorded = doing.run.begun.input.clone().unwrap_or_default();
    // Which work it was; the function's own name says it as well.
    recorded.as_object_mut().map(|members| members.remove("do"));
    recorded
}

/// The exchange that a recorded request was; none without an answer that can be given again.
fn answered(request: &Request) -> Option<Exchange> {
    let url = absolute(&request.intent.url);
    let answer = match &request.answer.as_ref()?.reply {
        Reply::Response { status, headers, body } => {
            let framing = ["content-length", "transfer-encoding", "content-encoding", "connection", "date"];
            let headers = headers.iter().filter(|(name, _)| !framing.contains(&name.to_ascii_lowercase().as_str()));
            Answer {
                status: Some(*status),
                headers: headers.cloned().collect(),
                bytes: Some(body.whole()?.to_vec()),
                ..Answer::default()
            }
        }
        Reply::Error { .. } => Answer { fault: Some(AnswerFault::Cut), ..Answer::default() },
    };
    Exchange::once(&request.intent.method, &url, answer).ok()
}

/// A URL as the stage has it: a base that traces show as `{portal}` is `https://portal.test`.
pub(crate) fn absolute(shown: &str) -> String {
    match shown.strip_prefix('{').and_then(|rest| rest.split_once("}/")) {
        Some((handle, rest)) => format!("https://{handle}.test/{rest}"),
        None => shown.to_owned(),
    }
}

/// Puts in place what the run found when it began: its call, the CRM's users, what was stored.
async fn furnish(life: &Life, doing: &Doing, trace: &Trace) -> Result<(), String> {
    let directory = Directory { fetched: Millis::default(), users: trace.users.clone() };
    life.desk.renew_users(|_| Users::of(Some(directory), &trace.named, None, People::new()));
    let (call, key) = (doing.call.clone(), CallRef::from(&doing.call));
    let now = life.desk.clock.now();
    let gets = doing.requests.iter().filter(|request| request.intent.kind == STORAGE && request.intent.method == "get");
    let stored: Vec<_> = gets.filter_map(|request| Some((request.intent.url.clone(), entry(request)?))).collect();
    let put = life.journal.write(move |txn| {
        txn.accept(vec![Accepted { call: call.clone(), number: None, events: Vec::new(), jobs: Vec::new() }])?;
        for (place, value) in &stored {
            let (scope, name) = place.split_once('/').unwrap_or(("plugin", place));
            let scope = if scope == "call" { storage::Scope::Call(key.clone()) } else { storage::Scope::Plugin };
            let key = storage::Key { plugin: PLUGIN.to_owned(), scope, name: name.to_owned() };
            let put = storage::Put { value: value.clone(), expected: None, expires: None };
            let _ = txn.put(&key, &put, storage::Quota::default(), now)?;
        }
        Ok(())
    });
    put.await.map_err(|error| error.to_string())
}

/// What a look into the storage found.
fn entry(request: &Request) -> Option<storage::Content> {
    let Reply::Response { body, .. } = &request.answer.as_ref()?.reply else { return None };
    let found: Result<Option<Entry>, String> = serde_json::from_slice(body.whole()?).ok()?;
    Some(match found.ok()??.value {
        hookswitch_runtime::contract::Content::Text(text) => storage::Content::Text(text),
        hookswitch_runtime::contract::Content::Bytes(bytes) => storage::Content::Bytes(bytes),
    })
}
