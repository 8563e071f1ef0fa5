//! `hookswitch backup`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use hookswitch_journal::{Reader, backup::Backup};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Common, calls::time, output, progress::Progress, runs::moment};
use crate::config;

/// Copy the journal to a new file, also while the service runs.
///
/// The copy is one state of the journal, checked from its first page to its last, and safe on the disk when this ends. It
/// holds numbers, names and what was sent to the CRMs: keep it as private as the data folder (it is made with mode 0600).
/// It holds neither the configuration nor its secrets, nor the files of recordings: copy the folder `recordings` of the data
/// folder after it with a program of your own; its files never change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch backup /backup/hookswitch-$(date +%F).db
  hookswitch backup before-upgrade.db && hookswitch restore before-upgrade.db --replace
                                           there and back; `restore` while the service is stopped")]
pub(super) struct Options {
    /// The file to be made. One that exists is not overwritten.
    file: PathBuf,
}

/// What a backup holds, as JSON has it.
#[derive(Debug, Serialize)]
pub(super) struct Contents {
    file: String,
    bytes: u64,
    calls: u64,
    jobs: u64,
    /// Jobs that are neither done nor skipped.
    unfinished: u64,
    /// When a call in it changed last, RFC 3339.
    newest: Option<String>,
}

impl Contents {
    pub(super) fn of(file: &std::path::Path, backup: &Backup) -> Self {
        let Backup { bytes, calls, jobs, unfinished, newest } = *backup;
        Self { file: file.display().to_string(), bytes, calls, jobs, unfinished, newest: newest.map(time) }
    }
}

/// What a backup holds, in a sentence.
pub(super) fn describe(backup: &Backup, zone: &TimeZone) -> String {
    let Backup { bytes, calls, jobs, unfinished, newest } = backup;
    let newest = newest.map(|at| format!(", the newest of {}", moment(zone, at))).unwrap_or_default();
    let mib = *bytes as f64 / f64::from(1 << 20);
    format!("{mib:.1} MiB, {calls} calls{newest}; {jobs} jobs, {unfinished} of them unfinished")
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let reader = Reader::open(&loaded.resolve(&loaded.config.server.data));
    let reader = reader.map_err(|error| miette::miette!("{error}"))?;
    let progress = Progress::new();
    let made = reader.backup(&options.file, |done, all| {
        progress.show(&format!("copying: {} %", (done * 100).checked_div(all).unwrap_or(100)));
    });
    drop(progress);
    let backup = made.map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&Contents::of(&options.file, &backup))?;
    } else {
        let text = describe(&backup, &loaded.config.server.zone());
        output::line(&format!("{}: {text}", options.file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
