//! A sign-in that needs a person with a browser.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use hookswitch_call::Millis;
use hookswitch_gate::Gate;
use hookswitch_keys::{OAuth2, Revocation, SignInError, Status};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use crate::{control::Begun, status};

/// So many sign-ins are remembered with what came of them.
const MOST: usize = 64;

/// One sign-in of one plugin. It outlives reloads: what somebody began is finished under the new configuration.
pub(crate) struct SignIn {
    handle: String,
    tokens: OAuth2,
    attempts: Arc<Attempts>,
}

/// Sign-ins that were begun, the oldest first.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<BTreeMap<u64, Attempt>>);

struct Attempt {
    state: SecretString,
    outcome: Option<Result<(), String>>,
}

impl SignIn {
    pub(super) fn new(handle: &str, tokens: OAuth2, attempts: Arc<Attempts>) -> Self {
        Self { handle: handle.to_owned(), tokens, attempts }
    }

    /// The credential's handle.
    pub(crate) fn handle(&self) -> &str {
        &self.handle
    }

    /// Begins a sign-in that comes back to `redirect_uri`.
    pub(crate) fn begin(&self, redirect_uri: &str) -> Result<Begun, String> {
        let begun = self.tokens.begin(redirect_uri).map_err(|error| error.to_string())?;
        Ok(Begun {
            handle: self.handle.clone(),
            url: begun.url.into(),
            redirect_uri: redirect_uri.to_owned(),
            seconds: begun.expires_in.as_secs(),
            attempt: self.attempts.add(begun.state),
        })
    }

    /// Finishes a sign-in with what the browser came back with.
    pub(crate) async fn complete(&self, query: &str, gate: &Gate) -> Result<(), SignInError> {
        let result = self.tokens.complete(query, gate).await.map(drop);
        // Whoever knows no state has begun nothing, and ends nothing.
        if !matches!(result, Err(SignInError::Callback | SignInError::Unknown)) {
            let mut fields = url::form_urlencoded::parse(query.as_bytes());
            if let Some((_, state)) = fields.find(|(name, _)| name == "state") {
                self.attempts.settle(&state, result.as_ref().copied().map_err(ToString::to_string));
            }
        }
        result
    }

    /// What came of a sign-in; none while it is waited for.
    pub(crate) fn outcome(&self, attempt: u64) -> Option<Result<(), String>> {
        self.attempts.outcome(attempt)
    }

    /// Signs out; tells the admin what came of it.
    pub(crate) async fn logout(&self, gate: &Gate) -> Result<String, String> {
        match self.tokens.logout(gate).await.map_err(|error| error.to_string())? {
            Revocation::Done => Ok("signed out; the CRM has taken the access back".to_owned()),
            Revocation::NotNeeded => Ok("signed out; the tokens are forgotten".to_owned()),
            Revocation::Failed(why) => Ok(format!(
                "signed out and the tokens forgotten, but the CRM has not taken the access back ({why}): remove it there"
            )),
        }
    }

    /// Keeps a sign-in alive that nobody uses.
    pub(crate) async fn tend(&self, gate: &Gate) {
        self.tokens.tend(gate).await;
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        matches!(self.tokens.status(), Status::SignedIn { .. })
    }

    /// Changes whenever the status does.
    pub(crate) fn changes(&self) -> watch::Receiver<Status> {
        self.tokens.changes()
    }

    /// How it stands.
    pub(crate) fn status(self: &Arc<Self>) -> status::SignIn {
        let handle = self.handle.clone();
        match self.tokens.status() {
            Status::SignedOut => {
                status::SignIn { handle, state: "signed-out".to_owned(), since: None, expires: None, reason: None }
            }
            Status::SignedIn { since, expires, trouble, .. } => status::SignIn {
                handle,
                state: status::SIGNED_IN.to_owned(),
                since: Some(millis(since)),
                expires: expires.map(millis),
                reason: trouble,
            },
            Status::NeedsSignIn { since, reason } => status::SignIn {
                handle,
                state: "refused".to_owned(),
                since: Some(millis(since)),
                expires: None,
                reason: Some(reason),
            },
        }
    }
}

impl Attempts {
    fn add(&self, state: SecretString) -> u64 {
        let mut attempts = self.lock();
        let number = attempts.last_key_value().map_or(1, |(last, _)| last + 1);
        attempts.insert(number, Attempt { state, outcome: None });
        while attempts.len() > MOST {
            attempts.pop_first();
        }
        number
    }

    fn settle(&self, state: &str, outcome: Result<(), String>) {
        if let Some(attempt) = self.lock().values_mut().find(|attempt| attempt.state.expose_secret() == state) {
            attempt.outcome = Some(outcome);
        }
    }

    fn outcome(&self, number: u64) -> Option<Result<(), String>> {
        match self.lock().get(&number) {
            Some(attempt) => attempt.outcome.clone(),
            None => Some(Err("this sign-in is not known any more: begin anew".to_owned())),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(at: Timestamp) -> Millis {
    Millis(u64::try_from(at.as_millisecond()).unwrap_or_default())
}
