//! `hookswitch pbx restrictions`.

use std::process::ExitCode;

use clap::Args;
use hookswitch_call::Extension;
use hookswitch_pbx::Rules;

use super::super::{Common, output};
use crate::shown::printable;

/// Show what a phone system lets a user do, and change it.
///
/// Needs no running service. Names and values are the phone system's own. With `--set` all that is wanted is set at once,
/// read again and compared; the exit code is 1 if anything is not as wanted.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch pbx restrictions cloud 102
  hookswitch pbx restrictions cloud 102 --set international=false --set daily_limit=500")]
pub(in crate::cli) struct Options {
    /// The NAME of `[pbx.NAME]`.
    name: String,
    /// The user's extension.
    user: String,
    /// A restriction, and what it is to be.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("write it like international=false")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(common: &Common, Options { name, user, set }: &Options) -> miette::Result<ExitCode> {
    let (source, runtime) = super::open(common, name)?;
    let restrictions = source.restrictions().ok_or_else(|| {
        miette::miette!("restrictions of `{name}` cannot be seen from here: look at the phone system")
    })?;
    let (user, wanted) = (Extension::from(user.as_str()), Rules::from_iter(set.iter().cloned()));
    let found = match wanted.is_empty() {
        true => runtime.block_on(restrictions.read(&user)),
        false => runtime.block_on(restrictions.change(&user, &wanted)),
    };
    let found = found.map_err(|error| miette::miette!("{}", printable(&error)))?;
    if common.json {
        output::json(&found)?;
    } else if found.is_empty() {
        output::line("this user has no restrictions that could be set")?;
    } else {
        let rows: Vec<_> = found.iter().map(|(name, value)| vec![printable(name), printable(value)]).collect();
        output::table(&["RESTRICTION", "VALUE"], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}
