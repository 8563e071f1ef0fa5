//! An authority of this run's own, and certificates for 127.0.0.1 from it: one for the PBX, one for who is posted to.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// What both sides need.
pub(crate) struct Identity {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
    /// The authority, as PEM.
    pub(crate) authority: String,
    /// Certificate and key of the external system, as PEM.
    pub(crate) external: (String, String),
}

impl Identity {
    pub(crate) fn make() -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Fake Rostelecom authority");
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        let certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);
        let leaf = || {
            let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
            leaf.use_authority_key_identifier_extension = true;
            let key = KeyPair::generate()?;
            anyhow::Ok((leaf.signed_by(&key, &issuer)?, key))
        };
        let (own, own_key) = leaf()?;
        let (external, external_key) = leaf()?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![own.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der())),
            )?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone())?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            server: Arc::new(server),
            client: Arc::new(client),
            authority: certificate.pem(),
            external: (external.pem(), external_key.serialize_pem()),
        })
    }
}
