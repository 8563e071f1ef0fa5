//! The source: keeps a connection to one 3CX and reports what happens to its calls.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use hookswitch_call::{Call, Millis, signal::Report};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Config,
    aftermath::{Later, attend, left_over},
    board::Board,
    check::check,
    control::Steering,
    directory::watch,
    features::FEATURES,
    gateway::Gateway,
    session::{End, Line},
};
use crate::{Begin, Checked, Features, Recordings, Source, Started, backoff::Backoff};

/// Calls whose recordings are to be looked for, on their way.
const LATER: usize = 1_024;

/// A connection to one 3CX that mends itself.
pub struct ThreeCx {
    config: Config,
    gateway: Gateway,
    random: fastrand::Rng,
}

impl ThreeCx {
    /// A source for the PBX that `config` describes.
    ///
    /// # Errors
    ///
    /// If its certificates cannot be read; for the admin.
    pub fn new(config: Config) -> Result<Self, String> {
        let gateway = Gateway::new(&config)?;
        Ok(Self { config, gateway, random: fastrand::Rng::new() })
    }
}

#[async_trait]
impl Source for ThreeCx {
    fn features(&self) -> Features {
        FEATURES
    }

    async fn check(&self) -> Result<Checked, String> {
        check(&self.gateway, &self.config).await.map_err(|failure| failure.to_string())
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        Some(Arc::new(self.gateway.clone()))
    }

    fn start(self: Box<Self>, begin: Begin) -> Started {
        let board = Arc::new(Mutex::new(Board::new(self.config.rules.clone(), begin.recent.iter().cloned())));
        let control = Steering { gateway: self.gateway.clone(), board: board.clone(), config: self.config.clone() };
        let (control, phonebook) = (Some(Arc::new(control) as _), Some(Arc::new(self.gateway.clone()) as _));
        Started { work: Box::pin(self.run(begin, board)), posts: None, control, phonebook }
    }
}

impl ThreeCx {
    /// Works until the source is stopped or nobody takes reports any more.
    async fn run(self, begin: Begin, board: Arc<Mutex<Board>>) {
        let Self { config, gateway, random } = self;
        let config = Arc::new(config);
        let Begin { recent, newest, outlet, router, stop, .. } = begin;
        let (later, asked) = mpsc::channel(LATER);
        if config.recordings {
            for call in left_over(&recent, &config).into_iter().take(LATER) {
                // The channel is empty, and has room for so many.
                let _ = later.try_send(Later::Recordings(call));
            }
        }
        let line = Line {
            config: config.clone(),
            gateway: gateway.clone(),
            board: board.clone(),
            outlet: outlet.clone(),
            router,
            later,
            stop: stop.clone(),
            heard: heard(newest, &recent),
        };
        let directory = async {
            match config.directory_every {
                Some(every) => watch(&gateway, &outlet, every).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = connect(line, random) => {}
            _ = attend(&gateway, &board, &config, &outlet, asked) => {}
            _ = directory => {}
        }
    }
}

/// Until when the host has listened, as far as its calls show it.
fn heard(newest: Option<Millis>, recent: &[Call]) -> Option<Millis> {
    recent.iter().map(|call| call.changed).chain(newest).max()
}

/// Connects, listens, and connects again.
async fn connect(mut line: Line, mut random: fastrand::Rng) {
    let patience = line.config.patience;
    let mut backoff = Backoff::new(patience.retry_first, patience.retry_longest);
    let mut last_reason = String::new();
    loop {
        let mut stood = false;
        let End::Broken(failure) = line.session(&mut stood).await else { return };
        if stood {
            backoff.reset();
        }
        let random = random.f64();
        let wait = if failure.needs_mending() { backoff.wait_longest(random) } else { backoff.wait(random) };
        let reason = failure.to_string();
        tracing::warn!(error = reason, retry_ms = wait.as_millis(), "no connection to the PBX");
        // The same reason again and again is no news.
        if (stood || reason != last_reason)
            && line.outlet.give(vec![Report::Disconnected { reason: reason.clone() }]).await.is_err()
        {
            return;
        }
        last_reason = reason;
        let stop: &CancellationToken = &line.stop;
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// The present, as the time of what carries none of its own.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
