//! A server on a port of its own: connections, requests, and what is to be said of those who came.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::wire::{self, Answer, Request};

/// What a server does.
pub trait Service: Send + 'static {
    /// Does what is asked, and notes what is to be said of it.
    fn answer(&mut self, request: &Request, notes: &mut Notes) -> Answer;
}

/// What is to be said of those who came.
#[derive(Debug, Default)]
pub struct Notes {
    /// What no client should do.
    pub complaints: Vec<String>,
    /// How many requests came with a wrong key, or without one.
    pub strangers: usize,
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
    inside: Arc<Mutex<(S, Notes)>>,
    changes: watch::Sender<u64>,
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { inside: self.inside.clone(), changes: self.changes.clone() }
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, (S, Notes)> {
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
        let (config, authority) = authority::identity("Fake speech authority")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let scheme = if with_tls { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let inside = Arc::new(Mutex::new((service, Notes::default())));
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

    /// Changes something, or looks at it.
    pub fn with<T>(&self, work: impl FnOnce(&mut S) -> T) -> T {
        work(&mut self.shared.lock().0)
    }

    /// How many requests came with a wrong key, or without one.
    pub fn strangers(&self) -> usize {
        self.shared.lock().1.strangers
    }

    /// Waits until it is as it is wanted.
    ///
    /// # Errors
    ///
    /// It is not within `patience`.
    pub async fn until(&self, patience: Duration, wanted: impl Fn(&S) -> bool) -> Result<()> {
        let mut changes = self.shared.changes.subscribe();
        let end = tokio::time::Instant::now() + patience;
        loop {
            changes.mark_unchanged();
            if self.with(|service| wanted(service)) {
                return Ok(());
            }
            if !matches!(tokio::time::timeout_at(end, changes.changed()).await, Ok(Ok(()))) {
                bail!("it did not come: {}", self.shared.lock().1.complaints.join("\n"));
            }
        }
    }

    /// Whether everything that came was as it must be.
    ///
    /// # Errors
    ///
    /// What was not.
    pub fn verdict(&self) -> Result<()> {
        let complaints = self.shared.lock().1.complaints.join("\n");
        ensure!(complaints.is_empty(), "{complaints}");
        Ok(())
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
            shared.lock().1.complaints.push(format!("{error:#}"));
        }
    }
}

async fn serve<S: Service>(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared<S>) -> Result<()> {
    while let Some(head) = wire::head(&mut stream).await? {
        let request = wire::body(&mut stream, head).await?;
        let answer = work(shared, request).await?;
        shared.changes.send_modify(|count| *count += 1);
        wire::write(&mut stream, &answer.bytes()).await?;
    }
    Ok(())
}

/// Listening takes a while.
async fn work<S: Service>(shared: &Shared<S>, request: Request) -> Result<Answer> {
    let shared = shared.clone();
    let answer = move || {
        let (service, notes) = &mut *shared.lock();
        service.answer(&request, notes)
    };
    Ok(tokio::task::spawn_blocking(answer).await?)
}
