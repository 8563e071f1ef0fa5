//! A scheme with its key.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};

use crate::digest::{Digest, Running};
use crate::error::{InvalidScheme, Refused};
use crate::scheme::{Algorithm, Encoding, Scheme, Window};
use crate::template::{Part, Template};

/// Signs messages and checks signatures, by one scheme and with one key. Its `Debug` shows no key.
#[derive(Clone, Debug)]
pub struct Signer {
    digest: Digest,
    /// Further keys that sign as well, and are believed as well.
    further: Vec<Digest>,
    proves: Vec<&'static str>,
    parts: Vec<Part>,
    header: HeaderName,
    encoding: Encoding,
    prefix: String,
    /// Whether several signatures may stand in the header, with spaces between.
    several: bool,
    id: Id,
    timestamp: Option<(HeaderName, Window)>,
}

#[derive(Clone, Debug)]
enum Id {
    None,
    /// Who signs, the same in every message.
    Account(HeaderName, String),
    /// Each message has its own.
    Message(HeaderName),
}

/// A message that is being signed, of whose body more may come.
pub struct Signing<'a> {
    signer: &'a Signer,
    id: String,
    timestamp: String,
    running: Vec<Running>,
}

/// A message whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The signature's bytes: the same only for the same message, signed at the same second.
    pub digest: Vec<u8>,
    /// Until when, in Unix seconds, the same message would be believed again. None if for ever: the scheme has no time.
    pub until: Option<u64>,
}

impl Signer {
    /// A signer with `key` as the other side shows it. `id` goes with the key where the scheme names who signs
    /// (`concat-sha256`), and is not looked at by others.
    ///
    /// # Errors
    ///
    /// The scheme contradicts itself, or key or id do not fit it.
    pub fn new(scheme: &Scheme, key: &SecretString, id: Option<&str>) -> Result<Signer, InvalidScheme> {
        let text = key.expose_secret();
        let signer = match scheme {
            Scheme::Parts(_) => return Err(InvalidScheme::OnlyReceived),
            Scheme::ConcatSha256 { id_header, header } => Signer {
                digest: Digest::Concat(Algorithm::Sha256, key.clone()),
                further: Vec::new(),
                proves: vec!["sha256"],
                // The key stands last: with the key first, anybody could go on hashing from a known signature.
                parts: vec![Part::Id, Part::Body, Part::Key],
                header: header.0.clone(),
                encoding: Encoding::Hex,
                prefix: String::new(),
                several: false,
                id: Id::Account(id_header.0.clone(), account(id)?),
                timestamp: None,
            },
            Scheme::Hmac { algorithm, signed, header, encoding, prefix, timestamp_header, id_header, window } => {
                // A time or id that is not signed proves nothing; a place without its header has no value.
                if signed.contains(&Part::Timestamp) != timestamp_header.is_some() {
                    return Err(InvalidScheme::Unpaired { place: "{timestamp}", header: "timestamp-header" });
                }
                if signed.contains(&Part::Id) != id_header.is_some() {
                    return Err(InvalidScheme::Unpaired { place: "{id}", header: "id-header" });
                }
                if !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(InvalidScheme::Prefix);
                }
                Signer {
                    digest: Digest::hmac(*algorithm, text.as_bytes()),
                    further: Vec::new(),
                    proves: proves(*algorithm, timestamp_header.is_some()),
                    parts: signed.parts.clone(),
                    header: header.0.clone(),
                    encoding: *encoding,
                    prefix: prefix.clone(),
                    several: false,
                    id: id_header.as_ref().map_or(Id::None, |header| Id::Message(header.0.clone())),
                    timestamp: timestamp_header.as_ref().map(|header| (header.0.clone(), *window)),
                }
            }
            Scheme::StandardWebhooks { window } => Signer {
                digest: standard_digest(text.split_whitespace().next().unwrap_or_default())?,
                further: text.split_whitespace().skip(1).map(standard_digest).collect::<Result<_, _>>()?,
                proves: proves(Algorithm::Sha256, true),
                parts: "{id}.{timestamp}.{body}".parse::<Template>()?.parts,
                header: HeaderName::from_static("webhook-signature"),
                encoding: Encoding::Base64,
                prefix: "v1,".to_owned(),
                several: true,
                id: Id::Message(HeaderName::from_static("webhook-id")),
                timestamp: Some((HeaderName::from_static("webhook-timestamp"), *window)),
            },
        };
        if text.is_empty() {
            return Err(InvalidScheme::EmptyKey);
        }
        signer.with_distinct_headers()
    }

    fn with_distinct_headers(self) -> Result<Signer, InvalidScheme> {
        let id = match &self.id {
            Id::None => None,
            Id::Account(header, _) | Id::Message(header) => Some(header),
        };
        let timestamp = self.timestamp.as_ref().map(|(header, _)| header);
        for (one, other) in [(id, timestamp), (id, Some(&self.header)), (timestamp, Some(&self.header))] {
            if let Some(name) = one.filter(|_| one == other) {
                return Err(InvalidScheme::SameHeader { name: name.clone() });
            }
        }
        Ok(self)
    }

    /// What a signature proves, in the words of the plugin contract: `hmac-sha256`, `timestamp`.
    pub fn proves(&self) -> &[&'static str] {
        &self.proves
    }

    /// The header in which each message has an id of its own; none where messages have none.
    pub fn message_header(&self) -> Option<&HeaderName> {
        match &self.id {
            Id::Message(header) => Some(header),
            Id::None | Id::Account(..) => None,
        }
    }

    /// The headers that make `body` a signed message, at `now` in Unix seconds. `message` is the message's own id, for
    /// schemes that have one: the same when the same message is sent again.
    pub fn sign(&self, body: &[u8], now: u64, message: &str) -> Vec<(HeaderName, String)> {
        let mut signing = self.begin(now, message);
        signing.update(body);
        signing.finish()
    }

    /// The same for a body that comes in pieces.
    pub fn begin(&self, now: u64, message: &str) -> Signing<'_> {
        let id = match &self.id {
            Id::None => "",
            Id::Account(_, id) => id,
            Id::Message(_) => message,
        };
        let (id, timestamp) = (id.to_owned(), now.to_string());
        let running = self.digests().map(|digest| self.before_body(digest, &id, &timestamp)).collect();
        Signing { signer: self, id, timestamp, running }
    }

    /// Checks the signature of a message that was received at `now`, in Unix seconds.
    ///
    /// # Errors
    ///
    /// The message is not to be believed. The time is judged only after the signature, so strangers learn nothing of
    /// our clock.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: u64) -> Result<Verified, Refused> {
        let id = match &self.id {
            Id::None => "",
            Id::Message(header) => single(headers, header)?,
            Id::Account(header, expected) => {
                let id = single(headers, header)?;
                verify_slices_are_equal(id.as_bytes(), expected.as_bytes())
                    .map_err(|_| Refused::Stranger { header: header.clone() })?;
                id
            }
        };
        let timestamp = self.timestamp.as_ref().map(|(header, _)| single(headers, header)).transpose()?.unwrap_or("");
        let given = self.given(single(headers, &self.header)?)?;
        // Every one is compared, whichever holds.
        let holds =
            |digest: &Vec<u8>| given.iter().filter(|given| verify_slices_are_equal(given, digest).is_ok()).count() > 0;
        let held: Vec<_> =
            self.digests().map(|digest| self.compute(digest, id, timestamp, body)).filter(holds).collect();
        let digest = held.into_iter().next().ok_or(Refused::Mismatch)?;
        Ok(Verified { digest, until: self.fresh(timestamp, now)? })
    }

    fn digests(&self) -> impl Iterator<Item = &Digest> {
        std::iter::once(&self.digest).chain(&self.further)
    }

    fn compute(&self, digest: &Digest, id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
        let mut running = self.before_body(digest, id, timestamp);
        running.update(body);
        self.after_body(running, digest, id, timestamp)
    }

    /// What is hashed before the body, of which there is one (see [`Template`]).
    fn before_body(&self, digest: &Digest, id: &str, timestamp: &str) -> Running {
        let mut running = digest.begin();
        let before = self.parts.iter().take_while(|part| **part != Part::Body);
        before.for_each(|part| running.update(bytes_of(part, digest, id, timestamp)));
        running
    }

    fn after_body(&self, mut running: Running, digest: &Digest, id: &str, timestamp: &str) -> Vec<u8> {
        let after = self.parts.iter().skip_while(|part| **part != Part::Body).skip(1);
        after.for_each(|part| running.update(bytes_of(part, digest, id, timestamp)));
        running.finish()
    }

    /// The signatures in the value of the header. Where several may stand, those of other kinds are passed over.
    fn given(&self, value: &str) -> Result<Vec<Vec<u8>>, Refused> {
        let one = |text: &str| self.encoding.decode(text.strip_prefix(self.prefix.as_str())?);
        let given: Vec<_> =
            if self.several { value.split(' ').filter_map(one).collect() } else { one(value).into_iter().collect() };
        if given.is_empty() { Err(Refused::Malformed { header: self.header.clone() }) } else { Ok(given) }
    }

    fn fresh(&self, timestamp: &str, now: u64) -> Result<Option<u64>, Refused> {
        let Some((header, window)) = &self.timestamp else { return Ok(None) };
        // Digits only: `parse` would take a `+` too.
        let digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let signed: u64 = timestamp
            .parse()
            .ok()
            .filter(|signed| digits && *signed <= MAX_TIME)
            .ok_or_else(|| Refused::Malformed { header: header.clone() })?;
        match signed.abs_diff(now) {
            seconds if seconds <= window.seconds() => Ok(Some(signed + window.seconds())),
            seconds if signed < now => Err(Refused::Late { seconds }),
            seconds => Err(Refused::Early { seconds }),
        }
    }
}

impl Signing<'_> {
    /// More of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.running.iter_mut().for_each(|running| running.update(bytes));
    }

    /// The headers, as of [`Signer::sign`].
    pub fn finish(self) -> Vec<(HeaderName, String)> {
        let Signing { signer, id, timestamp, running } = self;
        let signatures = signer.digests().zip(running).map(|(digest, running)| {
            let signature = signer.after_body(running, digest, &id, &timestamp);
            format!("{}{}", signer.prefix, signer.encoding.encode(&signature))
        });
        let signatures: Vec<_> = signatures.collect();
        let mut headers = match &signer.id {
            Id::None => Vec::new(),
            Id::Account(header, _) | Id::Message(header) => vec![(header.clone(), id)],
        };
        if let Some((header, _)) = &signer.timestamp {
            headers.push((header.clone(), timestamp));
        }
        headers.push((signer.header.clone(), signatures.join(" ")));
        headers
    }
}

fn bytes_of<'a>(part: &'a Part, digest: &'a Digest, id: &'a str, timestamp: &'a str) -> &'a [u8] {
    match part {
        Part::Id => id.as_bytes(),
        Part::Timestamp => timestamp.as_bytes(),
        // It comes by itself.
        Part::Body => &[],
        Part::Key => digest.key(),
        Part::Text(text) => text.as_bytes(),
    }
}

/// The year 5138; what is later is no time in seconds.
const MAX_TIME: u64 = 99_999_999_999;

fn proves(algorithm: Algorithm, timestamp: bool) -> Vec<&'static str> {
    let algorithm = match algorithm {
        Algorithm::Sha1 => "hmac-sha1",
        Algorithm::Sha256 => "hmac-sha256",
        Algorithm::Sha512 => "hmac-sha512",
    };
    if timestamp { vec![algorithm, "timestamp"] } else { vec![algorithm] }
}

pub(crate) fn account(id: Option<&str>) -> Result<String, InvalidScheme> {
    let id = id.ok_or(InvalidScheme::NoId)?;
    let fits = (1..=255).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(id.to_owned()) } else { Err(InvalidScheme::Id) }
}

/// Keys are copied by hand, and some tools leave the padding out.
const KEY: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn standard_digest(text: &str) -> Result<Digest, InvalidScheme> {
    Ok(Digest::hmac(Algorithm::Sha256, &standard_key(text)?))
}

fn standard_key(text: &str) -> Result<Vec<u8>, InvalidScheme> {
    KEY.decode(text.strip_prefix("whsec_").unwrap_or(text))
        .ok()
        .filter(|key| !key.is_empty())
        .ok_or(InvalidScheme::KeyEncoding)
}

/// The value of a header that must stand there once: of two, the one who checks and the one who uses it might each
/// take another.
pub(crate) fn single<'a>(headers: &'a HeaderMap, header: &HeaderName) -> Result<&'a str, Refused> {
    let mut values = headers.get_all(header).iter();
    let value = values.next().ok_or_else(|| Refused::Missing { header: header.clone() })?;
    if values.next().is_some() {
        return Err(Refused::Repeated { header: header.clone() });
    }
    value.to_str().map_err(|_| Refused::Malformed { header: header.clone() })
}
