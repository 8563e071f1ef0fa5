//! Tokens that the host fetches by itself, with credentials of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hookswitch_gate::{Gate, Grant, NoToken, Token, Tokens};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::Instant;
use tracing::debug;

use crate::ask::{Failure, Reading, ask};
use crate::oauth::answer::Issued;
use crate::oauth::request::{self, Offer};
use crate::pause::Pause;
use crate::provider::{Client, Fetch, Interval};
use crate::session::{Age, Plan, Session};
use crate::slot::{Slot, View, token};
use crate::status::Status;

/// A credential of the kind `bearer` whose token comes from a token endpoint.
#[derive(Clone)]
pub struct Fetched(Arc<Inner>);

struct Inner {
    slot: Arc<Slot>,
    fetch: Fetch,
    client: Client,
    grants: Vec<Grant>,
    /// By what is known for whom and where a token was fetched: one of another client or place is not used.
    mark: String,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({}.{}, {})", self.0.slot.plugin, self.0.slot.handle, self.0.slot.status())
    }
}

impl Fetched {
    pub(crate) fn new(slot: Arc<Slot>, fetch: Fetch, client: Client, grants: Vec<Grant>) -> Fetched {
        let secrets: Vec<_> = client.secrets().collect();
        let mut parts = vec![fetch.token.url.as_str(), &fetch.grant_type, &client.id];
        parts.extend(fetch.scopes.iter().map(String::as_str));
        parts.extend(fetch.token.parameters.iter().flat_map(|(name, value)| [name.as_str(), value]));
        parts.extend(secrets.iter().map(ExposeSecret::expose_secret));
        let mark = slot.disk().mark(&parts);
        Fetched(Arc::new(Inner { slot, fetch, client, grants, mark }))
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.0.slot.status()
    }

    /// How it stands, each time that it changes.
    pub fn changes(&self) -> watch::Receiver<Status> {
        self.0.slot.changes()
    }

    fn plan(&self) -> Plan {
        match self.0.fetch.interval {
            Interval::Minutes(0) => Plan::Refused,
            Interval::Minutes(minutes) => Plan::Every(Duration::from_secs(u64::from(minutes) * 60)),
            Interval::ExpiresIn => Plan::Expiry,
        }
    }

    /// The present token, if it was fetched for this client at this place.
    fn present(&self) -> Option<(Token, Age)> {
        self.0.slot.session().filter(|session| session.client == self.0.mark)?;
        match self.0.slot.view(self.plan()) {
            View::Token { token, age } => Some((token, age)),
            View::SignedOut | View::Over(_) => None,
        }
    }

    /// Fetches in a task of its own, which goes on when the caller goes away: some providers take back the token before
    /// as soon as there is a new one.
    async fn fetch_detached(&self, of: Option<u64>, gate: &Gate, refused: bool) -> Result<Token, NoToken> {
        let (this, gate) = (self.clone(), gate.clone());
        let fetching = tokio::spawn(async move {
            let pause = this.0.slot.flight.clone().lock_owned().await;
            this.fetch(pause, of, &gate, refused).await
        });
        fetching.await.unwrap_or_else(|_| Err(NoToken::Later("fetching the token broke off".into())))
    }

    /// Gives a token that is newer than `of`, and fetches one unless somebody else did so in the meantime.
    async fn fetch(
        &self,
        mut pause: OwnedMutexGuard<Pause>,
        of: Option<u64>,
        gate: &Gate,
        refused: bool,
    ) -> Result<Token, NoToken> {
        let Inner { slot, fetch, client, grants, mark } = &*self.0;
        let old = match self.present() {
            Some((token, _)) if of.is_none_or(|of| token.generation > of) => return Ok(token),
            Some((token, age)) => (!refused && age != Age::Over).then_some(token),
            None => None,
        };
        if let Some((left, reason)) = pause.left(Instant::now()) {
            let text = format!("{reason}; tried again in {} s", left.as_secs() + 1);
            return old.ok_or(if slot.is_blocked() { NoToken::SignIn(text) } else { NoToken::Later(text) });
        }
        if refused && slot.session().is_some_and(|session| session.replaced_a_refused_one()) {
            let reason = "the CRM refuses a token that was fetched a moment ago; does the client have the permission?";
            return Err(NoToken::Later(reason.into()));
        }
        let scope = fetch.separator.join(&fetch.scopes);
        let offer = Offer::Client { grant_type: &fetch.grant_type, scope: &scope };
        let request = request::for_token(&fetch.token, client, &offer);
        let reading = Reading { shape: &fetch.answer, grants, known: self.secrets() };
        let issued = match ask(gate, request, &reading).await {
            Ok(issued) => issued,
            Err(Failure::Offer(reason) | Failure::Client(reason)) => {
                let reason = format!("{reason}; correct the client's id or secret of `{}`", slot.handle);
                // It is tried again all the same: providers mend such things too, and nothing is lost by it.
                pause.failed(&reason, None, Instant::now(), 1.0);
                slot.block(&reason);
                return Err(NoToken::SignIn(reason));
            }
            Err(failure) => {
                let after = if let Failure::Later { after, .. } = &failure { *after } else { None };
                let reason = failure.into_text();
                pause.failed(&reason, after, Instant::now(), fastrand::f64());
                slot.trouble(&reason);
                return old.ok_or(NoToken::Later(reason));
            }
        };
        let Issued { access, refresh: _, life, scopes, base } = issued;
        let now = Timestamp::now();
        let session = Session {
            generation: 0,
            access,
            refresh: None,
            previous: None,
            since: now,
            issued: now,
            life,
            scopes: scopes.unwrap_or_else(|| fetch.scopes.clone()),
            base,
            rotates: None,
            doubts: 0,
            client: mark.clone(),
            refused: refused.then_some(now),
            over: None,
        };
        // It is told to the log and the status if it cannot be saved; then the next start fetches another.
        let _ = slot.put(None, session, true);
        pause.end();
        debug!(plugin = slot.plugin, handle = slot.handle, "token fetched");
        let session = slot.session();
        session.map(|session| token(&session)).ok_or_else(|| NoToken::Later("the token is gone".into()))
    }
}

#[async_trait]
impl Tokens for Fetched {
    async fn current(&self, gate: &Gate) -> Result<Token, NoToken> {
        let slot = &self.0.slot;
        slot.save_again();
        match self.present() {
            None => self.fetch_detached(None, gate, false).await,
            Some((token, Age::Good)) => Ok(token),
            Some((token, Age::Due)) => {
                // The old token is good meanwhile: nobody waits.
                if let Ok(pause) = slot.flight.clone().try_lock_owned()
                    && pause.left(Instant::now()).is_none()
                {
                    let (this, gate, of) = (self.clone(), gate.clone(), token.generation);
                    tokio::spawn(async move { this.fetch(pause, Some(of), &gate, false).await });
                }
                Ok(token)
            }
            Some((token, Age::Over)) => self.fetch_detached(Some(token.generation), gate, false).await,
        }
    }

    async fn renewed(&self, refused: &Token, gate: &Gate) -> Result<Token, NoToken> {
        self.fetch_detached(Some(refused.generation), gate, true).await
    }

    fn is_refusal(&self, status: u16, body: &[u8]) -> bool {
        self.0.fetch.token_error.is_in(status, body)
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.0.client.secrets().chain(self.0.slot.secrets()).collect()
    }
}
