//! `hookswitch plugin stories`.

use std::process::ExitCode;

use clap::Args;

use super::super::{Common, output};
use crate::kit::story::LIBRARY;

/// List the stories that a scenario's calls can be, with their events.
///
/// A scenario names one (`story = "inbound-answered"`), or holds the events themselves, changed as it needs them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin stories
  hookswitch plugin stories attended-transfer")]
pub(in super::super) struct Options {
    /// Show this one only.
    name: Option<String>,
}

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    let stories: Vec<_> =
        LIBRARY.iter().filter(|story| options.name.as_deref().is_none_or(|name| name == story.name)).collect();
    if let ([], Some(name)) = (stories.as_slice(), &options.name) {
        let known: Vec<_> = LIBRARY.iter().map(|story| story.name).collect();
        return Err(miette::miette!(help = format!("there are: {}", known.join(", ")), "there is no story `{name}`"));
    }
    for story in stories {
        if common.json {
            output::json(&serde_json::json!({ "story": story.name, "text": story.text }))?;
        } else {
            output::line(&output::style(story.name, output::Style::Bold))?;
            output::line(story.text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
