//! TLS towards CRMs: the system's roots and the admin's, TLS 1.2 or later, always with a check of the name; where a CRM
//! asks for it, with a certificate of the client.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, ClientConfig};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client_certificate::ClientCertificate;
use crate::error::SetupError;
use crate::origin::Host;
use crate::trust::{Pin, Trust, is_own_authority};

/// Makes secured connections.
///
/// `Err` is why there can be none: a machine without any root certificates. A plugin that speaks plain HTTP to a CRM
/// in its own house never learns of it.
pub(crate) struct Tls(Result<TlsConnector, String>);

impl Tls {
    pub(crate) fn new(
        ca_file: Option<&Path>,
        pins: Vec<Pin>,
        client: Option<&ClientCertificate>,
    ) -> Result<Tls, SetupError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let house = ca_file.map(certificates).transpose()?.unwrap_or_default();
        let client = client.map(|client| Ok::<_, SetupError>((client, client.load()?))).transpose()?;
        // The only failure left without extra roots is that the system has none either.
        let no_roots = |error| {
            format!(
                "this machine trusts no certificate authority ({error}); install `ca-certificates` or set `ca-file`"
            )
        };
        let authorities = match ca_file {
            None => Verifier::new(Arc::clone(&provider)).map_err(no_roots),
            Some(path) => Ok(Verifier::new_with_extra_roots(house.clone(), Arc::clone(&provider))
                .map_err(|error| SetupError::CaContent { path: path.to_owned(), reason: error.to_string() })?),
        };
        let authorities = match authorities {
            Ok(authorities) => authorities,
            Err(reason) => return Ok(Tls(Err(reason))),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .dangerous() // Time, name and signature are checked of every certificate.
            .with_custom_certificate_verifier(Arc::new(Trust { authorities, house, pins }));
        let mut config = match client {
            None => config.with_no_client_auth(),
            Some((files, (chain, key))) => {
                config.with_client_auth_cert(chain, key).map_err(|error| files.unusable(&error))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(Ok(TlsConnector::from(Arc::new(config)))))
    }

    /// Secures a connection to `host`, or says in words of the admin why not.
    pub(crate) async fn secure(&self, host: &Host, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let connector = self.0.as_ref().map_err(Clone::clone)?;
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| error.to_string())?,
            Host::Address(address) => ServerName::from(*address),
        };
        connector.connect(name, stream).await.map_err(|error| explain(host, &error))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let content = |reason: String| SetupError::CaContent { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|source| SetupError::CaFile { path: path.to_owned(), source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| content(error.to_string()))?;
    if found.is_empty() { Err(content("there is none".into())) } else { Ok(found) }
}

fn explain(host: &Host, error: &io::Error) -> String {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return format!("`{host}` broke off the TLS handshake: {error}");
    };
    let days = |later: &UnixTime, earlier: &UnixTime| later.as_secs().saturating_sub(earlier.as_secs()) / 86_400;
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer => format!(
                "the certificate of `{host}` comes from an unknown issuer; if that is a company's own authority, set `ca-file` to its certificate; if the server vouches for itself, set it to the server's own"
            ),
            CertificateError::Other(other) if is_own_authority(other) => format!(
                "the certificate of `{host}` vouches for itself, as an authority would; if it is right, put this very certificate into the `ca-file`, or its key into `pins`"
            ),
            CertificateError::BadSignature => format!(
                "the issuer of the certificate of `{host}` has the name of a known authority, but another key; set `ca-file` to the authority's present certificate"
            ),
            CertificateError::NotValidForNameContext { presented, .. } => format!(
                "the certificate of `{host}` has the wrong name: it is for {}",
                printable(&presented.join(", "))
            ),
            CertificateError::NotValidForName => format!("the certificate of `{host}` has the wrong name"),
            CertificateError::ExpiredContext { time, not_after } => {
                format!("the certificate of `{host}` expired {} days ago", days(time, not_after))
            }
            CertificateError::Expired => format!("the certificate of `{host}` expired"),
            CertificateError::NotValidYetContext { time, not_before } => format!(
                "the certificate of `{host}` is valid only in {} days; is this machine's clock right?",
                days(not_before, time)
            ),
            other => format!("the certificate of `{host}` is not acceptable: {}", printable(&other.to_string())),
        },
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            format!("`{host}` asks for a client certificate; set `client-certificate`")
        }
        rustls::Error::InvalidMessage(_) => {
            format!("`{host}` does not speak TLS on this port; is it an `http://` address?")
        }
        other => format!("the TLS handshake with `{host}` failed: {}", printable(&other.to_string())),
    }
}

/// Escapes and cuts what the other side may have written.
fn printable(text: &str) -> String {
    text.chars().take(400).flat_map(char::escape_debug).collect()
}
