//! `hookswitch run`.

use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Common, log};
use crate::{config, service};

/// Serve: take calls from the phone systems and drive the plugins.
///
/// Stops on Ctrl-C and SIGTERM: what is under way is brought to an end within a few seconds, everything else is kept
/// and goes on with the next start. A changed configuration, component or secret is taken up while it runs, by itself
/// and at SIGHUP; a broken one is refused, and everything runs on as before.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch run --config /etc/hookswitch.toml
  hookswitch run --log hookswitch=debug --log-format json 2> hookswitch.log")]
pub(super) struct Options {
    /// What is logged: error, warn, info, debug, trace, or per module.
    #[arg(long, env = "HOOKSWITCH_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text")]
    log_format: log::Format,
}

/// After the end of the service, threads that hang in the system are given this long.
const LINGER: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) fn run(common: &Common, options: &Options) -> miette::Result<ExitCode> {
    log::start(&options.log, options.log_format)?;
    let loaded = config::load(&common.config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| miette::miette!("cannot start threads: {error}"))?;
    let served = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(stop_on_signal(stop.clone()));
        service::run(loaded, stop).await
    });
    // What still hangs somewhere in the system is not waited for: everything is on disk.
    runtime.shutdown_timeout(LINGER);
    served.map(|()| ExitCode::SUCCESS)
}

/// Asks for a graceful stop at the first signal; the second one ends the process at once.
async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("cannot listen for signals; the program can only be killed");
        return;
    };
    let mut wait = async || tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} };
    wait().await;
    tracing::info!("stopping");
    stop.cancel();
    wait().await;
    tracing::warn!("stopped at once; unfinished work goes on at the next start");
    std::process::exit(130);
}
