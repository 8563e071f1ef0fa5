//! The check of all proofs of a message, and what of it may be passed on.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hookswitch_signature::{Received, Scheme, Verifier};
use http::{HeaderMap, HeaderName, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Place, Proof, Refused, Replays, Token};
use crate::form::{self, Fields};
use crate::message::Request;
use crate::network::Network;

/// A message whose proofs all hold, without the secrets that proved it.
#[derive(Clone, Debug)]
pub struct Proven {
    /// What was proven, in the words of the plugin contract: `token`, `basic`, `hmac-sha256`, `timestamp`,
    /// `source-address`. Never empty.
    pub names: Vec<String>,
    /// Without `authorization`, `cookie` and the header of a token.
    pub headers: HeaderMap,
    /// Without the parameter of a token.
    pub query: Fields,
    /// Without the field of a token; empty if the body is no form.
    pub form: Fields,
    /// As received; a form or JSON that had a token in it is written again without. Numbers that fit no 64 bits lose
    /// digits by that.
    pub body: Bytes,
    /// What [`Replays`] remembers it by.
    digests: Vec<Vec<u8>>,
}

impl Proven {
    /// Lets the same message be believed again, because it could not be dealt with and the sender will repeat it.
    pub fn take_back(&self, replays: &Replays) {
        self.digests.iter().for_each(|digest| replays.forget(digest));
    }
}

/// Checks that all of `proofs` hold of a request that was received at `now`, in Unix seconds. `secrets` gives the value
/// of a handle.
///
/// # Errors
///
/// One does not hold, or there is none. Which one is for the log and not for the sender.
pub fn check(
    proofs: &[Proof],
    request: &Request,
    secrets: &dyn Fn(&str) -> Option<SecretString>,
    replays: &Replays,
    now: u64,
) -> Result<Proven, Refused> {
    if proofs.is_empty() {
        return Err(Refused::Unproven);
    }
    let mut check = Check { request, secrets, now, proven: unproven(request)?, seen: Vec::new() };
    for proof in proofs {
        check.proof(proof)?;
    }
    let Check { mut proven, seen, .. } = check;
    // Last, so that only what is believed is remembered.
    for (digest, until) in seen {
        if !replays.remember(&digest, until, now) {
            proven.take_back(replays);
            return Err(Refused::Replayed);
        }
        proven.digests.push(digest);
    }
    Ok(proven)
}

fn unproven(request: &Request) -> Result<Proven, Refused> {
    let mut headers = request.headers.clone();
    for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE] {
        headers.remove(name);
    }
    let form = if form::is_form(&headers) { form::parse(&request.body)? } else { Fields::new() };
    let query = form::parse(request.query.as_bytes())?;
    Ok(Proven { names: Vec::new(), headers, query, form, body: request.body.clone(), digests: Vec::new() })
}

struct Check<'a> {
    request: &'a Request,
    secrets: &'a dyn Fn(&str) -> Option<SecretString>,
    now: u64,
    proven: Proven,
    /// Messages to remember, with the time until when.
    seen: Vec<(Vec<u8>, u64)>,
}

impl Check<'_> {
    fn proof(&mut self, proof: &Proof) -> Result<(), Refused> {
        match proof {
            Proof::Source { networks } => self.source(networks),
            Proof::FormField { field, secret } => self.form_field(field, secret),
            Proof::JsonField { path, secret } => self.json_field(path, secret),
            Proof::Token(token) => self.token(token),
            Proof::Basic { user, secret } => self.basic(user, secret),
            Proof::Signature { scheme, secret, id } => self.signature(scheme, secret, id.as_deref()),
        }
    }

    fn source(&mut self, networks: &[Network]) -> Result<(), Refused> {
        let address = self.request.source;
        if !networks.iter().any(|network| network.contains(address)) {
            return Err(Refused::Source { address });
        }
        self.prove("source-address");
        Ok(())
    }

    fn form_field(&mut self, field: &str, secret: &str) -> Result<(), Refused> {
        if !form::is_form(&self.request.headers) {
            return Err(Refused::NoForm);
        }
        let given = single(&self.proven.form, field, "form field")?;
        self.same(given.as_bytes(), secret, || place("form field", field))?;
        self.proven.form.retain(|(name, _)| name != field);
        self.proven.body = form::write(&self.proven.form).into();
        self.prove("token");
        Ok(())
    }

    fn json_field(&mut self, path: &str, secret: &str) -> Result<(), Refused> {
        let mut json: Value = serde_json::from_slice(&self.proven.body).map_err(|_| Refused::NoJson)?;
        let given = take(&mut json, path).ok_or_else(|| missing("JSON field", path))?;
        self.same(given.as_bytes(), secret, || place("JSON field", path))?;
        self.proven.body = json.to_string().into();
        self.prove("token");
        Ok(())
    }

    fn token(&mut self, token: &Token) -> Result<(), Refused> {
        let Token { place: at, secret, prefix } = token;
        let (given, wrong) = match at {
            Place::Header(name) => {
                (single_header(&self.request.headers, name)?.to_vec(), place("header", name.as_str()))
            }
            Place::Query(name) => {
                (single(&self.proven.query, name, "query parameter")?.into_bytes(), place("query parameter", name))
            }
        };
        let given = given.strip_prefix(prefix.as_bytes()).ok_or_else(|| Refused::Wrong { place: wrong.clone() })?;
        self.same(given, secret, || wrong.clone())?;
        match at {
            Place::Header(name) => drop(self.proven.headers.remove(name)),
            Place::Query(name) => self.proven.query.retain(|(other, _)| other != name),
        }
        self.prove("token");
        Ok(())
    }

    fn basic(&mut self, user: &str, secret: &str) -> Result<(), Refused> {
        let wrong = || place("header", header::AUTHORIZATION.as_str());
        let given = basic(single_header(&self.request.headers, &header::AUTHORIZATION)?);
        let given = given.ok_or_else(|| Refused::Wrong { place: wrong() })?;
        let password = given.strip_prefix(format!("{user}:").as_bytes());
        self.same(password.ok_or_else(|| Refused::Wrong { place: wrong() })?, secret, wrong)?;
        self.prove("basic");
        Ok(())
    }

    fn signature(&mut self, scheme: &Scheme, secret: &str, id: Option<&str>) -> Result<(), Refused> {
        let Request { path, query, headers, body, .. } = self.request;
        let verifier = Verifier::new(scheme, &self.secret(secret)?, id)?;
        // As it came: a field that another proof has taken out may be signed.
        let form = form::is_form(headers).then(|| form::parse(body)).transpose()?;
        let verified = verifier.verify(&Received { path, query, headers, form: form.as_deref(), body }, self.now)?;
        self.seen.extend(verified.until.map(|until| (verified.digest, until)));
        verifier.proves().iter().for_each(|name| self.prove(name));
        Ok(())
    }

    fn secret(&self, handle: &str) -> Result<SecretString, Refused> {
        let value = (self.secrets)(handle).filter(|value| !value.expose_secret().is_empty());
        value.ok_or_else(|| Refused::NoSecret { handle: handle.to_owned() })
    }

    fn same(&self, given: &[u8], handle: &str, wrong: impl FnOnce() -> String) -> Result<(), Refused> {
        let expected = self.secret(handle)?;
        verify_slices_are_equal(given, expected.expose_secret().as_bytes())
            .map_err(|_| Refused::Wrong { place: wrong() })
    }

    fn prove(&mut self, name: &str) {
        if !self.proven.names.iter().any(|other| other == name) {
            self.proven.names.push(name.to_owned());
        }
    }
}

fn place(what: &str, name: &str) -> String {
    format!("{what} `{name}`")
}

fn missing(what: &str, name: &str) -> Refused {
    Refused::Missing { place: place(what, name) }
}

/// The value of a name that stands there once: of two, the one who checks and the one who reads might each take another.
fn single(fields: &[(String, String)], name: &str, what: &str) -> Result<String, Refused> {
    let mut values = fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Err(missing(what, name)),
        (Some(value), None) => Ok(value.clone()),
        _ => Err(Refused::Repeated { place: place(what, name) }),
    }
}

fn single_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(missing("header", name.as_str())),
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(Refused::Repeated { place: place("header", name.as_str()) }),
    }
}

fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, credentials) = value.split_at_checked(6)?;
    scheme.eq_ignore_ascii_case(b"basic ").then(|| STANDARD.decode(credentials.trim_ascii()).ok()).flatten()
}

/// Takes a text out of JSON, by a path with dots between the keys.
fn take(json: &mut Value, path: &str) -> Option<String> {
    let (parents, key) = path.rsplit_once('.').map_or((None, path), |(parents, key)| (Some(parents), key));
    let object =
        parents.into_iter().flat_map(|parents| parents.split('.')).try_fold(json, |json, key| json.get_mut(key))?;
    match object.as_object_mut()?.shift_remove(key)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
