//! `hookswitch recordings`.

mod erase;
mod fetch;
mod hold;
mod link;
mod list;

use std::process::ExitCode;

use clap::Subcommand;
use hookswitch_call::Chain;
use hookswitch_journal::{CallRef, Reader, RecordingId, View, recordings::Recording};

use super::Common;
use crate::config::{self, Loaded};

/// What phone systems have recorded: where it stands, links to it, and what is kept.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::Options),
    Fetch(fetch::Options),
    Link(link::Options),
    Erase(erase::Options),
    Hold(hold::Options),
    Release(hold::ReleaseOptions),
}

pub(super) fn run(common: &Common, command: &Command) -> miette::Result<ExitCode> {
    match command {
        Command::List(options) => list::run(common, options),
        Command::Fetch(options) => fetch::run(common, options),
        Command::Link(options) => link::run(common, options),
        Command::Erase(options) => erase::run(common, options),
        Command::Hold(options) => hold::run(common, options),
        Command::Release(options) => hold::release(common, options),
    }
}

/// The configuration, and what is in its data directory.
fn open(common: &Common) -> miette::Result<(Loaded, Reader)> {
    let loaded = config::load(&common.config)?;
    let reader = Reader::open(&loaded.resolve(&loaded.config.server.data));
    Ok((loaded, reader.map_err(|error| miette::miette!("{error}"))?))
}

/// The recordings that `named` are: one by its id, or all of a call by the call's. A number may be both.
fn named(view: &View<'_>, named: &str) -> Result<(Option<Recording>, Vec<Recording>), hookswitch_journal::Error> {
    let one = match named.parse() {
        Ok(id) => view.recording(RecordingId(id))?,
        Err(_) => None,
    };
    let of_call = match named.split_once('/') {
        Some((pbx, chain)) => view.recordings_of(&CallRef { pbx: pbx.into(), chain: chain.into() })?,
        None => view.recordings_of_chain(&Chain::from(named))?,
    };
    Ok((one, of_call))
}

/// The same for several names; it is an error if one of them is nothing, or may be this or that.
fn all_named(reader: &Reader, names: &[String]) -> miette::Result<Vec<Recording>> {
    let mut all = Vec::new();
    for name in names {
        let (one, of_call) = reader.read(|view| named(view, name)).map_err(|error| miette::miette!("{error}"))?;
        match (&one, of_call.as_slice()) {
            (None, []) => {
                return Err(miette::miette!(
                    help = "`hookswitch recordings list` shows the ids of recordings and calls",
                    "there is no recording `{name}`, and no call of that id with recordings"
                ));
            }
            (Some(one), [other, ..]) => {
                return Err(miette::miette!(
                    help = format!(
                        "name calls, with their phone system in front: `{}` for that recording and all others of its \
                         call, or `{}`",
                        one.call, other.call
                    ),
                    "`{name}` is a recording, and a call that has recordings"
                ));
            }
            _ => all.extend(one.into_iter().chain(of_call)),
        }
    }
    Ok(all)
}
