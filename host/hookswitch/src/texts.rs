//! The admin's texts: titles and bodies of entries and tickets, names of new contacts, rendered by the host for every
//! plugin.

mod variables;

use std::sync::LazyLock;

use hookswitch_call::Millis;
use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Environment, UndefinedBehavior, Value};

pub(crate) use self::variables::{About, blank, full_name};

/// What may stand in a template.
pub(crate) const HELP: &str = "variables: call.type, call.external, call.name, call.line, call.queue, call.agent, \
    call.started, call.talk, call.reason, agent.name, contact.name, ticket.id … and the names that Yeastar and 3CX \
    templates know, like Call_Status and AgentEmail (docs/admin.md lists all); like \"{{ call.type }} {{ call.external }}\"";

/// A template may take this many steps; a loop that never ends takes more.
const FUEL: u64 = 20_000;
/// No CRM takes longer texts.
const LONGEST: usize = 16 * 1024;

/// Checks that a template can be rendered; the error is for the person who wrote it.
pub(crate) fn check(template: &str) -> Result<(), String> {
    render(template, variables::sample()).map(drop)
}

/// Renders `template` for a call.
pub(crate) fn text(template: &str, about: &About<'_>) -> Result<String, String> {
    render(template, about.value())
}

/// What all templates are rendered in: without files, and with bounds.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
});

fn render(template: &str, variables: Value) -> Result<String, String> {
    let mut text = ENVIRONMENT.render_str(template, variables).map_err(|error| told(&error, template))?;
    let cut = (0..=LONGEST.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.truncate(cut);
    Ok(text)
}

/// What is wrong, with the part of the template that it is about.
fn told(error: &minijinja::Error, template: &str) -> String {
    let part = error.range().and_then(|range| template.get(range)).map(str::trim).unwrap_or_default();
    if part.is_empty() { error.to_string() } else { format!("{error}: `{part}`") }
}

/// A moment in local time, to the minute.
pub(crate) fn local(at: Millis, zone: &TimeZone) -> String {
    let timestamp = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A length of time as `3:07` or `1:02:03`.
pub(crate) fn minutes(ms: u64) -> String {
    let (hours, minutes, seconds) = clock(ms);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn clock(ms: u64) -> (u64, u64, u64) {
    let seconds = (ms + 500) / 1000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
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
        assert!(check("{{ call.type }} {{ call.nothing }}").unwrap_err().contains("`call.nothing`"));
        assert_eq!(check("{{ call.type }}: {{ call.agent|default('nobody') }}"), Ok(()));
        assert_eq!(check("{{ call.extra.whatever }}{{ Call_From }}{{ AgentFirstName }}{{ contact.name }}"), Ok(()));
    }

    #[test]
    fn lengths_are_written_as_people_say_them() {
        for (ms, text) in [(0, "0:00"), (7_400, "0:07"), (187_000, "3:07"), (3_723_000, "1:02:03")] {
            assert_eq!(minutes(ms), text);
        }
    }
}
