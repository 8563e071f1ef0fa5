//! The invocations of a plugin with their requests, as `trace` and `jobs show` show them.

use hookswitch_call::Millis;
use hookswitch_journal::{
    Error, View,
    runs::{Body, Effect, Reply, Request, Run},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::output::{self, Style};
use crate::session::HTTP;

/// One call of a function of a plugin. Lengths in milliseconds, memory in bytes.
#[derive(Debug, Serialize)]
pub(super) struct RunRow {
    function: String,
    started: Millis,
    attempt: u32,
    job: Option<i64>,
    /// How often it went on after the process had died.
    resumed: u32,
    wall_ms: Option<f64>,
    cpu_ms: Option<f64>,
    memory: Option<u64>,
    outcome: Option<String>,
    problem: Option<String>,
    requests: Vec<RequestRow>,
}

/// One host call with its answer: an HTTP request, or what the host did by itself.
#[derive(Debug, Serialize)]
struct RequestRow {
    at: Millis,
    /// `http`, `storage` …
    kind: String,
    /// For other kinds than HTTP what was done.
    method: String,
    /// For other kinds than HTTP what it was about.
    url: String,
    effect: &'static str,
    body: String,
    /// The grant that allowed it.
    rule: Option<String>,
    status: Option<u16>,
    answer: String,
    error: Option<String>,
    timings: serde_json::Value,
}

impl RunRow {
    /// Reads what belongs to a run.
    pub(super) fn gather(view: &View<'_>, Run { begun, resumed, ended }: Run) -> Result<Self, Error> {
        let ms = |us: u64| us as f64 / 1000.0;
        Ok(Self {
            requests: view.requests_of(begun.id)?.into_iter().map(RequestRow::from).collect(),
            function: begun.function,
            started: begun.started,
            attempt: begun.attempt,
            job: begun.job.map(|job| job.0),
            resumed,
            wall_ms: ended.as_ref().map(|ended| ms(ended.wall_us)),
            cpu_ms: ended.as_ref().map(|ended| ms(ended.cpu_us)),
            memory: ended.as_ref().map(|ended| ended.memory_bytes),
            outcome: ended.as_ref().map(|ended| ended.outcome.clone()),
            problem: ended.and_then(|ended| ended.problem),
        })
    }

    /// Prints it, its requests below; with what was sent and answered, if `bodies`. Times are those of `zone`.
    pub(super) fn print(&self, zone: &TimeZone, bodies: bool) -> miette::Result<()> {
        let time = self.wall_ms.map_or_else(|| "cut off".to_owned(), |ms| format!("{ms:.1} ms"));
        let outcome = self.outcome.as_deref().unwrap_or("no result");
        let style = if outcome == "ok" { Style::Good } else { Style::Bad };
        let attempt = if self.attempt > 1 { format!(", try {}", self.attempt) } else { String::new() };
        let resumed = if self.resumed > 0 { format!(", resumed {} times", self.resumed) } else { String::new() };
        output::line(&format!(
            "  {}  {} {} ({time}{attempt}{resumed})",
            clock(zone, self.started),
            output::printable(&self.function),
            output::style(outcome, style)
        ))?;
        for text in self.problem.iter().flat_map(|problem| problem.lines()) {
            output::line(&format!("      {}", output::printable(text)))?;
        }
        self.requests.iter().try_for_each(|request| request.print(zone, bodies))
    }
}

impl RequestRow {
    fn print(&self, zone: &TimeZone, bodies: bool) -> miette::Result<()> {
        if self.kind == HTTP {
            self.print_request(zone)?;
        } else {
            let Self { kind, method, url, .. } = self;
            let text = format!("      {}  {kind} {method} {url}", clock(zone, self.at));
            output::line(&output::style(output::printable(&text).trim_end(), Style::Dim))?;
        }
        if bodies {
            for (mark, body) in [(">", &self.body), ("<", &self.answer)] {
                for text in body.lines() {
                    output::line(&output::style(&format!("        {mark} {}", output::printable(text)), Style::Dim))?;
                }
            }
        }
        Ok(())
    }

    fn print_request(&self, zone: &TimeZone) -> miette::Result<()> {
        let answer = match (self.status, &self.error) {
            (Some(status), _) => {
                output::style(&status.to_string(), if status < 400 { Style::Good } else { Style::Bad })
            }
            (None, Some(error)) => output::style(&output::printable(error), Style::Bad),
            (None, None) => output::style("no answer known", Style::Bad),
        };
        let rule =
            self.rule.as_deref().map(|rule| format!(", allowed by {}", output::printable(rule))).unwrap_or_default();
        let total = self.timings.get("total").and_then(serde_json::Value::as_f64);
        let total = total.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
        output::line(&format!(
            "      {}  {} {} ({}) → {answer}{total}{rule}",
            clock(zone, self.at),
            self.method,
            output::printable(&self.url),
            self.effect
        ))
    }
}

impl From<Request> for RequestRow {
    fn from(Request { intent, answer }: Request) -> Self {
        let timings = answer.as_ref().map(|answer| answer.timings.clone()).unwrap_or_default();
        let (status, answer, error) = match answer.map(|answer| answer.reply) {
            Some(Reply::Response { status, body, .. }) => {
                (Some(status).filter(|status| *status > 0), text(&body), None)
            }
            Some(Reply::Error { text, .. }) => (None, String::new(), Some(text)),
            None => (None, String::new(), None),
        };
        Self {
            at: intent.at,
            kind: intent.kind,
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
}

/// A body as text; of one that was too large, its beginning.
fn text(body: &Body) -> String {
    let start = String::from_utf8_lossy(body.start()).into_owned();
    if body.whole().is_some() { start } else { format!("{start}… ({} bytes)", body.size()) }
}

/// A moment as time of day.
pub(super) fn clock(zone: &TimeZone, at: Millis) -> String {
    local(zone, at, "%H:%M:%S%.3f")
}

/// A moment as day and time.
pub(super) fn moment(zone: &TimeZone, at: Millis) -> String {
    local(zone, at, "%m-%d %H:%M:%S")
}

fn local(zone: &TimeZone, at: Millis, format: &str) -> String {
    let timestamp = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime(format).to_string()
}
