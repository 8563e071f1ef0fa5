//! Servers, as an admin names them.

use std::fmt;

use serde::Deserialize;
use url::Url;

/// Scheme, host and port of a server: `https://pbx.example.com`, `http://192.168.1.10:8080`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// What is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no server: write scheme and host alone, like \"https://pbx.example.com\"")]
pub struct InvalidOrigin(String);

impl Origin {
    /// The server that an address leads to, if it is one of the web.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        (matches!(url.scheme(), "https" | "http") && url.has_host()).then(|| Self(url.origin().ascii_serialization()))
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        let bare = |url: &Url| {
            let more = url.query().is_some() || url.fragment().is_some() || url.password().is_some();
            url.path() == "/" && url.username().is_empty() && !more
        };
        Url::parse(&text).ok().filter(bare).as_ref().and_then(Self::of).ok_or(InvalidOrigin(text))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        let origin = |text: &str| Origin::try_from(text.to_owned());
        for text in ["https://pbx.example.com", "https://PBX.example.com/", "https://pbx.example.com:443"] {
            assert_eq!(origin(text).unwrap().to_string(), "https://pbx.example.com", "{text}");
        }
        assert_eq!(origin("http://[2001:db8::1]:8080").unwrap().to_string(), "http://[2001:db8::1]:8080");
        for text in [
            "pbx.example.com",
            "https://",
            "ftp://pbx.example.com",
            "https://pbx.example.com/rec",
            "https://pbx.example.com?x",
            "https://user@pbx.example.com",
            "data:,x",
        ] {
            assert!(origin(text).unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
