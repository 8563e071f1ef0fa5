//! One connection: `hyper` reads its requests and writes the answers, within our bounds.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::exchange::exchange;
use crate::forwarded::Origin;
use crate::limits::Limits;
use crate::message::Handler;
use crate::network::Network;
use crate::seldom::Seldom;
use crate::visitors::Visitors;

/// What all connections of a server share.
pub(crate) struct House {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) limits: Limits,
    pub(crate) visitors: Arc<Visitors>,
    pub(crate) trusted_proxies: Vec<Network>,
    /// Once it says stop, what is under way is finished and nothing begun.
    pub(crate) stop: CancellationToken,
    pub(crate) refusals: Seldom,
}

/// How long the other side has to notice that the connection is closed, and how many bytes of what it had on its way
/// are taken meanwhile.
const CLOSE: Duration = Duration::from_secs(1);
const DRAIN: u64 = 1024 * 1024;

/// What `hyper` may hold of one connection in either direction, besides a body that we collect and an answer.
const BUFFER: usize = 64 * 1024;

/// Serves a connection until it is closed from either side. `here` is what is known of it without any header.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(house: &House, mut stream: S, here: Origin) {
    if let Err(error) = converse(house, &mut stream, here).await
        && error.is_parse()
        && let Some(more) = house.refusals.leave()
    {
        warn!(source = %here.source, reason = %error, more, "request refused");
    }
    let _ = timeout(CLOSE, close(&mut stream)).await;
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    house: &House,
    stream: &mut S,
    here: Origin,
) -> Result<(), hyper::Error> {
    let limits = &house.limits;
    let begun = AtomicU32::new(0);
    let service = service_fn(|request| {
        let last = begun.fetch_add(1, Relaxed) + 1 >= limits.requests_per_connection;
        exchange(house, here, last, request)
    });
    let mut stream = pin!(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(limits.answer));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_header_size(limits.head_bytes)
        .max_headers(limits.headers)
        .max_buf_size(BUFFER.max(limits.head_bytes))
        // Who has said all it wants to say may still wait for the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = house.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Says that nothing more comes from here, and takes what still arrives for a moment: a socket closed over unread bytes
/// is reset, and the other side may lose the answer.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream.take(DRAIN), &mut tokio::io::sink()).await;
}
