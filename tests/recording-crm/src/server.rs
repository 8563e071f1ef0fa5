//! The server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    task::AbortHandle,
};

use crate::{Reply, Request};

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// The part of the address that must never be seen anywhere.
const SECRET: &str = "c4n4ry-of-the-recording-crm";

/// A running CRM; it stops when it is dropped.
pub struct Crm {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: AbortHandle,
}

#[derive(Default)]
struct State {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    requests: Vec<Request>,
    /// The first that concerns a request is followed.
    rules: Vec<Rule>,
}

struct Rule {
    place: String,
    once: bool,
    then: Then,
}

enum Then {
    Reply(Reply),
    Hold(oneshot::Sender<Pause>),
}

/// A request that waits for its answer.
struct Pause {
    request: Request,
    answer: oneshot::Sender<Reply>,
}

/// A request that will not be answered when it comes.
pub struct Held {
    place: String,
    pause: oneshot::Receiver<Pause>,
}

impl Crm {
    /// Starts to listen. What is not told otherwise is answered 200 with `{}`.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::<State>::default();
        let shared = state.clone();
        let acceptor = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    // A client that goes away is an everyday thing here.
                    let _ = serve(socket, &shared).await;
                });
            }
        });
        Ok(Self { address, state, acceptor: acceptor.abort_handle() })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The secret address that requests are made below.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.origin(), base())
    }

    /// The secret in the address.
    pub fn secret(&self) -> &'static str {
        SECRET
    }

    /// Answers requests to this path (without query; empty: any) like this from now on.
    pub fn answer(&self, path: &str, reply: Reply) {
        self.add(path, false, Then::Reply(reply));
    }

    /// Answers the next request to this path like this, then as before.
    pub fn answer_once(&self, path: &str, reply: Reply) {
        self.add(path, true, Then::Reply(reply));
    }

    /// Holds the next request to this path.
    pub fn hold(&self, path: &str) -> Held {
        let (pause, waiting) = oneshot::channel();
        self.add(path, true, Then::Hold(pause));
        Held { place: path.to_owned(), pause: waiting }
    }

    fn add(&self, path: &str, once: bool, then: Then) {
        let rule = Rule { place: path.to_owned(), once, then };
        let mut inner = self.state.lock();
        // What strikes once goes before what stays, in the order it was given; what stays replaces what stayed.
        if once {
            let at = first_lasting(&inner.rules);
            inner.rules.insert(at, rule);
        } else {
            inner.rules.retain(|known| known.once || known.place != rule.place);
            let at = if rule.place.is_empty() { inner.rules.len() } else { first_lasting(&inner.rules) };
            inner.rules.insert(at, rule);
        }
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().requests.clone()
    }

    /// Every request so far to this path, whatever its query.
    pub fn requests_to(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.place() == path).collect()
    }

    /// Waits until so many requests to this path have come.
    pub async fn wait_for(&self, path: &str, count: usize) -> Result<Vec<Request>> {
        let enough = async {
            loop {
                let changed = self.state.changed.notified();
                let came = self.state.lock().requests.iter().filter(|request| request.place() == path).count();
                if came >= count {
                    return self.requests_to(path);
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.map_err(|_| {
            let all: Vec<_> = self.requests().into_iter().map(|request| request.path).collect();
            anyhow::anyhow!("there were not {count} requests to {path:?}; there were: {all:?}")
        })
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Held {
    /// Waits for the request, and returns it with a way to answer it. Whoever drops that lets the connection end.
    pub async fn arrived(self) -> Result<(Request, oneshot::Sender<Reply>)> {
        let Ok(pause) = tokio::time::timeout(PATIENCE, self.pause).await else {
            bail!("no request came to {:?}", self.place);
        };
        let Pause { request, answer } = pause.context("the CRM is gone")?;
        Ok((request, answer))
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics with the lock")
    }

    /// Keeps a request, and says what it gets.
    async fn take(&self, request: Request) -> Reply {
        let held = {
            let mut inner = self.lock();
            inner.requests.push(request.clone());
            let place = request.place();
            let found = inner.rules.iter().position(|rule| rule.place.is_empty() || rule.place == place);
            let then = found.map(|at| match &mut inner.rules[at] {
                Rule { once: false, then: Then::Reply(reply), .. } => Then::Reply(reply.clone()),
                _ => inner.rules.remove(at).then,
            });
            match then {
                None => Err(Reply::new(200, "{}")),
                Some(Then::Reply(reply)) => Err(reply),
                Some(Then::Hold(pause)) => Ok(pause),
            }
        };
        self.changed.notify_waiters();
        match held {
            Err(reply) => reply,
            Ok(pause) => {
                let (answer, answered) = oneshot::channel();
                // If nobody waits for it any more, the connection ends.
                let _ = pause.send(Pause { request, answer });
                answered.await.unwrap_or_else(|_| Reply::nothing())
            }
        }
    }
}

fn first_lasting(rules: &[Rule]) -> usize {
    rules.iter().position(|rule| !rule.once).unwrap_or(rules.len())
}

fn base() -> String {
    format!("/k/{SECRET}/")
}

async fn serve(mut socket: TcpStream, state: &State) -> Result<()> {
    socket.set_nodelay(true)?;
    let base = base();
    let mut buffer = Vec::new();
    loop {
        let request = loop {
            if let Some(request) = Request::read(&buffer, &base) {
                break request;
            }
            let mut part = [0; 16 << 10];
            let read = socket.read(&mut part).await?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&part[..read]);
        };
        buffer.drain(..request.bytes.len());
        let bytes = request.bytes.clone();
        let (answer, stays) = state.take(request).await.bytes(&bytes);
        socket.write_all(&answer).await?;
        if !stays {
            return Ok(());
        }
    }
}
