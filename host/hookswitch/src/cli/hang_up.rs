//! `hookswitch hang-up`.

use std::process::ExitCode;

use clap::Args;

use super::{Common, auth, output};

/// Have a phone system end a call that goes on.
///
/// `hookswitch calls --open` shows which calls go on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch hang-up 1795230418.0
  hookswitch hang-up office/1795230418.0
  hookswitch hang-up externalCall.1f2e3d4c5b6a79880912a3b4c5d6e7f8.1767225600")]
pub(super) struct Options {
    /// The call: its id, PBX/ID, or the CRM's own id of a call that the CRM asked for.
    call: String,
    /// Only at this phone system, the NAME of `[pbx.NAME]`.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
}

pub(super) fn run(common: &Common, Options { call, pbx }: &Options) -> miette::Result<ExitCode> {
    let mut client = auth::service(common)?;
    let pbx = client.hang_up(pbx.clone(), call.clone()).map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&serde_json::json!({ "pbx": pbx, "call": call }))?;
    } else {
        output::line(&format!("{pbx} ends the call"))?;
    }
    Ok(ExitCode::SUCCESS)
}
