//! The gate of one plugin: a request goes in, its answer or a typed error comes out.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::debug;

use crate::client_certificate::ClientCertificate;
use crate::connect::Dialer;
use crate::credential::Credential;
use crate::error::{Cure, Error, SetupError};
use crate::grant::Grant;
use crate::keep;
use crate::limits::Limits;
use crate::network::Network;
use crate::pool::Pool;
use crate::proxy::Proxy;
use crate::redirect::Redirects;
use crate::request::{Request, Response};
use crate::resolve::{Lookup, Resolver};
use crate::secrets::{NoPlaceholder, Secrets};
use crate::tls::Tls;
use crate::trust::Pin;
use crate::vault::Vault;

/// What a gate is made from: the rules that the admin has written for one plugin.
#[derive(Default)]
pub struct Options {
    /// The plugin's name, as in `[plugin.NAME]`.
    pub plugin: String,
    /// `allow.http`.
    pub http: Vec<Grant>,
    /// `allow.network`.
    pub networks: Vec<Network>,
    /// By handle.
    pub credentials: BTreeMap<String, Credential>,
    /// What makes the texts that stand for secrets impossible to guess. Others than this host must not know it, and it
    /// must stay the same for them to stay the same.
    pub mask_key: [u8; 32],
    /// Keeps the secrets that a plugin wants kept out of answers.
    pub vault: Option<Arc<dyn Vault>>,
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

/// Shows neither the key of masks nor the vault.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("plugin", &self.plugin)
            .field("http", &self.http)
            .field("networks", &self.networks)
            .field("credentials", &self.credentials)
            .field("ca_file", &self.ca_file)
            .field("pins", &self.pins)
            .field("client_certificate", &self.client_certificate)
            .field("proxy", &self.proxy)
            .field("redirects", &self.redirects)
            .field("resolver", &self.resolver)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The way out for one plugin. It keeps connections open for reuse; they end with it and its clones, which share them.
#[derive(Clone)]
pub struct Gate {
    pub(crate) plugin: String,
    pub(crate) http: Vec<Grant>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) limits: Limits,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) redirects: Redirects,
}

impl Gate {
    /// Makes a gate. Reads the CA file and the system's certificates; opens no connection.
    pub fn new(options: Options) -> Result<Gate, SetupError> {
        let Options {
            plugin,
            http,
            networks,
            credentials,
            mask_key,
            vault,
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
        let of_proxy = proxy.as_ref().map(Proxy::secrets).unwrap_or_default();
        let gate = Gate {
            dialer: Arc::new(Dialer {
                lookup: Lookup::new(&resolver, &limits),
                tls: Tls::new(ca_file.as_deref(), pins, client_certificate.as_ref())?,
                networks,
                proxy,
                limits: limits.clone(),
            }),
            pool: Pool::new(&limits),
            plugin,
            http,
            secrets: Arc::new(Secrets::new(credentials, of_proxy, vault, mask_key)),
            limits,
            redirects,
        };
        for (handle, credential) in gate.secrets.credentials() {
            let Some(origin) = credential.origin() else { continue };
            let base = credential
                .aim("", None)
                .map_err(|error| SetupError::Credential { handle: handle.clone(), source: error.into() })?;
            if gate.rule_for(&base).is_none() {
                return Err(SetupError::CredentialNotGranted { handle: handle.clone(), cure: gate.allow_http(origin) });
            }
        }
        Ok(gate)
    }

    /// Takes every known secret out of a text that came in another way than through the gate.
    pub fn scrub_text(&self, text: String) -> String {
        self.secrets.known().redactor.text(text)
    }

    /// The same for bytes.
    pub fn scrub_bytes(&self, bytes: hyper::body::Bytes) -> hyper::body::Bytes {
        self.secrets.known().redactor.bytes(bytes)
    }

    /// Sends one request and reads its answer. Dropping the future cuts the connection; the request may have taken
    /// effect then, as after [`Error::InDoubt`].
    ///
    /// A request goes out once, with two exceptions. An idle connection turns out to be closed: the request goes out on a
    /// new one if, and only if, no byte of it was written before. Its token is refused: it goes out with another, since a
    /// refused request was not carried out.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let start = Instant::now();
        let outcome = self.ask(&request, start, self.deadline(&request, start)).await;
        let known = self.secrets.known();
        let outcome = match outcome {
            Ok(response) => Ok(response.scrubbed(&known.redactor)),
            Err(error) => Err(error.scrubbed(&known.redactor)),
        };
        self.log(&outcome);
        outcome
    }

    async fn ask(&self, request: &Request, start: Instant, deadline: Instant) -> Result<Response, Error> {
        keep::check(&request.keep_secret, &self.secrets)?;
        let source = request.credential.as_deref().and_then(|handle| {
            let tokens = self.secrets.credential(handle)?.source()?;
            Some((handle, tokens.as_ref()))
        });
        let response = match source {
            Some((handle, tokens)) => self.with_token(handle, tokens, request, start, deadline).await?,
            None => self.follow(self.check(request, None).await?, start, deadline).await?,
        };
        keep::keep(response, &request.keep_secret, &self.secrets).await
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
        let mut checked = self.check(&Request { credential: None, ..request }, None).await?;
        checked.url.truncate(checked.url.find('?').unwrap_or(checked.url.len()));
        let outcome = self.carry(checked, start, deadline).await;
        let outcome = outcome.map_err(|error| error.scrubbed(&self.secrets.known().redactor));
        self.log(&outcome);
        outcome
    }

    /// Gives a text that stands for the value of a credential, or for a secret that was kept, in an encoding: `plain`,
    /// `percent`, `base64` or `json`. Wherever it stands in a request, the value is sent in its place, only to where it
    /// may go. The text is made of lower-case letters and digits, and the same for ever.
    ///
    /// # Errors
    ///
    /// There is no such credential or encoding, or the credential's value cannot be pasted.
    pub fn placeholder(&self, handle: &str, encoding: &str) -> Result<String, NoPlaceholder> {
        self.secrets.placeholder(handle, encoding)
    }

    /// Says whether a text is the value of a credential, or a secret that was kept; in constant time, and false for a
    /// credential that is not there or has no lasting value.
    pub fn matches(&self, handle: &str, candidate: &str) -> bool {
        self.secrets.matches(handle, candidate)
    }

    fn deadline(&self, request: &Request, start: Instant) -> Instant {
        let Limits { total, longest, .. } = self.limits;
        let usual = if request.enclosures.is_empty() { total } else { longest };
        start + request.timeout.unwrap_or(usual).min(longest)
    }

    fn log(&self, outcome: &Result<Response, Error>) {
        match outcome {
            Ok(response) => {
                debug!(plugin = self.plugin, url = response.sent.url, status = response.status, "request answered")
            }
            Err(error) => debug!(plugin = self.plugin, %error, "request failed"),
        }
    }

    pub(crate) fn cure(&self, line: String) -> Cure {
        Cure { plugin: self.plugin.clone(), line }
    }
}

/// A key that TOML takes without quotes, so that suggestions to the admin can be pasted.
fn is_bare_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
