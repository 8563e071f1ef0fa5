//! The log: one line per fact, to the error output.

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

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
        Format::Text => registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false)).init(),
        Format::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).init(),
    }
    Ok(())
}
