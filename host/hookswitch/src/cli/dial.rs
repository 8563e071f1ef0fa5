//! `hookswitch dial`.

use std::process::ExitCode;

use clap::Args;

use super::{Common, auth, output};
use crate::shown::printable;

/// Have a phone system make a call: the agent's phone rings first, and when it is picked up the number is dialled.
///
/// What becomes of the call is shown by `hookswitch calls`, like any other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch dial +493012345678 --from 201
  hookswitch dial +493012345678 --from 201 --pbx office")]
pub(super) struct Options {
    /// The digits, as the phone system is to get them.
    #[arg(value_parser = digits)]
    number: String,
    /// The extension whose phone rings first.
    #[arg(long, value_name = "EXTENSION")]
    from: String,
    /// Which phone system, the NAME of `[pbx.NAME]`; not needed where there is only one.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
}

/// What a phone system can be told to dial: nothing that means something else in its protocol.
fn digits(text: &str) -> Result<String, String> {
    let number: String = text.chars().filter(|char| !matches!(char, ' ' | '-' | '(' | ')' | '/' | '.')).collect();
    let good =
        |(at, char): (usize, char)| char.is_ascii_digit() || matches!(char, '*' | '#') || (at == 0 && char == '+');
    if (1..=32).contains(&number.len()) && number.char_indices().all(good) {
        return Ok(number);
    }
    Err("a number is at most 32 digits, with a + in front or not: +493012345678".to_owned())
}

pub(super) fn run(common: &Common, Options { number, from, pbx }: &Options) -> miette::Result<ExitCode> {
    let mut client = auth::service(common)?;
    let dialled = client.dial(pbx.clone(), from.clone(), number.clone()).map_err(|error| miette::miette!("{error}"))?;
    if common.json {
        output::json(&dialled)?;
    } else {
        let call = dialled.call.map(|call| format!(" as call {}", printable(call.as_str()))).unwrap_or_default();
        output::line(&format!("{} rings {from}, and dials {number} when it is picked up{call}", dialled.pbx))?;
    }
    Ok(ExitCode::SUCCESS)
}
