//! Secrets without their values: texts that stand for them, and comparison. The manifest asks for it with
//! [`Manifest::secrets`](crate::Manifest::secrets).

use crate::Failure;
use crate::bindings::imports::hookswitch::plugin::secrets;

/// How a value is written at the place where its placeholder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is: in a header, or in a text without rules of its own.
    Plain,
    /// In a URL or a form.
    Percent,
    Base64,
    /// Inside a JSON string.
    Json,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Percent => "percent",
            Self::Base64 => "base64",
            Self::Json => "json",
        }
    }
}

/// Gives the text that stands for a credential's value in the URL, a header or the body of a request. The host puts the
/// value there on the wire, and only towards the addresses that the credential is for.
///
/// # Errors
/// *Not configured*: the manifest does not ask for this handle or for the import, or the admin has not granted it.
pub fn placeholder(handle: &str, encoding: Encoding) -> Result<String, Failure> {
    secrets::placeholder(handle, encoding.name()).map_err(Failure::NotConfigured)
}

/// Says whether `candidate` is the credential's value. False for an unknown handle, and after a few tries in one job.
pub fn matches(handle: &str, candidate: &str) -> bool {
    secrets::matches(handle, candidate)
}
