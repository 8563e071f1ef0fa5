//! Which servers are who they say: those that an authority vouches for, and those that the admin names by themselves.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage};

/// The public key of a server that is trusted without any authority: the SHA-256 of its SubjectPublicKeyInfo, as
/// `curl --pinnedpubkey` takes it. The server's certificate must still be for its name and not expired.
///
/// ```
/// let pin: hookswitch_gate::Pin = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pin([u8; 32]);

/// A text is no pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no pin; write `sha256//` and the hash of the server's public key, which is printed by `openssl x509 -in server.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64`"
)]
pub struct InvalidPin {
    text: String,
}

impl FromStr for Pin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Pin, InvalidPin> {
        let invalid = || InvalidPin { text: text.chars().take(80).collect() };
        let encoded = text.trim().strip_prefix("sha256//").ok_or_else(invalid)?;
        let hash = STANDARD.decode(encoded).map_err(|_| invalid())?;
        hash.try_into().map(Pin).map_err(|_| invalid())
    }
}

impl TryFrom<String> for Pin {
    type Error = InvalidPin;

    fn try_from(text: String) -> Result<Pin, InvalidPin> {
        text.parse()
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256//{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

/// Judges the certificates of servers.
#[derive(Debug)]
pub(crate) struct Trust {
    /// The platform's own, which checks everything.
    pub(crate) authorities: Verifier,
    /// What stands in the `ca-file`. An authority's certificate there vouches for others; a server's, only for itself.
    pub(crate) house: Vec<CertificateDer<'static>>,
    pub(crate) pins: Vec<Pin>,
}

impl Trust {
    /// Says whether the admin named this very certificate, or its key, and it is valid at this time.
    ///
    /// This is what makes a certificate usable that is signed by itself and marked as an authority, as many devices
    /// make one: no authority vouches for such a one, since none may be a server too.
    fn is_named(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
        let Ok(parsed) = EndEntityCert::try_from(certificate) else { return false };
        let hash: [u8; 32] = Sha256::digest(parsed.subject_public_key_info()).into();
        if !self.house.iter().any(|known| known == certificate) && !self.pins.contains(&Pin(hash)) {
            return false;
        }
        // Without any authority the search for one fails, after the certificate's own time and purpose are checked.
        let outcome = parsed.verify_for_usage(&[], &[], &[], now, KeyUsage::server_auth(), None, None);
        matches!(outcome, Err(webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity))
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.is_named(certificate, now) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.authorities.verify_server_cert(certificate, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Says whether a certificate was refused because it is an authority's own.
pub(crate) fn is_own_authority(error: &rustls::OtherError) -> bool {
    matches!(Arc::as_ref(&error.0).downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
