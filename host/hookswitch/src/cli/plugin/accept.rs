//! `hookswitch plugin accept`.

use std::process::ExitCode;

use clap::Args;

use super::super::{Common, output};
use crate::{
    code::Code,
    config,
    control::Client,
    service,
    updates::{Build, Updates},
};

/// Take up a plugin's file that waits: one that has changed, or that asks for more than before.
///
/// Shows how it differs from the build in force. A service that runs takes it up at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin accept bitrix24          show the difference, change nothing
  hookswitch plugin accept bitrix24 --yes    take it up")]
pub(in super::super) struct Options {
    /// The NAME of [plugin.NAME].
    name: String,
    /// Take it up; otherwise the difference is shown only.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let name = &options.name;
    let plugin = loaded.config.plugin.get(name).ok_or_else(|| {
        let known: Vec<_> = loaded.config.plugin.keys().map(String::as_str).collect();
        miette::miette!(help = format!("there are: {}", known.join(", ")), "there is no [plugin.{name}]")
    })?;
    let path = loaded.resolve(&plugin.component);
    let code = Code::read(&path).map_err(|error| miette::miette!("{}: {error}", path.display()))?;
    let data = loaded.resolve(&loaded.config.server.data);
    let engine = service::engine(&data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| miette::miette!("cannot start a thread: {error}"))?;
    let inspected = runtime.block_on(code.inspect(&engine));
    let manifest = inspected.map_err(|error| miette::miette!("{}: {error}", path.display()))?.manifest;
    let build = Build::of(&code.bytes, &manifest);
    let updates = Updates::new(&data);
    let before = updates.builds().map_err(|error| miette::miette!("{error}"))?.remove(name);
    output::line(&format!("{} {}  sha256 {}", build.name, build.version, build.sha256))?;
    match &before {
        None => output::line("no build of it was in force before")?,
        Some(before) if before.sha256 == build.sha256 => {
            output::line("this build is in force")?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(before) => {
            output::line(&format!("in place of {} {}  sha256 {}", before.name, before.version, before.sha256))?;
            for more in build.permissions.difference(&before.permissions) {
                output::line(&format!("  + {}", output::printable(more)))?;
            }
            for less in before.permissions.difference(&build.permissions) {
                output::line(&format!("  - {}", output::printable(less)))?;
            }
        }
    }
    if !options.yes {
        output::line(&format!("take it up with: hookswitch plugin accept {name} --yes"))?;
        return Ok(ExitCode::SUCCESS);
    }
    updates.accept(name, &build).map_err(|error| miette::miette!("{error}"))?;
    match Client::connect(&data).map_err(|error| miette::miette!("{error}"))? {
        None => output::line("accepted; the next start takes it up")?,
        Some(mut service) => {
            let told = service.reload().map_err(|error| miette::miette!("{error}"))?;
            told.iter().try_for_each(|line| output::line(line))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
