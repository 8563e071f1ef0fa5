//! `hookswitch recordings erase`.

use std::process::ExitCode;

use clap::Args;
use hookswitch_journal::recordings::State;

use super::{all_named, list::size, open};
use crate::{
    cli::{Common, holder::Holder, output},
    recordings::Order,
};

/// Remove recordings with what was said in them; the call itself stays. `hookswitch erase NUMBER` forgets all of a number.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch recordings erase 17
  hookswitch recordings erase 1795230418.0          all of a call
  hookswitch erase +4930123456                      everything about a number")]
pub(in crate::cli) struct Options {
    /// Recordings or calls, by their ids.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

pub(super) fn run(common: &Common, Options { ids }: &Options) -> miette::Result<ExitCode> {
    let (loaded, reader) = open(common)?;
    let wanted = all_named(&reader, ids)?;
    let wanted = wanted.iter().filter(|recording| recording.state != State::Removed).map(|recording| recording.id);
    let wanted = wanted.collect();
    drop(reader);
    let mut holder = Holder::of(&loaded.resolve(&loaded.config.server.data))?;
    let done = holder.recordings(Order::Erase(wanted))?;
    holder.release();
    if common.json {
        output::json(&done)?;
    } else {
        output::line(&format!("{} recordings erased, with their words; {} are free", done.changed, size(done.bytes)))?;
        if done.changed > 0 {
            output::line("the phone system may have them still, and so may the CRMs that got them")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
