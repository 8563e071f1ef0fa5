//! A certificate for 127.0.0.1, for whoever is to be posted to, and the authority that the module trusts.

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// All of it as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What the module trusts.
    pub authority: String,
    /// The certificate of the server.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    ///
    /// Those of the key's making.
    pub fn new() -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Authority of the fake webhooks module");
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        let pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);
        let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &issuer)?;
        Ok(Self { authority: pem, certificate: certificate.pem(), key: key.serialize_pem() })
    }
}
