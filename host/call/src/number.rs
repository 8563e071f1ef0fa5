//! Telephone numbers, normalised once, so that no plugin has to.
//!
//! A PBX spells a number as its trunk delivers it: with or without country, with prefixes, brackets, a SIP wrapper. The
//! pipeline follows the sheet `oauth2-and-http.md`, section 3: strip the wrapping, cut the trunk's prefix, read what is
//! left in the region of the line, and list the spellings under which a CRM may have stored the number, best first.

mod clean;
mod dialling;
#[cfg(test)]
mod tests;
mod variants;

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region as Country};
use serde::{Deserialize, Serialize};

pub use dialling::{Pieces, Rate, calls_for_help};

/// A country, as a two-letter code of ISO 3166-1: how a number without a country code is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region(Country);

impl Region {
    /// Reads a two-letter code, in any case; none if the code is unknown to the numbering plans.
    pub fn from_code(code: &str) -> Option<Self> {
        let country = Country::from_code(&code.trim().to_ascii_uppercase()).ok()?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(country).map(|_| Self(country))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_region_str().as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the numbers of one line are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbering {
    /// The country of a number without a country code. Without it only numbers with `+` or `00` can be completed.
    pub region: Option<Region>,
    /// Digits that the trunk puts in front of an inbound number (`9` for an outside line); cut when present.
    pub strip_prefix: Option<String>,
    /// Numbers with at most this many digits are internal or service numbers, never completed with a country.
    pub short_up_to: usize,
}

/// What sort of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A number of the public network.
    External,
    /// Too short for one: an extension or a service number.
    Short,
    /// Suppressed or unknown: never looked up, never made a contact of.
    Anonymous,
    /// Digits that no numbering plan knows; searched as they are.
    Invalid,
}

/// A normalised telephone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// As it came.
    pub raw: String,
    /// What sort of number it is.
    pub kind: Kind,
    /// `+` and digits, where the number could be completed.
    pub e164: Option<String>,
    /// The country that the number belongs to.
    pub region: Option<String>,
    /// An extension behind the number (`… x12`).
    pub extension: Option<String>,
    /// Spellings under which a CRM may have stored it, best first; empty where a search makes no sense.
    pub search: Vec<String>,
}

impl Number {
    /// Reads `text` as a PBX, a CRM or a person spells it. Never fails: what cannot be read is anonymous or invalid.
    pub fn parse(text: &str, numbering: &Numbering) -> Self {
        let number =
            |kind, extension, search| Self { raw: text.to_owned(), kind, e164: None, region: None, extension, search };
        let Some(clean) = clean::clean(text) else { return number(Kind::Anonymous, None, Vec::new()) };
        let digits = strip_prefix(&clean.digits, numbering.strip_prefix.as_deref());
        if !digits.starts_with('+') && digits.len() <= numbering.short_up_to.max(2) {
            return number(Kind::Short, clean.extension, vec![digits.to_owned()]);
        }
        match complete(digits, numbering.region) {
            Some(parsed) => Self {
                raw: text.to_owned(),
                kind: Kind::External,
                e164: Some(parsed.format_as(PhoneNumberFormat::E164).into_owned()),
                region: parsed.get_region_code().map(|country| country.as_region_str().as_str().to_owned()),
                extension: clean.extension,
                search: variants::variants(&parsed, numbering.region),
            },
            None => {
                let bare = digits.trim_start_matches('+').to_owned();
                number(Kind::Invalid, clean.extension, vec![bare])
            }
        }
    }

    /// The number in E.164, where it could be completed, and as it came.
    pub fn spellings(&self) -> impl Iterator<Item = &str> {
        self.e164.as_deref().into_iter().chain([self.raw.as_str()])
    }

    /// The number as people of its country write it, or as it came.
    pub fn display(&self) -> String {
        self.formatted(PhoneNumberFormat::International)
    }

    /// The number in `style`: `e164`, `international`, `national`, `rfc3966`, `digits`; as it came where it could not be
    /// completed or the style is unknown.
    pub fn format(&self, style: &str) -> String {
        match style {
            "e164" => self.formatted(PhoneNumberFormat::E164),
            "international" => self.formatted(PhoneNumberFormat::International),
            "national" => self.formatted(PhoneNumberFormat::National),
            "rfc3966" => self.formatted(PhoneNumberFormat::RFC3966),
            "digits" => self.formatted(PhoneNumberFormat::E164).trim_start_matches('+').to_owned(),
            _ => self.raw.clone(),
        }
    }

    fn formatted(&self, format: PhoneNumberFormat) -> String {
        let parsed = self.e164.as_deref().and_then(|e164| PHONE_NUMBER_UTIL.parse(e164, None).ok());
        parsed.map_or_else(|| self.raw.clone(), |parsed| parsed.format_as(format).into_owned())
    }
}

/// The number with its country, if a numbering plan allows it to exist.
fn complete(digits: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let international = digits.strip_prefix("00").map(|rest| format!("+{rest}"));
    // Mexico dropped the 1 of mobile numbers in 2019; PBXs and contacts still have it.
    let mexican = international.as_deref().unwrap_or(digits).strip_prefix("+521").map(|rest| format!("+52{rest}"));
    let candidates = [Some(digits.to_owned()), international, mexican];
    candidates.into_iter().flatten().find_map(|text| {
        let parsed = PHONE_NUMBER_UTIL.parse(&text, region.map(|region| region.0)).ok()?;
        // A plan's list of assigned blocks is always older than the network: a possible length is enough, as long as
        // the number reads the same again.
        let e164 = parsed.format_as(PhoneNumberFormat::E164);
        let again = PHONE_NUMBER_UTIL.parse(&e164, None).ok()?;
        let stable = again.format_as(PhoneNumberFormat::E164) == e164;
        (stable && parsed.is_possible_with_reason().is_ok()).then(|| parsed.clone())
    })
}

fn strip_prefix<'a>(digits: &'a str, prefix: Option<&str>) -> &'a str {
    prefix.filter(|prefix| !prefix.is_empty()).and_then(|prefix| digits.strip_prefix(prefix)).unwrap_or(digits)
}
