//! How messages are signed, on their way out and on their way in.

use serde::Serialize;

/// How messages are signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Scheme {
    /// Hex of `sha256(id + body + key)` in the header `header`; the id, which the admin gives beside the key, in
    /// `id_header`.
    ConcatSha256 {
        /// `X-Client-ID`, as a rule.
        id_header: String,
        /// `X-Client-Sign`, as a rule.
        header: String,
    },
    /// HMAC over the body, or over more than that.
    Hmac(Hmac),
    /// Standard Webhooks 1.0, with a key that begins with `whsec_`.
    StandardWebhooks,
}

/// How an HMAC (RFC 2104) is written: `Hmac { prefix: "sha256=".into(), ..Hmac::new("X-Hub-Signature-256") }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hmac {
    /// The header that the signature stands in.
    pub header: String,
    pub algorithm: Algorithm,
    /// What is signed: `{body}` once, with `{timestamp}`, `{id}` and any text around it.
    pub signed: String,
    pub encoding: Encoding,
    /// What stands before the signature in its header.
    pub prefix: String,
    /// The header that the time of signing stands in, in Unix seconds; needs `{timestamp}` in `signed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The header that the message's own id stands in; needs `{id}` in `signed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// How far the time may be off, either way: "5m". 1 s to 1 h.
    pub window: String,
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    Hex,
    /// The standard alphabet with padding.
    Base64,
}

impl Hmac {
    /// HMAC-SHA-256 of the body, in hex and with nothing before it, in this header.
    pub fn new(header: &str) -> Self {
        Self {
            header: header.into(),
            algorithm: Algorithm::Sha256,
            signed: "{body}".into(),
            encoding: Encoding::Hex,
            prefix: String::new(),
            timestamp_header: None,
            id_header: None,
            window: "5m".into(),
        }
    }
}
