//! Requests to the API, and the tokens that they need (B.1 of `pbx-yeastar.md`). No token is ever logged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::Config;
use crate::{
    Reach, Unfetched,
    api::{Api, Ask, Opened},
};

/// The mandatory name of the application.
pub(super) const AGENT: &str = "OpenAPI";
/// After a log-in was refused the next one waits: after five the PBX blocks our address (the vendor's guide, *Remove
/// Blocked API IP Addresses*).
const REFUSED: Duration = Duration::from_secs(600);
/// The same where the application has too many tokens, which grow old by themselves.
const CROWDED: Duration = Duration::from_secs(60);
/// The farewell takes no longer than this.
const FAREWELL: Duration = Duration::from_secs(2);
/// Elements of a list that are asked for at once, and in all.
const PAGE: usize = 500;
const MOST: usize = 20_000;

/// A client of one PBX.
#[derive(Debug)]
pub(super) struct Client {
    api: Api,
    reach: Reach,
    id: String,
    secret: SecretString,
    pass: Mutex<Pass>,
    /// How many work with the token.
    holders: AtomicUsize,
}

/// Somebody who works with the token of a client: whoever is the last gives it back.
pub(super) struct Holder(Arc<Client>);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.holders.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Holder {
    /// Needs it no longer.
    pub(super) async fn let_go(self) {
        let client = self.0.clone();
        drop(self);
        // Who comes in between is refused once, and takes a new one.
        if client.holders.load(Ordering::Acquire) == 0 {
            client.log_out().await;
        }
    }
}

#[derive(Debug, Default)]
struct Pass {
    token: Option<Token>,
    /// Until when no log-in is tried, and why.
    refused: Option<(Instant, Error)>,
}

struct Token {
    access: SecretString,
    refresh: SecretString,
    taken: Instant,
    life: Duration,
    refresh_life: Duration,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// Why a request has no good answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{text}")]
    Unanswered {
        /// Whether the PBX may have got it.
        sent: bool,
        text: String,
    },
    #[error(
        "the PBX does not let us in: {0}; see Client ID and Client Secret under Integrations > API, and whether our address \
         is allowed there and not blocked under Security"
    )]
    Login(String),
    #[error("the PBX refuses {what}: {text} ({code})")]
    Refused { what: String, code: i64, text: String },
    #[error("the PBX does not answer {what} as it should: {text}")]
    Strange { what: String, text: String },
}

impl Error {
    /// Whether trying again soon is of no use.
    pub(super) fn needs_mending(&self) -> bool {
        matches!(self, Self::Login(_))
    }

    /// Whether it is about the token, which may have been revoked, or be older than the PBX remembers. The code is that of
    /// an expired one; the others are not known [inferred].
    fn is_of_token(&self) -> bool {
        matches!(self, Self::Refused { code: 10004, .. })
            || matches!(self, Self::Refused { text, .. } if text.to_ascii_uppercase().contains("TOKEN"))
    }
}

impl Token {
    /// Whether it is to be renewed: at five sixths of its life.
    fn is_old(&self) -> bool {
        self.taken.elapsed() >= self.life / 6 * 5
    }

    fn read(answer: &Value, taken: Instant) -> Option<Self> {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let time = |key: &str| answer.get(key).and_then(Value::as_u64).map(Duration::from_secs);
        Some(Self {
            access: text("access_token")?.into(),
            refresh: text("refresh_token").unwrap_or_default().into(),
            taken,
            life: time("access_token_expire_time").unwrap_or(Duration::from_secs(1800)),
            refresh_life: time("refresh_token_expire_time").unwrap_or(Duration::from_secs(86_400)),
        })
    }
}

impl Client {
    /// A client; asks nothing yet. The error is for the admin.
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        Ok(Self {
            api: Api::new(&config.reach)?,
            reach: config.reach.clone(),
            id: config.client_id.clone(),
            secret: config.client_secret.clone(),
            pass: Mutex::default(),
            holders: AtomicUsize::new(0),
        })
    }

    /// From now on somebody works with the token.
    pub(super) fn hold(self: &Arc<Self>) -> Holder {
        self.holders.fetch_add(1, Ordering::AcqRel);
        Holder(self.clone())
    }

    /// Asks for what is fetched in parts, with a token in the query of an address that the PBX has given.
    pub(super) async fn open(&self, link: &str, token: &SecretString) -> Result<Opened, Unfetched> {
        let token =
            form_urlencoded::Serializer::new(String::new()).append_pair("access_token", token.expose_secret()).finish();
        let mark = if link.contains('?') { '&' } else { '?' };
        self.api.open(Ask::get(format!("{link}{mark}{token}")).with(header::USER_AGENT, AGENT)).await
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// `GET`s something.
    pub(super) async fn get(&self, what: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        self.ask(Method::GET, what, query, None).await
    }

    /// `POST`s something.
    pub(super) async fn post(&self, what: &str, body: &Value) -> Result<Value, Error> {
        self.ask(Method::POST, what, &[], Some(body)).await
    }

    /// All elements of a list that has pages; `key` is the name of the list in the answer.
    pub(super) async fn list(&self, what: &str, key: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Error> {
        let (mut all, size) = (Vec::new(), PAGE.to_string());
        for page in 1..=MOST / PAGE {
            let number = page.to_string();
            let paging = [("page", number.as_str()), ("page_size", size.as_str())];
            let mut answer = self.get(what, &[query, &paging].concat()).await?;
            let total = answer.get("total_number").and_then(Value::as_u64).unwrap_or_default();
            let elements = match answer.get_mut(key).map(Value::take) {
                Some(Value::Array(elements)) => elements,
                _ => Vec::new(),
            };
            let last = elements.len() < PAGE;
            all.extend(elements);
            if last || all.len() as u64 >= total {
                break;
            }
        }
        Ok(all)
    }

    async fn ask(
        &self,
        method: Method,
        what: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let token = self.token().await?;
        match self.send(method.clone(), what, query, body, Some(&token)).await {
            Err(error) if error.is_of_token() => {
                self.drop_token(&token).await;
                let token = self.token().await?;
                self.send(method, what, query, body, Some(&token)).await
            }
            answer => answer,
        }
    }

    /// A token that is good for a while. It is fetched or renewed by one at a time.
    pub(super) async fn token(&self) -> Result<SecretString, Error> {
        let mut pass = self.pass.lock().await;
        if let Some(token) = pass.token.as_ref().filter(|token| !token.is_old()) {
            return Ok(token.access.clone());
        }
        if let Some((until, error)) = &pass.refused
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        if let Some(old) = pass.token.take() {
            match self.renew(&old).await {
                Some(Ok(token)) => return Ok(pass.token.insert(token).access.clone()),
                // The old one may still do.
                Some(Err(_)) if old.taken.elapsed() < old.life => return Ok(pass.token.insert(old).access.clone()),
                _ => {}
            }
        }
        match self.log_in().await {
            Ok(token) => Ok(pass.token.insert(token).access.clone()),
            Err(error) => {
                if error.needs_mending() {
                    let text = error.to_string().to_ascii_uppercase();
                    let crowded = text.contains("LIMIT") || text.contains("EXCEED");
                    pass.refused = Some((Instant::now() + if crowded { CROWDED } else { REFUSED }, error.clone()));
                }
                Err(error)
            }
        }
    }

    /// A new token for an old one; none where that is refused, and only a log-in helps.
    async fn renew(&self, old: &Token) -> Option<Result<Token, Error>> {
        let refresh = old.refresh.expose_secret();
        if refresh.is_empty() || old.taken.elapsed() >= old.refresh_life {
            return None;
        }
        let taken = Instant::now();
        let asked = json!({ "refresh_token": refresh });
        match self.send(Method::POST, "refresh_token", &[], Some(&asked), None).await {
            Ok(answer) => Token::read(&answer, taken).map(Ok),
            Err(Error::Refused { .. }) => None,
            Err(error) => Some(Err(error)),
        }
    }

    async fn log_in(&self) -> Result<Token, Error> {
        let taken = Instant::now();
        let asked = json!({ "username": self.id, "password": self.secret.expose_secret() });
        match self.send(Method::POST, "get_token", &[], Some(&asked), None).await {
            Ok(answer) => Token::read(&answer, taken).ok_or_else(|| Error::Strange {
                what: "get_token".to_owned(),
                text: "there is no token in it".to_owned(),
            }),
            Err(Error::Refused { code, text, .. }) => Err(Error::Login(format!("{text} ({code})"))),
            Err(error) => Err(error),
        }
    }

    /// The PBX does not know this token any more.
    pub(super) async fn drop_token(&self, token: &SecretString) {
        let mut pass = self.pass.lock().await;
        pass.token.take_if(|known| known.access.expose_secret() == token.expose_secret());
    }

    /// When the present token is to be renewed.
    pub(super) async fn old_in(&self) -> Duration {
        let pass = self.pass.lock().await;
        let left = pass.token.as_ref().map(|token| (token.life / 6 * 5).saturating_sub(token.taken.elapsed()));
        left.unwrap_or_default()
    }

    /// Gives the token back: there may be eight of them only.
    pub(super) async fn log_out(&self) {
        let Some(token) = self.pass.lock().await.token.take() else { return };
        let farewell = self.send(Method::GET, "del_token", &[], None, Some(&token.access));
        // It grows old by itself.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    async fn send(
        &self,
        method: Method,
        what: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        token: Option<&SecretString>,
    ) -> Result<Value, Error> {
        let token = token.map(|token| ("access_token", token.expose_secret()));
        let below = below(what, token.into_iter().chain(query.iter().copied()));
        let ask = match (method, body) {
            (Method::GET, _) | (_, None) => Ask::get(below),
            (_, Some(body)) => Ask::post(below, body),
        };
        let answer = self.api.send(ask.with(header::USER_AGENT, AGENT)).await;
        let answer = answer.map_err(|error| Error::Unanswered { sent: error.sent, text: error.text })?;
        let strange = |text: String| Error::Strange { what: what.to_owned(), text };
        if answer.status == 404 {
            return Err(strange(
                "status 404; is the API switched on (Integrations > API), and the address right?".to_owned(),
            ));
        }
        let json = answer.json().map_err(|error| strange(error.text))?;
        match json.get("errcode").and_then(Value::as_i64) {
            Some(0) => Ok(json),
            Some(code) => {
                let text = json.get("errmsg").and_then(Value::as_str).unwrap_or("no reason given");
                let text = text.chars().take(200).collect::<String>().escape_debug().to_string();
                Err(Error::Refused { what: what.to_owned(), code, text })
            }
            None => Err(strange(format!("status {} without `errcode`", answer.status))),
        }
    }
}

/// Path and query of an endpoint.
pub(super) fn below<'a>(what: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/openapi/v1.0/{what}{mark}{query}")
}
