//! Why there is no server, and why a request gets no further.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use http::StatusCode;

/// Why a server cannot be opened. The same texts are logged when changed TLS files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot read the certificate {}: {source}", path.display())]
    CertificateFile { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("{} holds no certificate; it must be PEM, with `-----BEGIN CERTIFICATE-----`", path.display())]
    NoCertificate { path: PathBuf },
    #[error("cannot read the key {}: {source}; it must be PEM, without a password", path.display())]
    KeyFile { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("cannot look at the key {}: {source}", path.display())]
    KeyMode { path: PathBuf, source: io::Error },
    #[error("everybody on this machine may use the key {0}; run: chmod o-rwx {0}", path.display())]
    KeyOpen { path: PathBuf },
    #[error("the key {} is not of the certificate {}", key.display(), certificate.display())]
    KeyMismatch { certificate: PathBuf, key: PathBuf },
    #[error("cannot use the certificate {} with its key: {source}", path.display())]
    Pair { path: PathBuf, source: rustls::Error },
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// An answer that is given in place of the handler's. The connection is closed after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
    pub(crate) retry_after_s: Option<u64>,
}

pub(crate) const fn refuse(status: StatusCode, reason: &'static str) -> Refusal {
    Refusal { status, reason, retry_after_s: None }
}

pub(crate) const fn bad(reason: &'static str) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, reason)
}
