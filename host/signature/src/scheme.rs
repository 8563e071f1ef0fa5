//! How somebody signs, as a manifest or the configuration says it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use serde::Deserialize;

use crate::error::InvalidScheme;
use crate::parts::Parts;
use crate::template::Template;

/// How messages are signed. In JSON and TOML a table with its `kind`:
///
/// ```
/// use hookswitch_signature::Scheme;
/// let yeastar = r#"{ "kind": "hmac", "header": "X-Signature", "encoding": "base64" }"#;
/// let github = r#"{ "kind": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256=" }"#;
/// let slack = r#"{ "kind": "hmac", "header": "X-Slack-Signature", "prefix": "v0=",
///                  "signed": "v0:{timestamp}:{body}", "timestamp-header": "X-Slack-Request-Timestamp" }"#;
/// for scheme in [yeastar, github, slack, r#"{ "kind": "standard-webhooks" }"#] {
///     serde_json::from_str::<Scheme>(scheme)?;
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Scheme {
    /// Lower-case hex of `sha256(id + body + key)`, where the id says who signs and stands in a header of its own
    /// (`pbx-rostelecom.md`, section 1). It has no time, so what was heard can be said again.
    ConcatSha256 {
        /// Where the id stands.
        #[serde(default = "client_id")]
        id_header: Header,
        /// Where the signature stands.
        #[serde(default = "client_sign")]
        header: Header,
    },
    /// HMAC (RFC 2104) over parts of the message.
    Hmac {
        #[serde(default)]
        algorithm: Algorithm,
        #[serde(default)]
        signed: Template,
        /// Where the signature stands.
        header: Header,
        #[serde(default)]
        encoding: Encoding,
        /// What stands before the signature in its header, such as `sha256=`.
        #[serde(default)]
        prefix: String,
        /// Where the time of signing stands, in Unix seconds; needs `{timestamp}` in `signed`.
        timestamp_header: Option<Header>,
        /// Where the message's own id stands; needs `{id}` in `signed`.
        id_header: Option<Header>,
        /// How far the time may be off, either way.
        #[serde(default)]
        window: Window,
    },
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, and in `webhook-signature` one or more of
    /// `v1,base64(hmac-sha256(key, id.timestamp.body))` with spaces between. The key is base64, with or without
    /// `whsec_` before it; of several keys with white space between each signs, and each is believed, so that both sides
    /// can change theirs one after the other.
    StandardWebhooks {
        /// How far the time may be off, either way.
        #[serde(default)]
        window: Window,
    },
    /// A hash over chosen parts of a request, for messages that are received and never sent.
    Parts(Parts),
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    Sha1,
    #[default]
    Sha256,
    Sha512,
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Lower case; upper case is read too.
    #[default]
    Hex,
    /// The standard alphabet with padding.
    Base64,
    /// Base64 of the hex text and not of the bytes (`pbx-webhook.md`, section 3).
    Base64OfHex,
}

impl Encoding {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Encoding::Base64 => STANDARD.encode(bytes),
            Encoding::Base64OfHex => STANDARD.encode(Encoding::Hex.encode(bytes)),
        }
    }

    pub(crate) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Encoding::Hex => {
                let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
                let (pairs, rest) = digits.as_chunks::<2>();
                rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
            }
            Encoding::Base64 => STANDARD.decode(text).ok(),
            Encoding::Base64OfHex => Encoding::Hex.decode(&String::from_utf8(STANDARD.decode(text).ok()?).ok()?),
        }
    }
}

/// The name of a header, in any case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Header(pub HeaderName);

impl TryFrom<String> for Header {
    type Error = InvalidScheme;

    fn try_from(name: String) -> Result<Header, InvalidScheme> {
        HeaderName::from_bytes(name.as_bytes()).map(Header).map_err(|_| InvalidScheme::Header { name })
    }
}

fn client_id() -> Header {
    Header(HeaderName::from_static("x-client-id"))
}

fn client_sign() -> Header {
    Header(HeaderName::from_static("x-client-sign"))
}

/// How far the time in a message may be from ours: a text such as `"5m"`, which is the default; 1 s to 1 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Window(Duration);

impl Window {
    pub(crate) fn seconds(self) -> u64 {
        self.0.as_secs()
    }
}

impl Default for Window {
    fn default() -> Window {
        Window(Duration::from_secs(5 * 60))
    }
}

impl TryFrom<String> for Window {
    type Error = InvalidScheme;

    fn try_from(text: String) -> Result<Window, InvalidScheme> {
        match humantime::parse_duration(&text) {
            Ok(time) if (1..=60 * 60).contains(&time.as_secs()) => Ok(Window(time)),
            _ => Err(InvalidScheme::Window { text }),
        }
    }
}
