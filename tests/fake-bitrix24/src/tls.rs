//! A certificate authority for one run, and a server certificate for `localhost` and 127.0.0.1 from it.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::network::Network;

pub(crate) struct Identity {
    pub(crate) ca_pem: String,
    good: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    other_name: Arc<ServerConfig>,
}

impl Identity {
    pub(crate) fn generate() -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Fake Bitrix24 authority");
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let good = || leaf(&["localhost", "127.0.0.1"]);
        let mut expired = good()?;
        expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
        Ok(Self {
            ca_pem: authority_certificate.pem(),
            good: server(&good()?, &issuer)?,
            expired: server(&expired, &issuer)?,
            other_name: server(&leaf(&["portal.example"])?, &issuer)?,
        })
    }

    /// The server's side of TLS, with the certificate that fits the network.
    pub(crate) fn server(&self, network: Network) -> Arc<ServerConfig> {
        match network {
            Network::ExpiredCertificate => &self.expired,
            Network::OtherName => &self.other_name,
            Network::Sound | Network::Down | Network::Reset => &self.good,
        }
        .clone()
    }
}

fn leaf(names: &[&str]) -> Result<CertificateParams> {
    let mut leaf = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
    leaf.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or_default());
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(leaf)
}

fn server(leaf: &CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Result<Arc<ServerConfig>> {
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}
