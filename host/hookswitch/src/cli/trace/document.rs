//! What a trace holds: everything that the journal knows of one call, as JSON has it.

use std::collections::BTreeMap;

use hookswitch_call::{
    Call, Event, Millis,
    event::What,
    number::Number,
    signal::{Party, Role},
};
use hookswitch_journal::{
    CallRef, Error, View,
    calls::Entry,
    jobs::Job,
    runs::{Body, Effect, Reply, Request, Run},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    cli::calls::{direction, time},
    config::Config,
    intake, texts,
};

/// The trace of a call.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) call: Call,
    /// The outside number as it was read; none where it is suppressed.
    pub(super) number: Option<Number>,
    pub(super) events: Vec<Event>,
    pub(super) plugins: Vec<PluginWork>,
    #[serde(skip)]
    zone: TimeZone,
}

/// What one plugin did.
#[derive(Debug, Default, Serialize)]
pub(super) struct PluginWork {
    pub(super) name: String,
    /// What the CRM knows of the call.
    pub(super) dossier: Option<serde_json::Value>,
    pub(super) runs: Vec<RunRow>,
    pub(super) jobs: Vec<Job>,
}

/// One call of a function of a plugin. Lengths in milliseconds, memory in bytes.
#[derive(Debug, Serialize)]
pub(super) struct RunRow {
    pub(super) function: String,
    pub(super) started: Millis,
    pub(super) attempt: u32,
    pub(super) job: Option<i64>,
    pub(super) wall_ms: Option<f64>,
    pub(super) cpu_ms: Option<f64>,
    pub(super) memory: Option<u64>,
    pub(super) outcome: Option<String>,
    pub(super) problem: Option<String>,
    pub(super) requests: Vec<RequestRow>,
}

/// One HTTP request and its answer.
#[derive(Debug, Serialize)]
pub(super) struct RequestRow {
    pub(super) at: Millis,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) effect: &'static str,
    pub(super) body: String,
    /// The grant that allowed it.
    pub(super) rule: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) answer: String,
    pub(super) error: Option<String>,
    pub(super) timings: serde_json::Value,
}

impl Document {
    /// Reads everything about a call.
    pub(super) fn gather(view: &View<'_>, config: &Config, entry: Entry) -> Result<Self, Error> {
        let key = CallRef::from(&entry.call);
        let mut plugins: BTreeMap<String, PluginWork> = BTreeMap::new();
        for Run { begun, ended, .. } in view.runs_of(&key)? {
            let requests = view.requests_of(begun.id)?.into_iter().map(request).collect();
            let ms = |us: u64| us as f64 / 1000.0;
            plugins.entry(begun.plugin).or_default().runs.push(RunRow {
                function: begun.function,
                started: begun.started,
                attempt: begun.attempt,
                job: begun.job.map(|job| job.0),
                wall_ms: ended.as_ref().map(|ended| ms(ended.wall_us)),
                cpu_ms: ended.as_ref().map(|ended| ms(ended.cpu_us)),
                memory: ended.as_ref().map(|ended| ended.memory_bytes),
                outcome: ended.as_ref().map(|ended| ended.outcome.clone()),
                problem: ended.and_then(|ended| ended.problem),
                requests,
            });
        }
        for job in view.jobs_of(&key)? {
            plugins.entry(job.plugin.clone()).or_default().jobs.push(job);
        }
        for (name, work) in &mut plugins {
            name.clone_into(&mut work.name);
            work.dossier = view.dossier(&key, name)?;
        }
        Ok(Self {
            number: intake::external(config, &entry.call),
            events: view.events_of(&key)?,
            plugins: plugins.into_values().collect(),
            zone: config.server.zone(),
            call: entry.call,
        })
    }

    /// The facts at the top of a trace.
    pub(super) fn summary(&self) -> Vec<(&'static str, String)> {
        let call = &self.call;
        let number = match &self.number {
            None => "unknown: suppressed, or never said".to_owned(),
            Some(number) => {
                let read = number.e164.as_deref().unwrap_or("not completed");
                let region = number.region.as_deref().unwrap_or("no region");
                format!("{} ({read}, {region}; searched as {})", number.raw, number.search.join(", "))
            }
        };
        let mut facts = vec![
            ("direction", direction(call.direction).to_owned()),
            ("number", number),
            ("line", call.line.clone()),
            ("started", time(call.started)),
        ];
        facts.extend(call.queue().map(|queue| ("queue", queue.to_owned())));
        facts.extend(call.merged_into.as_ref().map(|into| ("part of", into.to_string())));
        match &call.ended {
            None => facts.push(("state", call.state.token().to_owned())),
            Some(end) => {
                let talk = texts::minutes(call.talk_ms(end.at));
                facts.push(("outcome", format!("{} ({}), talk {talk}", end.outcome.token(), end.reason.token())));
                facts.extend(end.credited.as_ref().map(|extension| ("agent", extension.to_string())));
            }
        }
        facts
    }

    /// A moment as local time of day.
    pub(super) fn clock(&self, at: Millis) -> String {
        let timestamp =
            i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
        timestamp.to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f").to_string()
    }
}

fn request(Request { intent, answer }: Request) -> RequestRow {
    let timings = answer.as_ref().map(|answer| answer.timings.clone()).unwrap_or_default();
    let (status, answer, error) = match answer.map(|answer| answer.reply) {
        Some(Reply::Response { status, body, .. }) => (Some(status), text(&body), None),
        Some(Reply::Error { text, .. }) => (None, String::new(), Some(text)),
        None => (None, String::new(), None),
    };
    RequestRow {
        at: intent.at,
        method: intent.method,
        url: intent.url,
        effect: match intent.effect {
            Effect::Read => "read",
            Effect::Idempotent => "idempotent",
            Effect::Once => "once",
        },
        body: text(&intent.body),
        rule: timings.get("rule").and_then(serde_json::Value::as_str).map(str::to_owned),
        status,
        answer,
        error,
        timings,
    }
}

/// A body as text; of one that was too large, its beginning.
fn text(body: &Body) -> String {
    let start = String::from_utf8_lossy(body.start()).into_owned();
    if body.whole().is_some() { start } else { format!("{start}… ({} bytes)", body.size()) }
}

/// What an event says beyond its name.
pub(super) fn detail(event: &Event) -> String {
    let party = |party: &Party| match party {
        Party::Extension(extension) => extension.to_string(),
        Party::Outside(number) => number.clone(),
    };
    let of = |role: &Role| match role {
        Role::Called => "",
        Role::Consult => " (consultation)",
        Role::Own => " (own phone)",
    };
    match &event.what {
        What::New { direction: way } => direction(*way).to_owned(),
        What::Queued { queue } => queue.clone(),
        What::LeftQueue { queue, exit } => format!("{queue}: {exit:?}").to_lowercase(),
        What::Dialing { extension, number } => format!("{extension} dials {number}"),
        What::Ringing { extension, role } => format!("{extension}{}", of(role)),
        What::RingStopped { extension, why, role, .. } => format!("{extension}{}: {}", of(role), word(why)),
        What::Answered { by, role } => format!("{}{}", party(by), of(role)),
        What::Held { extension } | What::Resumed { extension } => extension.to_string(),
        What::Transferred { how, from, to } => {
            let from = from.as_ref().map(|from| format!("{from} ")).unwrap_or_default();
            format!("{} {from}→ {}", word(how), party(to))
        }
        What::Forwarded { from, to } => format!("{from} → {}", party(to)),
        What::PickedUp { from, by } => {
            let from = from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
            format!("by {by}{from}")
        }
        What::Parked { space, .. } => space.clone(),
        What::Unparked { extension } => extension.as_ref().map(ToString::to_string).unwrap_or_default(),
        What::Voicemail { mailbox } => mailbox.clone(),
        What::LegEnded { extension, talk_ms } => format!("{extension}, talk {}", texts::minutes(*talk_ms)),
        What::Recording { state, .. } => word(state),
        What::Merged { into } => format!("into {into}"),
        What::Ended { outcome, reason, credited, .. } | What::Corrected { outcome, reason, credited, .. } => {
            let credited = credited.as_ref().map(|extension| format!(", {extension}")).unwrap_or_default();
            format!("{} ({}){credited}", outcome.token(), reason.token())
        }
    }
}

/// The word that a plain enum has in JSON.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
