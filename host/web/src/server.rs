//! Listening, and everything around connections: who may open one, TLS, and their end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::connection::{self, House};
use crate::error::SetupError;
use crate::forwarded::Origin;
use crate::limits::Limits;
use crate::message::Handler;
use crate::network::Network;
use crate::seldom::Seldom;
use crate::tls::{Certificate, TlsFiles};
use crate::visitors::{Crowded, Visitors};

/// What a server is made from.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 for any that is free.
    pub listen: SocketAddr,
    /// None to speak plain HTTP: behind a proxy, or on the loopback.
    pub tls: Option<TlsFiles>,
    /// Whose word on where a request comes from is believed (`X-Forwarded-For`, `Forwarded`, `X-Forwarded-Proto`).
    pub trusted_proxies: Vec<Network>,
    pub limits: Limits,
}

/// A server that listens and does not serve yet: connections wait.
pub struct Server {
    options: Options,
    listener: TcpListener,
    address: SocketAddr,
    certificate: Option<(Arc<Certificate>, TlsAcceptor)>,
}

/// How long requests under way have after the stop.
const GRACE: Duration = Duration::from_secs(5);
/// How often what is remembered of old visitors is thrown away.
const FORGET: Duration = Duration::from_secs(10);
/// Between two tries to take a connection when the system has none to give (no file descriptors left).
const PAUSE: Duration = Duration::from_millis(100);

const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 21\r\nretry-after: 15\r\nconnection: close\r\n\r\ntoo many connections\n";

impl Server {
    /// Reads the TLS files and begins to listen.
    ///
    /// # Errors
    ///
    /// The files cannot be used, or the address is not to be had.
    pub async fn bind(options: Options) -> Result<Server, SetupError> {
        let certificate = match &options.tls {
            None => None,
            Some(files) => {
                let certificate = Certificate::open(files.clone())?;
                let acceptor = certificate.acceptor()?;
                Some((certificate, acceptor))
            }
        };
        let listen = |source| SetupError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Server { options, listener, address, certificate })
    }

    /// Where it listens, with the port that it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then closes: requests that are under way have 5 s to be answered, waiting connections none.
    pub async fn serve(self, handler: Arc<dyn Handler>, stop: CancellationToken) {
        let Options { trusted_proxies, limits, .. } = self.options;
        let visitors = Arc::new(Visitors::new(limits.clone()));
        let house = Arc::new(House {
            handler,
            limits,
            visitors: Arc::clone(&visitors),
            trusted_proxies,
            stop: stop.clone(),
            refusals: Seldom::default(),
        });
        let doorman = Doorman {
            house,
            tls: self.certificate.as_ref().map(|(_, acceptor)| acceptor.clone()),
            connections: TaskTracker::new(),
            cut: CancellationToken::new(),
            crowded: Arc::default(),
            handshakes: Arc::default(),
        };
        let certificate = self.certificate.map(|(certificate, _)| certificate);
        tokio::select! {
            () = stop.cancelled() => {}
            () = doorman.accept(&self.listener) => {}
            () = async { loop { tokio::time::sleep(FORGET).await; visitors.forget(); } } => {}
            () = async { match certificate { Some(certificate) => certificate.follow().await, None => std::future::pending().await } } => {}
        }
        // From here on the system refuses new connections.
        drop(self.listener);
        doorman.close().await;
    }
}

/// Lets connections in, and sees them out.
struct Doorman {
    house: Arc<House>,
    tls: Option<TlsAcceptor>,
    connections: TaskTracker,
    /// Ends connections where they stand.
    cut: CancellationToken,
    crowded: Arc<Seldom>,
    handshakes: Arc<Seldom>,
}

impl Doorman {
    async fn accept(&self, listener: &TcpListener) {
        let failures = Seldom::default();
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.welcome(stream, peer.ip().to_canonical()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if let Some(more) = failures.leave() {
                        warn!(%error, more, "cannot take connections; raise the limit of open files, if it is that");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, peer: IpAddr) {
        let proxy = self.house.trusted_proxies.iter().any(|network| network.contains(peer));
        let visit = match self.house.visitors.enter(peer, proxy) {
            Ok(visit) => visit,
            Err(crowded) => return self.turn_away(&stream, peer, crowded),
        };
        // Answers are written whole; waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
        let (house, tls, cut) = (Arc::clone(&self.house), self.tls.clone(), self.cut.clone());
        let handshakes = Arc::clone(&self.handshakes);
        self.connections.spawn(async move {
            let _visit = visit;
            tokio::select! {
                () = cut.cancelled() => {}
                () = attend(&house, stream, peer, tls, &handshakes) => {}
            }
        });
    }

    /// Without TLS it costs nothing to say why. With TLS it would cost a handshake, which is what there is too much of.
    fn turn_away(&self, stream: &TcpStream, peer: IpAddr, crowded: Crowded) {
        if self.tls.is_none() {
            let _ = stream.try_write(CROWDED);
        }
        if let Some(more) = self.crowded.leave() {
            let reason = match crowded {
                Crowded::All => "too many connections in all",
                Crowded::Source => "too many connections of this source",
            };
            warn!(source = %peer, reason, more, "connection refused");
        }
    }

    async fn close(self) {
        self.connections.close();
        if timeout(GRACE, self.connections.wait()).await.is_err() {
            info!(connections = self.connections.len(), "requests that were not answered in time are broken off");
            self.cut.cancel();
            self.connections.wait().await;
        }
    }
}

async fn attend(house: &House, stream: TcpStream, peer: IpAddr, tls: Option<TlsAcceptor>, handshakes: &Seldom) {
    let Some(tls) = tls else {
        return connection::serve(house, stream, Origin { source: peer, secure: false }).await;
    };
    let handshake = tokio::select! {
        () = house.stop.cancelled() => return,
        handshake = timeout(house.limits.handshake, tls.accept(stream)) => handshake,
    };
    let error = match handshake {
        Ok(Ok(stream)) => return connection::serve(house, stream, Origin { source: peer, secure: true }).await,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    if let Some(more) = handshakes.leave() {
        warn!(source = %peer, error, more, "TLS handshake refused");
    }
}

/// Says whether an error is of the connection that was to be taken, which has gone again, and not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
