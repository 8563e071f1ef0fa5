//! `hookswitch plugin test`.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use clap::Args;
use serde::Serialize;

use super::{
    super::{
        Common,
        output::{self, Style},
        progress::Progress,
    },
    project::Project,
};
use crate::kit::{
    Kit,
    judge::{self, Survival},
    scenario::{self, Scenario},
    stage::Play,
    trouble::{Trouble, What},
};

/// Play scenarios with a plugin: calls come, a scripted CRM answers, and what must be true afterwards is looked at.
///
/// The plugin runs in the same sandbox, behind the same gate and with the same journal as in production; nothing leaves
/// this machine. How a scenario is written: docs/scenarios.md.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin test                          the scenarios of the plugin in this folder
  hookswitch plugin test --plugin crm.wasm tests  those in a folder, with a plugin
  hookswitch plugin test --faults --crashes       the CRM fails and the host dies at every request
  hookswitch plugin test --filter missed -v       one scenario, with every request and log line")]
pub(in super::super) struct Options {
    /// Scenario files, or folders of them [default: the project's scenarios].
    scenarios: Vec<PathBuf>,
    /// The plugin [default: the project's].
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Play those only whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Play each scenario again with each answer in turn late, cut off, missing, refused, broken or nonsense.
    #[arg(long)]
    faults: bool,
    /// Play each scenario again with the host dying before, in and after each request.
    #[arg(long)]
    crashes: bool,
    /// Show every request, answer and log line.
    #[arg(short, long)]
    verbose: bool,
}

impl Options {
    /// The project's scenarios whose name contains `filter`.
    pub(super) fn filtered(filter: Option<String>) -> Self {
        Self { scenarios: Vec::new(), plugin: None, filter, faults: false, crashes: false, verbose: false }
    }
}

/// A scenario with its play.
struct Played {
    scenario: Scenario,
    play: Play,
    wrong: Vec<String>,
}

/// A play with a trouble.
struct Tried {
    scenario: String,
    request: String,
    what: What,
    survival: Survival,
}

#[derive(Serialize)]
struct Told<'a> {
    scenario: &'a str,
    /// What goes wrong on purpose, and at which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    passed: bool,
    /// Why some work was not done, as the admin is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<&'a str>,
    wrong: &'a [String],
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let project = Project::find(options.plugin.as_deref())?;
    let kit = Kit::open(&project.component)?;
    let mut paths = Vec::new();
    let given = if options.scenarios.is_empty() { vec![project.scenarios.clone()] } else { options.scenarios.clone() };
    for path in &given {
        let found = scenario::find(path).map_err(|error| {
            miette::miette!(help = "name a scenario or a folder of them", "{}: {error}", path.display())
        })?;
        paths.extend(found);
    }
    let mut scenarios = Vec::new();
    for path in paths {
        let scenario = Scenario::load(&path)?;
        if options.filter.as_ref().is_none_or(|part| scenario.name.contains(part)) {
            scenarios.push(scenario);
        }
    }
    if scenarios.is_empty() {
        let places: Vec<_> = given.iter().map(|path| path.display().to_string()).collect();
        return Err(miette::miette!(
            help = "write one: docs/scenarios.md shows how",
            "there is no scenario in {} that is asked for",
            places.join(", ")
        ));
    }
    let began = Instant::now();
    let played = at_once(scenarios, |scenario| {
        let play = kit.play(&scenario, None);
        let wrong = judge::judge(&scenario, &play);
        Played { scenario, play, wrong }
    });
    let mut failed = 0;
    for played in &played {
        failed += usize::from(!played.wrong.is_empty());
        show(common, options, played)?;
    }
    if !common.json {
        let (count, took) = (played.len(), began.elapsed().as_secs_f64());
        output::line(&format!("{count} scenarios: {} passed, {failed} failed, in {took:.1} s", count - failed))?;
    }
    // What fails without trouble says nothing with it.
    let sound: Vec<&Played> = played.iter().filter(|played| played.wrong.is_empty()).collect();
    let mut lost = 0;
    for (wanted, title, troubles) in
        [(options.faults, "faults", &What::FAULTS[..]), (options.crashes, "crashes", &What::DEATHS[..])]
    {
        if wanted {
            lost += torment(common, &kit, &sound, title, troubles)?;
        }
    }
    Ok(if failed + lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(common: &Common, options: &Options, Played { scenario, play, wrong }: &Played) -> miette::Result<()> {
    if common.json {
        let told = Told {
            scenario: &scenario.name,
            trouble: None,
            request: None,
            passed: wrong.is_empty(),
            told: None,
            wrong,
        };
        return output::json(&told);
    }
    let mark = if wrong.is_empty() { output::style("ok  ", Style::Good) } else { output::style("FAIL", Style::Bad) };
    let (requests, took) = (play.seen.len(), play.took.as_millis());
    let name = &scenario.name;
    let about = output::printable(&scenario.about);
    output::line(format!("{mark}  {name:<28} {requests:>3} requests {took:>5} ms  {about}").trim_end())?;
    for text in wrong {
        for line in text.lines() {
            output::line(&format!("      {}", output::printable(line)))?;
        }
    }
    if options.verbose {
        for (at, seen) in play.seen.iter().enumerate() {
            output::line(&format!(
                "      {:>3}  {} → {}",
                at + 1,
                output::printable(&seen.request.to_string()),
                seen.answer
            ))?;
            let body = String::from_utf8_lossy(&seen.request.body);
            if !body.is_empty() {
                output::line(&format!("           {}", output::cut(&output::printable(&body), 500)))?;
            }
        }
        play.log
            .iter()
            .try_for_each(|line| output::line(&format!("      log  {}", output::printable(line.trim_start()))))?;
    }
    Ok(())
}

/// Plays each scenario with each trouble at each of its requests; how many the plugin did not survive.
fn torment(common: &Common, kit: &Kit, played: &[&Played], title: &str, troubles: &[What]) -> miette::Result<usize> {
    let plays: Vec<(&Played, Trouble)> = played
        .iter()
        .flat_map(|played| {
            let points = 0..played.play.seen.len();
            points.flat_map(move |at| troubles.iter().map(move |what| (*played, Trouble { at, what: *what })))
        })
        .collect();
    let (count, began) = (plays.len(), Instant::now());
    let (progress, played) = (Progress::new(), AtomicUsize::new(0));
    let tried = at_once(plays, |(Played { scenario, play: without, .. }, trouble)| {
        let play = kit.play(scenario, Some(trouble));
        let so_far = played.fetch_add(1, Ordering::Relaxed) + 1;
        if !common.json {
            progress.show(&format!("{title}: {so_far} of {count}"));
        }
        Tried {
            scenario: scenario.name.clone(),
            request: without.seen.get(trouble.at).map(|seen| seen.request.to_string()).unwrap_or_default(),
            what: trouble.what,
            survival: judge::survived(scenario, without, &play),
        }
    });
    drop(progress);
    let (mut done, mut told) = (0, 0);
    let mut lost = Vec::new();
    for tried in &tried {
        let wrong: &[String] = match &tried.survival {
            Survival::Done => {
                done += 1;
                &[]
            }
            Survival::Told(_) => {
                told += 1;
                &[]
            }
            Survival::Not(wrong) => {
                lost.push(tried);
                wrong
            }
        };
        if common.json {
            output::json(&Told {
                scenario: &tried.scenario,
                trouble: Some(tried.what.to_string()),
                request: Some(&tried.request),
                passed: wrong.is_empty(),
                told: if let Survival::Told(told) = &tried.survival { Some(told) } else { None },
                wrong,
            })?;
        }
    }
    if common.json {
        return Ok(lost.len());
    }
    let took = began.elapsed().as_secs_f64();
    output::line(&format!(
        "{title}: {count} plays, {done} did their work once, {told} did not and said why, {} went wrong, in {took:.1} s",
        lost.len()
    ))?;
    for tried in &lost {
        let mark = output::style("FAIL", Style::Bad);
        output::line(&format!("{mark}  {}: {}, at {}", tried.scenario, tried.what, output::printable(&tried.request)))?;
        if let Survival::Not(wrong) = &tried.survival {
            for line in wrong.iter().flat_map(|text| text.lines()) {
                output::line(&format!("      {}", output::printable(line)))?;
            }
        }
    }
    Ok(lost.len())
}

/// Does something to every item, several at once: most of a play is waiting.
fn at_once<T: Send, U: Send>(items: Vec<T>, work: impl Fn(T) -> U + Sync) -> Vec<U> {
    let hands = std::thread::available_parallelism().map_or(4, |cores| cores.get() * 4).min(items.len());
    let (waiting, done) = (Mutex::new(items.into_iter().enumerate()), Mutex::new(Vec::new()));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let hand = || {
        while let Some((at, item)) = next() {
            let came = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, came));
        }
    };
    std::thread::scope(|scope| (0..hands).for_each(|_| drop(scope.spawn(hand))));
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, came)| came).collect()
}
