//! Where a caller should go: the dial plan asks by FastAGI (see [`agi`](super::agi)) or by HTTP, with `CURL()`.
//!
//! By HTTP it posts a form with the secret, as the log of no web server shows it:
//!
//! ```text
//! Set(CURLOPT(hashcompat)=yes)
//! Set(HASH(route)=${CURL(https://calls.example.com/pbx/office/route,secret=…&caller=${URIENCODE(${CALLERID(num)})}&line=${URIENCODE(${EXTEN})}&call=${CHANNEL(linkedid)})})
//! ```
//!
//! and finds `${HASH(route,target)}` and `${HASH(route,name)}`, empty where nothing is known.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use hookswitch_call::Chain;
use hookswitch_web::{Handler, HeaderValue, Method, Network, Request, Response, StatusCode, form};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;

use super::site::shown_number;
use crate::{Question, Route, Router};

/// Longest number or id in a question, in bytes.
const LONGEST: usize = 128;
/// Longest name of a caller in an answer, in characters.
const LONGEST_NAME: usize = 80;

/// How the dial plan may ask.
#[derive(Clone, Debug)]
pub struct Routing {
    /// By FastAGI.
    pub agi: Option<Agi>,
    /// By HTTP, with this secret.
    pub secret: Option<SecretString>,
    /// How long an answer may take; a caller hears nothing meanwhile.
    pub within: Duration,
}

/// Where FastAGI is served.
#[derive(Clone, Debug)]
pub struct Agi {
    /// 4573 is usual.
    pub listen: SocketAddr,
    /// Who may ask; the protocol knows no passwords.
    pub networks: Vec<Network>,
}

impl Default for Routing {
    fn default() -> Self {
        Self { agi: None, secret: None, within: Duration::from_secs(1) }
    }
}

/// Answers questions, whichever way they came.
pub(super) struct Desk {
    router: Arc<dyn Router>,
    secret: Option<SecretString>,
    within: Duration,
}

impl Desk {
    pub(super) fn new(routing: &Routing, router: Arc<dyn Router>) -> Self {
        Self { router, secret: routing.secret.clone(), within: routing.within }
    }

    /// Asks where a caller should go, in the words of a dial plan; what comes back can stand in one. Never takes longer
    /// than it may, and is empty then.
    pub(super) async fn ask(&self, call: &str, caller: &str, line: &str) -> Route {
        let question = Question {
            call: text(call).map(Chain::from),
            external: text(caller).and_then(shown_number).map(str::to_owned),
            line: text(line).unwrap_or_default().to_owned(),
            within: self.within,
        };
        let Ok(route) = timeout(self.within, self.router.route(question)).await else {
            tracing::warn!(within_ms = self.within.as_millis(), "no answer in time to where a caller should go");
            return Route::default();
        };
        Route { name: route.name.and_then(name), target: route.target.filter(|target| is_target(target)) }
    }

    fn is_allowed(&self, given: &str) -> bool {
        let secret = self.secret.as_ref().map(SecretString::expose_secret).unwrap_or_default();
        !secret.is_empty() && bool::from(secret.as_bytes().ct_eq(given.as_bytes()))
    }
}

#[async_trait]
impl Handler for Desk {
    async fn answer(&self, request: Request) -> Response {
        let sent = match request.method {
            Method::POST => form::parse(&request.body),
            Method::GET => form::parse(request.query.as_bytes()),
            _ => {
                let allowed = HeaderValue::from_static("GET, POST");
                let answer = Response::text(StatusCode::METHOD_NOT_ALLOWED, "post a form");
                return answer.with(http::header::ALLOW, allowed);
            }
        };
        let Ok(sent) = sent else { return Response::text(StatusCode::BAD_REQUEST, "too many fields") };
        let of = |name: &str| sent.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        if !self.is_allowed(of("secret")) {
            tracing::warn!(source = %request.source, "a question of the dial plan without the right secret was refused");
            return Response::text(StatusCode::FORBIDDEN, "the secret is not right");
        }
        if request.path != "/route" {
            return Response::text(StatusCode::NOT_FOUND, "ask at /route");
        }
        let route = self.ask(of("call"), of("caller"), of("line")).await;
        let field = |name: &str, value: Option<String>| (name.to_owned(), value.unwrap_or_default());
        let answer = form::write(&[field("target", route.target), field("name", route.name)]);
        Response::text(StatusCode::OK, answer)
    }
}

/// A text of the dial plan, unless it is empty or strange.
fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control))
}

/// A name as phones can show it.
fn name(name: String) -> Option<String> {
    let name: String = name.chars().filter(|char| !char.is_control()).take(LONGEST_NAME).collect();
    Some(name).filter(|name| !name.is_empty())
}

/// Whether a target can stand in a dial string without meaning anything else there.
fn is_target(target: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"+*#-_.".contains(&byte);
    let is = (1..=LONGEST).contains(&target.len()) && target.bytes().all(good);
    if !is {
        tracing::warn!("the target of a route holds what no dial string may; it is left out");
    }
    is
}
