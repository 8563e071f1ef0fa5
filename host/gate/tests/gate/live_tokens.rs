//! Tokens that are fetched and renewed: which one a request carries, and what happens when it is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hookswitch_gate::{Credential, Error, Gate, NoToken, Options, Place, Request, Stage, Token, Tokens};
use secrecy::{ExposeSecret, SecretString};

use crate::server::{Server, Turn, get, grant, ok, post, with};

/// Gives the tokens `t0ken-of-turn-0`, `-1` … and the next one when it is told to renew.
#[derive(Debug, Default)]
struct Source {
    state: Mutex<State>,
    base: Option<url::Url>,
    /// Where a token is asked for.
    endpoint: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    generation: u64,
    asked: usize,
    renewals: usize,
    missing: Option<NoToken>,
    stuck: bool,
    fetched: Vec<SecretString>,
}

impl Source {
    fn token(&self) -> Token {
        let generation = self.state.lock().unwrap().generation;
        Token { value: format!("t0ken-of-turn-{generation}").into(), generation, base: self.base.clone() }
    }
}

#[async_trait]
impl Tokens for Source {
    async fn current(&self, gate: &Gate) -> Result<Token, NoToken> {
        self.state.lock().unwrap().asked += 1;
        if let Some(missing) = self.state.lock().unwrap().missing.clone() {
            return Err(missing);
        }
        if let Some(endpoint) = &self.endpoint {
            let answer = gate.fetch(post(endpoint, "grant_type=client_credentials")).await;
            let answer = answer.map_err(|error| NoToken::Later(error.to_string()))?;
            let value = SecretString::from(String::from_utf8(answer.body.to_vec()).unwrap());
            let mut state = self.state.lock().unwrap();
            state.fetched.push(value.clone());
            state.generation += 1;
            return Ok(Token { value, generation: state.generation, base: None });
        }
        Ok(self.token())
    }

    async fn renewed(&self, refused: &Token, _: &Gate) -> Result<Token, NoToken> {
        let mut state = self.state.lock().unwrap();
        assert_eq!(refused.generation, state.generation);
        state.renewals += 1;
        if let Some(missing) = state.missing.clone() {
            return Err(missing);
        }
        if !state.stuck {
            state.generation += 1;
        }
        drop(state);
        Ok(self.token())
    }

    fn is_refusal(&self, status: u16, body: &[u8]) -> bool {
        status == 401 || body.starts_with(b"expired_token")
    }

    fn secrets(&self) -> Vec<SecretString> {
        let state = self.state.lock().unwrap();
        let known = (0..=state.generation).map(|n| SecretString::from(format!("t0ken-of-turn-{n}")));
        known.chain(state.fetched.iter().cloned()).chain([SecretString::from("cl13nt-s3cret"), "tiny".into()]).collect()
    }
}

fn gate(server: &Server, source: &Arc<Source>, place: Place) -> Gate {
    let source: Arc<dyn Tokens> = Arc::clone(source) as _;
    let credential = Credential::tokens(source, place, vec![grant(&server.url(""))]).unwrap();
    Gate::new(Options { credentials: BTreeMap::from([("api".into(), credential)]), ..server.options() }).unwrap()
}

fn status(line: &str, body: &str) -> Turn {
    Turn::Answer(format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// Takes only the token with this number.
async fn picky(good: u64) -> Server {
    Server::start(move |request| {
        let request = String::from_utf8_lossy(request).into_owned();
        if request.contains(&format!("t0ken-of-turn-{good}")) { ok("in") } else { status("401 Unauthorized", "out") }
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_request_repeated_once() {
    let server = picky(1).await;
    let source = Arc::new(Source::default());
    let gate = gate(&server, &source, Place::default());
    let response = gate.send(with("api", post(&server.url("/x"), "body"))).await.unwrap();
    assert_eq!((response.status, &*response.body), (200, &b"in"[..]));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for (n, request) in requests.iter().enumerate() {
        assert!(request.starts_with("POST /x HTTP/1.1\r\n") && request.ends_with("\r\n\r\nbody"), "{request}");
        assert!(request.contains(&format!("authorization: Bearer t0ken-of-turn-{n}\r\n")), "{request}");
    }
    gate.send(with("api", get(&server.url("/")))).await.unwrap();
    assert_eq!((server.requests().len(), source.state.lock().unwrap().renewals), (3, 1));
}

#[tokio::test]
async fn a_request_that_is_refused_twice_is_answered_as_it_is() {
    let server = picky(9).await;
    let source = Arc::new(Source::default());
    let response = gate(&server, &source, Place::default()).send(with("api", get(&server.url("/")))).await.unwrap();
    assert_eq!((response.status, &*response.body), (401, &b"out"[..]));
    assert_eq!((server.requests().len(), source.state.lock().unwrap().renewals), (2, 1));
}

#[tokio::test]
async fn a_refusal_stands_where_there_is_no_other_token() {
    let server = picky(9).await;
    let source = Arc::new(Source::default());
    source.state.lock().unwrap().stuck = true;
    let gate = gate(&server, &source, Place::default());
    assert_eq!(gate.send(with("api", get(&server.url("/")))).await.unwrap().status, 401);
    assert_eq!(server.requests().len(), 1, "the same token again is no other token");
}

#[tokio::test]
async fn a_token_error_in_a_body_counts_as_the_source_says_also_at_other_places() {
    let server = Server::start(|request| {
        let request = String::from_utf8_lossy(request).into_owned();
        if request.starts_with("GET /x?auth=t0ken-of-turn-1 ") { ok("in") } else { ok("expired_token") }
    })
    .await;
    let source = Arc::new(Source::default());
    let gate = gate(&server, &source, Place::Query { name: "auth".into() });
    assert_eq!(gate.send(with("api", get(&server.url("/x")))).await.unwrap().body, "in");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn without_a_token_nothing_leaves_and_the_error_says_what_to_do() {
    let server = picky(0).await;
    let source = Arc::new(Source::default());
    let gate = gate(&server, &source, Place::default());
    source.state.lock().unwrap().missing = Some(NoToken::SignIn("write `hookswitch auth login crm`".into()));
    let error = gate.send(with("api", get(&server.url("/")))).await.unwrap_err();
    assert!(matches!(&error, Error::Unauthorised { handle, .. } if handle == "api"), "{error}");
    assert!(error.to_string().contains("hookswitch auth login crm"), "{error}");
    source.state.lock().unwrap().missing = Some(NoToken::Later("the token endpoint is down, cl13nt-s3cret".into()));
    let error = gate.send(with("api", get(&server.url("/")))).await.unwrap_err();
    assert!(matches!(&error, Error::NotSent { stage: Stage::Token, .. }), "{error}");
    assert!(error.to_string().contains("the token endpoint is down, {api}"), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_is_denied_anyway_costs_no_token() {
    let (server, other) = (picky(0).await, picky(0).await);
    let source = Arc::new(Source::default());
    let gate = gate(&server, &source, Place::default());
    assert!(matches!(gate.send(with("api", get(&other.url("/")))).await, Err(Error::Denied { .. })));
    let own = Request { headers: vec![("Host".into(), "x".into())], ..get(&server.url("/")) };
    assert!(matches!(gate.send(with("api", own)).await, Err(Error::BadRequest(_))));
    assert_eq!(source.state.lock().unwrap().asked, 0);
}

#[tokio::test]
async fn the_token_says_where_relative_urls_lead_and_the_grants_say_whether() {
    let server = picky(0).await;
    let base = |base: &str| Arc::new(Source { base: Some(base.parse().unwrap()), ..Source::default() });
    for base_url in [server.url("/v9"), server.url("/v9/")] {
        let gate = gate(&server, &base(&base_url), Place::default());
        gate.send(with("api", get("contacts?q=1"))).await.unwrap();
        assert!(server.requests().last().unwrap().starts_with("GET /v9/contacts?q=1 HTTP/1.1\r\n"));
        gate.send(with("api", get(&server.url("/elsewhere")))).await.unwrap();
        assert!(server.requests().last().unwrap().starts_with("GET /elsewhere HTTP/1.1\r\n"));
        for climbing in ["../x", "%2e%2e/x", "/x", "x/../../y"] {
            assert!(matches!(gate.send(with("api", get(climbing))).await, Err(Error::BadRequest(_))), "{climbing}");
        }
    }
    let requests = server.requests().len();
    let gate_elsewhere = gate(&server, &base("http://127.0.0.9:1/v9"), Place::default());
    assert!(matches!(gate_elsewhere.send(with("api", get("contacts"))).await, Err(Error::Denied { .. })));
    let without = gate(&server, &Arc::new(Source::default()), Place::default());
    assert!(matches!(without.send(with("api", get("contacts"))).await, Err(Error::BadRequest(_))));
    assert_eq!(server.requests().len(), requests);
}

#[tokio::test]
async fn tokens_old_and_new_and_the_clients_secret_never_come_back() {
    let server = Server::start(|request| {
        let request = String::from_utf8_lossy(request).into_owned();
        if request.contains("t0ken-of-turn-0") {
            return status("401 Unauthorized", "");
        }
        ok("t0ken-of-turn-0 t0ken-of-turn-1 cl13nt-s3cret dDBrZW4tb2YtdHVybi0x tiny")
    })
    .await;
    let source = Arc::new(Source::default());
    let gate = gate(&server, &source, Place::default());
    let response = gate.send(with("api", get(&server.url("/")))).await.unwrap();
    assert_eq!(response.body, "{api} {api} {api} {api} tiny");
}

#[tokio::test]
async fn the_source_fetches_through_the_gate_and_gets_the_answer_as_it_is() {
    let server = Server::start(|request| {
        if request.starts_with(b"POST /token") { ok("fresh-access-token") } else { ok("<fresh-access-token>") }
    })
    .await;
    let source =
        Arc::new(Source { endpoint: Some(server.url("/token?client_secret=cl13nt-s3cret")), ..Source::default() });
    let gate = gate(&server, &source, Place::default());
    let response = gate.send(with("api", get(&server.url("/")))).await.unwrap();
    assert_eq!(response.body, "<{api}>");
    let requests = server.requests();
    assert!(requests[0].ends_with("\r\n\r\ngrant_type=client_credentials") && !requests[0].contains("authorization"));
    assert!(requests[1].contains("authorization: Bearer fresh-access-token\r\n"));

    let fetched = gate.fetch(with("api", get(&server.url("/x?client_secret=cl13nt-s3cret")))).await.unwrap();
    assert_eq!(fetched.body, "<fresh-access-token>");
    assert_eq!(fetched.sent.url, server.url("/x"));
    assert!(
        server.requests()[2].starts_with("GET /x?client_secret=cl13nt-s3cret ")
            && !server.requests()[2].contains("authorization")
    );
    let elsewhere = gate.fetch(get("http://127.0.0.9:1/")).await;
    assert!(matches!(elsewhere, Err(Error::Denied { .. })), "{elsewhere:?}");
    assert_eq!(source.state.lock().unwrap().fetched[0].expose_secret(), "fresh-access-token");
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_sent() {
    let server = Server::start(|_| ok("two\r\nlines-of-token")).await;
    let source = Arc::new(Source { endpoint: Some(server.url("/token")), ..Source::default() });
    let error = gate(&server, &source, Place::default()).send(with("api", get(&server.url("/")))).await.unwrap_err();
    assert!(!format!("{error}{error:?}").contains("lines-of-token"), "{error:?}");
    assert_eq!(server.requests().len(), 1, "only the token was asked for: {error}");
}
