//! The address of a phone system's API.

use serde::{Deserialize, Deserializer, de};
use url::Url;

/// An address with scheme, host, and perhaps a port and the beginning of a path: `"https://pbx.example.com:8088"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiUrl(pub(super) Url);

impl<'de> Deserialize<'de> for ApiUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let parsed = Url::parse(&text).ok().filter(|url| {
            let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
            matches!(url.scheme(), "https" | "http") && url.has_host() && plain && url.password().is_none()
        });
        parsed.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no address of an API: write it like \"https://pbx.example.com:8088\""
            ))
        })
    }
}
