//! What a plugin did in production, as one file: enough to play it again offline, with the same build or another.
//!
//! It holds what the journal holds: calls, requests and answers, in which secrets are masked already. Personal data is in
//! it unless it is [`masked`](Trace::masked).

use std::collections::BTreeMap;

use hookswitch_call::{Call, Millis};
use hookswitch_journal::{
    Error, View,
    directory::User,
    runs::{Reply, Request, Run},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mask::Mask;
use crate::{
    config::{Loaded, Place, Who},
    sites::People,
    users::Users,
};

/// The format of the file.
const FORMAT: u32 = 1;

/// What a plugin did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Trace {
    /// [`FORMAT`].
    pub(crate) hookswitch_trace: u32,
    pub(crate) plugin: String,
    /// `region` and `timezone` of the host.
    pub(crate) region: Option<String>,
    pub(crate) timezone: Option<String>,
    /// The plugin's settings, but for secrets and files.
    pub(crate) settings: BTreeMap<String, String>,
    /// The CRM's users.
    pub(crate) users: Vec<User>,
    /// Users whom the admin named, by extension.
    pub(crate) named: BTreeMap<Place, Who>,
    pub(crate) doings: Vec<Doing>,
}

/// One run of a function in a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Doing {
    pub(crate) call: Call,
    /// When the job was accepted: its keys are made of that.
    pub(crate) created: Millis,
    pub(crate) run: Run,
    pub(crate) requests: Vec<Request>,
}

impl Trace {
    /// Reads the runs of a plugin that can be played again, oldest first: first tries of jobs that were brought to an end.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub(crate) fn gather(view: &View<'_>, loaded: &Loaded, plugin: &str, runs: Vec<Run>) -> Result<Self, Error> {
        let config = loaded.config.plugin.get(plugin);
        let settings = config.iter().flat_map(|config| &config.settings);
        let settings = settings.filter_map(|(name, setting)| Some((name.clone(), setting.value()?.to_owned())));
        let mut doings = Vec::new();
        for run in runs {
            let playable =
                run.begun.attempt == 1 && run.resumed == 0 && run.ended.is_some() && run.begun.input.is_some();
            let Some(call) = run.begun.call.clone().filter(|_| playable) else { continue };
            let Some(entry) = view.call(&call)? else { continue };
            let job = run.begun.job.map(|job| view.job(job)).transpose()?.flatten();
            let created = job.map(|job| job.created).unwrap_or_default();
            doings.push(Doing { call: entry.call, created, requests: view.requests_of(run.begun.id)?, run });
        }
        let server = &loaded.config.server;
        let directory = view.directory(plugin)?;
        Ok(Self {
            hookswitch_trace: FORMAT,
            plugin: plugin.to_owned(),
            region: server.region.clone(),
            timezone: server.zone().iana_name().map(str::to_owned),
            settings: settings.collect(),
            named: config
                .map(|config| Users::new(directory.clone(), config, People::new()).table())
                .unwrap_or_default(),
            users: directory.map(|directory| directory.users).unwrap_or_default(),
            doings,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is no trace, or one of another format.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let trace: Self = serde_json::from_str(text)
            .map_err(|error| format!("this is no trace that `hookswitch trace CALL --export FILE` wrote: {error}"))?;
        if trace.hookswitch_trace == FORMAT {
            return Ok(trace);
        }
        Err(format!("the trace has format {}; this program reads format {FORMAT}", trace.hookswitch_trace))
    }

    /// The same with other numbers, names and addresses of persons: equal ones stay equal.
    ///
    /// # Errors
    ///
    /// What was masked cannot be read again.
    pub(crate) fn masked(&self) -> Result<Self, String> {
        let mut mask = Mask::default();
        let mut value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(doings) = value.get_mut("doings").and_then(Value::as_array_mut) {
            for doing in doings {
                if let Some(call) = doing.get_mut("call") {
                    mask.value(call, false);
                }
                if let Some(input) = doing.pointer_mut("/run/begun/input") {
                    mask.value(input, false);
                }
            }
        }
        if let Some(users) = value.get_mut("users") {
            mask.value(users, false);
        }
        let mut masked: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        for ended in masked.doings.iter_mut().filter_map(|doing| doing.run.ended.as_mut()) {
            ended.problem = ended.problem.as_ref().map(|problem| mask.text(problem));
        }
        for request in masked.doings.iter_mut().flat_map(|doing| &mut doing.requests) {
            let intent = &mut request.intent;
            intent.url = mask.text(&intent.url);
            intent.body = mask.body(&intent.body);
            mask.headers(&mut intent.headers);
            match request.answer.as_mut().map(|answer| &mut answer.reply) {
                Some(Reply::Response { headers, body, .. }) => {
                    *body = mask.body(body);
                    mask.headers(headers);
                }
                Some(Reply::Error { text, .. }) => *text = mask.text(text),
                None => {}
            }
        }
        Ok(masked)
    }
}
