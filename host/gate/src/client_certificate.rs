//! The certificate by which a CRM tells who calls it (mutual TLS).

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use crate::error::SetupError;

/// A certificate and its key, as PEM files: `client-certificate = { certificate = "crm.pem", key = "crm.key" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate, and after it those of the authorities in between.
    pub certificate: PathBuf,
    /// The key in any of the usual forms (PKCS #8, PKCS #1, SEC1), without a password. Nobody but its owner and group
    /// may read it.
    pub key: PathBuf,
}

impl ClientCertificate {
    pub(crate) fn load(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), SetupError> {
        let pem = read(&self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.unwrap_or_default();
        if chain.is_empty() {
            let reason = "holds no certificate that can be used; it must be PEM, with `-----BEGIN CERTIFICATE-----`";
            return Err(fault(&self.certificate, reason.to_owned()));
        }
        check_readers(&self.key)?;
        let pem = read(&self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| fault(&self.key, no_key(&self.key, &pem)))?;
        Ok((chain, key))
    }

    /// What it means that TLS does not take the pair.
    pub(crate) fn unusable(&self, error: &rustls::Error) -> SetupError {
        let reason = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("is not the key of the certificate {}", self.certificate.display())
            }
            other => format!("cannot be used with {}: {other}", self.certificate.display()),
        };
        fault(&self.key, reason)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SetupError> {
    std::fs::read(path).map_err(|error| fault(path, format!("cannot be read: {error}")))
}

fn no_key(path: &Path, pem: &[u8]) -> String {
    if pem.windows(9).any(|part| part == b"ENCRYPTED") {
        let path = path.display();
        format!("has a password; write it without one: `openssl pkey -in {path} -out NEW.key && chmod 600 NEW.key`")
    } else {
        "holds no private key that can be used; it must be PEM, with `-----BEGIN PRIVATE KEY-----`".to_owned()
    }
}

/// Who has the key is the client. A group may read it, as is usual for keys that several services share.
#[cfg(unix)]
fn check_readers(path: &Path) -> Result<(), SetupError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|error| fault(path, format!("cannot be read: {error}")))?;
    if metadata.permissions().mode() & 0o006 == 0 {
        return Ok(());
    }
    Err(fault(path, format!("is open to every user of this machine; run `chmod 600 {}`", path.display())))
}

#[cfg(not(unix))]
fn check_readers(_: &Path) -> Result<(), SetupError> {
    Ok(())
}

fn fault(path: &Path, reason: String) -> SetupError {
    SetupError::ClientCertificate { path: path.to_owned(), reason }
}
