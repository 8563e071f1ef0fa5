//! What a trace holds: everything that the journal knows of one call, as JSON has it.

use std::collections::BTreeMap;

use hookswitch_call::{
    Call, Event,
    event::What,
    number::Number,
    signal::{Party, Role},
};
use hookswitch_journal::{CallRef, Error, View, calls::Entry, jobs::Job};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{
    cli::{
        calls::{direction, time},
        runs::RunRow,
    },
    config::Config,
    news, texts,
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
    pub(super) zone: TimeZone,
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

impl Document {
    /// Reads everything about a call.
    pub(super) fn gather(view: &View<'_>, config: &Config, entry: Entry) -> Result<Self, Error> {
        let key = CallRef::from(&entry.call);
        let mut plugins: BTreeMap<String, PluginWork> = BTreeMap::new();
        for run in view.runs_of(&key)? {
            plugins.entry(run.begun.plugin.clone()).or_default().runs.push(RunRow::gather(view, run)?);
        }
        for job in view.jobs_of(&key)? {
            plugins.entry(job.plugin.clone()).or_default().jobs.push(job);
        }
        for (name, work) in &mut plugins {
            name.clone_into(&mut work.name);
            work.dossier = view.dossier(&key, name)?;
        }
        Ok(Self {
            number: news::external(config, &entry.call),
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
        What::Digits { digits } => digits.clone(),
        What::Noted { name, value } => format!("{name}: {value}"),
        What::Recorded { file } => file.clone(),
        What::Transcript { text } | What::Summary { text } => format!("{} characters", text.chars().count()),
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
