//! `hookswitch jobs retry`, `skip` and `retry-all`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use clap::Args;
use hookswitch_journal::{
    JobId, Reader,
    jobs::{Job, JobFilter, State},
};
use serde::Serialize;

use crate::{
    cli::{Common, holder::Holder, output},
    config::{self, Loaded},
    control::{Decided, Decision, GROUP},
};

/// Try parked jobs again. All of them or none: if one cannot be, nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch jobs retry 12
  hookswitch jobs retry 12 13 14")]
pub(super) struct Retry {
    /// The jobs' numbers.
    #[arg(value_name = "ID", required = true)]
    jobs: Vec<i64>,
}

/// Do without jobs that wait or are parked. All of them or none. It cannot be undone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch jobs skip 12
  hookswitch jobs skip 12 13 --reason \"calls of the fire drill\"")]
pub(super) struct Skip {
    /// The jobs' numbers.
    #[arg(value_name = "ID", required = true)]
    jobs: Vec<i64>,
    /// Why; kept with the jobs.
    #[arg(long, value_name = "TEXT", value_parser = short)]
    reason: Option<String>,
}

/// Try all parked jobs again. Asks nothing and says how many.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch jobs retry-all --dry-run                    how many would it be?
  hookswitch jobs retry-all --plugin bitrix24            after the CRM was repaired
  hookswitch jobs retry-all --plugin bitrix24 --kind write")]
pub(super) struct RetryAll {
    /// Only those of this plugin.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Only those of this kind: contact, begin, write, update.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Say how many it would be, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A job about which was decided, as JSON has it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    job: i64,
    state: &'static str,
    plugin: &'a str,
    kind: &'a str,
    pbx: &'a str,
    call: &'a str,
}

/// What was done to how many jobs, as JSON has it.
#[derive(Debug, Serialize)]
struct Count<'a> {
    plugin: &'a str,
    kind: &'a str,
    jobs: usize,
    done: bool,
}

/// The longest reason, in bytes: it is a remark and not a document.
const REASON: usize = 500;

fn short(text: &str) -> Result<String, String> {
    if text.len() <= REASON { Ok(text.to_owned()) } else { Err(format!("a reason has at most {REASON} bytes")) }
}

pub(super) fn retry(common: &Common, loaded: &Loaded, options: &Retry) -> miette::Result<ExitCode> {
    let jobs = ids(&options.jobs);
    let reader = open(loaded)?;
    let known = reader.read(|view| jobs.iter().map(|&id| view.job(id)).collect::<Result<Vec<_>, _>>());
    let known = known.map_err(|error| miette::miette!("{error}"))?;
    if let Some(job) = known.into_iter().flatten().find(|job| !loaded.config.plugin.contains_key(&job.plugin)) {
        return Err(miette::miette!(
            help =
                format!("add [plugin.{}] again, or do without the job: `hookswitch jobs skip {}`", job.plugin, job.id),
            "job {} is for the plugin `{}`, which is not in the configuration: nobody would do it",
            job.id,
            job.plugin
        ));
    }
    let mut holder = holder(loaded)?;
    let decided = holder.decide(Decision::Retry { jobs })?;
    let what = format!("will be tried again {}", holder.when());
    holder.release();
    report(common, &decided, State::Waiting, &what)
}

pub(super) fn skip(common: &Common, loaded: &Loaded, options: &Skip) -> miette::Result<ExitCode> {
    // A journal that does not exist is not made by asking for a job in it.
    open(loaded)?;
    let mut holder = holder(loaded)?;
    let decided = holder.decide(Decision::Skip { jobs: ids(&options.jobs), reason: options.reason.clone() })?;
    holder.release();
    report(common, &decided, State::Skipped, "skipped")
}

pub(super) fn retry_all(common: &Common, loaded: &Loaded, options: &RetryAll) -> miette::Result<ExitCode> {
    let parked = parked(&open(loaded)?, options)?;
    let (wanted, orphans): (Vec<_>, Vec<_>) =
        parked.into_iter().partition(|job| loaded.config.plugin.contains_key(&job.plugin));
    for (plugin, count) in count(orphans.iter().map(|job| job.plugin.as_str())) {
        eprintln!("left alone: {count} parked jobs of `{plugin}`, which is not in the configuration");
    }
    let mut decided: Vec<Decided> = wanted.iter().map(Decided::from).collect();
    let mut when = "";
    if !options.dry_run && !wanted.is_empty() {
        let mut holder = holder(loaded)?;
        decided = Vec::new();
        for group in wanted.chunks(GROUP) {
            // In groups, so that calls are accepted in between; one that is cut off is simply said again.
            let jobs = group.iter().map(|job| job.id).collect();
            decided.extend(holder.decide(Decision::RetryParked { jobs })?);
        }
        when = holder.when();
        holder.release();
    }
    let counts = count(decided.iter().map(|job| (job.plugin.as_str(), job.kind.as_str())));
    for (&(plugin, kind), &jobs) in &counts {
        if common.json {
            output::json(&Count { plugin, kind, jobs, done: !options.dry_run })?;
        } else {
            let will =
                if options.dry_run { "would be tried again".to_owned() } else { format!("will be tried again {when}") };
            output::line(&format!("{}: {jobs} {} {will}", output::printable(plugin), output::printable(kind)))?;
        }
    }
    if counts.is_empty() {
        eprintln!("{}", nothing(options, loaded));
    }
    Ok(ExitCode::SUCCESS)
}

fn nothing(options: &RetryAll, loaded: &Loaded) -> String {
    let known: Vec<&str> = loaded.config.plugin.keys().map(String::as_str).collect();
    match options.plugin.as_deref().filter(|plugin| !known.contains(plugin)) {
        Some(plugin) => {
            let near = config::nearest(plugin, &known).map(|near| format!(", did you mean `{near}`?"));
            format!("nothing is parked for `{plugin}`: there is no such plugin{}", near.unwrap_or_default())
        }
        None => "nothing is parked here".to_owned(),
    }
}

/// The parked jobs that are meant, oldest first, so that those of one call go in their order.
fn parked(reader: &Reader, options: &RetryAll) -> miette::Result<Vec<Job>> {
    let filter = JobFilter {
        states: vec![State::Parked],
        plugin: options.plugin.clone(),
        pbx: None,
        kind: options.kind.clone(),
        before: None,
        limit: u32::MAX,
    };
    let mut jobs = reader.read(|view| view.list_jobs(&filter)).map_err(|error| miette::miette!("{error}"))?;
    jobs.reverse();
    Ok(jobs)
}

fn count<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    items.fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item).or_default() += 1;
        counts
    })
}

fn ids(jobs: &[i64]) -> BTreeSet<JobId> {
    jobs.iter().map(|&id| JobId(id)).collect()
}

fn open(loaded: &Loaded) -> miette::Result<Reader> {
    Reader::open(&loaded.resolve(&loaded.config.server.data)).map_err(|error| miette::miette!("{error}"))
}

fn holder(loaded: &Loaded) -> miette::Result<Holder> {
    Holder::of(&loaded.resolve(&loaded.config.server.data))
}

fn report(common: &Common, decided: &[Decided], state: State, what: &str) -> miette::Result<ExitCode> {
    for Decided { job, call, plugin, kind } in decided {
        if common.json {
            let (pbx, call) = (call.pbx.as_str(), call.chain.as_str());
            output::json(&Row { job: job.0, state: state.token(), plugin, kind, pbx, call })?;
        } else {
            let text = format!("job {job} ({kind} for {plugin}, call {call}): {what}");
            output::line(&output::printable(&text))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
