//! The network of a scenario: a proxy on this machine that is every server there is. The plugin's gate goes through it as
//! it would through the proxy of a house, TLS and all.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Method, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Frame, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{io, net::TcpListener, task::AbortHandle};
use tokio_rustls::TlsAcceptor;

use super::{
    crm::{Crm, Deed, Reply},
    request::Request,
};

/// A request's body is read so far; the gate allows no more.
const MOST: usize = 8 * 1024 * 1024;

/// Who vouches for every server of the scenarios, made anew for each run of the program.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    known: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("authority of the scenarios")
    }
}

impl Authority {
    pub(crate) fn new() -> Result<Arc<Self>, rcgen::Error> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        Ok(Arc::new(Self { issuer, known: Mutex::default() }))
    }

    /// Writes its certificate to a file.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, self.issuer.pem())
    }

    fn certify(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(name) {
            return Some(key.clone());
        }
        let pair = KeyPair::generate().ok()?;
        let certificate = CertificateParams::new(vec![name.to_owned()]).ok()?.signed_by(&pair, &self.issuer).ok()?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).ok()?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key));
        known.insert(name.to_owned(), certified.clone());
        Some(certified)
    }

    fn acceptor(self: &Arc<Self>, host: &str) -> Option<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
        let named = Named { authority: self.clone(), host: host.to_owned() };
        Some(TlsAcceptor::from(Arc::new(versions.with_no_client_auth().with_cert_resolver(Arc::new(named)))))
    }
}

/// The certificates of one server.
#[derive(Debug)]
struct Named {
    authority: Arc<Authority>,
    host: String,
}

impl ResolvesServerCert for Named {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.authority.certify(hello.server_name().unwrap_or(&self.host))
    }
}

/// The open door of one play.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    serving: AbortHandle,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Door {
    /// Opens it for a CRM.
    pub(crate) async fn open(crm: Arc<Crm>, authority: Arc<Authority>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(proxy(stream, crm.clone(), authority.clone()));
            }
        });
        Ok(Self { address, serving: serving.abort_handle() })
    }
}

type Body = BoxBody<Bytes, io::Error>;

/// Serves what comes to the proxy itself: tunnels, and requests to plain origins.
async fn proxy(stream: tokio::net::TcpStream, crm: Arc<Crm>, authority: Arc<Authority>) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (crm, authority) = (crm.clone(), authority.clone());
        async move {
            if request.method() != Method::CONNECT {
                return answer(request, None, &crm).await;
            }
            let Some(authority_of_url) = request.uri().authority().cloned() else { return Ok(refused()) };
            tokio::spawn(async move {
                let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
                let Some(acceptor) = authority.acceptor(authority_of_url.host()) else { return };
                let Ok(tls) = acceptor.accept(TokioIo::new(upgraded)).await else { return };
                let origin = format!("https://{authority_of_url}");
                let inside = service_fn(|request| {
                    let (crm, origin) = (crm.clone(), origin.clone());
                    async move { answer(request, Some(&origin), &crm).await }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(tls), inside).await;
            });
            Ok(Response::new(Full::default().map_err(never).boxed()))
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

fn never(error: Infallible) -> io::Error {
    match error {}
}

fn refused() -> Response<Body> {
    let mut response = Response::new(Full::default().map_err(never).boxed());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Reads a request, has the CRM take it in, and says what the CRM says.
async fn answer(request: http::Request<Incoming>, origin: Option<&str>, crm: &Crm) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = http_body_util::Limited::new(body, MOST).collect().await.map_err(io::Error::other)?.to_bytes();
    let url = match origin {
        Some(origin) => format!("{origin}{}", head.uri.path_and_query().map_or("/", |path| path.as_str())),
        None => Uri::to_string(&head.uri),
    };
    let Ok(url) = url.parse() else { return Ok(refused()) };
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let request = Request { method: head.method.to_string(), url, headers: headers.collect(), body: body.to_vec() };
    match crm.take(request) {
        Deed::Answer(reply) => said(reply).await,
        Deed::AnswerAndDie(reply) => {
            let death = crm.death().clone();
            let response = said(reply).await;
            // Behind the last byte of the answer, as far as it can be told from here.
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                death.cancel();
            });
            response
        }
        Deed::Cut => {
            let half = stream::iter([Ok(Frame::data(Bytes::from_static(b"{\"id\":")))]);
            let broken = stream::once(async {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                Err(io::Error::other("cut off"))
            });
            let mut response = Response::new(http_body_util::BodyExt::boxed(StreamBody::new(half.chain(broken))));
            response.headers_mut().insert(header::CONTENT_LENGTH, 100.into());
            Ok(response)
        }
        Deed::Silence => std::future::pending().await,
    }
}

async fn said(reply: Reply) -> io::Result<Response<Body>> {
    let Reply { status, headers, body, after } = reply;
    tokio::time::sleep(after).await;
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::from(body).map_err(never).boxed()).map_err(io::Error::other)
}
