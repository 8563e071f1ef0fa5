//! `hookswitch plugin replay` and `compare`: what was done in production, done again offline.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hookswitch_journal::Reader;

use super::{
    super::{
        Common,
        output::{self, Style},
        progress::Progress,
    },
    project::Project,
};
use crate::{
    config,
    kit::{
        Kit,
        replay::{Change, Replayed, changes, recorded},
        trace::{Doing, Trace},
    },
    updates::permissions,
};

/// Play an exported trace again, offline: what would the plugin ask the CRM now?
///
/// Each run gets the settings, users, stored values and answers that it got then. What is asked for now is held against
/// what was asked for then; the exit code is 1 if they differ.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch trace 1795230418.0 --export call.json         on the machine of the customer
  hookswitch plugin replay call.json                       with the plugin of this folder
  hookswitch plugin replay call.json --plugin crm.wasm")]
pub(in super::super) struct Replay {
    /// The trace.
    trace: PathBuf,
    /// The plugin [default: the project's].
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// Say what an upgrade of a plugin would change: its permissions, and its requests in the latest calls.
///
/// The calls are those of the journal that the configuration names; nothing is asked of the CRM. What the new build asks
/// for and the old one did not has no answer, and is listed as unmatched.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin compare bitrix24-1.0.wasm bitrix24-1.1.wasm --last 500
  hookswitch plugin compare old.wasm new.wasm --trace call.json")]
pub(in super::super) struct Compare {
    /// The build that is in use.
    old: PathBuf,
    /// The build that is to take its place.
    new: PathBuf,
    /// So many runs, the newest.
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    last: u32,
    /// The NAME of [plugin.NAME] [default: the only one].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// An exported trace in place of the journal.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

fn read(path: &Path) -> miette::Result<Trace> {
    let text = std::fs::read_to_string(path).map_err(|error| miette::miette!("{}: {error}", path.display()))?;
    Trace::parse(&text).map_err(|error| miette::miette!("{}: {error}", path.display()))
}

pub(super) fn replay(common: &Common, options: &Replay) -> miette::Result<ExitCode> {
    let project = Project::find(options.plugin.as_deref())?;
    let trace = read(&options.trace)?;
    let kit = Kit::open(&project.component)?;
    let mut tally = Tally::default();
    for doing in &trace.doings {
        let now = kit.replay(&trace, doing).map_err(|error| miette::miette!("{}: {error}", title(doing)))?;
        tally.note(common, doing, &recorded(doing), &now)?;
    }
    tally.close(common)
}

pub(super) fn compare(common: &Common, options: &Compare) -> miette::Result<ExitCode> {
    let (old, new) = (Kit::open(&options.old)?, Kit::open(&options.new)?);
    let trace = match &options.trace {
        Some(path) => read(path)?,
        None => latest(common, options)?,
    };
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (permissions(&old.manifest), permissions(&new.manifest));
    let more: Vec<_> = after.difference(&before).cloned().collect();
    let less: Vec<_> = before.difference(&after).cloned().collect();
    if common.json {
        output::json(&serde_json::json!({ "permissions": { "more": more, "less": less } }))?;
    } else {
        let (was, is) = (&old.manifest, &new.manifest);
        output::line(&format!("{} {} → {} {}", was.name, was.version, is.name, is.version))?;
        if more.is_empty() && less.is_empty() {
            output::line("permissions: the same")?;
        }
        more.iter().try_for_each(|more| output::line(&format!("  + {}", output::printable(more))))?;
        less.iter().try_for_each(|less| output::line(&format!("  - {}", output::printable(less))))?;
    }
    let progress = Progress::new();
    let mut tally = Tally::default();
    for (at, doing) in trace.doings.iter().enumerate() {
        progress.show(&format!("{} of {} runs", at + 1, trace.doings.len()));
        let [was, is] = [&old, &new].map(|kit| kit.replay(&trace, doing));
        let failed = |error: String| miette::miette!("{}: {error}", title(doing));
        let (was, is) = (was.map_err(failed)?, is.map_err(failed)?);
        progress.show("");
        tally.note(common, doing, &was, &is)?;
    }
    drop(progress);
    tally.close(common)
}

/// The latest runs in the journal.
fn latest(common: &Common, options: &Compare) -> miette::Result<Trace> {
    let loaded = config::load(&common.config)?;
    let known: Vec<&str> = loaded.config.plugin.keys().map(String::as_str).collect();
    let name = match (&options.name, known.as_slice()) {
        (Some(name), _) if loaded.config.plugin.contains_key(name) => name.clone(),
        (None, [only]) => (*only).to_owned(),
        _ => {
            return Err(miette::miette!(
                help = format!("--name is one of: {}", known.join(", ")),
                "which plugin is it?"
            ));
        }
    };
    let data = loaded.resolve(&loaded.config.server.data);
    let reader = Reader::open(&data).map_err(|error| miette::miette!("{error}"))?;
    let trace = reader.read(|view| Trace::gather(view, &loaded, &name, view.latest_runs(&name, options.last)?));
    let trace = trace.map_err(|error| miette::miette!("{error}"))?;
    if trace.doings.is_empty() {
        return Err(miette::miette!(
            help = "runs that can be played again are first tries of jobs; they are kept for `server.keep`",
            "the journal holds no run of {name} that can be played again"
        ));
    }
    Ok(trace)
}

fn title(doing: &Doing) -> String {
    format!("call {}, {}", doing.call.chain, doing.run.begun.function)
}

#[derive(Default)]
struct Tally {
    runs: usize,
    same: usize,
    unmatched: usize,
}

impl Tally {
    fn note(&mut self, common: &Common, doing: &Doing, before: &Replayed, now: &Replayed) -> miette::Result<()> {
        let changes = changes(before, now);
        self.runs += 1;
        self.same += usize::from(changes.is_empty());
        self.unmatched += now.unmatched.len();
        if changes.is_empty() {
            return Ok(());
        }
        if common.json {
            let shown: Vec<_> = changes.iter().map(shown).collect();
            let (call, function) = (doing.call.chain.to_string(), &doing.run.begun.function);
            return output::json(&serde_json::json!({
                "call": call, "function": function, "changes": shown, "unmatched": now.unmatched,
            }));
        }
        output::line(&output::style(&output::printable(&title(doing)), Style::Bold))?;
        changes.iter().try_for_each(|change| output::line(&format!("  {}", output::printable(&shown(change)))))?;
        now.unmatched.iter().try_for_each(|request| {
            output::line(&format!("  ? {}: not asked for before, so there is no answer", output::printable(request)))
        })
    }

    fn close(self, common: &Common) -> miette::Result<ExitCode> {
        let differ = self.runs - self.same;
        if common.json {
            output::json(&serde_json::json!({ "runs": self.runs, "same": self.same, "unmatched": self.unmatched }))?;
        } else {
            let (runs, same, unmatched) = (self.runs, self.same, self.unmatched);
            output::line(&format!("{runs} runs: {same} the same, {differ} differ, {unmatched} requests unmatched"))?;
        }
        Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn shown(change: &Change) -> String {
    match change {
        Change::Gone(asked) => format!("- {asked}"),
        Change::New(asked) => format!("+ {asked}"),
        Change::Outcome(before, now) => format!("ended as {before}, now as {now}"),
    }
}
