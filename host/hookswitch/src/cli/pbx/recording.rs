//! `hookswitch pbx recording`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hookswitch_pbx::{Fetched, Recordings};
use tempfile::NamedTempFile;

use super::super::{Common, output};
use crate::shown::printable;

/// Fetch a recording from where a phone system keeps it.
///
/// Goes the way that the running service goes, and needs none that runs. The file is made with mode 0600; one that exists
/// is not overwritten. The exit code is 1 if it cannot be had: not yet, not any more, not now, or not before an admin
/// changes something, which is said then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch trace DEMOs1                                  what was recorded, and under which name?
  hookswitch pbx recording cloud DEMOs1 --output call.mp3
  hookswitch pbx recording office 2026/11/in-201.wav --output call.wav")]
pub(in crate::cli) struct Options {
    /// The NAME of `[pbx.NAME]`.
    name: String,
    /// What the phone system calls the recording, as `hookswitch trace CALL` shows it.
    recording: String,
    /// The file to be made.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(common: &Common, Options { name, recording, output }: &Options) -> miette::Result<ExitCode> {
    let (source, runtime) = super::open(common, name)?;
    let recordings = source
        .recordings()
        .ok_or_else(|| miette::miette!("`{name}` gives out no recordings here: fetch them where they are kept"))?;
    if output.exists() {
        return Err(miette::miette!("{} exists, and is not overwritten", output.display()));
    }
    let fetched = runtime.block_on(fetch(&*recordings, name, recording, output))?;
    if common.json {
        let Fetched { bytes, content_type } = &fetched;
        output::json(&serde_json::json!({ "file": output, "bytes": bytes, "type": content_type }))?;
    } else {
        let kind = match fetched.content_type.as_str() {
            "" => "of a kind that nobody has said".to_owned(),
            kind => printable(kind),
        };
        output::line(&format!("{}: {} KiB, {kind}", output.display(), fetched.bytes.div_ceil(1024)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fetches it into a file beside the wanted one, which takes its place when it is whole.
async fn fetch(recordings: &dyn Recordings, name: &str, recording: &str, to: &Path) -> miette::Result<Fetched> {
    let failed = |error: std::io::Error| miette::miette!("{} cannot be written: {error}", to.display());
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let part = NamedTempFile::new_in(folder).map_err(failed)?;
    let mut open = tokio::fs::File::from_std(part.reopen().map_err(failed)?);
    let fetched = recordings.fetch(recording, &mut open).await;
    let fetched = fetched.map_err(|error| miette::miette!("[pbx.{name}]: {}", printable(&error.to_string())))?;
    open.sync_all().await.map_err(failed)?;
    part.persist_noclobber(to).map_err(|error| failed(error.error))?;
    Ok(fetched)
}
