//! Requests to a 3CX, with its token.

use std::{sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;

use super::{
    Config,
    token::{Token, Tokens},
};
use crate::{
    Unfetched,
    api::{self, Answer, Api, Ask, Opened, Reach},
    socket::{Shut, Socket},
};

/// Why the PBX did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// There is no answer.
    #[error("{text}")]
    Silent {
        /// Whether the PBX may have got the request.
        sent: bool,
        text: String,
    },
    /// It does not know us.
    #[error("{0}")]
    Credentials(String),
    /// It answers something else than success.
    #[error("the PBX answers {asked} with status {status}{}", hint(*.status))]
    Status { status: u16, asked: String },
    /// Its answer is not as expected.
    #[error("{0}")]
    Odd(String),
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ": it takes no token of this API client",
        403 => ": this API client may not do that; see Integrations > API in its admin console",
        _ => "",
    }
}

impl Failure {
    pub(super) fn of_api(error: api::Error) -> Self {
        Self::Silent { sent: error.sent, text: error.text }
    }

    /// Whether asking again soon is of no use: an admin must do something.
    pub(super) fn needs_mending(&self) -> bool {
        matches!(self, Self::Credentials(_)) || self.is_refusal()
    }

    /// Whether this API client lacks the right, or the PBX the function. A token that is refused says neither: somebody
    /// else may have taken a newer one in between.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status { status: 403 | 404, .. })
    }

    /// Whether it is one answer that went wrong, and neither the connection nor the token.
    pub(super) fn is_single(&self) -> bool {
        matches!(self, Self::Odd(_)) || matches!(self, Self::Status { status, .. } if *status != 401)
    }
}

/// The way to one 3CX. Clones share its connections and its token.
#[derive(Clone)]
pub(super) struct Gateway {
    reach: Reach,
    api: Api,
    tokens: Arc<Tokens>,
}

impl Gateway {
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        let api = Api::new(&config.reach)?;
        let tokens = Tokens::of(&config.reach, &api, &config.client_id, &config.client_secret);
        Ok(Self { reach: config.reach.clone(), api, tokens })
    }

    /// Asks, and once more with a new token if the present one is refused. Any answer but a success is a failure; `what`
    /// is what errors call the request.
    pub(super) async fn ask(&self, ask: Ask, what: &str) -> Result<Answer, Failure> {
        let token = self.tokens.live().await?;
        let mut answer = self.send(ask.clone(), &token).await?;
        if answer.status == 401 {
            let token = self.tokens.instead(&token).await?;
            answer = self.send(ask, &token).await?;
        }
        match answer.status {
            200..=299 => Ok(answer),
            status => Err(Failure::Status { status, asked: what.to_owned() }),
        }
    }

    /// Asks for something that is fetched in parts, and once more with a new token if the present one is refused.
    pub(super) async fn open(&self, below: &str) -> Result<Opened, Unfetched> {
        let unfetched = |failure: Failure| match failure {
            Failure::Credentials(text) => Unfetched::Forbidden(text),
            failure => Unfetched::Failed(failure.to_string()),
        };
        let asked = |token: &Token| Ask { headers: vec![(header::AUTHORIZATION, token.bearer())], ..Ask::get(below) };
        let token = self.tokens.live().await.map_err(unfetched)?;
        let opened = self.api.open(asked(&token)).await?;
        if opened.status() != 401 {
            return Ok(opened);
        }
        let token = self.tokens.instead(&token).await.map_err(unfetched)?;
        self.api.open(asked(&token)).await
    }

    async fn send(&self, mut ask: Ask, token: &Token) -> Result<Answer, Failure> {
        ask.headers.push((header::AUTHORIZATION, token.bearer()));
        ask.headers.push((header::ACCEPT, HeaderValue::from_static("application/json")));
        self.api.send(ask).await.map_err(Failure::of_api)
    }

    /// Asks for something that may not be there (any more).
    pub(super) async fn find(&self, below: &str) -> Result<Option<Answer>, Failure> {
        match self.ask(Ask::get(below), "a question for a participant or number").await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Status { status: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Posts JSON, and reads JSON.
    pub(super) async fn post(&self, below: &str, body: &Value, what: &str) -> Result<Value, Failure> {
        let answer = self.ask(Ask::post(below, body), what).await?;
        // Some actions answer nothing.
        if answer.body.is_empty() { Ok(Value::Null) } else { answer.json().map_err(Failure::of_api) }
    }

    /// Opens the socket on which changes are told.
    pub(super) async fn socket(&self) -> Result<Socket, Failure> {
        let token = self.tokens.live().await?;
        match self.connect(&token).await {
            Err(Failure::Status { status: 401, .. }) => self.connect(&self.tokens.instead(&token).await?).await,
            other => other,
        }
    }

    async fn connect(&self, token: &Token) -> Result<Socket, Failure> {
        let headers: [(HeaderName, HeaderValue); 1] = [(header::AUTHORIZATION, token.bearer())];
        Socket::connect(&self.reach, "/callcontrol/ws", &headers).await.map_err(|shut| match shut {
            Shut::Refused(status) => Failure::Status { status, asked: "the web socket".to_owned() },
            Shut::Other(text) => Failure::Silent { sent: false, text },
        })
    }
}

/// By how many milliseconds the PBX's clock is ahead of ours, as the head of an answer shows it; 0 where it shows none. It
/// is told in whole seconds, so less than two are none.
pub(super) fn ahead(headers: &HeaderMap, now: SystemTime) -> i64 {
    let said = headers.get(header::DATE).and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok());
    let Some((said, now)) = said.zip(jiff::Timestamp::try_from(now).ok()) else { return 0 };
    let ahead = said.timestamp().as_millisecond().saturating_sub(now.as_millisecond());
    if ahead.abs() < 2000 { 0 } else { ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_pbx_is_compared_with_ours() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_709_630_100);
        let head = |date: &'static str| HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]);
        assert_eq!(ahead(&head("Tue, 05 Mar 2024 09:15:30 GMT"), now), 30_000);
        assert_eq!(ahead(&head("Tue, 05 Mar 2024 09:14:00 GMT"), now), -60_000);
        assert_eq!(ahead(&head("Tue, 05 Mar 2024 09:15:01 GMT"), now), 0);
        assert_eq!(ahead(&head("soon"), now), 0);
        assert_eq!(ahead(&HeaderMap::new(), now), 0);
    }
}
