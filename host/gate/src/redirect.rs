//! Redirects, where the admin lets them be followed. Every hop is held against every rule, like a new request.

use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, LOCATION, RANGE, USER_AGENT,
};
use http::{Method, StatusCode};
use tokio::time::Instant;
use tracing::debug;
use url::Url;

use crate::check::Checked;
use crate::enclosure::Content;
use crate::error::{Denial, Error, SetupError};
use crate::gate::Gate;
use crate::origin::Scheme;
use crate::request::Response;
use crate::secrets::Known;
use crate::target::{Target, check_characters};

/// How many redirects of one request are followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redirects(usize);

const MOST: u8 = 3;

/// What goes along to another origin. Anything else could be meant for the first one alone, such as `cookie`,
/// `authorization` or an API's own header for its key.
const GENERAL: [HeaderName; 8] =
    [ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, RANGE, USER_AGENT];

/// What speaks of a body, and goes with it.
const OF_BODY: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE];

impl Redirects {
    pub(crate) fn new(count: u8) -> Result<Redirects, SetupError> {
        if count > MOST { Err(SetupError::Redirects { most: MOST }) } else { Ok(Redirects(count.into())) }
    }
}

impl Gate {
    /// Carries a request, and goes on to where redirects lead.
    ///
    /// A redirect that must not be followed (one too many, in a circle, out of TLS, with a secret) is the answer. One to
    /// where the plugin may not go is denied, unless the request that it answers has been carried out: that answer must
    /// not get lost.
    pub(crate) async fn follow<'a>(
        &'a self,
        mut checked: Checked<'a>,
        start: Instant,
        deadline: Instant,
    ) -> Result<Response, Error> {
        let mut trail = Trail::default();
        for _ in 0..self.redirects.0 {
            // A message is gone once it is carried; its body is shared, not copied.
            let asked = checked.clone();
            let response = match self.carry(checked, start, deadline).await {
                Ok(response) => trail.seen_from(response),
                Err(error) => return trail.broken_by(error),
            };
            match self.hop(&asked, &response) {
                Ok(Some(hop)) if !trail.leads_back(&asked, &hop) => {
                    debug!(from = asked.url, to = hop.url, status = response.status, "redirect followed");
                    trail.go_on(asked, response);
                    checked = hop;
                }
                Ok(_) => return Ok(response),
                Err(_) if is_done(asked.message.method(), response.status) => return Ok(response),
                Err(error) => return trail.broken_by(error),
            }
        }
        match self.carry(checked, start, deadline).await {
            Ok(response) => Ok(trail.seen_from(response)),
            Err(error) => trail.broken_by(error),
        }
    }

    /// Gives the request that a redirect asks for; `None` where the answer is none that is followed.
    fn hop<'a>(&'a self, asked: &Checked<'a>, response: &Response) -> Result<Option<Checked<'a>>, Error> {
        let Some(method) = next_method(asked.message.method(), response.status) else { return Ok(None) };
        let Some(target) = leads_to(&asked.target, response) else { return Ok(None) };
        let (from, to) = (&asked.target.origin, &target.origin);
        if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http {
            return Ok(None);
        }
        let rule = self.allowed(&method, &target).map_err(|error| match error {
            Error::Denied { cure, .. } => {
                let denial = Denial::Redirect { from: from.clone(), to: to.clone(), method: method.to_string() };
                Error::Denied { denial, cure }
            }
            other => other,
        })?;

        let known = self.secrets.known();
        let shown = format!("{to}{}", target.path_and_query);
        let mut hop = Checked { url: known.redactor.text(shown.clone()), rule, ..asked.clone() };
        let headers = hop.message.headers_mut();
        if method != *asked.message.method() {
            OF_BODY.iter().for_each(|name| drop(headers.remove(name)));
            *hop.message.body_mut() = Content::default();
            hop.secret_body = false;
        }
        // Another part of the same server that another grant opens may be another's.
        let stays = from == to && std::ptr::eq(rule, asked.rule);
        if !stays || asked.owners.iter().any(|owner| self.may_go(owner, &target, &known).is_err()) {
            if hop.secret_body || known.redactor.finds(shown.as_bytes()) {
                return Ok(None);
            }
            *hop.message.headers_mut() = general(hop.message.headers(), &known);
            hop.owners.clear();
        }
        let Ok(host) = HeaderValue::try_from(to.authority()) else { return Ok(None) };
        hop.message.headers_mut().insert(HOST, host);
        *hop.message.method_mut() = method;
        *hop.message.uri_mut() = target.path_and_query.clone().into();
        hop.target = target;
        Ok(Some(hop))
    }
}

/// What of a request's headers may be seen by another origin.
fn general(headers: &HeaderMap, known: &Known) -> HeaderMap {
    let plain = |value: &HeaderValue| !value.is_sensitive() && !known.redactor.finds(value.as_bytes());
    let kept = headers.iter().filter(|(name, value)| GENERAL.contains(*name) && plain(value));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// How the next request is made (RFC 9110, section 15.4), where redirects are followed of themselves: reads, the way
/// from a write to its result, and what says that it was not carried out and is to be repeated elsewhere.
fn next_method(method: &Method, status: u16) -> Option<Method> {
    let reads = [Method::GET, Method::HEAD].contains(method);
    match status {
        301 | 302 if reads => Some(method.clone()),
        303 if reads => Some(method.clone()),
        303 => Some(Method::GET),
        307 | 308 => Some(method.clone()),
        _ => None,
    }
}

/// Says whether a redirect answers a request that has been carried out, and leads to its result.
fn is_done(method: &Method, status: u16) -> bool {
    status == StatusCode::SEE_OTHER.as_u16() && ![Method::GET, Method::HEAD].contains(method)
}

/// Where a redirect leads; `None` where it does not say so in one way that everybody understands.
fn leads_to(asked: &Target, response: &Response) -> Option<Target> {
    let mut locations = response.headers.iter().filter(|(name, _)| name == LOCATION.as_str());
    let (Some((_, location)), None) = (locations.next(), locations.next()) else { return None };
    let location = location.split('#').next().unwrap_or_default();
    check_characters(location).ok()?;
    let base = Url::parse(&format!("{}{}", asked.origin, asked.path_and_query)).ok()?;
    Target::absolute(base.join(location).ok()?.as_str()).ok()
}

/// The way behind a request.
#[derive(Default)]
struct Trail {
    /// The URLs that redirected, as they may be shown.
    urls: Vec<String>,
    been: Vec<(Method, Target)>,
    /// The answer to the request that was carried out, where only its result was asked for afterwards.
    done: Option<Response>,
}

impl Trail {
    fn seen_from(&self, mut response: Response) -> Response {
        response.sent.via.clone_from(&self.urls);
        response
    }

    fn leads_back(&self, asked: &Checked<'_>, hop: &Checked<'_>) -> bool {
        let here = (asked.message.method().clone(), asked.target.clone());
        let next = (hop.message.method().clone(), hop.target.clone());
        here == next || self.been.contains(&next)
    }

    fn go_on(&mut self, asked: Checked<'_>, response: Response) {
        if is_done(asked.message.method(), response.status) {
            self.done = Some(response);
        }
        self.urls.push(asked.url);
        self.been.push((asked.message.method().clone(), asked.target));
    }

    fn broken_by(self, error: Error) -> Result<Response, Error> {
        match (self.done, error) {
            (Some(done), Error::NotSent { .. } | Error::Denied { .. } | Error::BadRequest(_)) => Ok(done),
            (_, error) => Err(error),
        }
    }
}
