//! From what a plugin wants sent to what may leave: the target is decided, secrets are put in, the message is made.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::body::Bytes;
use secrecy::ExposeSecret;

use crate::credential::Credential;
use crate::enclosure::{Content, Enclosure};
use crate::error::{Denial, Error, Malformed};
use crate::exchange::Message;
use crate::gate::Gate;
use crate::grant::Grant;
use crate::headers::{self, MAX_HEADER_BYTES};
use crate::place::{Draft, set_header};
use crate::request::Request;
use crate::secrets::Known;
use crate::target::{MAX_URL, Target};
use crate::tokens::Token;

/// A request that passed all checks which need no network.
#[derive(Clone)]
pub(crate) struct Checked<'a> {
    pub(crate) target: Target,
    pub(crate) rule: &'a Grant,
    /// The URL as it may be shown.
    pub(crate) url: String,
    /// Whose secrets are in the message.
    pub(crate) owners: BTreeSet<String>,
    /// Whether there is one in its body.
    pub(crate) secret_body: bool,
    pub(crate) message: Message,
}

/// Where a request goes.
struct Aim {
    target: Target,
    /// The URL as it may be shown.
    shown: String,
    /// Whose values were filled in.
    owners: BTreeSet<String>,
}

impl Gate {
    /// Judges a request and makes its message. Without a token, one that is to carry a token is made without it.
    pub(crate) fn check(&self, request: &Request, token: Option<&Token>) -> Result<Checked<'_>, Error> {
        let known = self.secrets.known();
        let credential = match &request.credential {
            Some(handle) => Some((handle.as_str(), self.credential(handle)?)),
            None => None,
        };
        let Aim { target, shown, mut owners } = aim(&request.url, credential, token, &known)?;
        let method = headers::method(&request.method)?;
        let rule = self.allowed(&method, &target)?;
        owners.extend(credential.map(|(handle, _)| handle.to_owned()));

        let headers =
            headers::checked(&request.headers, |value| known.filler.fill_text(value, MAX_HEADER_BYTES, &mut owners))?;
        let body = known.filler.fill(&request.body, self.limits.request_body, &mut owners);
        let body = body.map_or_else(|| request.body.clone(), Into::into);
        for owner in &owners {
            self.may_go(owner, &target, &known)?;
        }
        let draft = Draft { method, target, headers, body };
        let credential = credential.map(|(_, credential)| credential);
        let (target, message, body) = self.message(draft, &request.enclosures, credential, token)?;
        let secret_body = body != request.body;
        Ok(Checked { target, rule, url: known.redactor.text(shown), owners, secret_body, message })
    }

    /// Judges whether the secret of a credential, or one that is kept, may go to a target.
    pub(crate) fn may_go(&self, owner: &str, target: &Target, known: &Known) -> Result<(), Error> {
        let origin = target.origin.clone();
        let Some(credential) = self.secrets.credential(owner) else {
            let goes = known.kept.get(owner).is_some_and(|kept| kept.origins.iter().any(|grant| grant.covers(target)));
            return if goes { Ok(()) } else { Err(Malformed::Mask { origin }.into()) };
        };
        if credential.is_for(target) {
            return Ok(());
        }
        let cure = self.cure(format!("credentials.{owner}.origins = [\"{origin}\"]"));
        Err(Error::Denied { denial: Denial::CredentialOrigin { handle: owner.to_owned(), origin }, cure })
    }

    fn message(
        &self,
        mut draft: Draft,
        enclosures: &[Enclosure],
        credential: Option<&Credential>,
        token: Option<&Token>,
    ) -> Result<(Target, Message, Bytes), Malformed> {
        if let Some((place, value)) = credential.and_then(|credential| credential.value(token)) {
            place.put(&mut draft, value.expose_secret())?;
        }
        let (size, limit) = (draft.body.len(), self.limits.request_body);
        if size > limit {
            return Err(Malformed::BodySize { size, limit });
        }
        if let Some(signer) = credential.and_then(Credential::signer) {
            if !enclosures.is_empty() {
                return Err(Malformed::SignedEnclosure);
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let url = draft.target.to_string();
            // An id that the plugin gives is the message's: it knows which messages are the same.
            let own = signer.message_header().and_then(|name| draft.headers.remove(name));
            let own = own.and_then(|value| value.to_str().ok().map(str::to_owned)).filter(|id| !id.is_empty());
            let made = || self.secrets.masks.message_id(draft.method.as_str(), &url, &draft.body);
            let id = own.unwrap_or_else(made);
            for (name, value) in signer.sign(&draft.body, now, &id) {
                let value = value.parse().map_err(|_| Malformed::HeaderValue { name: name.to_string() })?;
                set_header(&mut draft.headers, name, value)?;
            }
        }
        headers::check_size(&draft.headers)?;
        let Draft { method, target, mut headers, body } = draft;
        frame(&mut headers, &method, &target, body.is_empty())?;
        let mut message = Message::new(Content::of(&body, enclosures)?);
        *message.method_mut() = method;
        *message.uri_mut() = target.path_and_query.clone().into();
        *message.headers_mut() = headers;
        Ok((target, message, body))
    }

    fn credential(&self, handle: &str) -> Result<&Credential, Error> {
        self.secrets.credential(handle).ok_or_else(|| {
            // A handle that could not stand in TOML is the plugin's fancy; it is shown escaped and cut.
            let handle: String = handle.chars().take(64).flat_map(char::escape_debug).collect();
            Error::Denied {
                cure: self.cure(format!("credentials.{handle} = {{ kind = \"…\", file = \"…\" }}")),
                denial: Denial::NoCredential { handle },
            }
        })
    }
}

/// Decides where a request goes. What is filled into its URL cannot lead it elsewhere; only a mask that is the whole
/// URL stands for all of it.
fn aim(
    url: &str,
    credential: Option<(&str, &Credential)>,
    token: Option<&Token>,
    known: &Known,
) -> Result<Aim, Malformed> {
    let mut owners = BTreeSet::new();
    if let Some(kept) = known.kept.get(url) {
        let target = Target::absolute(kept.value.expose_secret().trim()).map_err(|_| Malformed::MaskUrl)?;
        owners.insert(kept.mask.clone());
        return Ok(Aim { target, shown: url.to_owned(), owners });
    }
    let aimed = |url: &str| match credential {
        Some((_, credential)) => credential.aim(url, token),
        None => Target::absolute(url),
    };
    let written = aimed(url)?;
    let shown = match credential {
        Some((handle, credential)) => credential.shown(handle, &written),
        None => written.to_string(),
    };
    if known.filler.is_in(&written.origin.to_string()) {
        return Err(Malformed::FilledHost);
    }
    let Some(filled) = known.filler.fill_text(url, MAX_URL, &mut owners) else {
        return Ok(Aim { target: written, shown, owners });
    };
    // Why a filled URL cannot be read could tell of the secret.
    let target = aimed(&filled).map_err(|error| match error {
        Malformed::UrlLength { .. } => error,
        _ => Malformed::FilledUrl,
    })?;
    if target.origin != written.origin {
        return Err(Malformed::FilledUrl);
    }
    Ok(Aim { target, shown, owners })
}

/// Adds what the host says itself.
fn frame(headers: &mut HeaderMap, method: &Method, target: &Target, empty: bool) -> Result<(), Malformed> {
    let host = target.origin.authority().parse().map_err(|_| Malformed::UrlHost)?;
    headers.insert(HOST, host);
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!("hookswitch/", env!("CARGO_PKG_VERSION"))));
    // RFC 9110, section 8.6: a method that expects content says that there is none.
    if empty && [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    Ok(())
}
