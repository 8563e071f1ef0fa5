//! The gate of one plugin: a request goes in, its answer or a typed error comes out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use http_body_util::Full;
use hyper::body::Bytes;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tracing::debug;

use crate::client_certificate::ClientCertificate;
use crate::connect::Dialer;
use crate::credential::Credential;
use crate::error::{Cure, Denial, Error, Malformed, SetupError};
use crate::exchange::{Answer, Message};
use crate::grant::Grant;
use crate::headers;
use crate::limits::Limits;
use crate::network::Network;
use crate::pool::Pool;
use crate::proxy::Proxy;
use crate::redact::Redactor;
use crate::redirect::Redirects;
use crate::resolve::{Lookup, Resolver};
use crate::target::Target;
use crate::tls::Tls;
use crate::trust::Pin;

/// What a gate is made from: the rules that the admin has written for one plugin.
#[derive(Debug, Default)]
pub struct Options {
    /// The plugin's name, as in `[plugin.NAME]`.
    pub plugin: String,
    /// `allow.http`.
    pub http: Vec<Grant>,
    /// `allow.network`.
    pub networks: Vec<Network>,
    /// By handle.
    pub credentials: BTreeMap<String, Credential>,
    /// PEM file with authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Servers that are trusted by their key alone, besides those for which an authority vouches.
    pub pins: Vec<Pin>,
    /// Shown to servers that ask for one.
    pub client_certificate: Option<ClientCertificate>,
    /// Settings of the environment play no part.
    pub proxy: Option<Proxy>,
    /// Redirects that are followed for one request, 3 at most. With 0 they are answers like any other.
    pub redirects: u8,
    pub resolver: Resolver,
    pub limits: Limits,
}

/// What a plugin wants sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Absolute, or a path below the base where the credential is a base URL.
    pub url: String,
    /// Names and values; a name may occur several times.
    pub headers: Vec<(String, String)>,
    /// The handle of a credential.
    pub credential: Option<String>,
    pub body: Bytes,
    /// Shortens the gate's limit for the whole request.
    pub timeout: Option<Duration>,
}

/// The answer. A redirect that was not followed is an answer like any other.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case; bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub sent: Sent,
}

impl Response {
    pub(crate) fn new(answer: Answer, sent: Sent) -> Response {
        let field = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = answer.headers.iter().map(field).collect();
        Response { status: answer.status.as_u16(), headers, body: answer.body, sent }
    }

    fn scrubbed(self, redactor: &Redactor) -> Response {
        let field = |(name, value)| (redactor.text(name), redactor.text(value));
        let headers = self.headers.into_iter().map(field).collect();
        Response { headers, body: redactor.bytes(self.body), ..self }
    }
}

/// How a request went, for the trace of a call.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The URL, with `{handle}` for a secret base.
    pub url: String,
    /// The URLs that redirected here, in order, if any were followed.
    pub via: Vec<String>,
    /// Where the connection leads: to the other side, or to the proxy.
    pub remote: SocketAddr,
    /// Whether the connection was used before.
    pub reused: bool,
    /// The grant that allowed the URL, and the one that opened the address, where it is internal.
    pub rule: Grant,
    pub network: Option<Network>,
    pub timings: Timings,
}

/// How long each step took; `None` for one that did not happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    pub dns: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    /// From handing over the request to the head of the answer.
    pub first_byte: Option<Duration>,
    /// From the call of [`Gate::send`] to its end.
    pub total: Duration,
}

/// The way out for one plugin. It keeps connections open for reuse; they end with it and its clones, which share them.
#[derive(Clone)]
pub struct Gate {
    plugin: String,
    pub(crate) http: Vec<Grant>,
    credentials: Arc<BTreeMap<String, Credential>>,
    pub(crate) limits: Limits,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) redirects: Redirects,
}

/// A request that passed all checks which need no network.
#[derive(Clone)]
pub(crate) struct Checked<'a> {
    pub(crate) target: Target,
    pub(crate) rule: &'a Grant,
    /// The URL as it may be shown.
    pub(crate) url: String,
    pub(crate) message: Message,
}

impl Gate {
    /// Makes a gate. Reads the CA file and the system's certificates; opens no connection.
    pub fn new(options: Options) -> Result<Gate, SetupError> {
        let Options {
            plugin,
            http,
            networks,
            credentials,
            ca_file,
            pins,
            client_certificate,
            proxy,
            redirects,
            resolver,
            limits,
        } = options;
        limits.check()?;
        let redirects = Redirects::new(redirects)?;
        if let Some(name) = [&plugin].into_iter().chain(credentials.keys()).find(|name| !is_bare_key(name)) {
            return Err(SetupError::Name { name: name.clone() });
        }
        let gate = Gate {
            dialer: Arc::new(Dialer {
                lookup: Lookup::new(&resolver, &limits),
                tls: Tls::new(ca_file.as_deref(), pins, client_certificate.as_ref())?,
                networks,
                proxy,
                limits: limits.clone(),
            }),
            pool: Pool::new(&limits),
            redactor: Arc::new(Redactor::new(&credentials)?),
            plugin,
            http,
            credentials: Arc::new(credentials),
            limits,
            redirects,
        };
        for (handle, credential) in gate.credentials.iter() {
            let Some(origin) = credential.origin() else { continue };
            let base = credential
                .aim("")
                .map_err(|error| SetupError::Credential { handle: handle.clone(), source: error.into() })?;
            if gate.rule_for(&base).is_none() {
                return Err(SetupError::CredentialNotGranted { handle: handle.clone(), cure: gate.allow_http(origin) });
            }
        }
        Ok(gate)
    }

    /// Sends one request and reads its answer. Dropping the future cuts the connection; the request may have taken
    /// effect then, as after [`Error::InDoubt`].
    ///
    /// A request goes out once. The one exception is an idle connection that turns out to be closed: the request goes
    /// out on a new one if, and only if, no byte of it was written before.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let start = Instant::now();
        let deadline = self.deadline(&request, start);
        let checked = self.check(request)?;
        let outcome = match self.follow(checked, start, deadline).await {
            Ok(response) => Ok(response.scrubbed(&self.redactor)),
            Err(error) => Err(error.scrubbed(&self.redactor)),
        };
        self.log(&outcome);
        outcome
    }

    /// Sends one request of the host itself, such as one for a token, and gives the answer as it came, with the secrets
    /// in it. Grants, addresses and limits hold as for [`Gate::send`]. No credential is put in, also where the request
    /// names one, and a trace shows the URL without its query, where such requests may carry secrets.
    ///
    /// # Errors
    ///
    /// As for [`Gate::send`].
    pub async fn fetch(&self, request: Request) -> Result<Response, Error> {
        let start = Instant::now();
        let deadline = self.deadline(&request, start);
        let mut checked = self.check(Request { credential: None, ..request })?;
        checked.url.truncate(checked.url.find('?').unwrap_or(checked.url.len()));
        let outcome = self.carry(checked, start, deadline).await.map_err(|error| error.scrubbed(&self.redactor));
        self.log(&outcome);
        outcome
    }

    fn deadline(&self, request: &Request, start: Instant) -> Instant {
        start + request.timeout.unwrap_or(self.limits.total).min(self.limits.total)
    }

    fn log(&self, outcome: &Result<Response, Error>) {
        match outcome {
            Ok(response) => {
                debug!(plugin = self.plugin, url = response.sent.url, status = response.status, "request answered")
            }
            Err(error) => debug!(plugin = self.plugin, %error, "request failed"),
        }
    }

    fn check(&self, request: Request) -> Result<Checked<'_>, Error> {
        let Request { method, url, headers, credential, body, timeout: _ } = request;
        let credential = match &credential {
            Some(handle) => Some((handle.as_str(), self.credential(handle)?)),
            None => None,
        };
        let target = match credential {
            Some((_, credential)) => credential.aim(&url)?,
            None => Target::absolute(&url)?,
        };
        let url = match credential {
            Some((handle, credential)) => credential.shown(handle, &target),
            None => format!("{}{}", target.origin, target.path_and_query),
        };
        let url = self.redactor.text(url);
        let method = headers::method(&method)?;
        let rule = self.allowed(&method, &target)?;
        if let Some((handle, credential)) = credential
            && !credential.is_for(&target)
        {
            return Err(Error::Denied {
                denial: Denial::CredentialOrigin { handle: handle.to_owned(), origin: target.origin.clone() },
                cure: self.cure(format!("credentials.{handle}.origins = [\"{}\"]", target.origin)),
            });
        }
        let credential = credential.map(|(_, credential)| credential);
        let message = self.message(method, &target, &headers, credential, body)?;
        Ok(Checked { target, rule, url, message })
    }

    fn message(
        &self,
        method: Method,
        target: &Target,
        fields: &[(String, String)],
        credential: Option<&Credential>,
        body: Bytes,
    ) -> Result<Message, Malformed> {
        let authorization = credential.and_then(Credential::authorization);
        let mut headers = headers::checked(fields, authorization.is_some())?;
        if body.len() > self.limits.request_body {
            return Err(Malformed::BodySize { size: body.len(), limit: self.limits.request_body });
        }
        if let Some(value) = authorization {
            let mut value = value
                .expose_secret()
                .parse::<HeaderValue>()
                .map_err(|_| Malformed::HeaderValue { name: AUTHORIZATION.to_string() })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let host = target.origin.authority().parse().map_err(|_| Malformed::UrlHost)?;
        headers.insert(HOST, host);
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!("hookswitch/", env!("CARGO_PKG_VERSION"))));
        // RFC 9110, section 8.6: a method that expects content says that there is none.
        if body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        let mut message = Message::new(Full::new(body));
        *message.method_mut() = method;
        *message.uri_mut() = target.path_and_query.clone().into();
        *message.headers_mut() = headers;
        Ok(message)
    }

    fn credential(&self, handle: &str) -> Result<&Credential, Error> {
        self.credentials.get(handle).ok_or_else(|| {
            // A handle that could not stand in TOML is the plugin's fancy; it is shown escaped and cut.
            let handle: String = handle.chars().take(64).flat_map(char::escape_debug).collect();
            Error::Denied {
                cure: self.cure(format!("credentials.{handle} = {{ kind = \"…\", file = \"…\" }}")),
                denial: Denial::NoCredential { handle },
            }
        })
    }

    pub(crate) fn cure(&self, line: String) -> Cure {
        Cure { plugin: self.plugin.clone(), line }
    }
}

/// A key that TOML takes without quotes, so that suggestions to the admin can be pasted.
fn is_bare_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
