//! `hookswitch plugin inspect`.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use hookswitch_runtime::Job;
use serde::Serialize;

use super::{
    super::{
        Common,
        output::{self, Style},
    },
    project::Project,
};
use crate::{code::Script, kit::Kit, updates::sha256};

/// Say what a plugin is: who made it, what it serves, what it asks for, and what it costs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin inspect                the plugin of this folder
  hookswitch plugin inspect crm.wasm --json")]
pub(in super::super) struct Options {
    /// The plugin [default: the project's].
    plugin: Option<PathBuf>,
}

/// So many calls are measured.
const CALLS: u32 = 50;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Facts {
    title: String,
    version: String,
    vendor: String,
    sha256: String,
    bytes: u64,
    load_ms: f64,
    /// A fresh instance that says its manifest.
    call_us: f64,
    memory_bytes: usize,
    serves: Vec<String>,
    exports: Vec<&'static str>,
    imports: Vec<String>,
    http: Vec<String>,
    credentials: Vec<String>,
    settings: Vec<String>,
    capabilities: Vec<String>,
    hooks: Vec<String>,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let project = Project::find(options.plugin.as_deref())?;
    let kit = Kit::open(&project.component)?;
    let file = std::fs::read(&project.component).map_err(|error| miette::miette!("{error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| miette::miette!("cannot start a thread: {error}"))?;
    let files: Vec<_> = kit.script.iter().map(Script::file).collect();
    let (mut spent, mut memory) = (Duration::ZERO, 0);
    for _ in 0..CALLS {
        let began = Instant::now();
        let outcome = runtime.block_on(kit.component.manifest(Job::denied(), &files));
        spent += began.elapsed();
        memory = memory.max(outcome.usage.peak_memory_bytes);
    }
    let manifest = &kit.manifest;
    let required = |required: bool| if required { "" } else { ", optional" };
    let facts = Facts {
        title: manifest.title.clone(),
        version: manifest.version.clone(),
        vendor: manifest.vendor.clone(),
        sha256: sha256(&file),
        bytes: file.len() as u64,
        load_ms: kit.loaded_in.as_secs_f64() * 1e3,
        call_us: spent.as_secs_f64() * 1e6 / f64::from(CALLS),
        memory_bytes: memory,
        serves: manifest.serves().map(str::to_owned).collect(),
        exports: kit.component.exports().names(),
        imports: kit.component.imports(),
        http: manifest.http.iter().cloned().collect(),
        credentials: manifest
            .credentials
            .iter()
            .map(|asked| {
                let kind = asked.kind().map_or("?", |kind| kind.name());
                format!("{} ({kind}{}): {}", asked.handle, required(asked.required), asked.title)
            })
            .collect(),
        settings: manifest
            .settings
            .iter()
            .map(|asked| format!("{} ({}{}): {}", asked.name, asked.kind(), required(asked.required), asked.title))
            .collect(),
        capabilities: manifest.capabilities.iter().cloned().collect(),
        hooks: manifest.hooks.iter().map(|hook| hook.name.clone()).collect(),
    };
    if common.json {
        output::json(&facts)?;
        return Ok(ExitCode::SUCCESS);
    }
    show(&facts)?;
    Ok(ExitCode::SUCCESS)
}

fn show(facts: &Facts) -> miette::Result<()> {
    let by = if facts.vendor.is_empty() { String::new() } else { format!(" by {}", facts.vendor) };
    output::line(&output::style(&format!("{} {}{by}", facts.title, facts.version), Style::Bold))?;
    let row = |title: &str, text: &str| output::line(&format!("{title:<14}{text}"));
    row("sha256", &facts.sha256)?;
    row("size", &format!("{} KiB", facts.bytes.div_ceil(1024)))?;
    row("load", &format!("{:.1} ms (compiled, and kept for the next time)", facts.load_ms))?;
    row("call", &format!("{:.0} µs for a fresh instance that says its manifest", facts.call_us))?;
    row("memory", &format!("{} KiB", facts.memory_bytes.div_ceil(1024)))?;
    let list = |title: &str, entries: &[String]| {
        let mut title = title;
        if entries.is_empty() {
            return row(title, "–");
        }
        entries.iter().try_for_each(|entry| row(std::mem::take(&mut title), &output::printable(entry)))
    };
    list("serves", &facts.serves)?;
    row("exports", &facts.exports.join(", "))?;
    list("imports", &facts.imports)?;
    list("asks for", &facts.http)?;
    list("credentials", &facts.credentials)?;
    list("settings", &facts.settings)?;
    list("capabilities", &facts.capabilities)?;
    list("hooks", &facts.hooks)
}
