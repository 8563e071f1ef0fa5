//! `hookswitch auth`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};

use super::{
    Common,
    calls::time,
    output::{self, Style},
};
use crate::{
    config,
    control::{Begun, Client},
    status,
};

/// Sign in at CRMs, and see who is signed in.
///
/// A CRM with OAuth 2.0 wants a person to allow the access once, in a browser. The tokens stay with the host, encrypted,
/// and are renewed by it; plugins never see them. While nobody is signed in, the plugin's work is kept waiting; nothing
/// is lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch auth status                   who is signed in, and until when
  hookswitch auth login hubspot            shows the address to open in a browser, and waits
  hookswitch auth logout hubspot           takes the access back, as far as the CRM offers it")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every sign-in. The exit code is 1 if somebody must sign in.
    Status,
    /// Sign in: open the address that is shown, in any browser that reaches this server.
    Login(Which),
    /// Sign out: the tokens are revoked, if the CRM offers it, and forgotten.
    Logout(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// The plugin, as in [plugin.NAME].
    plugin: String,
    /// The credential, where the plugin has several sign-ins.
    #[arg(long, value_name = "HANDLE")]
    credential: Option<String>,
}

/// The outcome of a sign-in is asked for this often.
const POLL: Duration = Duration::from_millis(500);

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    match &options.command {
        Command::Status => show(common),
        Command::Login(which) => login(common, which),
        Command::Logout(which) => logout(common, which),
    }
}

/// The running service.
pub(super) fn service(common: &Common) -> miette::Result<Client> {
    let loaded = config::load(&common.config)?;
    let data = loaded.resolve(&loaded.config.server.data);
    let client = Client::connect(&data).map_err(|error| miette::miette!("{error}"))?;
    client.ok_or_else(|| {
        miette::miette!(
            help = "start it with `hookswitch run`; if it runs, is `data` the same for it?",
            "no service runs on {}",
            data.display()
        )
    })
}

fn show(common: &Common) -> miette::Result<ExitCode> {
    let status = service(common)?.status().map_err(|error| miette::miette!("{error}"))?;
    let all: Vec<_> = status
        .plugins
        .iter()
        .flat_map(|plugin| plugin.sign_ins.iter().map(|sign_in| (plugin.name.as_str(), sign_in)))
        .collect();
    let good = all.iter().all(|(_, sign_in)| sign_in.state == status::SIGNED_IN);
    if common.json {
        all.iter().try_for_each(|(plugin, sign_in)| {
            output::json(&serde_json::json!({ "plugin": plugin, "sign-in": sign_in }))
        })?;
    } else if all.is_empty() {
        output::line("no plugin needs a sign-in")?;
    } else {
        let row = |(plugin, sign_in): &(&str, &status::SignIn)| {
            let moment = |at: Option<_>| at.map_or_else(|| "-".to_owned(), time);
            let cells = vec![
                (*plugin).to_owned(),
                sign_in.handle.clone(),
                sign_in.state.clone(),
                moment(sign_in.since),
                moment(sign_in.expires),
            ];
            (cells, sign_in.reason.clone())
        };
        output::annotated_table(
            &["PLUGIN", "CREDENTIAL", "STATE", "SINCE", "TOKEN UNTIL"],
            &all.iter().map(row).collect::<Vec<_>>(),
        )?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How a sign-in stands, in words, and what to do about it.
pub(super) fn told(plugin: &str, sign_in: &status::SignIn) -> String {
    let reason = sign_in.reason.as_deref();
    if sign_in.state == status::SIGNED_IN {
        let until =
            sign_in.expires.map(|at| format!(", token until {}, renewed in time", time(at))).unwrap_or_default();
        let trouble = reason.map(|reason| format!("; the last renewal failed: {reason}")).unwrap_or_default();
        return format!("signed in{until}{trouble}");
    }
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let since = sign_in.since.map(|at| format!(" since {}", time(at))).unwrap_or_default();
    let state = if sign_in.since.is_some() { sign_in.state.as_str() } else { "nobody is signed in" };
    format!("{state}{since}{reason}: hookswitch auth login {plugin}")
}

fn login(common: &Common, which: &Which) -> miette::Result<ExitCode> {
    let begun = service(common)?
        .login(which.plugin.clone(), which.credential.clone())
        .map_err(|error| miette::miette!("{error}"))?;
    let Begun { handle, url, redirect_uri, seconds, attempt } = begun;
    if common.json {
        output::json(&serde_json::json!({ "url": url, "redirect-uri": redirect_uri, "seconds": seconds }))?;
    } else {
        output::line("Open this address in a browser, and allow the access:\n")?;
        output::line(&format!("  {}\n", output::style(&url, Style::Bold)))?;
        output::line("If the CRM asks for the app's redirect address, it is exactly this one:\n")?;
        output::line(&format!("  {redirect_uri}\n"))?;
        output::line(&output::style(&format!("waiting for {} minutes; Ctrl-C ends it", seconds / 60), Style::Dim))?;
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        std::thread::sleep(POLL);
        match service(common)?.outcome(which.plugin.clone(), handle.clone(), attempt) {
            Ok(None) => {}
            Ok(Some(Ok(()))) => {
                if common.json {
                    output::json(&serde_json::json!({ "signed-in": true }))?;
                } else {
                    output::line(&output::style("signed in", Style::Good))?;
                }
                return Ok(ExitCode::SUCCESS);
            }
            Ok(Some(Err(reason))) => return Err(miette::miette!("{}", output::printable(&reason))),
            Err(error) => return Err(miette::miette!("{error}")),
        }
    }
    Err(miette::miette!(help = "begin anew with the same command", "nobody signed in in time"))
}

fn logout(common: &Common, which: &Which) -> miette::Result<ExitCode> {
    let told = service(common)?
        .logout(which.plugin.clone(), which.credential.clone())
        .map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&serde_json::json!({ "signed-out": true, "note": told }))?;
    } else {
        output::line(&output::printable(&told))?;
    }
    Ok(ExitCode::SUCCESS)
}
