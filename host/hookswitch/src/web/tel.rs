//! `/tel/NAME`: agents click a `tel:` link in any page, and their phones ring.
//!
//! | address | what |
//! | --- | --- |
//! | `/tel/NAME` | sets a browser up, by the personal address of an agent, and says how browsers are told of it |
//! | `/tel/NAME/browser` | takes what was confirmed there |
//! | `/tel/NAME/call?number=` | where a browser goes with a clicked link: shows what would be dialled, and a button |
//! | `/tel/NAME/call/ID` | what becomes of the call |
//!
//! Reading a page dials nothing, whoever has a browser fetch it. The button posts the number with a ticket that only
//! this page holds; its id is the call's, so that pressing it again, or posting it again, is the same call.
//!
//! A personal address has its token behind a `#`: that part never leaves the browser, so it is in no log of a proxy and
//! no referrer, and fetching the address, as mail scanners do, spends nothing. From then on a cookie shows who it is. It is
//! `SameSite=Lax`, not `Strict`: a clicked link comes from the CRM's page, another site, where a strict cookie would stay
//! away; a post from another site goes without a lax one too. Posts must come from our own pages besides.

mod known;
mod progress;
mod uri;

use std::time::{Duration, Instant};

use hookswitch_web::{HeaderValue, Method, Request, Response, StatusCode, form};
use http::header;

use self::known::{Known, Visit};
use super::{
    Outside,
    page::{Page, escaped},
};
use crate::{
    clock,
    config::Links,
    dials::{
        self, Ask, Patience,
        link::{Holder, Purpose, Signer},
        standing,
    },
};

/// Takes the token out of the address, and asks the browser to hand `tel:` links over.
const SET_UP: &str = include_str!("tel/set_up.js");
/// How long the button of a page works, in milliseconds.
const BUTTON: u64 = 60 * 60 * 1000;
const MINUTE: Duration = Duration::from_secs(60);

/// Answers a request below `/tel/NAME`.
pub(super) async fn answer(outside: &Outside, name: &str, rest: &[&str], request: Request) -> Response {
    let loaded = outside.service.loaded().await;
    let door = loaded.config.dial.get(name).cloned();
    let url = loaded.config.server.public_url.as_ref();
    let Some((door, url)) = door.filter(|door| door.links.is_some()).zip(url) else {
        return Page::new(StatusCode::NOT_FOUND, "There is nothing here")
            .text("This address is not, or no longer, in use. Ask your administrator for the right one.")
            .answer();
    };
    let key = match door.key.read(&format!("[dial.{name}] key"), &loaded.folder) {
        Ok(key) => key,
        Err(error) => {
            tracing::error!(door = name, error, "no browser can be recognised");
            return Page::new(StatusCode::SERVICE_UNAVAILABLE, "Calls cannot be made right now")
                .text("Hookswitch cannot read the key of this address. Please tell your administrator.")
                .answer();
        }
    };
    let visit = Visit { name, door: &door, url, signer: Signer::new(name, key), now: clock::now() };
    if request.method == Method::POST && !visit.is_ours(&request) {
        tracing::warn!(door = name, source = %request.source, "a post from another page is refused");
        return Page::new(StatusCode::FORBIDDEN, "Nothing was dialled")
            .text(
                "What was sent does not come from a page of Hookswitch. If you pressed a button here, update your browser, \
                 and click the telephone link again.",
            )
            .answer();
    }
    match (rest, &request.method) {
        ([], &Method::GET) => set_up(&visit, &request),
        (["browser"], &Method::POST) => take(&visit, &request),
        (["call"], &Method::GET) => ask(outside, &visit, &request).await,
        (["call"], &Method::POST) => dial(outside, &visit, &request).await,
        (["call", id], &Method::GET) => match visit.known(&request) {
            Known::Holder(holder) => progress(outside, &visit, &holder, id).await,
            other => visit.refused(&other),
        },
        _ => Page::new(StatusCode::NOT_FOUND, "There is nothing here")
            .text("Go back, and click the telephone link again.")
            .answer(),
    }
}

/// The page that sets a browser up.
fn set_up(visit: &Visit<'_>, request: &Request) -> Response {
    // Posted to an address of its own: where the token is refused, opening a better one must load this page anew.
    let action = format!("{}/browser", visit.path());
    // The script fills it in and shows it, where there is a token behind the address.
    let offer = &format!(
        "<form class=\"go\" method=\"post\" action=\"{action}\" id=\"offer\" hidden><input type=\"hidden\" name=\"token\" id=\"token\">\
                 <p>This address is personal: it makes this browser ring the phone of extension \
                 <strong id=\"extension\"></strong>. Go on only if that is your phone.</p>\
                 <button>Set up this browser</button></form>\
                 <noscript><p>Please allow scripts for this page: it is set up by one.</p></noscript>"
    );
    match visit.known(request) {
        Known::Holder(holder) => {
            let steps = "<div id=\"ready\"><ol><li>Press the button.</li><li>Your browser asks whether Hookswitch may open \
                         <code>tel</code> links; allow it. (Chrome and Edge may ask by a small icon in the address bar.)</li>\
                         <li>Click any telephone number in your CRM. You see what would be dialled, and press \u{201c}Call\u{201d}.\
                         </li></ol><form class=\"go\"><button type=\"button\" id=\"register\">Call from telephone links</button>\
                         </form><p id=\"told\" role=\"status\"></p></div>";
            let forget = format!(
                "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"forget\" value=\"yes\">\
                 <button class=\"plain\">Forget my phone on this browser</button></form>"
            );
            Page::new(StatusCode::OK, &format!("This browser rings extension {}", holder.extension))
                .html(offer)
                .html(steps)
                .note("To change it later: in your browser's settings, look for protocol handlers or applications.")
                .html(&forget)
                .script(SET_UP)
                .answer()
        }
        _ => Page::new(StatusCode::OK, "Call from telephone links")
            .html(offer)
            .html(&format!("<div id=\"unknown\">{}</div>", visit.advice()))
            .script(SET_UP)
            .answer(),
    }
}

/// Sets a browser up, or lets it forget.
fn take(visit: &Visit<'_>, request: &Request) -> Response {
    let fields = fields(request);
    if field(&fields, "forget").is_some() {
        return visit.to("").with(header::SET_COOKIE, visit.cookie("", Duration::ZERO));
    }
    let holder =
        field(&fields, "token").and_then(|token| visit.signer.holder(Purpose::Address, token.trim(), visit.now));
    let Some((holder, links)) = holder.zip(visit.door.links.as_ref()) else { return visit.refused(&Known::Nobody) };
    if !visit.may(&holder) {
        return visit.refused(&Known::Barred(holder));
    }
    let until = visit.after(links.valid_for.0);
    match visit.signer.token(Purpose::Browser, &holder, until) {
        Ok(token) => {
            tracing::info!(door = visit.name, extension = holder.extension, source = %request.source, "a browser is set up");
            visit.to("").with(header::SET_COOKIE, visit.cookie(&token, links.valid_for.0))
        }
        Err(_) => visit.refused(&Known::Nobody),
    }
}

/// The page with the button.
async fn ask(outside: &Outside, visit: &Visit<'_>, request: &Request) -> Response {
    let holder = match visit.known(request) {
        Known::Holder(holder) => holder,
        other => return visit.refused(&other),
    };
    let query = form::parse(request.query.as_bytes()).unwrap_or_default();
    let Some(number) = field(&query, "number").and_then(uri::number) else {
        return Page::new(StatusCode::BAD_REQUEST, "There is no number in this link")
            .text("The telephone link that you clicked is empty, or too long to be a number. Nothing was dialled.")
            .answer();
    };
    let Some(id) = dials::unguessable() else { return visit.not_now() };
    let wish = wish(visit, &holder, &number, &id);
    let (pbx, cleared) = dials::read(&outside.service, &wish).await;
    let cleared = match cleared {
        Ok(cleared) => cleared,
        Err(never) => {
            return Page::new(StatusCode::UNPROCESSABLE_ENTITY, "This number is not called")
                .html(&format!("<p class=\"number\">{}</p>", escaped(&number)))
                .text(progress::words(&never.problem))
                .note(&format!("For your administrator: {}", super::page::sentence(&never.text)))
                .answer();
        }
    };
    let shown = cleared.e164.as_ref().unwrap_or(&cleared.digits);
    let ticket = visit.signer.ticket(&holder, &number, &id, visit.after(Duration::from_millis(BUTTON)));
    let form = format!(
        "<p class=\"number\">{}</p><form class=\"go\" method=\"post\" action=\"call\">\
         <input type=\"hidden\" name=\"number\" value=\"{}\"><input type=\"hidden\" name=\"ticket\" value=\"{}\">\
         <button autofocus>Call</button></form>",
        escaped(shown),
        escaped(&number),
        escaped(&ticket),
    );
    let pbx = pbx.unwrap_or_default();
    Page::new(StatusCode::OK, "Call this number?")
        .html(&form)
        .text(&format!(
            "Your phone, extension {}, rings first. Pick it up, and the number is dialled.",
            holder.extension
        ))
        .note(&format!("{pbx} dials {}: {}.", cleared.digits, cleared.rule))
        .answer()
}

/// The button was pressed.
async fn dial(outside: &Outside, visit: &Visit<'_>, request: &Request) -> Response {
    let (holder, links) = match (visit.known(request), &visit.door.links) {
        (Known::Holder(holder), Some(links)) => (holder, links),
        (other, _) => return visit.refused(&other),
    };
    let fields = fields(request);
    let number = field(&fields, "number").unwrap_or_default();
    let id = field(&fields, "ticket").and_then(|ticket| visit.signer.id(&holder, number, ticket, visit.now));
    let Some(id) = id else {
        return Page::new(StatusCode::FORBIDDEN, "This page is too old")
            .text("Nothing was dialled. Go back to where you came from, and click the telephone link again.")
            .answer();
    };
    let origin = origin(visit.name);
    match standing(outside.service.journal(), &origin, id).await {
        // Pressed again: it is the same call.
        Ok(Some(_)) => return visit.to(&format!("/call/{id}")),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(door = visit.name, %error, "the journal cannot be asked whether a call was asked for before");
            return visit.not_now();
        }
    }
    if let Err(wait) = admit(outside, visit, links, &holder) {
        tracing::warn!(
            door = visit.name,
            extension = holder.extension,
            "a clicked link is not dialled: too many calls"
        );
        return Page::new(StatusCode::TOO_MANY_REQUESTS, "There were too many calls")
            .text(&format!(
                "Nothing was dialled. Press \u{201c}Call\u{201d} again in {} seconds.",
                wait.as_secs().max(1)
            ))
            .answer()
            .with(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    let ask = wish(visit, &holder, number, id);
    match dials::order(&outside.service, vec![ask], Patience::Waits).await {
        Ok(_) => visit.to(&format!("/call/{id}")),
        Err(error) => {
            tracing::error!(door = visit.name, %error, "what an agent wants dialled cannot be written down");
            visit.not_now()
        }
    }
}

/// Counts a call of this extension, and of the door.
fn admit(outside: &Outside, visit: &Visit<'_>, links: &Links, holder: &Holder) -> Result<(), Duration> {
    let door = format!("dial/{}", visit.name);
    let now = Instant::now();
    outside.limiter.admit(format!("{door} {}", holder.extension), links.per_minute, MINUTE, now)?;
    outside.limiter.admit(door, visit.door.per_minute, MINUTE, now)
}

/// The page that says what becomes of a call.
async fn progress(outside: &Outside, visit: &Visit<'_>, holder: &Holder, id: &str) -> Response {
    match standing(outside.service.journal(), &origin(visit.name), id).await {
        Ok(Some(standing)) => progress::page(&standing, holder),
        Ok(None) => Page::new(StatusCode::NOT_FOUND, "There is no such call")
            .text("It is over for long, or was never asked for. Click the telephone link again to call.")
            .answer(),
        Err(error) => {
            tracing::error!(door = visit.name, %error, "the journal cannot be asked how a call stands");
            visit.not_now()
        }
    }
}

/// Not the door's own: a program that asks by its own ids must not find calls of agents, nor they its.
fn origin(name: &str) -> String {
    format!("tel/{name}")
}

fn wish(visit: &Visit<'_>, holder: &Holder, number: &str, id: &str) -> Ask {
    Ask {
        origin: origin(visit.name),
        key: id.to_owned(),
        alike: None,
        pbx: holder.pbx.clone(),
        from: Ok(holder.extension.clone()),
        user: None,
        number: number.to_owned(),
        line: String::new(),
        crm_call: None,
        extra: Vec::new(),
    }
}

fn fields(request: &Request) -> form::Fields {
    if form::is_form(&request.headers) { form::parse(&request.body).unwrap_or_default() } else { Vec::new() }
}

/// The field that is there once.
fn field<'f>(fields: &'f form::Fields, name: &str) -> Option<&'f str> {
    let mut found = fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    found.next().filter(|_| found.next().is_none())
}

/// `location`, as where to go on after a post.
fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    Response::new(StatusCode::SEE_OTHER).with(header::LOCATION, location)
}
