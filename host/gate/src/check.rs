//! From what a plugin wants sent to what may leave: the target is decided, secrets are put in, the message is made.

use std::collections::BTreeSet;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use hookswitch_signature::Signer;
use http::Method;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, USER_AGENT};
use secrecy::ExposeSecret;

use crate::credential::Credential;
use crate::enclosure::Content;
use crate::error::{Denial, Error, Malformed, Stage};
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

/// A request that goes where it may, with all that is kept for it but its own credential.
struct Filled<'a> {
    draft: Draft,
    rule: &'a Grant,
    url: String,
    owners: BTreeSet<String>,
    secret_body: bool,
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
    pub(crate) async fn check(&self, request: &Request, token: Option<&Token>) -> Result<Checked<'_>, Error> {
        let credential = match &request.credential {
            Some(handle) => Some((handle.as_str(), self.credential(handle)?)),
            None => None,
        };
        let Filled { mut draft, rule, url, owners, secret_body } = self.filled(request, credential, token)?;
        let credential = credential.map(|(_, credential)| credential);
        if let Some((place, value)) = credential.and_then(|credential| credential.value(token)) {
            place.put(&mut draft, value.expose_secret())?;
        }
        let (size, limit) = (draft.body.len(), self.limits.request_body);
        if size > limit {
            return Err(Malformed::BodySize { size, limit }.into());
        }
        let content = Content::of(&draft.body, &request.enclosures)?;
        if let Some(signer) = credential.and_then(Credential::signer) {
            self.sign(&mut draft, content.clone(), signer).await?;
        }
        let (target, message) = finished(draft, content)?;
        Ok(Checked { target, rule, url, owners, secret_body, message })
    }

    /// Judges where a request goes, and puts into it what is kept for it.
    fn filled(
        &self,
        request: &Request,
        credential: Option<(&str, &Credential)>,
        token: Option<&Token>,
    ) -> Result<Filled<'_>, Error> {
        let known = self.secrets.known();
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
        let secret_body = body != request.body;
        let draft = Draft { method, target, headers, body };
        Ok(Filled { draft, rule, url: known.redactor.text(shown), owners, secret_body })
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

    /// Signs a message. Files in it are read for that once more than for sending.
    async fn sign(&self, draft: &mut Draft, content: Content, signer: &Signer) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        // An id that the plugin gives is the message's: it knows which messages are the same.
        let own = signer.message_header().and_then(|name| draft.headers.remove(name));
        let own = own.and_then(|value| value.to_str().ok().map(str::to_owned)).filter(|id| !id.is_empty());
        let id = match own {
            Some(id) => id,
            None => {
                let (method, url) = (draft.method.as_str(), draft.target.to_string());
                let mut made = self.secrets.masks.message_id(method, &url, content.bytes());
                content.clone().read(|bytes| made.update(bytes)).await.map_err(unreadable)?;
                made.finish()
            }
        };
        let mut signing = signer.begin(now, &id);
        content.read(|bytes| signing.update(bytes)).await.map_err(unreadable)?;
        for (name, value) in signing.finish() {
            let value = value.parse().map_err(|_| Malformed::HeaderValue { name: name.to_string() })?;
            set_header(&mut draft.headers, name, value)?;
        }
        Ok(())
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

/// A file that is to be signed cannot be read.
fn unreadable(error: io::Error) -> Error {
    Error::NotSent { stage: Stage::Sign, cause: error.to_string() }
}

/// The message of a draft that nothing is added to any more.
fn finished(draft: Draft, content: Content) -> Result<(Target, Message), Malformed> {
    headers::check_size(&draft.headers)?;
    let Draft { method, target, mut headers, body } = draft;
    frame(&mut headers, &method, &target, body.is_empty())?;
    let mut message = Message::new(content);
    *message.method_mut() = method;
    *message.uri_mut() = target.path_and_query.clone().into();
    *message.headers_mut() = headers;
    Ok((target, message))
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
