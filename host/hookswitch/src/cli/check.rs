//! `hookswitch check`.

use std::{path::Path, process::ExitCode, sync::Arc};

use clap::Args;
use hookswitch_audio::Wanted;
use hookswitch_journal::Journal;
use hookswitch_keys::Store;
use serde::Serialize;

use super::{
    Common, auth,
    output::{self, Style},
};
use crate::{
    clock::Clock,
    config::{self, Loaded},
    control::Client,
    desk::{self, Desk},
    keeper,
    keys::Keys,
    recordings::Recordings,
    service,
    sites::Sites,
    sources,
    status::SIGNED_IN,
    updates::Updates,
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
    check_recordings(&mut report, &loaded)?;
    for exposed in config::exposed(&loaded) {
        report.warn("configuration", &exposed)?;
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

/// Whether recordings can become what plugins are to get.
fn check_recordings(report: &mut Report, loaded: &Loaded) -> miette::Result<()> {
    let Some(recordings) = &loaded.config.recordings else { return Ok(()) };
    let encoder = hookswitch_audio::find_encoder(&recordings.encoder);
    match (recordings.wanted(), encoder) {
        (Wanted::Mp3(_), Ok(path)) => report.say("recordings", true, format!("made MP3s by {}", path.display())),
        (Wanted::Mp3(_), Err(error)) => report.say("recordings", false, error.to_string()),
        (Wanted::Original, encoder) => {
            report.say("recordings", true, "passed on as they come")?;
            match encoder {
                Err(error) if recordings.speech.is_some() => {
                    report.warn("recordings", &format!("who says what is not told apart: {error}"))
                }
                _ => Ok(()),
            }
        }
    }
}

async fn check_pbx(report: &mut Report, name: &str, loaded: &Loaded, options: &Options) -> miette::Result<()> {
    let about = format!("pbx.{name}");
    if options.offline {
        return report.say(&about, true, "not asked (--offline)");
    }
    match sources::check(name, loaded).await {
        Ok(facts) => {
            report.say(&about, true, facts.found)?;
            facts.warnings.iter().try_for_each(|warning| report.warn(&about, warning))
        }
        Err(error) => report.say(&about, false, error),
    }
}

async fn check_plugins(report: &mut Report, loaded: &Loaded, options: &Options, folder: &Path) -> miette::Result<()> {
    let data = loaded.resolve(&loaded.config.server.data);
    let engine = service::engine(&data)?;
    let journal = Journal::open(folder).map_err(|error| miette::miette!("{error}"))?;
    // The running service has the tokens; a check of its own would renew them behind its back.
    let mut service = Client::connect(&data).map_err(|error| miette::miette!("{error}"))?;
    let keys =
        if service.is_none() && data.join("keys").is_dir() { Keys::open(&data, loaded) } else { Keys::empty(folder) };
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => return report.say("keys", false, error.to_string()),
    };
    let premises = desk::Premises {
        engine: &engine,
        journal: &journal,
        keys: &keys,
        clock: Clock::World,
        sites: Sites::default(),
        recordings: Recordings::at(folder, &journal, &keys.mask_key()),
        limits: hookswitch_gate::Limits::default(),
        updates: Some(Updates::new(&data)),
    };
    for name in loaded.config.plugin.keys() {
        let about = format!("plugin.{name}");
        match desk::open(name, loaded, &premises).await {
            Err(error) => report.say(&about, false, error.to_string())?,
            Ok(desk) => {
                let manifest = &desk.manifest;
                let vendor =
                    if manifest.vendor.is_empty() { String::new() } else { format!(" by {}", manifest.vendor) };
                report.say(&about, true, format!("{} {}{vendor}", manifest.title, manifest.version))?;
                if let Some(fault) = service::not_served(&loaded.config, &desk) {
                    report.say(&about, false, fault)?;
                }
                for difference in desk::differences(&desk) {
                    report.warn(&about, &difference)?;
                }
                if !options.offline {
                    // What is to be taken out of answers, the service knows alone as well.
                    let is_known_there = desk.has_tokens() || Store::keeps(&data, name);
                    match service.as_mut().filter(|_| is_known_there) {
                        Some(service) => ask_service(report, &about, name, service)?,
                        None => check_crm(report, &about, &desk).await?,
                    }
                }
            }
        }
    }
    journal.close().await;
    Ok(())
}

/// What the running service finds, with the tokens that it has.
fn ask_service(report: &mut Report, about: &str, name: &str, service: &mut Client) -> miette::Result<()> {
    let status = service.status().map_err(|error| miette::miette!("{error}"))?;
    let plugin = status.plugins.iter().find(|plugin| plugin.name == name);
    for sign_in in plugin.iter().flat_map(|plugin| &plugin.sign_ins) {
        let good = sign_in.state == SIGNED_IN;
        report.say(about, good, format!("credentials.{}: {}", sign_in.handle, auth::told(name, sign_in)))?;
    }
    if plugin.is_some_and(|plugin| plugin.sign_ins.iter().any(|sign_in| sign_in.state != SIGNED_IN)) {
        return Ok(());
    }
    match service.test(name.to_owned()) {
        Ok(lines) => lines.iter().try_for_each(|line| report.say(about, true, format!("{line} (the service says)"))),
        Err(error) => report.say(about, false, error.to_string()),
    }
}

async fn check_crm(report: &mut Report, about: &str, desk: &Arc<Desk>) -> miette::Result<()> {
    if desk.is_signed_out() {
        let cure = format!("nobody is signed in: start `hookswitch run`, then `hookswitch auth login {}`", desk.name);
        return report.say(about, false, cure);
    }
    match desk.test().await {
        Ok(lines) => lines.iter().try_for_each(|line| report.say(about, true, line))?,
        Err(error) => return report.say(about, false, error.to_string()),
    }
    match keeper::refresh(desk).await {
        Ok(0) => Ok(()),
        Ok(_) => report.say(about, true, desk.users().summary()),
        Err(error) => report.say(about, false, format!("the users cannot be read: {error}")),
    }
}
