//! The server's certificate, and what becomes of it when its files change.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::error::SetupError;

/// Where the certificate and its key are, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and after it those that lead to the root.
    pub certificate: PathBuf,
    /// The private key, without a password. Not for everybody to read.
    pub key: PathBuf,
}

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
    /// Of the files that `current` was read from at first.
    stamp: Stamp,
}

impl Certificate {
    pub(crate) fn open(files: TlsFiles) -> Result<Arc<Certificate>, SetupError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        // Taken before the files are read: a change while they are read is seen later.
        let stamp = stamp(&files);
        let current = ArcSwap::from_pointee(load(&files, &provider)?);
        Ok(Arc::new(Certificate { files, provider, current, stamp }))
    }

    /// Handshakes by TLS 1.2 or 1.3, each with the certificate that is current then.
    pub(crate) fn acceptor(self: &Arc<Certificate>) -> Result<TlsAcceptor, SetupError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Follows the files for ever. Those that cannot be used, or only one of which is new yet, change nothing.
    pub(crate) async fn follow(&self) {
        let mut known = self.stamp;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = stamp(&self.files);
            if now == known {
                continue;
            }
            known = now;
            match load(&self.files, &self.provider) {
                Ok(fresh) => {
                    self.current.store(Arc::new(fresh));
                    info!(file = %self.files.certificate.display(), "the certificate has changed and is used from now on");
                }
                Err(error) => warn!(%error, "the changed certificate cannot be used; the one before stays"),
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn load(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, SetupError> {
    let TlsFiles { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| SetupError::CertificateFile { path: certificate.clone(), source })?;
    if chain.is_empty() {
        return Err(SetupError::NoCertificate { path: certificate.clone() });
    }
    let mode = fs::metadata(key).map_err(|source| SetupError::KeyMode { path: key.clone(), source })?.permissions();
    // A group is often made for those who serve; everybody never is.
    if mode.mode() & 0o007 != 0 {
        return Err(SetupError::KeyOpen { path: key.clone() });
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|source| SetupError::KeyFile { path: key.clone(), source })?;
    CertifiedKey::from_der(chain, private, provider).map_err(|source| match source {
        rustls::Error::InconsistentKeys(_) => {
            SetupError::KeyMismatch { certificate: certificate.clone(), key: key.clone() }
        }
        source => SetupError::Pair { path: certificate.clone(), source },
    })
}

/// What changes when a file is written or replaced. None if it cannot be looked at.
type Stamp = [Option<(u64, u64, i64, i64)>; 2];

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |path: &Path| -> io::Result<_> {
        let file = fs::metadata(path)?;
        Ok((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
    };
    [of(&files.certificate).ok(), of(&files.key).ok()]
}
