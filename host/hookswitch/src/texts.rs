//! The admin's texts: title and body of a journal entry, rendered by the host for every plugin.

use std::sync::LazyLock;

use hookswitch_call::{Call, Millis, number::Number};
use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::config::CallType;

/// What may stand in a template.
pub(crate) const HELP: &str = "variables: call.type, call.external, call.name, call.line, call.queue, call.agent, \
    call.started, call.talk, call.reason; like \"{{ call.type }} {{ call.external }}\"";

/// A template may take this many steps; a loop that never ends takes more.
const FUEL: u64 = 20_000;
/// No CRM takes longer texts.
const LONGEST: usize = 16 * 1024;

/// The variables of a template.
#[derive(Debug, Default)]
struct Variables {
    /// "Inbound call", "Missed call", …
    r#type: &'static str,
    /// The outside number as people write it, or "unknown number".
    external: String,
    /// The outside party's name as the PBX knows it.
    name: String,
    /// The public number of the business.
    line: String,
    /// The queue, if any.
    queue: String,
    /// The extension that the entry belongs to, if any.
    agent: String,
    /// When the call began, local time: `2026-11-21 09:30`.
    started: String,
    /// How long people talked: `3:07`.
    talk: String,
    /// Why the call ended: `normal`, `no_answer`, `busy`, …
    reason: &'static str,
}

impl Variables {
    fn value(&self) -> Value {
        Value::from_pairs([
            ("type", self.r#type),
            ("external", &self.external),
            ("name", &self.name),
            ("line", &self.line),
            ("queue", &self.queue),
            ("agent", &self.agent),
            ("started", &self.started),
            ("talk", &self.talk),
            ("reason", self.reason),
        ])
    }
}

/// Checks that a template can be rendered; the error is for the person who wrote it.
pub(crate) fn check(template: &str) -> Result<(), String> {
    render(template, &Variables::default()).map(drop)
}

/// Renders `template` for a call that is over.
pub(crate) fn call_text(
    template: &str,
    call: &Call,
    external: Option<&Number>,
    zone: &TimeZone,
) -> Result<String, String> {
    let end = call.ended.as_ref();
    let variables = Variables {
        r#type: CallType::of(call).map_or("Internal call", CallType::title),
        external: external.map_or_else(|| "unknown number".to_owned(), Number::display),
        name: call.external_name.clone(),
        line: call.line.clone(),
        queue: call.queue().unwrap_or_default().to_owned(),
        agent: end.and_then(|end| end.credited.as_ref()).map(ToString::to_string).unwrap_or_default(),
        started: local(call.started, zone),
        talk: minutes(call.talk_ms(call.changed)),
        reason: end.map_or("unknown", |end| end.reason.token()),
    };
    render(template, &variables)
}

/// What all templates are rendered in: without files, and with bounds.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
});

fn render(template: &str, call: &Variables) -> Result<String, String> {
    let variables = Value::from_pairs([("call", call.value())]);
    let mut text = ENVIRONMENT.render_str(template, variables).map_err(|error| error.to_string())?;
    let cut = (0..=LONGEST.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.truncate(cut);
    Ok(text)
}

/// A moment in local time, to the minute.
pub(crate) fn local(at: Millis, zone: &TimeZone) -> String {
    let timestamp = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A length of time as `3:07` or `1:02:03`.
pub(crate) fn minutes(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_variables_and_endless_loops_are_refused() {
        for template in
            ["{{ call.nothing }}", "{{ nothing }}", "{% for x in range(100000) %}{{ x }}{% endfor %}", "{{ call.type"]
        {
            assert!(check(template).is_err(), "{template}");
        }
        assert_eq!(check("{{ call.type }}: {{ call.agent|default('nobody') }}"), Ok(()));
    }

    #[test]
    fn lengths_are_written_as_people_say_them() {
        for (ms, text) in [(0, "0:00"), (7_400, "0:07"), (187_000, "3:07"), (3_723_000, "1:02:03")] {
            assert_eq!(minutes(ms), text);
        }
    }
}
