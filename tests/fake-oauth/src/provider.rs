//! The provider, as a test holds it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::door::serve;
use crate::fault::{Fault, Held, Hold};
use crate::ledger::Ledger;
use crate::profile::Profile;
use crate::verdict::Verdict;

/// How long a test waits for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running provider; it stops when it is dropped.
pub struct Provider {
    origin: String,
    ca_pem: Option<String>,
    profile: Profile,
    shared: Arc<Shared>,
    acceptor: AbortHandle,
}

pub(crate) struct Shared {
    ledger: Mutex<Ledger>,
    faults: Mutex<VecDeque<Fault>>,
    /// Connections that are open.
    open: watch::Sender<usize>,
}

impl Shared {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("nobody panics with the lock")
    }

    pub(crate) fn next_fault(&self) -> Option<Fault> {
        self.faults.lock().expect("nobody panics with the lock").pop_front()
    }
}

impl Provider {
    /// Starts to listen over TLS.
    pub async fn start(profile: Profile) -> Result<Provider> {
        Provider::open(profile, true).await
    }

    /// Starts to listen without TLS.
    pub async fn start_plain(profile: Profile) -> Result<Provider> {
        Provider::open(profile, false).await
    }

    async fn open(profile: Profile, secure: bool) -> Result<Provider> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: SocketAddr = listener.local_addr()?;
        let origin = format!("{}://{address}", if secure { "https" } else { "http" });
        let (tls, ca_pem) = match authority::identity("Fake OAuth authority")? {
            (config, pem) if secure => (Some(TlsAcceptor::from(config)), Some(pem)),
            _ => (None, None),
        };
        let ledger = Mutex::new(Ledger::new(profile.clone(), origin.clone()));
        let shared = Arc::new(Shared { ledger, faults: Mutex::default(), open: watch::Sender::new(0) });
        let served = shared.clone();
        let acceptor = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, shared) = (tls.clone(), served.clone());
                shared.open.send_modify(|open| *open += 1);
                tokio::spawn(async move {
                    // A client that goes away is an everyday thing here.
                    let _ = welcome(socket, tls, shared.clone()).await;
                    shared.open.send_modify(|open| *open -= 1);
                });
            }
        });
        Ok(Provider { origin, ca_pem, profile, shared, acceptor: acceptor.abort_handle() })
    }

    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// `https://127.0.0.1:PORT`, which is also what it calls itself.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The authority to trust, as PEM; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    pub fn authorize_url(&self) -> String {
        format!("{}/authorize", self.origin)
    }

    pub fn token_url(&self) -> String {
        let fixed = self.profile.token_query.iter().map(|(name, value)| format!("{name}={value}"));
        let query = fixed.collect::<Vec<_>>().join("&");
        format!("{}/token{}{query}", self.origin, if query.is_empty() { "" } else { "?" })
    }

    pub fn revoke_url(&self) -> String {
        format!("{}/revoke", self.origin)
    }

    /// Takes a token in the `Authorization` header, here and at every other path below `/api/`.
    pub fn api_url(&self) -> String {
        format!("{}/api/me", self.origin)
    }

    /// The bodies of all requests to `/api/PATH` that came with a good token, in the order of arrival.
    pub fn taken(&self, path: &str) -> Vec<String> {
        self.shared.ledger().taken(path)
    }

    /// The admin enters where browsers are to be sent back to, in place of [`Profile::redirect_uri`].
    pub fn register(&self, redirect_uri: &str) {
        self.shared.ledger().profile.redirect_uri = redirect_uri.to_owned();
    }

    /// Names this address as the API's from now on, where [`Profile::base`] is named at all.
    pub fn name_base(&self, address: &str) {
        self.shared.ledger().base = address.to_owned();
    }

    /// A person opens the address and agrees. Returns where the browser is sent.
    pub fn approve(&self, url: &str) -> Result<String> {
        self.visit(url, true)
    }

    /// A person opens the address and refuses.
    pub fn deny(&self, url: &str) -> Result<String> {
        self.visit(url, false)
    }

    fn visit(&self, url: &str, agrees: bool) -> Result<String> {
        let Some(query) = url.strip_prefix(&self.authorize_url()).and_then(|rest| rest.strip_prefix('?')) else {
            bail!("{url} does not lead here");
        };
        self.shared.ledger().authorize(query, agrees).map_err(anyhow::Error::msg)
    }

    /// Does this to the next request for a token; several are done in turn.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.lock().expect("nobody panics with the lock").push_back(fault);
    }

    /// Holds the next request for a token.
    pub fn hold(&self) -> Held {
        let (arrived, arrival) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.inject(Fault::Hold(Hold { arrived, release: released }));
        Held { arrived: arrival, release }
    }

    /// Ends all access tokens, as a person can do in the provider's settings. Refresh tokens stay.
    pub fn end_access(&self) {
        self.shared.ledger().end_access();
    }

    /// Ends all sign-ins.
    pub fn end_sign_ins(&self) {
        self.shared.ledger().end_sign_ins();
    }

    /// Lets time pass, for codes and access tokens.
    pub fn advance(&self, time: Duration) {
        self.shared.ledger().advance(time);
    }

    /// Forgets the newest refresh tokens, as a provider does that is set back to a backup: the ones before are good.
    pub fn forget_last_rotation(&self) {
        self.shared.ledger().forget_last_rotation();
    }

    /// Waits until no connection is open: whatever clients sent that are gone has been carried out.
    pub async fn quiet(&self) -> Result<()> {
        let mut open = self.shared.open.subscribe();
        tokio::time::timeout(PATIENCE, open.wait_for(|open| *open == 0)).await.context("connections stay open")??;
        Ok(())
    }

    /// Says whether a text holds any token or code that was ever given, or the client's secret.
    pub fn gave_away(&self, text: &str) -> bool {
        self.shared.ledger().gave_away(text)
    }

    /// What went on so far.
    pub fn verdict(&self) -> Verdict {
        self.shared.ledger().verdict()
    }
}

async fn welcome(socket: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) -> Result<()> {
    socket.set_nodelay(true)?;
    match tls {
        Some(tls) => serve(tls.accept(socket).await?, shared).await,
        None => serve(socket, shared).await,
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}
