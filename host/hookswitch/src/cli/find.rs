//! `hookswitch find`.

use std::process::ExitCode;

use clap::Args;

use super::{
    Common, auth,
    output::{self, Style, printable},
};
use crate::find::{Found, LONGEST};

/// Search all CRMs for a name, a company, an e-mail address or a telephone number.
///
/// All plugins are asked at the same time and have five seconds each; the exit code is 1 if one of them did not answer.
/// The service must run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch find \"ann example\"
  hookswitch find +493012345678               a number is looked up as if it called
  hookswitch find acme --plugin bitrix24 --json")]
pub(super) struct Options {
    /// What to look for.
    #[arg(value_parser = text, allow_hyphen_values = true)]
    text: String,
    /// Only in the CRM of this plugin, as in [plugin.NAME].
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
}

fn text(typed: &str) -> Result<String, String> {
    let text = typed.trim();
    match text.chars().count() {
        0 => Err("write what to look for".to_owned()),
        length if length > LONGEST => Err(format!("a search has at most {LONGEST} characters")),
        _ => Ok(text.to_owned()),
    }
}

pub(super) fn run(common: &Common, Options { text, plugin }: &Options) -> miette::Result<ExitCode> {
    let mut client = auth::service(common)?;
    let found = client.find(text.clone(), plugin.clone()).map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        found.iter().try_for_each(output::json)?;
    } else {
        show(&found)?;
    }
    let all = found.iter().all(|found| found.problem.is_none());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(found: &[Found]) -> miette::Result<()> {
    let rows = found.iter().flat_map(|found| {
        found.contacts.iter().map(|hit| {
            let what = format!("{} {}", hit.kind, hit.id);
            let cells = vec![
                hit.name.clone(),
                hit.company.clone(),
                hit.phones.join(", "),
                hit.emails.join(", "),
                found.plugin.clone(),
                what,
            ];
            (cells, Some(hit.url.clone()).filter(|url| !url.is_empty()))
        })
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        output::line("nobody was found")?;
    } else {
        output::annotated_table(&["NAME", "COMPANY", "PHONES", "E-MAIL", "PLUGIN", "RECORD"], &rows)?;
    }
    for found in found {
        if found.more {
            output::line(&output::style(&format!("{}: there are more", found.plugin), Style::Dim))?;
        }
        if let Some(problem) = &found.problem {
            output::line(&output::style(&format!("{}: {}", found.plugin, printable(problem)), Style::Bad))?;
        }
    }
    Ok(())
}
