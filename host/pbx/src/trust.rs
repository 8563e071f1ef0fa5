//! Whom a TLS connection to a phone system trusts.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untrusting {
    /// The file that the admin names is of no use.
    #[error("cannot use the certificates in {path}: {why}; it must be a PEM file with at least one certificate")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system's certificates cannot be used.
    #[error("cannot use the certificates of the operating system: {0}; name a file with `ca-file`")]
    Platform(String),
}

/// Trusts the authorities in `ca`, a PEM file, in place of those of the operating system.
pub(crate) fn trust(ca: Option<&Path>) -> Result<ClientConfig, Untrusting> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let platform = |error: rustls::Error| Untrusting::Platform(error.to_string());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(platform)?;
    let Some(path) = ca else {
        return Ok(builder.with_platform_verifier().map_err(platform)?.with_no_client_auth());
    };
    let unusable = |why: String| Untrusting::File { path: path.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate".into()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
