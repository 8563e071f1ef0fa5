//! What lies between the portal and its clients.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{door::Shared, http, moment::Then, tls::Identity};

/// How clients find the portal. Every change cuts the connections that stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// As it should be.
    Sound,
    /// The port is closed: connections are refused.
    Down,
    /// Connections are reset in the middle of the TLS handshake.
    Reset,
    /// The certificate has run out.
    ExpiredCertificate,
    /// The certificate is another host's.
    OtherName,
}

/// Listens, and lets clients in as the network is now. `tasks` waits for the connections, which `stop` cuts.
pub(crate) struct Gatekeeper {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Option<Identity>,
    pub(crate) keep_alive: bool,
    pub(crate) shared: Shared,
    pub(crate) wanted: watch::Receiver<Network>,
    /// The network as it is now.
    pub(crate) present: watch::Sender<Network>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Gatekeeper {
    /// Serves until `stop`.
    pub(crate) async fn run(mut self, listener: TcpListener) {
        let stop = self.stop.clone();
        let mut listener = Some(listener);
        let mut standing = stop.child_token();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(stream) = accept(listener.as_ref()) => {
                    self.tasks.spawn(standing.clone().run_until_cancelled_owned(self.welcome(stream)));
                }
                changed = self.wanted.changed() => {
                    let Ok(()) = changed else { return };
                    standing.cancel();
                    standing = stop.child_token();
                    let now = *self.wanted.borrow_and_update();
                    if now == Network::Down {
                        listener = None;
                    } else if listener.is_none() {
                        listener = Some(TcpListener::bind(self.address).await.expect("the port was ours a moment ago"));
                    }
                    self.present.send_replace(now);
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<> {
        let network = *self.present.borrow();
        let tls = self.identity.as_ref().map(|identity| identity.server(network));
        let (shared, keep_alive) = (self.shared.clone(), self.keep_alive);
        async move {
            if shared.watchers().connected().await == Then::Cut {
                return;
            }
            // Answers are small and each is awaited: Nagle's delay would only distort measurements.
            let _ = stream.set_nodelay(true);
            // A failed handshake is the client's affair; it sees the alert or the reset.
            let _ = match tls {
                _ if network == Network::Reset => reset(stream).await,
                None => http::talk(stream, shared, keep_alive).await,
                Some(tls) => handshake(stream, tls, shared, keep_alive).await,
            };
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        None => std::future::pending().await,
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
    }
}

async fn handshake(stream: TcpStream, tls: Arc<ServerConfig>, shared: Shared, keep_alive: bool) -> io::Result<()> {
    http::talk(TlsAcceptor::from(tls).accept(stream).await?, shared, keep_alive).await
}

/// Waits for the first word of the client, then drops the connection hard.
async fn reset(stream: TcpStream) -> io::Result<()> {
    stream.readable().await?;
    stream.set_zero_linger()
}
