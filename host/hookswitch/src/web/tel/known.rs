//! Who stands at a door: an agent whose browser was set up, or nobody.

use std::time::Duration;

use hookswitch_call::Millis;
use hookswitch_web::{HeaderValue, Request, Response, StatusCode};
use http::header;

use super::see_other;
use crate::{
    config::{DialDoor, PublicUrl},
    dials::link::{Holder, Purpose, Signer},
    web::page::{Page, escaped},
};

/// The cookie of a browser that is set up. Its path is the door's, so every door has its own.
const COOKIE: &str = "hookswitch-tel";
/// What a browser says of the page that a request comes from; pages cannot write it (Fetch Metadata, section 2.3).
const FETCH_SITE: &str = "sec-fetch-site";

/// A request to a door.
pub(super) struct Visit<'a> {
    pub(super) name: &'a str,
    pub(super) door: &'a DialDoor,
    pub(super) url: &'a PublicUrl,
    pub(super) signer: Signer<'a>,
    pub(super) now: Millis,
}

/// Whose browser it is.
pub(super) enum Known {
    Holder(Holder),
    /// Was set up, and its extension may not call any more.
    Barred(Holder),
    Nobody,
}

impl Visit<'_> {
    pub(super) fn known(&self, request: &Request) -> Known {
        let cookies = request.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut tokens = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == COOKIE)
            .map(|(_, token)| token);
        match tokens.find_map(|token| self.signer.holder(Purpose::Browser, token, self.now)) {
            Some(holder) if self.may(&holder) => Known::Holder(holder),
            Some(holder) => Known::Barred(holder),
            None => Known::Nobody,
        }
    }

    /// Whether the admin still lets this extension call, at this phone system.
    pub(super) fn may(&self, holder: &Holder) -> bool {
        let links = self.door.links.as_ref();
        links.is_some_and(|links| links.are_for(&holder.extension))
            && holder.pbx.as_deref().is_none_or(|pbx| self.door.allows(pbx))
    }

    /// Whether a post comes from a page of ours. Forms of pages that name no referrer have `null` for an origin, so the
    /// browser's own word is asked first.
    pub(super) fn is_ours(&self, request: &Request) -> bool {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        match (header(FETCH_SITE), header("origin")) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => origin == self.url.origin(),
            (None, None) => false,
        }
    }

    /// Sends the browser on to a page of this door.
    pub(super) fn to(&self, path: &str) -> Response {
        see_other(&format!("{}{path}", self.path()))
    }

    /// The cookie that shows `token` from now on.
    pub(super) fn cookie(&self, token: &str, lasts: Duration) -> HeaderValue {
        let secure = if self.url.is_secure() { "; Secure" } else { "" };
        let (path, seconds) = (self.path(), lasts.as_secs());
        let cookie = format!("{COOKIE}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
    }

    /// As browsers know it.
    pub(super) fn path(&self) -> String {
        format!("{}/tel/{}", self.url.prefix(), self.name)
    }

    pub(super) fn after(&self, time: Duration) -> Millis {
        self.now.after(time)
    }

    /// What somebody whom we do not know can do, as HTML.
    pub(super) fn advice(&self) -> String {
        format!(
            "<p>This browser is not set up yet. Open your personal address in it, the whole of it: it ends with a \
             <code>#</code> and many characters.</p><p>You have none, or it is too old? Your administrator makes a new one \
             with:</p><pre><code>hookswitch dial-link --door {} --from YOUR-EXTENSION</code></pre>",
            escaped(self.name)
        )
    }

    /// The page for somebody who may not call.
    pub(super) fn refused(&self, known: &Known) -> Response {
        match known {
            Known::Barred(Holder { extension, .. }) => {
                Page::new(StatusCode::FORBIDDEN, &format!("Extension {extension} may not call from here"))
                    .text("Nothing was dialled. If that is wrong, ask your administrator to add it:")
                    .code(&format!("[dial.{}.links] extensions = [\"{extension}\"]", self.name))
                    .answer()
            }
            Known::Holder(_) | Known::Nobody => {
                Page::new(StatusCode::FORBIDDEN, "Whose phone should ring?").html(&self.advice()).answer()
            }
        }
    }

    pub(super) fn not_now(&self) -> Response {
        Page::new(StatusCode::SERVICE_UNAVAILABLE, "Calls cannot be made right now")
            .text("Please try again in a moment. If it stays so, tell your administrator.")
            .answer()
    }
}
