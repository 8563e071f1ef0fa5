//! `hookswitch status`.

use std::process::ExitCode;

use clap::Args;

use super::{
    Common, auth,
    calls::time,
    feed,
    output::{self, Style},
    pbx,
};
use crate::status::Status;

/// Show how the running service is: its phone systems and plugins, their CRMs, what waits and who must sign in.
///
/// The exit code is 1 if a phone system is not connected or silent, if a CRM cannot be worked with, or if jobs or
/// a feed wait for a person.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch status
  hookswitch status --json | jq '.plugins[] | select(.crm != \"well\")'")]
pub(super) struct Options {}

pub(super) fn run(common: &Common, _: &Options) -> miette::Result<ExitCode> {
    let mut client = auth::service(common)?;
    let status = client.status().map_err(|error| miette::miette!("{error}"))?;
    let held = |plugin: &crate::status::Plugin| plugin.feed.as_ref().is_some_and(|feed| feed.held);
    let good = status.plugins.iter().all(|plugin| plugin.crm == "well" && plugin.jobs.parked == 0 && !held(plugin))
        && status.pbx.iter().all(pbx::is_well);
    if common.json {
        output::json(&status)?;
    } else {
        show(&status)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(status: &Status) -> miette::Result<()> {
    output::line(&format!("hookswitch {} since {}", status.version, time(status.started)))?;
    for pbx in &status.pbx {
        output::line(&format!("phone system {}: {}", pbx.name, pbx::told(pbx)))?;
    }
    if let Some(url) = &status.public_url {
        output::line(&format!("called from outside: {url}"))?;
    }
    output::line("")?;
    let row = |plugin: &crate::status::Plugin| {
        let crm = match plugin.crm.as_str() {
            "well" => "well".to_owned(),
            "unwell" => "does not answer well: it is asked again now and then".to_owned(),
            "unauthorised" => "refuses the credentials: renew them".to_owned(),
            _ => "nobody is signed in".to_owned(),
        };
        let cells = vec![
            plugin.name.clone(),
            format!("{} {}", plugin.title, plugin.version),
            plugin.jobs.waiting.to_string(),
            plugin.jobs.parked.to_string(),
            crm,
        ];
        let sign_ins = plugin
            .sign_ins
            .iter()
            .map(|sign_in| format!("credentials.{}: {}", sign_in.handle, auth::told(&plugin.name, sign_in)));
        let notes: Vec<_> = sign_ins.chain(plugin.feed.as_ref().and_then(|of| feed::told(&plugin.name, of))).collect();
        (cells, (!notes.is_empty()).then(|| notes.join("; ")))
    };
    output::annotated_table(
        &["PLUGIN", "WHAT", "WAITING", "PARKED", "CRM"],
        &status.plugins.iter().map(row).collect::<Vec<_>>(),
    )?;
    if status.plugins.iter().any(|plugin| plugin.jobs.parked > 0) {
        output::line(&output::style("parked jobs wait for you: hookswitch jobs list --state parked", Style::Dim))?;
    }
    Ok(())
}
