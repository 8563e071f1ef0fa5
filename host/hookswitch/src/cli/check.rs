//! `hookswitch check`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use hookswitch_journal::Journal;
use serde::Serialize;

use super::{
    Common,
    output::{self, Style},
};
use crate::{
    config::{self, Loaded},
    desk::{self, Desk, Lane, Visit},
    keeper, service, sources,
};

/// Check the configuration, the plugins and the connections. Changes nothing on either side.
///
/// Reads the configuration, loads every plugin and holds its manifest against the settings, logs in to every phone
/// system, and lets every plugin ask its CRM. The exit code is 0 if `hookswitch run` would work.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch check                      everything
  hookswitch check --offline            without touching phone systems and CRMs
  hookswitch check --json | jq          one JSON object per finding")]
pub(super) struct Options {
    /// Check configuration and plugins only; connect to nothing.
    #[arg(long)]
    offline: bool,
}

/// `plugin.check` may take this long (contract, `plugin.check`).
const TEST: Duration = Duration::from_secs(30);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding<'a> {
    /// What: `configuration`, `pbx.office`, `plugin.bitrix24`.
    about: &'a str,
    /// `ok`, `warning` or `failed`.
    verdict: &'static str,
    /// What was found, or what is wrong and how to mend it.
    text: &'a str,
}

/// Findings, printed as they come.
struct Report {
    json: bool,
    failed: bool,
}

impl Report {
    /// Something that works less well than it could.
    fn warn(&mut self, about: &str, text: &str) -> miette::Result<()> {
        self.print(about, "warning", text)
    }

    fn say(&mut self, about: &str, ok: bool, text: impl Into<String>) -> miette::Result<()> {
        self.failed |= !ok;
        self.print(about, if ok { "ok" } else { "failed" }, &text.into())
    }

    fn print(&self, about: &str, verdict: &'static str, text: &str) -> miette::Result<()> {
        if self.json {
            return output::json(&Finding { about, verdict, text });
        }
        let mark = match verdict {
            "ok" => output::style("ok     ", Style::Good),
            "warning" => output::style("warning", Style::Bold),
            _ => output::style("FAILED ", Style::Bad),
        };
        let mut lines = text.lines().map(output::printable);
        output::line(&format!("{mark}  {about:<20} {}", lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| output::line(&format!("         {:<20} {line}", "")))
    }
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let loaded = config::load(&common.config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| miette::miette!("cannot start threads: {error}"))?;
    let mut report = Report { json: common.json, failed: false };
    report.say("configuration", true, format!("{} is well-formed", common.config.display()))?;
    if loaded.config.pbx.is_empty() {
        report.say("configuration", false, "there is no phone system: add a table [pbx.NAME]")?;
    }
    if loaded.config.plugin.is_empty() {
        report.say("configuration", false, "there is no plugin: add a table [plugin.NAME]")?;
    }
    runtime.block_on(async {
        for name in loaded.config.pbx.keys() {
            check_pbx(&mut report, name, &loaded, options).await?;
        }
        // The service may hold the data folder at this moment; a check keeps its own records elsewhere.
        let folder = std::env::temp_dir().join(format!("hookswitch-check-{}", std::process::id()));
        let outcome = check_plugins(&mut report, &loaded, options, &folder).await;
        let _ = std::fs::remove_dir_all(&folder);
        outcome
    })?;
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn check_pbx(report: &mut Report, name: &str, loaded: &Loaded, options: &Options) -> miette::Result<()> {
    let about = format!("pbx.{name}");
    if options.offline {
        return report.say(&about, true, "not asked (--offline)");
    }
    match sources::check(name, loaded).await {
        Ok(facts) => {
            let version = facts.version.as_deref().unwrap_or("of an unknown version");
            let how = match (facts.encrypted, facts.challenged) {
                (true, _) => "encrypted",
                (false, true) => "not encrypted, password not sent",
                (false, false) => "not encrypted, password sent in the clear",
            };
            let channels = facts.channels.map(|count| format!("; {count} channels now")).unwrap_or_default();
            let text = format!("logged in: Asterisk {version}, manager interface {}, {how}{channels}", facts.interface);
            report.say(&about, true, text)?;
            facts.warnings.iter().try_for_each(|warning| report.warn(&about, warning))
        }
        Err(error) => report.say(&about, false, error),
    }
}

async fn check_plugins(
    report: &mut Report,
    loaded: &Loaded,
    options: &Options,
    folder: &std::path::Path,
) -> miette::Result<()> {
    let engine = service::engine(&loaded.resolve(&loaded.config.server.data))?;
    let journal = Journal::open(folder).map_err(|error| miette::miette!("{error}"))?;
    for name in loaded.config.plugin.keys() {
        let about = format!("plugin.{name}");
        match desk::open(name, loaded, &engine, &journal).await {
            Err(error) => report.say(&about, false, error.to_string())?,
            Ok(desk) => {
                let manifest = &desk.manifest;
                let vendor =
                    if manifest.vendor.is_empty() { String::new() } else { format!(" by {}", manifest.vendor) };
                report.say(&about, true, format!("{} {}{vendor}", manifest.title, manifest.version))?;
                for unused in desk::not_asked_for(&desk.config, manifest, loaded) {
                    report.warn(&about, &unused)?;
                }
                if !options.offline {
                    check_crm(report, &about, &desk).await?;
                }
            }
        }
    }
    journal.close().await;
    Ok(())
}

async fn check_crm(report: &mut Report, about: &str, desk: &Arc<Desk>) -> miette::Result<()> {
    let visit = Visit { function: "plugin.check", lane: Lane::Record, wall: TEST, call: None, leave: None };
    match desk.visit(visit, async |plugin, job| plugin.check(job).await).await {
        Ok(lines) => lines.iter().try_for_each(|line| report.say(about, true, line))?,
        Err(error) => return report.say(about, false, error.to_string()),
    }
    match keeper::refresh(desk).await {
        Ok(0) => Ok(()),
        Ok(_) => report.say(about, true, desk.users().summary()),
        Err(error) => report.say(about, false, format!("the users cannot be read: {error}")),
    }
}
