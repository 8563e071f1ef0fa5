//! The log: one line per fact, to the error output.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::output;

/// How log lines look.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging. `filter` is in the syntax of `RUST_LOG`: `info`, `debug`, `hookswitch=debug,info`.
pub(super) fn start(filter: &str, format: Format) -> miette::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| miette::miette!(help = "write it like `info` or `hookswitch=debug,info`", "--log: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => {
            let layer = fmt::layer().with_writer(io::stderr).with_target(false);
            registry.with(layer.with_ansi(output::is_styled(&io::stderr()))).init();
        }
        Format::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).init(),
    }
    Ok(())
}
