//! Everything that may go wrong, told apart by what the caller must know: whether the request may have had an effect.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::credential::InvalidCredential;
use crate::origin::{Host, Origin};
use crate::redact::Redactor;
use crate::request::Sent;

/// Why there is no answer to a request. No text in it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The admin has not allowed it. Nothing left.
    #[error("denied: {denial}; to allow it, {cure}")]
    Denied { denial: Denial, cure: Cure },
    /// No byte of the request left; sending it again cannot double anything.
    #[error("not sent: {stage}: {cause}")]
    NotSent { stage: Stage, cause: String },
    /// The request, or a part of it, may have reached the other side, and no usable answer came back.
    #[error("in doubt: the request may have taken effect: {cause}")]
    InDoubt { cause: String, sent: Box<Sent> },
    /// The other side answered, with more than may be read. The request may well have taken effect.
    #[error("the answer's {part} is larger than {limit}")]
    TooLarge { part: &'static str, limit: String, sent: Box<Sent> },
    /// There is no token, and there will be none until somebody signs in. Nothing left.
    #[error("the credential `{handle}` cannot be used: {reason}")]
    Unauthorised { handle: String, reason: String },
    /// The request itself is wrong. Nothing left.
    #[error("bad request: {0}")]
    BadRequest(#[from] Malformed),
}

impl Error {
    /// Takes secrets out of the texts that came from elsewhere (the system, the TLS stack, the other side).
    pub(crate) fn scrubbed(self, redactor: &Redactor) -> Error {
        match self {
            Error::NotSent { stage, cause } => Error::NotSent { stage, cause: redactor.text(cause) },
            Error::Unauthorised { handle, reason } => Error::Unauthorised { handle, reason: redactor.text(reason) },
            Error::InDoubt { cause, sent } => Error::InDoubt { cause: redactor.text(cause), sent },
            other => other,
        }
    }
}

/// How far a request came that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The credential's token could not be had for now.
    Token,
    /// A file in the body cannot be read.
    Sign,
    Resolve,
    Connect,
    Tls,
    /// Connected, but the connection broke before the first byte.
    Write,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Token => "getting a token",
            Stage::Sign => "signing",
            Stage::Resolve => "looking up the name",
            Stage::Connect => "connecting",
            Stage::Tls => "securing the connection",
            Stage::Write => "writing",
        })
    }
}

/// What exactly is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("`{0}` is not among the addresses that this plugin may call")]
    Url(Origin),
    #[error("this plugin may call `{origin}`, but not with {method}")]
    Method { method: String, origin: Origin },
    #[error("`{from}` redirects to `{to}`, which is not among the addresses that this plugin may call with {method}")]
    Redirect { from: Origin, to: Origin, method: String },
    #[error("`{host}` is at {address}, which is {kind}")]
    Address { host: Host, address: IpAddr, kind: &'static str },
    #[error("the credential `{handle}` is not meant for `{origin}`")]
    CredentialOrigin { handle: String, origin: Origin },
    #[error("there is no credential `{handle}`")]
    NoCredential { handle: String },
}

/// The line of the configuration that allows what was denied. Where the list is there already, its entry joins it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cure {
    pub plugin: String,
    /// TOML, such as `allow.http = ["https://acme.bitrix24.com"]`.
    pub line: String,
}

impl fmt::Display for Cure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write in [plugin.{}]: {}", self.plugin, self.line)
    }
}

/// What is wrong with a request. Texts of the request are not repeated, but for header and method names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("`{method}` is no method that may be sent; write one like GET, POST, PUT, PATCH, DELETE, in capitals")]
    Method { method: String },

    #[error("the url is longer than {limit} bytes; put the data into the body")]
    UrlLength { limit: usize },
    #[error("the url holds the character {character:?}; write it percent-encoded")]
    UrlCharacter { character: char },
    #[error("the url has a fragment, which is never sent; remove it, or write `#` as `%23`")]
    UrlFragment,
    #[error(
        "the url is not absolute; write `https://…`, or name a credential of the kind base-url and write the path below it"
    )]
    UrlNotAbsolute,
    #[error("`{scheme}` urls are not called; write `https://…`")]
    UrlScheme { scheme: String },
    #[error("the url holds a user name or password; use a credential")]
    UrlUserInfo,
    #[error("the url has no host that can be called")]
    UrlHost,
    #[error("the url has a path or query that cannot stand in a request line")]
    UrlPath,
    #[error("the url cannot be read: {0}")]
    UrlSyntax(#[from] url::ParseError),
    #[error("below a secret base url, write the path without a slash at its beginning")]
    RelativeSlash,
    #[error(
        "below a secret base url, write only the path, as in `crm.lead.add`; a `:` before the first `/` is written `%3A`"
    )]
    RelativeScheme,
    #[error("below a secret base url, no part of the path may be `.` or `..`, encoded or not")]
    RelativeDots,

    #[error("the header `{name}` is not for plugins to set: {reason}")]
    HeaderForbidden { name: String, reason: &'static str },
    #[error("{name:?} is no header name")]
    HeaderName { name: String },
    #[error("the value of the header `{name}` holds a control character, such as a line break")]
    HeaderValue { name: String },
    #[error("more than {limit} headers")]
    HeaderCount { limit: usize },
    #[error("headers of more than {limit} bytes")]
    HeaderSize { limit: usize },

    #[error("the credential sets {what}; leave it out of the request")]
    Taken { what: String },
    #[error("the credential has no place in the request: {reason}")]
    NoPlace { reason: &'static str },
    #[error("the host of the url holds a placeholder; write the host itself, or the mask of a kept url alone")]
    FilledHost,
    #[error("the url cannot be sent with the secret filled in; ask for the placeholder in the encoding `percent`")]
    FilledUrl,
    #[error("the mask that is the url stands for no url that can be called")]
    MaskUrl,
    #[error("a kept secret goes back to where it came from, and not to `{origin}`")]
    Mask { origin: Origin },
    #[error("keep-secret: {reason}")]
    KeepSecret { reason: &'static str },

    #[error("the body does not hold the mark of an enclosed file exactly once")]
    Enclosure,
    #[error("a body of {size} bytes, where {limit} may be sent")]
    BodySize { size: usize, limit: usize },
}

/// Why a gate cannot be made from its options.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{name:?} cannot name a plugin or credential; use letters, digits, `-` and `_`")]
    Name { name: String },
    #[error("the base url of the credential `{handle}` is not allowed; {cure}")]
    CredentialNotGranted { handle: String, cure: Cure },
    #[error("the credential `{handle}`: {source}")]
    Credential { handle: String, source: InvalidCredential },
    #[error("cannot read the ca-file {}: {source}", path.display())]
    CaFile { path: PathBuf, source: std::io::Error },
    #[error("the ca-file {} holds no certificate that can be used: {reason}; it must be PEM, with `-----BEGIN CERTIFICATE-----`", path.display())]
    CaContent { path: PathBuf, reason: String },
    #[error("the client certificate: {} {reason}", path.display())]
    ClientCertificate { path: PathBuf, reason: String },
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("a time limit may be at most {most:?}")]
    Time { most: Duration },
    #[error("a body limit may be at most {most} bytes")]
    Body { most: usize },
    #[error("between 1 and {most} requests may be under way at once")]
    AtOnce { most: u16 },
    #[error("at most {most} redirects may be followed")]
    Redirects { most: u8 },
}
