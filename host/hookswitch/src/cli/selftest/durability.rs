//! `hookswitch selftest durability`.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::Args;

use super::{
    disk::Disk,
    rounds::Rounds,
    verdict::{Percentiles, Verdict},
};
use crate::{
    cli::{Common, output, progress::Progress},
    clock, config,
};

/// Kill an accepting process again and again, and look whether anything that it had acknowledged is lost.
///
/// Works in a new folder below DIR and never touches a journal that is there; the service may run meanwhile (it shares
/// the disk with the test, so both are slower). The folder is removed afterwards, unless something was lost. The exit
/// code is 0 if everything was there, 1 if not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch selftest durability                         30 s on the disk of the configured data folder
  hookswitch selftest durability --data /mnt/new-disk    is this disk good enough?
  hookswitch selftest durability --for 10m --json        longer, for a program
  hookswitch selftest durability --rounds 200            this many kills")]
pub(super) struct Options {
    /// A folder on the disk to be tested. Default: `data` of the configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Kill this often.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Go on for this long: `30s`, `10m`. Default 30s, where no number of rounds is given.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    length: Option<std::time::Duration>,
    /// Accept from this many callers at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    producers: u16,
}

/// The test stays well below this.
const ROOM: u64 = 512 << 20;
/// How long the test goes on if nobody says.
const LENGTH: std::time::Duration = std::time::Duration::from_secs(30);

/// The folder of the test; removed at the end, unless it is evidence.
struct Scratch {
    path: PathBuf,
    kept: bool,
}

impl Scratch {
    fn below(dir: &Path) -> miette::Result<Self> {
        let path = dir.join(format!("hookswitch-selftest-{}", clock::now().0));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            miette::miette!(
                help = "name a folder that exists and that this user may write to: `--data DIR`",
                "the folder {} cannot be made: {error}",
                path.display()
            )
        })?;
        Ok(Self { path, kept: false })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("the folder {} could not be removed: {error}", self.path.display());
        }
    }
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let dir = match &options.data {
        Some(dir) => dir.clone(),
        None => {
            let loaded = config::load(&common.config)?;
            loaded.resolve(&loaded.config.server.data)
        }
    };
    let mut scratch = Scratch::below(&dir)?;
    let disk = Disk::look(&scratch.path)
        .map_err(|error| miette::miette!("the disk under {} cannot be used: {error}", dir.display()))?;
    if disk.free < ROOM {
        return Err(miette::miette!(
            help = "free some space, or name a folder on another disk: `--data DIR`",
            "the disk under {} has {} MiB left, the test needs {} MiB",
            dir.display(),
            disk.free >> 20,
            ROOM >> 20
        ));
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| miette::miette!("cannot start threads: {error}"))?;
    let mut rounds = Rounds::new(&scratch.path, options.producers.into());
    let ended = runtime.block_on(async {
        let stopped = stop_signal()?;
        tokio::select! {
            ended = go_round(&mut rounds, options) => ended.map(Some),
            () = stopped => Ok(None),
        }
    })?;
    if ended.is_none() {
        eprintln!("broken off after {} kills; nothing was lost so far", rounds.kills);
        return Ok(ExitCode::from(130));
    }
    scratch.kept = !rounds.faults.is_empty();
    let verdict = verdict(rounds, disk, &scratch, options);
    if scratch.kept {
        let text = serde_json::to_vec_pretty(&verdict).unwrap_or_default();
        std::fs::write(scratch.path.join("verdict.json"), text)
            .map_err(|error| miette::miette!("the verdict cannot be kept with the evidence: {error}"))?;
    }
    if common.json {
        output::json(&verdict)?;
    } else {
        verdict.print()?;
    }
    Ok(if verdict.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ends when enough was done, or something was found.
async fn go_round(rounds: &mut Rounds, options: &Options) -> miette::Result<()> {
    let progress = Progress::new();
    let began = Instant::now();
    let length = options.length.or(options.rounds.is_none().then_some(LENGTH));
    while rounds.faults.is_empty() {
        rounds.round().await?;
        let (kills, events) = (rounds.kills, rounds.acknowledged);
        progress.show(&format!("{kills} kills, {events} events acknowledged, nothing lost"));
        let enough = options.rounds.is_some_and(|rounds| kills >= rounds);
        if enough || length.is_some_and(|length| began.elapsed() >= length) {
            break;
        }
    }
    Ok(())
}

/// Ends when somebody wants the test to stop.
fn stop_signal() -> miette::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| miette::miette!("cannot listen for signals: {error}"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    // The terminal was closed.
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
    })
}

fn verdict(rounds: Rounds, disk: Disk, scratch: &Scratch, options: &Options) -> Verdict {
    Verdict {
        ok: rounds.faults.is_empty(),
        kills: rounds.kills,
        acknowledged: rounds.acknowledged,
        producers: options.producers.into(),
        per_second: rounds.acknowledged as f64 / rounds.accepting.as_secs_f64().max(0.001),
        accept_ms: Percentiles::of(rounds.took_us),
        recovery_ms: rounds.recovery.as_secs_f64() * 1000.0,
        warnings: disk.warnings(),
        disk,
        faults: rounds.faults,
        evidence: scratch.kept.then(|| scratch.path.display().to_string()),
    }
}
