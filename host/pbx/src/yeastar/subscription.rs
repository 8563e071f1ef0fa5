//! Events by WebSocket (B.4 of `pbx-yeastar.md`).

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use hookswitch_call::signal::Report;
use http::{HeaderName, HeaderValue, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    client::{AGENT, Error, below},
    event::Event,
    work::{Attempt, Telling, Work, now},
};
use crate::{
    backoff::Backoff,
    socket::{Shut, Socket},
};

/// The PBX answers a subscription within this time.
const SUBSCRIBE: Duration = Duration::from_secs(10);
/// What keeps the connection alive, and what its answer begins with.
const HEARTBEAT: &str = "heartbeat";
/// A connection that is replaced is heard to its end for so long.
const FAREWELL: Duration = Duration::from_secs(2);
/// The PBX's clock and ours may differ by so many seconds. What was heard in them is known again.
const CLOCKS: u64 = 60;
/// Before a token is renewed, and with it the connection, so much time passes at least.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

impl Work {
    /// Connects, listens, and connects again, until `stop`. `gaps` is told when a connection stands, and since when nobody
    /// listened.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        mut since: Option<u64>,
        gaps: mpsc::Sender<Option<u64>>,
        stop: &CancellationToken,
    ) {
        let patience = self.config.patience;
        let mut backoff = Backoff::new(patience.retry_first, patience.retry_longest);
        let mut last = String::new();
        loop {
            let mut stood = false;
            let listened = tokio::select! {
                () = stop.cancelled() => return,
                listened = self.listen(&mut since, &gaps, &mut stood) => listened,
            };
            let Ok(Err(error)) = listened else { return };
            if stood {
                backoff.reset();
            }
            let random = fastrand::f64();
            let wait = if error.needs_mending() { backoff.wait_longest(random) } else { backoff.wait(random) };
            let reason = error.to_string();
            tracing::warn!(%error, retry_ms = wait.as_millis(), "no connection to the PBX");
            // The same reason again and again is no news.
            if (stood || reason != last)
                && self.outlet.give(vec![Report::Disconnected { reason: reason.clone() }]).await.is_err()
            {
                return;
            }
            last = reason;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One connection, and those that take its place when its token is renewed.
    async fn listen(
        self: &Arc<Self>,
        since: &mut Option<u64>,
        gaps: &mpsc::Sender<Option<u64>>,
        stood: &mut bool,
    ) -> Attempt<()> {
        let mut socket = match self.open().await {
            Ok(socket) => socket,
            Err(error) => return Ok(Err(error)),
        };
        *stood = true;
        tracing::info!("subscribed to the events of the PBX");
        self.outlet.give(vec![Report::Connected]).await?;
        if gaps.send(*since).await.is_err() {
            return Ok(Ok(()));
        }
        let heartbeat = self.config.patience.heartbeat;
        let (mut heard, mut asked) = (Instant::now(), false);
        let mut renewal = Instant::now() + self.client.old_in().await.max(SHORTEST_LIFE);
        let mut next: Option<BoxFuture<'_, Result<Socket, Error>>> = None;
        loop {
            *since = Some((now().0 / 1000).saturating_sub(CLOCKS));
            tokio::select! {
                text = socket.next() => match text {
                    Some(Ok(text)) => {
                        (heard, asked) = (Instant::now(), false);
                        self.said(&text).await?;
                    }
                    Some(Err(text)) => return Ok(Err(broken(text))),
                    None => return Ok(Err(broken("the PBX closed the web socket".to_owned()))),
                },
                () = sleep_until(heard + heartbeat * if asked { 2 } else { 1 }) => {
                    if asked {
                        return Ok(Err(broken(format!("the PBX has been silent for {} s", (heartbeat * 2).as_secs()))));
                    }
                    asked = true;
                    if let Err(text) = socket.send(HEARTBEAT).await {
                        return Ok(Err(broken(text)));
                    }
                }
                () = sleep_until(renewal), if next.is_none() => next = Some(Box::pin(self.open())),
                opened = async { match next.as_mut() { Some(next) => next.await, None => std::future::pending().await } } => {
                    next = None;
                    match opened {
                        Ok(new) => {
                            self.replace(std::mem::replace(&mut socket, new)).await?;
                            (heard, asked) = (Instant::now(), false);
                            renewal = Instant::now() + self.client.old_in().await.max(SHORTEST_LIFE);
                        }
                        Err(error) => {
                            tracing::warn!(%error, "the connection to the PBX cannot be renewed yet");
                            renewal = Instant::now() + self.config.patience.retry_longest;
                        }
                    }
                }
            }
        }
    }

    /// Opens a web socket and subscribes.
    async fn open(&self) -> Result<Socket, Error> {
        let token = self.client.token().await?;
        let access = [("access_token", token.expose_secret())];
        let headers: [(HeaderName, HeaderValue); 1] = [(header::USER_AGENT, HeaderValue::from_static(AGENT))];
        let opened = Socket::connect(self.client.reach(), &below("subscribe", access.into_iter()), &headers).await;
        let mut socket = match opened {
            Ok(socket) => socket,
            Err(error) => {
                if matches!(error, Shut::Refused(_)) {
                    // Perhaps it is the token's fault.
                    self.client.drop_token(&token).await;
                }
                return Err(broken(error.to_string()));
            }
        };
        socket.send(json!({ "topic_list": self.config.topics }).to_string()).await.map_err(broken)?;
        let deadline = Instant::now() + SUBSCRIBE;
        loop {
            let text = timeout_at(deadline, socket.next()).await;
            let text = text.map_err(|_| broken("the PBX does not answer the subscription".to_owned()))?;
            let text = text.unwrap_or_else(|| Err("the PBX closed the web socket".to_owned())).map_err(broken)?;
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            // Events that come first belong to a connection that is replaced, and are heard there.
            match answer.get("errcode").and_then(Value::as_i64) {
                Some(0) => return Ok(socket),
                Some(code) => {
                    self.client.drop_token(&token).await;
                    let text = answer.get("errmsg").and_then(Value::as_str).unwrap_or_default();
                    let text = format!("{}; it may not know all of `topics`", text.escape_debug());
                    return Err(Error::Refused { what: "the subscription".to_owned(), code, text });
                }
                None => {}
            }
        }
    }

    /// Hears a connection to its end that is replaced: what was sent before the new one stood came here only.
    async fn replace(self: &Arc<Self>, mut old: Socket) -> Result<(), crate::Closed> {
        let deadline = Instant::now() + FAREWELL;
        if old.send(HEARTBEAT).await.is_ok() {
            while let Ok(Some(Ok(text))) = timeout_at(deadline, old.next()).await {
                if text.starts_with(HEARTBEAT) {
                    break;
                }
                self.said(&text).await?;
            }
        }
        old.close().await;
        Ok(())
    }

    async fn said(self: &Arc<Self>, text: &str) -> Result<(), crate::Closed> {
        if text.starts_with(HEARTBEAT) {
            return Ok(());
        }
        match Event::read(text.as_bytes()) {
            Ok(event) => self.hear(event, Telling::Give).await,
            Err(error) => {
                tracing::warn!(%error, "an event of the PBX cannot be read");
                Ok(())
            }
        }
    }

    /// Opens a web socket for a trial.
    pub(super) async fn try_socket(&self) -> Result<(), Error> {
        self.open().await?.close().await;
        Ok(())
    }
}

fn broken(text: String) -> Error {
    Error::Unanswered { sent: true, text }
}
