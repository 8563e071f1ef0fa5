//! A server on a port of its own: connections, requests, and what goes wrong with them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Fault,
    fault::Faults,
    tls,
    wire::{self, Answer, Request},
};

/// What a server does.
pub trait Service: Send + 'static {
    /// Does what is asked.
    fn answer(&mut self, request: &Request) -> Answer;

    /// How it says that there are too many requests, or that nobody has paid for this one.
    fn refuse(&mut self, unpaid: bool) -> Answer;

    /// Keeps what no client should do.
    fn complain(&mut self, of: String);
}

/// A running server. Dropping it stops it.
pub struct Server<S> {
    /// Its address, without a path.
    pub url: String,
    /// Whom a client must trust, as PEM; empty where it speaks plainly.
    pub authority: String,
    shared: Shared<S>,
    _listener: JoinSet<()>,
}

struct Shared<S> {
    inside: Arc<Mutex<(S, Faults)>>,
    changes: watch::Sender<u64>,
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { inside: self.inside.clone(), changes: self.changes.clone() }
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, (S, Faults)> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Service> Server<S> {
    /// Starts one, with TLS or without.
    ///
    /// # Errors
    ///
    /// No port, no certificate.
    pub async fn start(service: S, with_tls: bool) -> Result<Self> {
        let (config, authority) = tls::identity()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let scheme = if with_tls { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let inside = Arc::new(Mutex::new((service, Faults::default())));
        let shared = Shared { inside, changes: watch::Sender::new(0) };
        let acceptor = with_tls.then(|| TlsAcceptor::from(config));
        let of_task = shared.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, acceptor.clone(), of_task.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        let authority = if with_tls { authority } else { String::new() };
        Ok(Self { url, authority, shared, _listener: tasks })
    }

    /// What goes wrong, one after the other, at the requests behind the next `after` ones.
    pub fn trouble(&self, after: usize, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().1.order(after, faults);
    }

    /// Changes something, or looks at it.
    pub fn with<T>(&self, work: impl FnOnce(&mut S) -> T) -> T {
        work(&mut self.shared.lock().0)
    }

    /// Rings at every request that was answered.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }
}

async fn connection<S: Service>(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Shared<S>) {
    let _ = stream.set_nodelay(true);
    let served = match acceptor {
        // A handshake that fails is the client's affair: it may be what is tested.
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => serve(stream, &shared).await,
            Err(_) => Ok(()),
        },
        None => serve(stream, &shared).await,
    };
    if let Err(error) = served {
        // A client that dies in the middle of a request is none that is wrong.
        if error.downcast_ref::<std::io::Error>().is_none() {
            shared.lock().0.complain(format!("{error:#}"));
        }
    }
}

async fn serve<S: Service>(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared<S>) -> Result<()> {
    while let Some(head) = wire::head(&mut stream).await? {
        let fault = shared.lock().1.strike();
        if let Some(Fault::CutOff(most)) = fault {
            wire::body(&mut stream, head, most).await?;
            return Ok(());
        }
        let request = wire::body(&mut stream, head, usize::MAX).await?;
        let answer = match fault {
            Some(Fault::Busy(after)) => {
                let answer = shared.lock().0.refuse(false);
                after.map_or(answer.clone(), |after| answer.with("retry-after", after))
            }
            Some(Fault::Unpaid) => shared.lock().0.refuse(true),
            Some(Fault::Down(status)) => Answer::page(status),
            _ => work(shared, request).await?,
        };
        shared.changes.send_modify(|count| *count += 1);
        let bytes = answer.bytes();
        match fault {
            Some(Fault::LostAnswer) => return Ok(()),
            Some(Fault::HalfAnswer) => {
                wire::write(&mut stream, &bytes[..bytes.len() - answer.body.len() / 2 - 1]).await?;
                return Ok(());
            }
            Some(Fault::Late(wait)) => tokio::time::sleep(wait).await,
            _ => {}
        }
        wire::write(&mut stream, &bytes).await?;
    }
    Ok(())
}

/// Listening takes a while.
async fn work<S: Service>(shared: &Shared<S>, request: Request) -> Result<Answer> {
    let shared = shared.clone();
    Ok(tokio::task::spawn_blocking(move || shared.lock().0.answer(&request)).await?)
}
