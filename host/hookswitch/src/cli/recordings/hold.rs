//! `hookswitch recordings hold` and `release`.

use std::process::ExitCode;

use clap::Args;
use hookswitch_journal::{CallRef, Reader};

use super::open;
use crate::{
    cli::{Common, holder::Holder, output},
    recordings::Order,
};

/// Keep a call and its recordings, however old they become and whoever asks to erase them, until it is released.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  hookswitch recordings hold 1795230418.0 --reason \"complaint 2026-114\"")]
pub(in crate::cli) struct Options {
    /// The call, as `hookswitch calls` shows it.
    call: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Let go of a call that is held.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReleaseOptions {
    /// The call, as `hookswitch calls` shows it.
    call: String,
}

pub(super) fn run(common: &Common, Options { call, reason }: &Options) -> miette::Result<ExitCode> {
    let held = carry_out(common, call, |call| Order::Hold { call, reason: reason.clone() })?;
    output::line(if held { "the call is held" } else { "the call was held already; the reason is the new one" })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn release(common: &Common, ReleaseOptions { call }: &ReleaseOptions) -> miette::Result<ExitCode> {
    let released = carry_out(common, call, |call| Order::Release { call })?;
    output::line(if released { "the call is not held any more" } else { "the call was not held" })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether it changed anything.
fn carry_out(common: &Common, call: &str, order: impl FnOnce(CallRef) -> Order) -> miette::Result<bool> {
    let (loaded, reader) = open(common)?;
    let call = find(&reader, call)?;
    drop(reader);
    let mut holder = Holder::of(&loaded.resolve(&loaded.config.server.data))?;
    let done = holder.recordings(order(call))?;
    holder.release();
    Ok(done.changed > 0)
}

/// The call that is named.
fn find(reader: &Reader, named: &str) -> miette::Result<CallRef> {
    let found = reader.read(|view| view.calls_named(named, 10)).map_err(|error| miette::miette!("{error}"))?;
    match found.as_slice() {
        [only] => Ok(CallRef::from(&only.call)),
        [] => Err(miette::miette!(help = "`hookswitch calls` shows the ids of calls", "there is no call `{named}`")),
        several => {
            let names: Vec<_> = several.iter().map(|entry| CallRef::from(&entry.call).to_string()).collect();
            Err(miette::miette!("several calls are called so: {}; write more of it", names.join(", ")))
        }
    }
}
