//! Signatures over chosen parts of a request: fields of a form, the address, headers (`pbx-webhook.md`, section 8).
//!
//! What is not named is not signed: anybody who saw one request can change the rest of it. That is how these phone
//! systems do it; TLS and the networks that they post from have to make up for it.

use std::borrow::Cow;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::digest::Digest;
use crate::error::{InvalidScheme, Refused};
use crate::scheme::{Algorithm, Encoding, Header};
use crate::signer::{Verified, account, single};
use crate::template::{Piece, pieces};

/// How parts of a request are signed.
///
/// ```
/// use hookswitch_signature::Scheme;
/// let mango = r#"{ "kind": "parts", "hash": "sha256", "signed": "{id}{field:json}{key}",
///                  "id": { "field": "vpbx_api_key" }, "in": { "field": "sign" } }"#;
/// let zadarma = r#"{ "kind": "parts", "hash": "hmac-sha1", "signed": "{field:caller_id}{field:called_did}",
///                    "in": { "header": "Signature" }, "encoding": "base64-of-hex" }"#;
/// let twilio = r#"{ "kind": "parts", "hash": "hmac-sha1", "signed": "{url}{fields}",
///                   "in": { "header": "X-Twilio-Signature" }, "encoding": "base64" }"#;
/// for scheme in [mango, zadarma, twilio] {
///     serde_json::from_str::<Scheme>(scheme)?;
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parts {
    pub hash: Hash,
    pub signed: Signed,
    /// Where the signature stands.
    #[serde(rename = "in")]
    pub place: Location,
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before the signature, such as `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// Where it says who signs; needs `{id}` in `signed`.
    pub id: Option<Location>,
}

/// Which hash, and whether the key goes into it apart (HMAC) or as one of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    HmacSha1,
    HmacSha256,
    HmacSha512,
    Sha1,
    Sha256,
    Sha512,
}

/// Where a value stands in a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Location {
    Header(Header),
    /// A field of the form in the body.
    Field(String),
}

/// What is hashed, in order: places and any text between them.
///
/// - `{field:NAME}`: a field of the form in the body, decoded; empty where it is missing;
/// - `{fields}`: all fields, sorted by name: name, value, name, value …;
/// - `{body}`: the body as it came; `{header:NAME}`: a header;
/// - `{url}`: the address that was posted to, with its query;
/// - `{id}`: who signs; `{key}`: the key, at the end of a plain hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Signed(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Field(String),
    Fields,
    Header(HeaderName),
    /// What the address is called from outside, up to the path of the request; none until it is known.
    Url(Option<String>),
    Id,
    Key,
}

/// A request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Behind what the scheme knows as its address; `/` if nothing.
    pub path: &'a str,
    /// What stands after the `?`; empty if nothing.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// The fields of the body, if it is a form.
    pub form: Option<&'a [(String, String)]>,
    pub body: &'a [u8],
}

impl Parts {
    /// The same for requests to `base`, from scheme and host to what stands before the path of [`Received`].
    #[must_use]
    pub fn at(mut self, base: &str) -> Parts {
        for part in &mut self.signed.0 {
            if let Part::Url(known) = part {
                *known = Some(base.to_owned());
            }
        }
        self
    }
}

impl FromStr for Signed {
    type Err = InvalidScheme;

    fn from_str(text: &str) -> Result<Signed, InvalidScheme> {
        let parts = pieces(text)?.map(|piece| match piece {
            Piece::Text(text) => Ok(Part::Text(text.to_owned())),
            Piece::Place(place) => Part::named(place),
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        // A body that is not signed at all could be any body.
        let body = parts.iter().any(|part| matches!(part, Part::Body | Part::Fields | Part::Field(_)));
        if body { Ok(Signed(parts)) } else { Err(InvalidScheme::NoBody) }
    }
}

impl TryFrom<String> for Signed {
    type Error = InvalidScheme;

    fn try_from(text: String) -> Result<Signed, InvalidScheme> {
        text.parse()
    }
}

impl Part {
    fn named(place: &str) -> Result<Part, InvalidScheme> {
        Ok(match place.split_once(':') {
            None if place == "body" => Part::Body,
            None if place == "fields" => Part::Fields,
            None if place == "url" => Part::Url(None),
            None if place == "id" => Part::Id,
            None if place == "key" => Part::Key,
            Some(("field", name)) if !name.is_empty() => Part::Field(name.to_owned()),
            Some(("header", name)) => Part::Header(Header::try_from(name.to_owned())?.0),
            _ => return Err(InvalidScheme::Part { place: place.to_owned() }),
        })
    }
}

/// [`Parts`] with their key.
#[derive(Clone, Debug)]
pub(crate) struct PartsVerifier {
    digest: Digest,
    proves: [&'static str; 1],
    scheme: Parts,
    account: String,
}

impl PartsVerifier {
    pub(crate) fn new(scheme: &Parts, key: &SecretString, id: Option<&str>) -> Result<PartsVerifier, InvalidScheme> {
        let parts = &scheme.signed.0;
        if key.expose_secret().is_empty() {
            return Err(InvalidScheme::EmptyKey);
        }
        if parts.contains(&Part::Url(None)) {
            return Err(InvalidScheme::NoUrl);
        }
        if parts.contains(&Part::Id) != scheme.id.is_some() {
            return Err(InvalidScheme::UnpairedId);
        }
        if !scheme.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidScheme::Prefix);
        }
        let (keyed, algorithm, name) = match scheme.hash {
            Hash::HmacSha1 => (true, Algorithm::Sha1, "hmac-sha1"),
            Hash::HmacSha256 => (true, Algorithm::Sha256, "hmac-sha256"),
            Hash::HmacSha512 => (true, Algorithm::Sha512, "hmac-sha512"),
            Hash::Sha1 => (false, Algorithm::Sha1, "sha1"),
            Hash::Sha256 => (false, Algorithm::Sha256, "sha256"),
            Hash::Sha512 => (false, Algorithm::Sha512, "sha512"),
        };
        // With the key first, anybody could go on hashing from a known signature.
        let keys = parts.iter().filter(|part| **part == Part::Key).count();
        let fits = if keyed { keys == 0 } else { keys == 1 && parts.last() == Some(&Part::Key) };
        if !fits {
            return Err(InvalidScheme::Key);
        }
        let digest = match keyed {
            true => Digest::hmac(algorithm, key.expose_secret().as_bytes()),
            false => Digest::Concat(algorithm, key.clone()),
        };
        let account = if scheme.id.is_some() { account(id)? } else { String::new() };
        Ok(PartsVerifier { digest, proves: [name], scheme: scheme.clone(), account })
    }

    pub(crate) fn proves(&self) -> &[&'static str] {
        &self.proves
    }

    pub(crate) fn verify(&self, received: &Received<'_>) -> Result<Verified, Refused> {
        if let Some(place) = &self.scheme.id {
            let id = place.of(received)?;
            verify_slices_are_equal(id.as_bytes(), self.account.as_bytes()).map_err(|_| place.stranger())?;
        }
        let place = &self.scheme.place;
        let given = place.of(received)?.strip_prefix(self.scheme.prefix.as_str());
        let given = given.and_then(|given| self.scheme.encoding.decode(given)).ok_or_else(|| place.malformed())?;
        let parts = self.scheme.signed.0.iter().map(|part| self.bytes(part, received));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let mut running = self.digest.begin();
        parts.iter().for_each(|part| running.update(part.as_ref()));
        let digest = running.finish();
        verify_slices_are_equal(&given, &digest).map_err(|_| Refused::Mismatch)?;
        Ok(Verified { digest, until: None })
    }

    fn bytes<'a>(&'a self, part: &'a Part, received: &Received<'a>) -> Result<Cow<'a, [u8]>, Refused> {
        Ok(match part {
            Part::Text(text) => text.as_bytes().into(),
            Part::Body => received.body.into(),
            Part::Field(name) => field(received, name)?.unwrap_or_default().as_bytes().into(),
            Part::Fields => self.sorted(received.form.ok_or(Refused::NoForm)?).into(),
            Part::Header(name) => single(received.headers, name)?.as_bytes().into(),
            Part::Url(base) => {
                let path = if received.path == "/" { "" } else { received.path };
                let mark = if received.query.is_empty() { "" } else { "?" };
                [base.as_deref().unwrap_or_default(), path, mark, received.query].concat().into_bytes().into()
            }
            Part::Id => self.account.as_bytes().into(),
            Part::Key => self.digest.key().into(),
        })
    }
}

impl PartsVerifier {
    /// Names and values in a row, sorted by name and then by value, without the signature; of what stands there twice,
    /// one (as the libraries of Twilio do it).
    fn sorted(&self, fields: &[(String, String)]) -> Vec<u8> {
        let own = |name: &String| matches!(&self.scheme.place, Location::Field(field) if field == name);
        let mut fields: Vec<_> = fields.iter().filter(|(name, _)| !own(name)).collect();
        fields.sort();
        fields.dedup();
        fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).flatten().copied().collect()
    }
}

impl Location {
    fn of<'a>(&self, received: &Received<'a>) -> Result<&'a str, Refused> {
        match self {
            Location::Header(name) => single(received.headers, &name.0),
            Location::Field(name) => {
                field(received, name)?.ok_or_else(|| Refused::FieldMissing { field: name.clone() })
            }
        }
    }

    fn malformed(&self) -> Refused {
        match self {
            Location::Header(name) => Refused::Malformed { header: name.0.clone() },
            Location::Field(name) => Refused::FieldMalformed { field: name.clone() },
        }
    }

    fn stranger(&self) -> Refused {
        match self {
            Location::Header(name) => Refused::Stranger { header: name.0.clone() },
            Location::Field(name) => Refused::FieldStranger { field: name.clone() },
        }
    }
}

/// A field that may stand there once: of two, the one who checks and the one who uses it might each take another.
fn field<'a>(received: &Received<'a>, name: &str) -> Result<Option<&'a str>, Refused> {
    let fields = received.form.ok_or(Refused::NoForm)?;
    let mut values = fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() {
        return Err(Refused::FieldRepeated { field: name.to_owned() });
    }
    Ok(value)
}
