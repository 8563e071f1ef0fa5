//! What was wrong with a play, in words for the plugin's author.

use hookswitch_journal::{
    jobs::{Job, State},
    storage::Content,
};
use serde_json::Value;

use super::{
    cards,
    crm::Seen,
    exchange::Exchange,
    matcher::{Difference, Names, compare},
    scenario::{Scenario, States},
    single::kebab,
    stage::Play,
};

/// How a plugin got over a trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Survival {
    /// All work is done, once.
    Done,
    /// Some work is not done, and the admin is told why.
    Told(String),
    /// It is not as it should be.
    Not(Vec<String>),
}

/// Endings of runs that are the plugin's own fault.
const FAULTS: [&str; 4] = ["trap", "limit", "deadline", "diverged"];

/// What was wrong with a play without trouble; nothing if it went as the scenario says.
pub(crate) fn judge(scenario: &Scenario, play: &Play) -> Vec<String> {
    if let (Some(broken), []) = (&play.broken, play.seen.as_slice()) {
        return vec![broken.clone()];
    }
    let mut wrong: Vec<String> = play.broken.iter().cloned().collect();
    wrong.extend(unexpected(&scenario.crm, &play.seen));
    wrong.extend(unanswerable(&scenario.crm, &play.seen));
    for (at, (exchange, asked)) in scenario.crm.iter().zip(&play.asked).enumerate() {
        let times = exchange.times();
        if !(times.least..=times.most).contains(asked) && play.broken.is_none() {
            let often = match (times.least, times.most) {
                (least, most) if least == most => format!("{least} times"),
                (least, u32::MAX) => format!("at least {least} times"),
                (least, most) => format!("{least} to {most} times"),
            };
            wrong.push(format!(
                "`{}` (number {} of [[crm]]) was asked {asked} times, not {often}",
                exchange.request,
                at + 1
            ));
        }
    }
    wrong.extend(jobs(scenario, play));
    wrong.extend(feed(scenario, play));
    let mut names = Names::new();
    for (function, expected) in &scenario.expect.result {
        let found = result(play, function);
        wrong.extend(
            compare(&format!("result.{function}"), expected, found.as_ref(), false, &mut names).iter().map(line),
        );
    }
    for (key, found) in &play.stored {
        let expected = scenario.expect.storage.get(key).unwrap_or(&Value::Null);
        wrong.extend(compare(&format!("storage.{key}"), expected, found.as_ref(), false, &mut names).iter().map(line));
    }
    for text in &scenario.expect.log {
        if !play.log.iter().any(|line| line.contains(text)) {
            wrong.push(format!("no line of the log holds `{text}`"));
        }
    }
    wrong.extend(singles(scenario, play, &mut names));
    wrong.extend(cards::left_open(play));
    // Also where a later try made good for it.
    wrong.extend(crash(play));
    wrong
}

/// How a play with one trouble went, beside the same play without.
pub(crate) fn survived(scenario: &Scenario, without: &Play, play: &Play) -> Survival {
    let mut wrong: Vec<String> = play.broken.iter().cloned().collect();
    wrong.extend(unexpected(&scenario.crm, &play.seen));
    wrong.extend(crash(play));
    // What the scenario expects to fail is no consequence of the trouble.
    let as_without = outcomes(play) == outcomes(without);
    let told = told(play).filter(|_| !as_without);
    let writes =
        scenario.crm.iter().zip(without.asked.iter().zip(&play.asked)).filter(|(exchange, _)| exchange.writes());
    for (exchange, (once, now)) in writes {
        if now > once {
            wrong.push(format!("`{}` was carried out {now} times instead of {once}", exchange.request));
        } else if now < once && told.is_none() && play.broken.is_none() {
            wrong.push(format!(
                "`{}` was carried out {now} times instead of {once}, and nobody was told",
                exchange.request
            ));
        }
    }
    if play.broken.is_none() {
        wrong.extend(cards::wrong(without, play, told.is_some()));
    }
    match (wrong.is_empty(), told) {
        (false, _) => Survival::Not(wrong),
        (true, None) => Survival::Done,
        (true, Some(told)) => Survival::Told(told),
    }
}

/// How each piece of work ended.
fn outcomes(play: &Play) -> (Vec<(&str, State)>, bool, Vec<bool>) {
    let jobs = play.jobs.iter().map(|job| (job.kind.as_str(), job.state)).collect();
    (jobs, feed_held(play).is_some(), play.singles.iter().map(|came| came.result.is_ok()).collect())
}

/// Why some work is not done, as an admin reads it.
fn told(play: &Play) -> Option<String> {
    if let Some(held) = play.held {
        return Some(format!("all work is held: {held}"));
    }
    let parked = play.jobs.iter().find(|job| job.state == State::Parked);
    let of_job =
        parked.map(|job| format!("{} parked: {}", job.kind, first_line(job.problem.as_deref().unwrap_or("?"))));
    let of_single = || {
        let failed = play.singles.iter().find_map(|came| came.result.as_ref().err());
        failed.map(|(word, text)| format!("{word}: {}", first_line(text)))
    };
    let of_feed = || feed_held(play).map(|problem| format!("feed held: {}", first_line(problem)));
    of_job.or_else(of_feed).or_else(of_single)
}

/// Why the feed waits for a person, if it does.
fn feed_held(play: &Play) -> Option<&str> {
    play.feed.as_ref().filter(|feed| feed.held).map(|feed| feed.problem.as_deref().unwrap_or("?"))
}

fn feed(scenario: &Scenario, play: &Play) -> Option<String> {
    match (feed_held(play), &scenario.expect.feed_held) {
        (None, None) => None,
        (Some(problem), None) => Some(format!("the feed is held: {problem}")),
        (None, Some(part)) => Some(format!("the feed is not held, and is to be for `{part}`")),
        (Some(problem), Some(part)) => (!problem.contains(part.as_str()))
            .then(|| format!("the feed is held, and its problem `{problem}` holds no `{part}`")),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn unexpected(exchanges: &[Exchange], seen: &[Seen]) -> Vec<String> {
    let lost = seen.iter().filter(|seen| seen.exchange.is_none());
    let told = lost.map(|seen| {
        let body = String::from_utf8_lossy(&seen.request.body);
        let body = if body.is_empty() { String::new() } else { format!("\n    with {}", cut(&body, 500)) };
        let mut text = format!("nobody expects `{}`{body}", seen.request);
        if let Some((at, differences)) = &seen.nearest
            && let Some(exchange) = exchanges.get(*at)
        {
            let what = if differences.is_empty() { "has been asked as often as it may" } else { "is nearest" };
            text.push_str(&format!("\n    `{}` (number {} of [[crm]]) {what}", exchange.request, at + 1));
            differences.iter().for_each(|difference| text.push_str(&format!("\n    {}", line(difference))));
        }
        text
    });
    // A plugin tries again; once is enough to say it.
    let mut told: Vec<String> = told.collect();
    told.dedup();
    told
}

/// Answers that the scenario itself makes impossible.
fn unanswerable(exchanges: &[Exchange], seen: &[Seen]) -> Vec<String> {
    let broken = seen.iter().filter_map(|seen| Some((seen.exchange?, seen.broken.as_ref()?)));
    let named = broken.filter_map(|(at, problem)| Some((at, exchanges.get(at)?, problem)));
    named
        .map(|(at, exchange, problem)| {
            format!("`{}` (number {} of [[crm]]) cannot be answered: {problem}", exchange.request, at + 1)
        })
        .collect()
}

fn line(Difference { place, expected, found }: &Difference) -> String {
    format!("{place}: expected {}, found {}", cut(expected, 300), cut(found, 300))
}

fn cut(text: &str, most: usize) -> String {
    let shown = crate::shown::printable(text);
    if shown.chars().count() <= most { shown } else { shown.chars().take(most).chain(['…']).collect() }
}

fn jobs(scenario: &Scenario, play: &Play) -> Vec<String> {
    let mut wrong = Vec::new();
    for job in &play.jobs {
        let of_kind: Vec<&Job> = play.jobs.iter().filter(|other| other.kind == job.kind).collect();
        let number = of_kind.iter().position(|other| other.id == job.id).unwrap_or_default();
        let state = job.state.token();
        let fits = match scenario.expect.jobs.get(&job.kind) {
            None => matches!(job.state, State::Done | State::Skipped),
            Some(States::All(wanted)) => wanted == state,
            Some(States::Each(wanted)) => wanted.get(number).is_some_and(|wanted| wanted == state),
        };
        if !fits {
            let problem = job.problem.as_deref().map(|problem| format!(": {problem}")).unwrap_or_default();
            wrong.push(format!("the job `{}` is {state}{problem}", job.kind));
        }
        if let Some(part) = scenario.expect.problem.get(&job.kind)
            && !job.problem.as_deref().unwrap_or_default().contains(part)
        {
            wrong.push(format!("the problem of the job `{}` is {:?} and holds no `{part}`", job.kind, job.problem));
        }
    }
    for (kind, states) in &scenario.expect.jobs {
        let wanted = if let States::Each(wanted) = states { wanted.len() } else { 1 };
        let there = play.jobs.iter().filter(|job| job.kind == *kind).count();
        if there < wanted {
            wrong.push(format!("there are {there} jobs `{kind}` instead of {wanted}"));
        }
    }
    wrong
}

/// What a function returned last in the calls of the scenario.
fn result(play: &Play, function: &str) -> Option<Value> {
    let value = match function {
        "lookup-by-number" => serde_json::to_value(play.dossier.contacts.as_ref()?),
        "contacts-create" => {
            return play
                .jobs
                .iter()
                .rev()
                .find(|job| job.kind == "contact")
                .and_then(|job| job.result.clone())
                .map(kebab);
        }
        "journal-begin" => serde_json::to_value(play.dossier.begun.as_ref()?),
        "tickets-open" => serde_json::to_value(play.dossier.ticket.as_ref()?),
        "journal-write" => serde_json::to_value(play.dossier.written.as_ref()?),
        _ => return None,
    };
    value.ok().map(kebab)
}

fn singles(scenario: &Scenario, play: &Play, names: &mut Names) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, (single, came)) in scenario.runs.iter().zip(&play.singles).enumerate() {
        let place = format!("[[run]] number {} ({})", at + 1, single.function);
        match (&came.result, &single.returns, &single.fails) {
            (Ok(found), Some(expected), _) => {
                wrong.extend(compare(&place, expected, Some(found), false, names).iter().map(line));
            }
            (Err((word, _)), None, Some(wanted)) if word == wanted => {}
            (Ok(_), None, None) => {}
            (Ok(found), None, Some(wanted)) => {
                wrong.push(format!("{place} returned {}, and is to fail as {wanted}", cut(&found.to_string(), 300)));
            }
            (Err((word, text)), ..) => wrong.push(format!("{place} failed as {word}: {text}")),
        }
    }
    wrong
}

/// Where the plugin crashed, with its own source where that is known.
fn crash(play: &Play) -> Option<String> {
    let runs = play.runs.iter().filter_map(|(run, _)| Some((run, run.ended.as_ref()?)));
    let mut crashed = runs.filter(|(_, ended)| FAULTS.contains(&ended.outcome.as_str()));
    let (run, ended) = crashed.next()?;
    Some(format!("{} crashed: {}", run.begun.function, ended.problem.as_deref().unwrap_or(&ended.outcome)))
}

/// What was stored, as JSON where it is.
pub(super) fn stored(content: Content) -> Value {
    match content {
        Content::Text(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Content::Bytes(bytes) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
