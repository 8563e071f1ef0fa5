//! From an origin to a connection: name → addresses → judgement of each → exactly one of them, dialled.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tracing::trace;

use crate::enclosure::Content;
use crate::error::Stage;
use crate::headers::{MAX_HEADER_BYTES, MAX_HEADERS};
use crate::limits::Limits;
use crate::network::{Closed, Network, judge};
use crate::origin::{Host, Origin, Scheme};
use crate::proxy::Proxy;
use crate::resolve::Lookup;
use crate::tls::Tls;

/// Addresses of a name that are tried at most. All of them are judged.
const MAX_TRIES: usize = 8;

/// An open HTTP/1.1 connection to an origin.
pub(crate) struct Connection {
    pub(crate) sender: http1::SendRequest<Content>,
    pub(crate) remote: SocketAddr,
    /// The grant that opened the address, where it is internal.
    pub(crate) network: Option<Network>,
    /// Its end is the connection's.
    _held: Held,
}

/// Says by its end that nobody wants a connection any more.
type Held = oneshot::Sender<Infallible>;

/// A connection that nobody wants any more has so long to say goodbye. An answer may come while most of the body is still to
/// be sent, and who gave it may take nothing more.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long the steps to a new connection took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Steps {
    pub(crate) dns: Option<Duration>,
    pub(crate) connect: Option<Duration>,
    pub(crate) tls: Option<Duration>,
}

pub(crate) enum Failure {
    Closed { address: IpAddr, closed: Closed },
    NotSent { stage: Stage, cause: String },
}

/// Opens connections under the rules of one plugin.
pub(crate) struct Dialer {
    pub(crate) lookup: Lookup,
    pub(crate) tls: Tls,
    pub(crate) networks: Vec<Network>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) limits: Limits,
}

impl Dialer {
    /// The proxy that forwards requests to an origin. To other origins it opens tunnels, in which it has no part.
    pub(crate) fn forwarder(&self, origin: &Origin) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| origin.scheme() == Scheme::Http)
    }

    /// Opens a connection to an origin that a grant covers.
    pub(crate) async fn dial(&self, origin: &Origin, deadline: Instant) -> Result<(Connection, Steps), Failure> {
        let mut steps = Steps::default();
        let mut clock = Instant::now();
        let mut lap = || {
            let before = std::mem::replace(&mut clock, Instant::now());
            Some(clock - before)
        };

        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (origin.host(), origin.port()),
        };
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let found = within(Stage::Resolve, self.limits.dns, deadline, self.lookup.addresses(name)).await?;
                steps.dns = lap();
                found
            }
        };
        let addresses = self.judged(host, found)?;

        let (mut stream, network) =
            within(Stage::Connect, self.limits.connect, deadline, self.first_open(port, &addresses)).await?;
        if let Some(proxy) = &self.proxy
            && origin.scheme() == Scheme::Https
        {
            // The proxy looks up the name and connects in its turn.
            let limit = self.limits.dns + self.limits.connect;
            within(Stage::Connect, limit, deadline, proxy.tunnel(&mut stream, origin)).await?;
        }
        steps.connect = lap();
        let remote = stream.peer_addr().map_err(|error| connecting(error.to_string()))?;

        let (sender, held) = match origin.scheme() {
            Scheme::Http => speak(stream).await,
            Scheme::Https => {
                let secure = self.tls.secure(origin.host(), stream);
                let stream = within(Stage::Tls, self.limits.tls, deadline, secure).await?;
                steps.tls = lap();
                speak(stream).await
            }
        }
        .map_err(|error| connecting(error.to_string()))?;
        Ok((Connection { sender, remote, network, _held: held }, steps))
    }

    /// Judges the addresses of a host, and gives them with what opened each. One closed address closes a name: it may
    /// be a trick to be tried until the order suits.
    fn judged(&self, host: &Host, found: Vec<IpAddr>) -> Result<Vec<(IpAddr, Option<Network>)>, Failure> {
        // A grant for an address is exact, so the admin has written this very address; and so is a proxy.
        let written = matches!(host, Host::Address(_)) || self.proxy.is_some();
        let judged = found.into_iter().map(|address| match judge(address, &self.networks) {
            Ok(network) => Ok((address, network)),
            Err(_) if written => Ok((address, None)),
            Err(closed) => Err(Failure::Closed { address, closed }),
        });
        judged.collect()
    }

    /// Tries addresses in order. Each gets its share of the time, so that a silent one does not use up all of it.
    async fn first_open(
        &self,
        port: u16,
        addresses: &[(IpAddr, Option<Network>)],
    ) -> Result<(TcpStream, Option<Network>), String> {
        let share = self.limits.connect / u32::try_from(addresses.len().clamp(1, MAX_TRIES)).unwrap_or(1);
        let mut failures = Vec::new();
        for (address, network) in addresses.iter().take(MAX_TRIES) {
            let remote = SocketAddr::new(*address, port);
            match timeout(share, TcpStream::connect(remote)).await {
                Ok(Ok(stream)) => {
                    // Requests are small and awaited; waiting for more to send would only delay them.
                    stream.set_nodelay(true).map_err(|error| error.to_string())?;
                    return Ok((stream, *network));
                }
                Ok(Err(error)) => failures.push(format!("{remote}: {error}")),
                Err(_) => failures.push(format!("{remote}: no answer within {share:?}")),
            }
        }
        let through = self.proxy.as_ref().map(|proxy| format!("the proxy {proxy}: ")).unwrap_or_default();
        Err(format!("{through}{}", failures.join(", ")))
    }
}

fn connecting(cause: String) -> Failure {
    Failure::NotSent { stage: Stage::Connect, cause }
}

/// Runs one step within its own limit and the request's deadline.
async fn within<T>(
    stage: Stage,
    limit: Duration,
    deadline: Instant,
    step: impl Future<Output = Result<T, String>>,
) -> Result<T, Failure> {
    let limit = limit.min(deadline.saturating_duration_since(Instant::now()));
    let outcome = match timeout(limit, step).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("took longer than {limit:?}")),
    };
    outcome.map_err(|cause| Failure::NotSent { stage, cause })
}

/// Speaks HTTP/1.1 on a stream. The connection lives in a task of its own, which ends soon after what is returned with the
/// sender.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> hyper::Result<(http1::SendRequest<Content>, Held)> {
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await?;
    let (held, given_up) = oneshot::channel();
    tokio::spawn(async move {
        let abandoned = async {
            let _ = given_up.await;
            sleep(FAREWELL).await;
        };
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                trace!(%error, "connection ended");
            },
            () = abandoned => trace!("connection broken off: nobody wants it any more"),
        }
    });
    Ok((sender, held))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use futures::stream::{self, BoxStream, StreamExt};
    use hyper::body::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use crate::enclosure::{Enclosure, Source};

    use super::*;

    /// A file without an end.
    struct Endless;

    impl Source for Endless {
        fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
            stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1024]))).boxed()
        }
    }

    #[tokio::test]
    async fn what_nobody_wants_any_more_is_not_sent_to_its_end() {
        let (ours, mut theirs) = tokio::io::duplex(16 * 1024);
        let (mut sender, held) = speak(ours).await.unwrap();
        let file = Enclosure { mark: "mark".into(), bytes: 1 << 40, source: Arc::new(Endless) };
        let body = Content::of(&Bytes::from_static(b"mark"), &[file]).unwrap();
        let request = http::Request::post("http://crm.example/").header("host", "crm.example").body(body).unwrap();
        let answered = tokio::spawn(async move { sender.send_request(request).await.map(|answer| answer.status()) });
        // The server knows from the head that it does not want it.
        let mut head = [0; 1024];
        theirs.read_exact(&mut head).await.unwrap();
        theirs.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        assert_eq!(answered.await.unwrap().unwrap(), 413);
        drop(held);
        // Ends if the connection does; a TiB takes longer than anybody waits.
        tokio::io::copy(&mut theirs, &mut tokio::io::sink()).await.unwrap();
    }
}
