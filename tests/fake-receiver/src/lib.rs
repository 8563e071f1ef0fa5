//! A receiver of webhooks as Standard Webhooks 1.0 wants one: it believes nothing that is not signed with its secret and
//! of this moment, and knows by the id what it has had. What it keeps is the verdict.

mod form;
mod ledger;
mod order;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

pub use ledger::{Fault, File, Post};
use ledger::{Ledger, Request};

/// A running receiver.
pub struct Receiver {
    /// Where events are posted.
    pub url: String,
    /// Whom a client must trust, as PEM.
    pub authority: String,
    ledger: Arc<Mutex<Ledger>>,
}

impl Receiver {
    /// Starts one that believes what is signed with `secret` (`whsec_…`).
    ///
    /// # Errors
    ///
    /// No port, no certificate, a secret that is none.
    pub async fn start(secret: &str) -> Result<Self> {
        let (config, authority) = authority::identity("Fake receiver authority")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}/calls", listener.local_addr()?);
        let ledger = Arc::new(Mutex::new(Ledger::new(secret)?));
        let (acceptor, shared) = (TlsAcceptor::from(config), ledger.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), shared.clone()));
            }
        });
        Ok(Self { url, authority, ledger })
    }

    /// What goes wrong at the next posts, one after the other.
    pub fn trouble(&self, faults: impl IntoIterator<Item = Fault>) {
        self.ledger().faults.extend(faults);
    }

    /// What it has taken, each post once, in the order of arrival.
    pub fn taken(&self) -> Vec<Post> {
        self.ledger().taken.clone()
    }

    /// How often something came that it had.
    pub fn repeated(&self) -> usize {
        self.ledger().repeated
    }

    /// Waits until it has taken what satisfies `wanted`.
    ///
    /// # Errors
    ///
    /// It has not within `patience`.
    pub async fn until(&self, patience: Duration, wanted: impl Fn(&[Post]) -> bool) -> Result<Vec<Post>> {
        let deadline = Instant::now() + patience;
        loop {
            let taken = self.taken();
            if wanted(&taken) {
                return Ok(taken);
            }
            ensure!(Instant::now() < deadline, "{} posts came, and not what is waited for", taken.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether everything that came was as it must be.
    ///
    /// # Errors
    ///
    /// What was not.
    pub fn verdict(&self) -> Result<()> {
        let ledger = self.ledger();
        ensure!(ledger.complaints.is_empty(), "{}", ledger.complaints.join("\n"));
        order::check(&ledger.taken)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no holder panics")
    }
}

/// Serves one connection until it ends.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, ledger: Arc<Mutex<Ledger>>) -> Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut buffer = Vec::new();
    loop {
        let request = loop {
            if let Some(request) = Request::read(&buffer) {
                break request;
            }
            let mut part = [0; 16 << 10];
            let read = stream.read(&mut part).await?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&part[..read]);
        };
        buffer.drain(..request.length);
        let answer = ledger.lock().expect("no holder panics").answer(&request);
        let Some(answer) = answer else { return Ok(()) };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}
