//! `hookswitch restore`.

use std::{
    io,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hookswitch_journal::backup;
use serde::Serialize;

use super::{
    Common,
    backup::{Contents, describe},
    output,
};
use crate::config;

/// Put a backup in the place of the journal. The service must be stopped.
///
/// The backup is checked before anything is changed. A journal that is there is never deleted: with --replace it is kept
/// under another name in the data folder. What was done in the CRMs after the backup was made is not undone, and the
/// restored journal does not know of it: jobs that were unfinished then run again.
///
/// The files of recordings are in no backup, and restoring touches none. As long as the journal that was there is in the data
/// folder, those stay too that only it knows; when you have removed it they go with the next clearing up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch restore /backup/hookswitch-2026-11-21.db              into an empty data folder
  hookswitch restore /backup/hookswitch-2026-11-21.db --replace    keeps the journal that is there under another name")]
pub(super) struct Options {
    /// A file that `hookswitch backup` made.
    file: PathBuf,
    /// Replace the journal that is there; it is kept under another name.
    #[arg(long)]
    replace: bool,
}

/// What was restored, as JSON has it.
#[derive(Debug, Serialize)]
struct Row {
    restored: Contents,
    data: String,
    /// Where the journal is that was there before.
    kept: Option<String>,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let restored =
        backup::restore(&options.file, &data, options.replace).map_err(|error| miette::miette!("{error}"))?;
    give_to_owner(&data).map_err(|error| {
        miette::miette!(
            help = "give the files there to the user of the service",
            "the journal was restored, but its files do not belong to whom {} belongs: {error}",
            data.display()
        )
    })?;
    let kept = restored.replaced.as_ref().map(|path| path.display().to_string());
    if common.json {
        let contents = Contents::of(&options.file, &restored.backup);
        output::json(&Row { restored: contents, data: data.display().to_string(), kept })?;
    } else {
        let text = describe(&restored.backup, &loaded.config.server.zone());
        output::line(&format!("restored to {}: {text}", data.display()))?;
        if let Some(kept) = &kept {
            output::line(&format!("the journal that was there is kept as {kept}"))?;
            output::line("the files of recordings that it alone knows stay until you remove it")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What root makes in the folder of the service's user would lock the service out.
fn give_to_owner(data: &Path) -> io::Result<()> {
    let owner = std::fs::metadata(data)?;
    for file in std::fs::read_dir(data)? {
        let file = file?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.uid() != owner.uid() {
            chown(file.path(), Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}
