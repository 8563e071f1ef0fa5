//! Tokens that somebody signed in for: handed out, renewed in time, given back.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hookswitch_gate::{Gate, Grant, NoToken, Request, Token, Tokens};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::info;

use crate::ask::{Reading, ask};
use crate::error::StoreError;
use crate::oauth::answer::{Issued, explained, printable};
use crate::oauth::authorize::{self, Callback};
use crate::oauth::request::{self, Offer};
use crate::oauth::secret;
use crate::provider::{Client, Provider, Renew};
use crate::session::{Age, Plan, Session};
use crate::sign_in::{Begun, PATIENCE, SignIn, SignInError};
use crate::slot::{Slot, View};
use crate::status::Status;

mod renewal;

use renewal::Why;

/// A credential of the kind `oauth2`: an authorisation code with PKCE, and refresh tokens.
///
/// All values for one plugin and handle share one sign-in, whatever their configuration.
#[derive(Clone)]
pub struct OAuth2(Arc<Inner>);

struct Inner {
    slot: Arc<Slot>,
    provider: Provider,
    client: Client,
    grants: Vec<Grant>,
    /// By what the client is known again.
    mark: String,
}

/// What became of a sign-in at the provider when it was taken back here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The provider has revoked it.
    Done,
    /// There was none, or the provider has no address for it.
    NotNeeded,
    /// It could not be revoked; the text says why. The tokens are forgotten here all the same.
    Failed(String),
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuth2({}.{}, {})", self.0.slot.plugin, self.0.slot.handle, self.0.slot.status())
    }
}

impl OAuth2 {
    pub(crate) fn new(slot: Arc<Slot>, provider: Provider, client: Client, grants: Vec<Grant>) -> OAuth2 {
        let secret = client.secret.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        let mark = slot.disk().mark(&[&client.id, secret]);
        // What was wrong with the client may be mended now.
        if let Some(session) = slot.session()
            && session.over.as_ref().is_some_and(|over| over.client)
            && session.client != mark
        {
            slot.note(session.generation, |session| session.over = None);
        }
        OAuth2(Arc::new(Inner { slot, provider, client, grants, mark }))
    }

    /// Begins a sign-in. `redirect_uri` is where the provider sends the browser back to, exactly as it is registered
    /// there. At most eight may be begun at once; each can be completed once, within ten minutes.
    ///
    /// # Errors
    ///
    /// The address cannot be one to come back to, or the machine has no randomness.
    pub fn begin(&self, redirect_uri: &str) -> Result<SignIn, SignInError> {
        let Inner { slot, provider, client, .. } = &*self.0;
        if !authorize::is_redirect(redirect_uri) {
            return Err(SignInError::RedirectUri { address: printable(redirect_uri, 200) });
        }
        let state = secret::random()?;
        let verifier = if provider.authorize.pkce { Some(secret::random()?) } else { None };
        let url = authorize::url(&provider.authorize, client, redirect_uri, &state, verifier.as_ref());
        let now = Instant::now();
        let begun =
            Begun { state: state.clone(), verifier, redirect_uri: redirect_uri.to_owned(), ends: now + PATIENCE };
        slot.pending.lock().unwrap_or_else(PoisonError::into_inner).add(begun, now);
        Ok(SignIn { url, state, expires_in: PATIENCE })
    }

    /// Completes a sign-in: `query` is what the provider sent the browser back with, without `?`. The code is exchanged
    /// at once (Bitrix24's lives for 30 seconds), also if the caller goes away, and the tokens are durable when this
    /// returns.
    ///
    /// # Errors
    ///
    /// The answer does not belong to a sign-in that was begun here, or the provider refused. Nothing changes; if the
    /// state was right, it is used up.
    pub async fn complete(&self, query: &str, gate: &Gate) -> Result<Status, SignInError> {
        let callback = Callback::read(query).ok_or(SignInError::Callback)?;
        let state = callback.state.as_ref().ok_or(SignInError::Unknown)?;
        let begun = self.0.slot.pending.lock().unwrap_or_else(PoisonError::into_inner).take(state, Instant::now())?;
        // An answer from another provider is not believed, whatever it says (RFC 9207, section 2.4).
        if let Some(expected) = &self.0.provider.authorize.issuer
            && callback.issuer.as_ref() != Some(expected)
        {
            let found = printable(callback.issuer.as_deref().unwrap_or_default(), 200);
            return Err(SignInError::Issuer { expected: expected.clone(), found });
        }
        if let Some(error) = &callback.error {
            let known = self.known(&[]);
            let description = callback.description.as_deref().map(|text| format!(": {}", explained(text, &known)));
            return Err(SignInError::Refused(explained(error, &known) + &description.unwrap_or_default()));
        }
        let code = callback.code.filter(|code| !code.expose_secret().is_empty()).ok_or(SignInError::NoCode)?;
        let (this, gate) = (self.clone(), gate.clone());
        tokio::spawn(async move { this.exchange(begun, code, &gate).await })
            .await
            .map_err(|_| SignInError::Exchange("it broke off".into()))?
    }

    async fn exchange(&self, begun: Begun, code: SecretString, gate: &Gate) -> Result<Status, SignInError> {
        let Inner { slot, provider, client, mark, .. } = &*self.0;
        let Begun { verifier, redirect_uri, .. } = begun;
        let redirect_uri = provider.authorize.redirect_uri.then_some(redirect_uri.as_str());
        let offer = Offer::Code { code: &code, redirect_uri, verifier: verifier.as_ref() };
        let request = request::for_token(&provider.token, client, &offer);
        let known = self.known(&[Some(&code), verifier.as_ref()]);
        let issued =
            self.ask(gate, request, known).await.map_err(|failure| SignInError::Exchange(failure.into_text()))?;
        let now = Timestamp::now();
        let Issued { access, refresh, life, scopes, base } = issued;
        let session = Session {
            generation: 0,
            access,
            refresh,
            previous: None,
            since: now,
            issued: now,
            life,
            scopes: scopes.unwrap_or_else(|| provider.authorize.scopes.clone()),
            base,
            rotates: None,
            doubts: 0,
            client: mark.clone(),
            refused: None,
            over: None,
        };
        slot.put(None, session, false)?;
        info!(plugin = slot.plugin, handle = slot.handle, "signed in");
        Ok(slot.status())
    }

    /// Signs out: takes the tokens back at the provider, if it can, and forgets them here. A renewal under way is waited
    /// for, so that nothing is left behind.
    ///
    /// # Errors
    ///
    /// The tokens cannot be removed from the disk.
    pub async fn logout(&self, gate: &Gate) -> Result<Revocation, StoreError> {
        let slot = &self.0.slot;
        let mut pause = slot.flight.lock().await;
        let revocation = match (slot.session(), &self.0.provider.revoke_url) {
            (Some(session), Some(url)) => {
                let (token, hint) = match &session.refresh {
                    Some(refresh) => (refresh, "refresh_token"),
                    None => (&session.access, "access_token"),
                };
                let request = request::for_revocation(url, &self.0.provider.token, &self.0.client, token, hint);
                match gate.fetch(request).await {
                    Ok(response) if (200..300).contains(&response.status) => Revocation::Done,
                    Ok(response) => Revocation::Failed(format!("the provider answered {}", response.status)),
                    Err(error) => Revocation::Failed(error.to_string()),
                }
            }
            _ => Revocation::NotNeeded,
        };
        slot.remove()?;
        pause.end();
        Ok(revocation)
    }

    /// Keeps a sign-in alive that nobody uses: renews it when half of the days have passed after which the provider
    /// forgets it. To be called now and then, such as every hour.
    pub async fn tend(&self, gate: &Gate) {
        let Some(days) = self.0.provider.idle_days else { return };
        let Some(session) = self.0.slot.session().filter(|session| session.over.is_none()) else { return };
        let half = Duration::from_secs(u64::from(days) * 86_400 / 2);
        let idle = Duration::try_from(Timestamp::now().duration_since(session.issued)).unwrap_or_default();
        if idle >= half {
            // What comes of it is in the status and the log.
            let _ = self.renew_detached(session.generation, Why::Age, gate).await;
        }
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
        match self.0.provider.renew {
            Renew::Early => Plan::Expiry,
            Renew::Refused => Plan::Refused,
        }
    }

    /// Everything that must not be shown.
    fn known(&self, further: &[Option<&SecretString>]) -> Vec<SecretString> {
        let further = further.iter().copied().flatten().cloned();
        self.0.client.secrets().chain(self.0.slot.secrets()).chain(further).collect()
    }

    async fn ask(
        &self,
        gate: &Gate,
        request: Request,
        known: Vec<SecretString>,
    ) -> Result<Issued, crate::ask::Failure> {
        let reading = Reading { shape: &self.0.provider.answer, grants: &self.0.grants, known };
        ask(gate, request, &reading).await
    }
}

#[async_trait]
impl Tokens for OAuth2 {
    async fn current(&self, gate: &Gate) -> Result<Token, NoToken> {
        let slot = &self.0.slot;
        slot.save_again();
        match slot.view(self.plan()) {
            View::SignedOut => Err(slot.needs(None)),
            View::Over(over) => Err(slot.needs(Some(&over))),
            View::Token { token, age: Age::Good } => Ok(token),
            View::Token { token, age: Age::Due } => {
                // The old token is good meanwhile: nobody waits.
                if let Ok(pause) = slot.flight.clone().try_lock_owned()
                    && pause.left(Instant::now()).is_none()
                {
                    let (this, gate, of) = (self.clone(), gate.clone(), token.generation);
                    tokio::spawn(async move { this.renew(pause, of, Why::Age, &gate).await });
                }
                Ok(token)
            }
            View::Token { token, age: Age::Over } => self.renew_detached(token.generation, Why::Age, gate).await,
        }
    }

    async fn renewed(&self, refused: &Token, gate: &Gate) -> Result<Token, NoToken> {
        self.renew_detached(refused.generation, Why::Refused, gate).await
    }

    fn is_refusal(&self, status: u16, body: &[u8]) -> bool {
        self.0.provider.token_error.is_in(status, body)
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.known(&[])
    }
}
