//! `hookswitch plugin check`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    super::{
        Common,
        output::{self, Style},
    },
    project::Project,
};
use crate::kit::{
    Kit, lint,
    scenario::{self, Scenario},
    trouble::{Moment, Trouble, What},
};

/// Look for everything that a host would refuse, and for common mistakes.
///
/// The file and the manifest are judged as `hookswitch run` does; then the scenarios are played, and what the plugin asked
/// of the CRM in them is looked at: a record made without a search, a page that is never turned, a request that could be
/// repeated and is not, a function that no scenario calls.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin check                  the plugin of this folder
  hookswitch plugin check crm.wasm --strict; the exit code is 1 for remarks too")]
pub(in super::super) struct Options {
    /// The plugin [default: the project's].
    plugin: Option<PathBuf>,
    /// Its scenarios [default: the project's].
    #[arg(long, value_name = "FOLDER")]
    scenarios: Option<PathBuf>,
    /// Remarks are failures.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let project = Project::find(options.plugin.as_deref())?;
    let kit = Kit::open(&project.component)?;
    let mut failed = false;
    let say = |place: &str, verdict: &str, style: Style, text: &str| {
        if common.json {
            return output::json(&serde_json::json!({ "about": place, "verdict": verdict.trim(), "text": text }));
        }
        let place = output::printable(place);
        output::line(&format!("{}  {place:<20} {}", output::style(verdict, style), output::printable(text)))
    };
    let manifest = &kit.manifest;
    say("component", "ok     ", Style::Good, &format!("{} {}", manifest.title, manifest.version))?;
    let missing = manifest.served_but_missing(&kit.component.exports());
    if !missing.is_empty() {
        failed = true;
        let text = format!("serves {}, which the component does not export", missing.join(", "));
        say("manifest", "FAILED ", Style::Bad, &text)?;
    }
    let folder = options.scenarios.clone().unwrap_or(project.scenarios);
    let mut played = Vec::new();
    let paths = if folder.exists() { scenario::find(&folder).unwrap_or_default() } else { Vec::new() };
    for path in paths {
        let scenario = Scenario::load(&path)?;
        let play = kit.play(&scenario, None);
        let wrong = crate::kit::judge::judge(&scenario, &play);
        if let Some(first) = wrong.first() {
            failed = true;
            say(&scenario.name, "FAILED ", Style::Bad, first)?;
        }
        // A later try shows whether the plugin looks before it writes.
        let writes = play
            .seen
            .iter()
            .enumerate()
            .filter(|(_, seen)| seen.exchange.is_some_and(|at| scenario.crm.get(at).is_some_and(|it| it.writes())));
        let deaths = writes.map(|(at, _)| Trouble { at, what: What::Death(Moment::CarriedOut) });
        let with_death = deaths.map(|death| kit.play(&scenario, Some(death))).collect();
        played.push(lint::Played { scenario, without: play, with_death });
    }
    if played.is_empty() {
        failed = true;
        let text = format!("there are no scenarios in {}: what the plugin does cannot be looked at", folder.display());
        say("scenarios", "FAILED ", Style::Bad, &text)?;
    } else {
        let plays = played.iter().map(|played| 1 + played.with_death.len()).sum::<usize>();
        say("scenarios", "ok     ", Style::Good, &format!("{plays} plays looked at"))?;
        let remarks = lint::lint(manifest, &played);
        failed |= options.strict && !remarks.is_empty();
        for remark in &remarks {
            say(&remark.place, "remark ", Style::Bold, &remark.text)?;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
