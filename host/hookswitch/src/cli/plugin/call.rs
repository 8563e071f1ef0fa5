//! `hookswitch plugin run`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::Value;

use super::{
    super::{
        Common,
        output::{self, Style},
    },
    project::Project,
};
use crate::kit::{
    Kit,
    scenario::{Scenario, Single},
};

/// Call one function of a plugin, and see what it asks the CRM and what it returns.
///
/// The CRM is that of a scenario: its [[crm]] and [plugin] count, its calls do not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin run lookup.by-number --input '{\"number\": \"+49301234567\"}' --crm scenarios/known.toml
  hookswitch plugin run plugin.check --crm scenarios/_crm.toml
  hookswitch plugin run contacts.create --input '{\"draft\": {\"last-name\": \"Muster\"}}' --crm scenarios/new.toml")]
pub(in super::super) struct Options {
    /// The function, as the contract names it.
    function: String,
    /// Its arguments, as JSON in the contract's names.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    input: String,
    /// The scenario whose CRM is asked.
    #[arg(long, value_name = "FILE")]
    crm: Option<PathBuf>,
    /// The plugin [default: the project's].
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let project = Project::find(options.plugin.as_deref())?;
    let input: Value = serde_json::from_str(&options.input).map_err(|error| {
        miette::miette!(help = "like this: --input '{\"number\": \"+49301234567\"}'", "--input: {error}")
    })?;
    let kit = Kit::open(&project.component)?;
    let mut scenario = match &options.crm {
        Some(path) => Scenario::load(path)?,
        None => Scenario::default(),
    };
    scenario.calls.clear();
    scenario.runs = vec![Single { function: options.function.clone(), input, returns: None, fails: None }];
    let play = kit.play(&scenario, None);
    if let Some(broken) = play.broken {
        return Err(miette::miette!("{broken}"));
    }
    let mut good = true;
    for seen in &play.seen {
        let body = String::from_utf8_lossy(&seen.request.body).into_owned();
        if common.json {
            let request = seen.request.to_string();
            output::json(&serde_json::json!({ "request": request, "body": body, "answer": seen.answer }))?;
        } else {
            output::line(&format!("{} → {}", output::printable(&seen.request.to_string()), seen.answer))?;
            if !body.is_empty() {
                output::line(&format!("    {}", output::printable(&body)))?;
            }
        }
    }
    for came in &play.singles {
        match &came.result {
            Ok(value) if common.json => output::json(&serde_json::json!({ "returned": value }))?,
            Ok(value) => output::line(&serde_json::to_string_pretty(value).unwrap_or_default())?,
            Err((word, text)) => {
                good = false;
                if common.json {
                    output::json(&serde_json::json!({ "failed": word, "problem": text }))?;
                } else {
                    output::line(&format!(
                        "{} as {word}: {}",
                        output::style("failed", Style::Bad),
                        output::printable(text)
                    ))?;
                }
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
