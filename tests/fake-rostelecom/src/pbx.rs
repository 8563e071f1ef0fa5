//! The PBX: what it knows, what it was asked, what it has to complain about.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    door,
    http::{Request, Response},
    methods,
    sign::sign,
    tls::Identity,
};

/// How the domain is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What both sides send.
    pub client_id: String,
    /// What both sides sign with.
    pub sign_key: String,
    /// The domain.
    pub domain: String,
    /// `result` is text in answers, as it was seen.
    pub text_results: bool,
    /// An ordered history is packed as the guide says, not as in reality.
    pub by_the_guide: bool,
    /// So many requests for an ordered history are answered with a page, or an error, in turns.
    pub not_ready: u32,
    /// Users and groups, as `users_info` lists them.
    pub users: Value,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: "A1B2C3D4E5F60718293A4B5C6D7E8F90".into(),
            sign_key: "0F1E2D3C4B5A69788796A5B4C3D2E1F0".into(),
            domain: "example.rt.ru".into(),
            text_results: true,
            by_the_guide: false,
            not_ready: 0,
            users: methods::users(),
        }
    }
}

/// A PBX that runs.
pub struct Pbx {
    address: SocketAddr,
    shared: Arc<Shared>,
    identity: Identity,
    target: Mutex<String>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) origin: String,
    state: Mutex<State>,
}

/// What it knows.
#[derive(Default)]
pub(crate) struct State {
    /// Calls that are over, by id: their `info`.
    pub(crate) calls: HashMap<String, Value>,
    /// Rows of the history.
    pub(crate) rows: Vec<String>,
    pub(crate) recordings: HashMap<String, Option<Vec<u8>>>,
    /// Links that were given: path, recording, and who may fetch it.
    pub(crate) links: HashMap<String, (Option<Vec<u8>>, String)>,
    pub(crate) orders: HashSet<(String, String)>,
    pub(crate) downloads: u32,
    /// Users without a registered phone.
    pub(crate) away: HashSet<String>,
    /// What users may do, by their short numbers.
    pub(crate) rules: HashMap<String, Value>,
    /// Rules that stay as they are, although setting them is answered with success.
    pub(crate) stubborn: HashSet<String>,
    /// So many orders are refused because somebody else has ordered the same.
    pub(crate) ordered_elsewhere: u32,
    /// The address that links are bound to in place of that which asked.
    pub(crate) bind_links_to: Option<String>,
    pub(crate) serial: u32,
    asked: Vec<(String, Value)>,
    /// Methods that fail, with how often.
    failing: HashMap<String, u32>,
    complaints: Vec<String>,
}

impl Pbx {
    /// Starts at a free port of this machine.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let identity = Identity::make()?;
        let shared =
            Arc::new(Shared { options, origin: format!("https://{address}"), state: Mutex::new(State::default()) });
        let (acceptor, inside) = (TlsAcceptor::from(identity.server.clone()), shared.clone());
        tokio::spawn(async move {
            while let Ok((tcp, from)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), inside.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        // Whoever hangs up does.
                        let _ = door::serve(stream, from.ip(), shared).await;
                    }
                });
            }
        });
        Ok(Self { address, shared, identity, target: Mutex::default() })
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The authority that its clients must trust, as PEM.
    pub fn authority(&self) -> &str {
        &self.identity.authority
    }

    /// A certificate and its key for the external system, as PEM: the PBX posts to nobody without.
    pub fn certificate(&self) -> (&str, &str) {
        (&self.identity.external.0, &self.identity.external.1)
    }

    /// The administrator enters the address of the external system.
    pub fn target(&self, url: impl Into<String>) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = url.into();
    }

    /// A call is over, and has this `info`.
    pub fn call_is_over(&self, session: &str, info: Value) {
        self.shared.state().calls.insert(session.to_owned(), info);
    }

    /// A row of the history, with semicolons.
    pub fn add_row(&self, row: impl Into<String>) {
        self.shared.state().rows.push(row.into());
    }

    /// A recording is there.
    pub fn add_recording(&self, session: &str, sound: &[u8]) {
        self.shared.state().recordings.insert(session.to_owned(), Some(sound.to_vec()));
    }

    /// There are links to a recording, and nothing lies there yet (sheet, section 4).
    pub fn promise_recording(&self, session: &str) {
        self.shared.state().recordings.insert(session.to_owned(), None);
    }

    /// What a user may do.
    pub fn restrict(&self, pin: &str, rules: Value) {
        self.shared.state().rules.insert(pin.to_owned(), rules);
    }

    /// Setting this rule is answered with success, and changes nothing.
    pub fn never_changes(&self, rule: &str) {
        self.shared.state().stubborn.insert(rule.to_owned());
    }

    /// The next so many orders of history were made by somebody else before.
    pub fn is_ordered_elsewhere(&self, times: u32) {
        self.shared.state().ordered_elsewhere = times;
    }

    /// Asked through a proxy: links work for this address.
    pub fn bind_links_to(&self, address: &str) {
        self.shared.state().bind_links_to = Some(address.to_owned());
    }

    /// The phone of this user is not registered.
    pub fn away(&self, pin: &str) {
        self.shared.state().away.insert(pin.to_owned());
    }

    /// So many requests of this method are answered with HTTP 500.
    pub fn fail(&self, method: &str, times: u32) {
        self.shared.state().failing.insert(method.to_owned(), times);
    }

    /// The bodies of everything that was asked with a right signature, by method.
    pub fn asked(&self, method: &str) -> Vec<Value> {
        let state = self.shared.state();
        state.asked.iter().filter(|(known, _)| known == method).map(|(_, body)| body.clone()).collect()
    }

    /// What was wrong with requests.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.state().complaints.clone()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    pub(crate) fn target_url(&self) -> String {
        self.target.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn client(&self) -> Arc<rustls::ClientConfig> {
        self.identity.client.clone()
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges and answers one request.
    pub(crate) fn answer(&self, request: &Request, from: IpAddr) -> Response {
        if request.method == "GET" {
            return self.link(&request.path, from);
        }
        let method = request.path.trim_start_matches('/').to_owned();
        if let Err(wrong) = self.judge(request) {
            self.complain(&method, &wrong);
            return Response::json(401, r#"{"result":"401","resultMessage":"Unauthorized"}"#);
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            self.complain(&method, "the body is no JSON");
            return Response::json(400, "{}");
        };
        self.state().asked.push((method.clone(), body.clone()));
        if let Some(left) = self.state().failing.get_mut(&method).filter(|left| **left > 0) {
            *left -= 1;
            return Response { status: 500, kind: "text/html", body: b"<h1>Internal Server Error</h1>".to_vec() };
        }
        self.method(&method, &body, from)
    }

    fn judge(&self, request: &Request) -> Result<(), String> {
        if request.method != "POST" {
            return Err(format!("{} instead of POST", request.method));
        }
        let Options { client_id, sign_key, .. } = &self.options;
        if request.header("x-client-id") != Some(client_id) {
            return Err("not one X-Client-ID of this domain".into());
        }
        // To the letter: lower case.
        if request.header("x-client-sign") != Some(&sign(client_id, &request.body, sign_key)) {
            return Err("X-Client-Sign does not fit the bytes".into());
        }
        let kind = request.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err(format!("content-type {kind:?}"));
        }
        Ok(())
    }

    pub(crate) fn complain(&self, method: &str, what: &str) {
        self.state().complaints.push(format!("{method}: {what}"));
    }

    /// Success, with these fields.
    pub(crate) fn good(&self, fields: Value) -> Response {
        self.result(0, "", fields)
    }

    /// The common answer (sheet, section 2).
    pub(crate) fn result(&self, code: i32, message: &str, fields: Value) -> Response {
        let result = if self.options.text_results { json!(code.to_string()) } else { json!(code) };
        let mut answer = json!({ "result": result, "resultMessage": message });
        for (name, value) in fields.as_object().into_iter().flatten() {
            answer[name] = value.clone();
        }
        Response::json(200, answer.to_string())
    }
}
