//! `users` of a plugin: whom extensions stand for, where the CRM and the phone system do not say it or say it wrong.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error};

/// What stands for nobody.
const NOBODY: &str = "nobody";

/// An extension, of one phone system or of any: `201`, `"office:201"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The `NAME` of `[pbx.NAME]`; none: any.
    pub(crate) pbx: Option<String>,
    pub(crate) extension: String,
}

impl Place {
    /// The extension of one phone system.
    pub(crate) fn at(pbx: &str, extension: &str) -> Self {
        Self { pbx: Some(pbx.to_owned()), extension: extension.to_owned() }
    }

    /// The extension, whatever the phone system.
    pub(crate) fn anywhere(extension: &str) -> Self {
        Self { pbx: None, extension: extension.to_owned() }
    }
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            Some((pbx, extension)) => Self::at(pbx.trim(), extension.trim()),
            None => Self::anywhere(text.trim()),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pbx {
            Some(pbx) => write!(f, "{pbx}:{}", self.extension),
            None => f.write_str(&self.extension),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let place: Self = String::deserialize(from)?.parse().unwrap_or_else(|never| match never {});
        if place.extension.is_empty() || place.pbx.as_ref().is_some_and(String::is_empty) {
            return Err(D::Error::custom("an extension is written like 201 or \"office:201\""));
        }
        Ok(place)
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A CRM user, as an admin names one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Who {
    /// By the CRM's id.
    Id(String),
    /// By e-mail address, in lower case.
    Email(String),
    /// Nobody, and that is right so.
    Nobody,
}

impl TryFrom<String> for Who {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        match text {
            "" => Err("write the id of a CRM user, an e-mail address, or \"nobody\""),
            NOBODY => Ok(Self::Nobody),
            _ if text.contains('@') => Ok(Self::Email(text.to_lowercase())),
            _ => Ok(Self::Id(text.to_owned())),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id(text) | Self::Email(text) => text,
            Self::Nobody => NOBODY,
        })
    }
}

impl Serialize for Who {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
