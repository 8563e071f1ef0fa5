//! The token of an API client (sheet, B.1): only the newest one lives, so there is one for everybody in this process.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::gateway::Failure;
use crate::api::{Api, Ask, Reach};

/// A token is renewed so long before its end.
const EARLY: Duration = Duration::from_secs(60);
/// No token is believed to live longer.
const LONGEST: u64 = 24 * 3600;

/// A token, to be compared and sent; never shown.
#[derive(Clone)]
pub(super) struct Token(Arc<SecretString>);

impl Token {
    /// `Authorization` of a request that carries it.
    pub(super) fn bearer(&self) -> HeaderValue {
        // It was checked when it came.
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0.expose_secret()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }

    fn is(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// Where the token of one API client comes from.
pub(super) struct Tokens {
    api: Api,
    client_id: String,
    client_secret: SecretString,
    kept: tokio::sync::Mutex<Option<(Token, Instant)>>,
}

type Known = HashMap<(String, String), Weak<Tokens>>;

/// All that are in use.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// How long a token lives. The sheet says seconds; there are versions that say minutes, and none whose token lives for
/// less than five minutes. What is believed for too long is renewed when it is refused.
fn lifetime(expires_in: Option<u64>) -> Duration {
    let said = expires_in.unwrap_or(3600);
    Duration::from_secs(if said < 300 { said.saturating_mul(60) } else { said }.clamp(60, LONGEST))
}

impl Tokens {
    /// The ones of this client, shared with everybody who is the same client of the same PBX.
    pub(super) fn of(reach: &Reach, api: &Api, client_id: &str, client_secret: &SecretString) -> Arc<Self> {
        let key = (reach.base.as_str().to_owned(), client_id.to_owned());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, tokens| tokens.strong_count() > 0);
        let shared = known.get(&key).and_then(Weak::upgrade);
        let same = |tokens: &Arc<Self>| tokens.client_secret.expose_secret() == client_secret.expose_secret();
        if let Some(tokens) = shared.filter(same) {
            return tokens;
        }
        let tokens = Arc::new(Self {
            api: api.clone(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.clone(),
            kept: tokio::sync::Mutex::default(),
        });
        known.insert(key, Arc::downgrade(&tokens));
        tokens
    }

    /// A token that is believed to live.
    pub(super) async fn live(&self) -> Result<Token, Failure> {
        let mut kept = self.kept.lock().await;
        if let Some((token, _)) = kept.as_ref().filter(|(_, until)| Instant::now() < *until) {
            return Ok(token.clone());
        }
        self.fetch(&mut kept).await
    }

    /// A token in place of one that was refused; fetched only if nobody else has done so meanwhile.
    pub(super) async fn instead(&self, refused: &Token) -> Result<Token, Failure> {
        let mut kept = self.kept.lock().await;
        match kept.as_ref() {
            Some((token, _)) if !token.is(refused) => Ok(token.clone()),
            _ => self.fetch(&mut kept).await,
        }
    }

    async fn fetch(&self, kept: &mut Option<(Token, Instant)>) -> Result<Token, Failure> {
        *kept = None;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("grant_type", "client_credentials")
            .finish();
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))];
        let ask = Ask { method: Method::POST, below: "/connect/token".to_owned(), headers, body: Bytes::from(form) };
        let answer = self.api.send(ask).await.map_err(Failure::of_api)?;
        match answer.status {
            200 => {}
            400 | 401 | 403 => {
                return Err(Failure::Credentials(
                    "the PBX does not take client-id and client-secret: compare them with Integrations > API in its admin \
                     console, and look there whether this machine's address is allowed"
                        .to_owned(),
                ));
            }
            status => return Err(Failure::Status { status, asked: "a token".to_owned() }),
        }
        let wrong = |what: &str| Failure::Odd(format!("the answer to the request for a token {what}"));
        let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| wrong("holds none"))?;
        if HeaderValue::from_str(&granted.access_token).is_err() || granted.access_token.is_empty() {
            return Err(wrong("holds one that cannot be sent"));
        }
        let life = lifetime(granted.expires_in);
        let token = Token(Arc::new(SecretString::from(granted.access_token)));
        tracing::debug!(seconds = life.as_secs(), "a new token");
        *kept = Some((token.clone(), Instant::now() + life.saturating_sub(EARLY.min(life / 4))));
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_in_seconds_and_in_the_minutes_of_some_versions() {
        for (said, seconds) in [(Some(3600), 3600), (Some(60), 3600), (Some(300), 300), (None, 3600), (Some(0), 60)] {
            assert_eq!(lifetime(said).as_secs(), seconds, "{said:?}");
        }
        assert_eq!(lifetime(Some(u64::MAX)).as_secs(), LONGEST);
    }

    #[test]
    fn one_client_of_one_pbx_has_one_token_and_another_secret_is_another_client() {
        let reach = Reach { base: "http://pbx.example.com".parse().unwrap(), ca_file: None };
        let api = Api::new(&reach).unwrap();
        let [one, other] = ["one", "other"].map(|text| SecretString::from(text.to_owned()));
        let first = Tokens::of(&reach, &api, "900", &one);
        assert!(Arc::ptr_eq(&first, &Tokens::of(&reach, &api, "900", &one)));
        assert!(!Arc::ptr_eq(&first, &Tokens::of(&reach, &api, "901", &one)));
        assert!(!Arc::ptr_eq(&first, &Tokens::of(&reach, &api, "900", &other)));
    }
}
