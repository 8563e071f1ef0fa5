//! Addresses as text in JSON and TOML, for `#[serde(with = …)]`.

use serde::{Deserialize, Deserializer, Serializer, de};
use url::Url;

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    let text = String::deserialize(from)?;
    let url = Url::parse(&text).ok().filter(Url::has_host);
    url.ok_or_else(|| {
        de::Error::invalid_value(de::Unexpected::Str(&text), &"an address such as https://id.example/token")
    })
}

/// The same for an address that may be missing.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Url, de};

    pub(crate) fn serialize<S: Serializer>(url: &Option<Url>, to: S) -> Result<S::Ok, S::Error> {
        match url {
            Some(url) => to.serialize_some(url.as_str()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
        struct Address(Url);
        impl<'de> Deserialize<'de> for Address {
            fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                super::deserialize(from).map(Address)
            }
        }
        Ok(Option::deserialize(from)?.map(|Address(url)| url))
    }
}
