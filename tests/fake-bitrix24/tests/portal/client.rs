//! A small HTTP client and a portal with a few people, in one expression.

use std::{io, sync::Arc};

use bytes::Bytes;
use fake_bitrix24::{Options, Portal};
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const ALICE: u64 = 12;
pub(crate) const BOB: u64 = 15;
pub(crate) const GONE: u64 = 16;
pub(crate) const ANA: u64 = 88;
pub(crate) const ANA_PHONE: &str = "+15550100";

/// A portal, and a client for it.
pub(crate) struct Site {
    pub(crate) portal: Portal,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The result of a success.
    #[track_caller]
    pub(crate) fn result(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.text);
        &self.body["result"]
    }

    /// Status, code and description of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        let text = |name: &str| self.body[name].as_str().unwrap_or("(none)");
        (self.status, text("error"), text("error_description"))
    }
}

impl Site {
    /// A cloud portal with two people, one who has left, and one known contact.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { seed: people(), ..Options::default() };
        change(&mut options);
        Self { portal: Portal::start(options).await.unwrap() }
    }

    /// Calls a method with JSON parameters.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Answer {
        let request = Request::post(self.path(method)).header("content-type", "application/json");
        self.send(request.body(params.to_string().into()).unwrap()).await.unwrap()
    }

    /// Calls a method with a form.
    pub(crate) async fn form(&self, method: &str, form: &str) -> Answer {
        let request = Request::post(self.path(method)).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.to_owned().into()).unwrap()).await.unwrap()
    }

    /// Calls a method with JSON parameters, where the connection may break.
    pub(crate) async fn try_call(&self, method: &str, params: Value) -> io::Result<Answer> {
        let request = Request::post(self.path(method)).header("content-type", "application/json");
        self.send(request.body(params.to_string().into()).unwrap()).await
    }

    pub(crate) fn path(&self, method: &str) -> String {
        let url = self.portal.base_url();
        let path = url.splitn(4, '/').nth(3).unwrap();
        format!("/{path}{method}")
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> io::Result<Answer> {
        exchange(&mut self.connect().await?, request).await
    }

    /// Two requests on one connection; their statuses.
    pub(crate) async fn send_twice(&self, method: &str) -> io::Result<[u16; 2]> {
        let mut connection = self.connect().await?;
        let request = || Request::get(self.path(method)).body(Full::default()).unwrap();
        let first = exchange(&mut connection, request()).await?.status;
        connection.ready().await.map_err(io::Error::other)?;
        Ok([first, exchange(&mut connection, request()).await?.status])
    }

    async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.portal.address()).await?;
        match self.portal.ca_pem() {
            None => handshake(stream).await,
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    roots.add(certificate.unwrap()).unwrap();
                }
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
                let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
                let name = ServerName::try_from("localhost").unwrap();
                let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
                handshake(stream).await
            }
        }
    }

    /// Registers an incoming call for Alice and gives its id.
    pub(crate) async fn ringing(&self, external_id: &str) -> String {
        let answer = self.call("telephony.externalcall.register", incoming(external_id)).await;
        answer.result()["CALL_ID"].as_str().unwrap().to_owned()
    }

    /// Registers a call and finishes it.
    pub(crate) async fn finished(&self, external_id: &str) -> String {
        let id = self.ringing(external_id).await;
        let params = json!({"CALL_ID": id, "USER_ID": ALICE, "DURATION": 30, "ADD_TO_CHAT": 0});
        self.call("telephony.externalcall.finish", params).await.result();
        id
    }

    /// Who sees the card of a call.
    pub(crate) fn visible(&self, id: &str) -> Value {
        self.portal.state()["calls"].as_array().unwrap().iter().find(|call| call["CALL_ID"] == id).unwrap()["visible"]
            .clone()
    }
}

/// The parameters of an incoming call of Ana for Alice.
pub(crate) fn incoming(external_id: &str) -> Value {
    json!({"USER_ID": ALICE, "PHONE_NUMBER": ANA_PHONE, "TYPE": 2, "EXTERNAL_CALL_ID": external_id})
}

/// `params` with one entry changed or, given null, taken out.
pub(crate) fn but(mut params: Value, name: &str, value: Value) -> Value {
    let map = params.as_object_mut().unwrap();
    if value.is_null() {
        map.remove(name)
    } else {
        map.insert(name.to_owned(), value)
    };
    params
}

fn people() -> Value {
    json!({
        "users": [
            {"ID": ALICE, "NAME": "Alice", "LAST_NAME": "Moreau", "UF_PHONE_INNER": "101", "PERSONAL_MOBILE": "+15550111"},
            {"ID": BOB, "NAME": "Bob", "LAST_NAME": "Stone", "UF_PHONE_INNER": "102"},
            {"ID": GONE, "NAME": "Gone", "LAST_NAME": "Long", "UF_PHONE_INNER": "103", "ACTIVE": false},
        ],
        "contacts": [{"ID": ANA, "NAME": "Ana", "LAST_NAME": "Lima", "ASSIGNED_BY_ID": ALICE, "PHONE": [ANA_PHONE]}],
    })
}

type Connection = http1::SendRequest<Full<Bytes>>;

async fn handshake<S>(stream: S) -> io::Result<Connection>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(connection: &mut Connection, mut request: Request<Full<Bytes>>) -> io::Result<Answer> {
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let response = connection.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let text = String::from_utf8(body.into()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Answer { status, text, body })
}
