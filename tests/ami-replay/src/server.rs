//! The server: accepts clients, plays recordings to them, misbehaves on demand.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::connection;
use crate::fault::{self, Fault};
use crate::login::{Classes, User};
use crate::playback::{Cue, Playback, Played};
use crate::tls;
use crate::trace::Trace;
use crate::world::{Action, Client, Shared, World};

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The only manager user.
    pub user: String,
    /// Its secret.
    pub secret: String,
    /// The event classes that the user may see.
    pub read: Classes,
    /// Actions that the user may take besides looking: `Originate`, `Hangup`.
    pub may: Vec<String>,
    /// Speak TLS, with a certificate made for this run.
    pub tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            user: "crm".into(),
            secret: "replay-secret".into(),
            read: Classes::All,
            may: Vec::new(),
            tls: false,
        }
    }
}

/// A running server; it stops when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    addr: SocketAddr,
    certificate: Option<String>,
    /// Asks the acceptor to listen or not.
    wanted: watch::Sender<bool>,
    /// Whether it listens.
    listening: watch::Receiver<bool>,
    acceptor: AbortHandle,
}

impl Server {
    /// Starts to listen.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}; is another server running there?", options.listen))?;
        let addr = listener.local_addr()?;
        let (tls, certificate) = match options.tls.then(tls::self_signed).transpose()? {
            Some((acceptor, certificate)) => (Some(acceptor), Some(certificate)),
            None => (None, None),
        };
        let user = User { name: options.user, secret: options.secret, read: options.read, may: options.may };
        let shared = Arc::new(Shared::new(World::new(user)));
        let (wanted, wish) = watch::channel(true);
        let (state, listening) = watch::channel(true);
        let acceptor = tokio::spawn(accept(shared.clone(), listener, tls, wish, state)).abort_handle();
        Ok(Self { shared, addr, certificate, wanted, listening, acceptor })
    }

    /// The address to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The certificate (PEM) that clients have to trust, if the server speaks TLS. It is valid for `localhost`,
    /// `127.0.0.1` and `::1`.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Makes a recording ready without playing it: if it begins in mid-call, the calls are up from now on, so that a
    /// client which logs in before [`Cue::play`] finds them in its listings.
    pub fn cue(&self, trace: &Trace, playback: Playback) -> Cue {
        Cue::new(self.shared.clone(), trace, playback)
    }

    /// Plays a recording to whoever is logged in at each moment. Playings may overlap.
    pub async fn play(&self, trace: &Trace, playback: Playback) -> Played {
        self.cue(trace, playback).play().await
    }

    /// Waits until some client is logged in.
    pub async fn wait_for_login(&self, deadline: Duration) -> Result<()> {
        let ready = |world: &World| world.clients.iter().any(|client| client.view.is_some()).then_some(());
        self.shared.wait_for("client logged in", deadline, ready).await
    }

    /// Waits until there were so many successful logins since the start.
    pub async fn wait_for_logins(&self, count: usize, deadline: Duration) -> Result<()> {
        let what = format!("login number {count}");
        self.shared.wait_for(&what, deadline, |world| (world.logins >= count).then_some(())).await
    }

    /// Waits until no client is connected.
    pub async fn wait_for_no_client(&self, deadline: Duration) -> Result<()> {
        self.shared.wait_for("end of all connections", deadline, |world| world.clients.is_empty().then_some(())).await
    }

    /// Waits for the `count`-th request of that name since the start, whoever made it.
    pub async fn wait_for_action(&self, name: &str, count: usize, deadline: Duration) -> Result<Action> {
        let what = format!("request {name} number {count}");
        let ready = |world: &World| {
            let mut named = world.actions.iter().filter(|action| action.name().eq_ignore_ascii_case(name));
            named.nth(count.saturating_sub(1)).cloned()
        };
        self.shared.wait_for(&what, deadline, ready).await
    }

    /// Every request so far, in the order of arrival.
    pub fn actions(&self) -> Vec<Action> {
        self.shared.world().actions.clone()
    }

    /// The linked ids of the channels that live now.
    pub fn calls(&self) -> BTreeSet<String> {
        self.shared.world().board.channels.iter().map(|channel| channel.value("Linkedid").to_owned()).collect()
    }

    /// Connections accepted since the start.
    pub fn connections(&self) -> usize {
        self.shared.world().connections
    }

    /// Clients that are logged in now.
    pub fn logged_in(&self) -> usize {
        self.shared.world().clients.iter().filter(|client| client.view.is_some()).count()
    }

    /// Misbehaves once, towards every client that is connected.
    pub fn fault(&self, fault: Fault) {
        fault::cause(&mut self.shared.world(), fault);
        self.shared.ring();
    }

    /// All connections vanish at once.
    pub fn drop_connections(&self) {
        self.fault(Fault::Drop);
    }

    /// While silent, nothing is sent: requests stay without an answer, events are lost.
    pub fn silence(&self, silent: bool) {
        self.shared.world().silent = silent;
    }

    /// While held, nothing happens at the PBX: playings stand still, and nobody misses anything of them. Requests are
    /// answered.
    pub fn hold(&self, held: bool) {
        self.shared.hold(held);
    }

    /// From the return of this on, nobody can connect; connections that stand are kept.
    pub async fn refuse_connections(&self) {
        self.listen(false).await;
    }

    /// Takes back [`Server::refuse_connections`].
    pub async fn accept_connections(&self) {
        self.listen(true).await;
    }

    async fn listen(&self, wanted: bool) {
        self.wanted.send_replace(wanted);
        // The acceptor lives as long as the server, so it cannot have gone without answering.
        let _ = self.listening.clone().wait_for(|listening| *listening == wanted).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.drop_connections();
    }
}

async fn accept(
    shared: Arc<Shared>,
    mut listener: TcpListener,
    tls: Option<TlsAcceptor>,
    mut wish: watch::Receiver<bool>,
    state: watch::Sender<bool>,
) {
    let addr = listener.local_addr().expect("a bound listener has an address");
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    welcome(&shared, stream, tls.clone());
                }
            }
            () = refused(&mut wish) => {
                drop(listener);
                state.send_replace(false);
                if wish.wait_for(|listen| *listen).await.is_err() {
                    return;
                }
                listener = TcpListener::bind(addr).await.expect("the port was ours a moment ago");
                state.send_replace(true);
            }
        }
    }
}

/// Returns when nobody shall connect any more; never, if nobody is left to say so.
async fn refused(wish: &mut watch::Receiver<bool>) {
    if wish.wait_for(|listen| !listen).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn welcome(shared: &Arc<Shared>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    // Without this the kernel would join small writes, and with them the boundaries that a playing asks for.
    let _ = stream.set_nodelay(true);
    let (outbox, queue) = mpsc::unbounded_channel();
    let mut world = shared.world();
    world.connections += 1;
    let connection = world.connections;
    let for_task = shared.clone();
    let task = tokio::spawn(async move {
        match tls {
            None => connection::serve(stream, for_task, connection, queue).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => connection::serve(stream, for_task, connection, queue).await,
                Err(_) => for_task.world().clients.retain(|client| client.connection != connection),
            },
        }
    })
    .abort_handle();
    let client = Client { connection, outbox, task, view: None, challenge: None, break_next: false };
    if !world.silent {
        client.send("Asterisk Call Manager/11.0.0\r\n");
    }
    world.clients.push(client);
    drop(world);
    shared.ring();
}
