//! Pages for people: plain HTML that loads nothing from elsewhere, and runs only the scripts of this program.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hookswitch_web::{HeaderValue, Response, StatusCode};
use http::header;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page/style.css");

/// A page.
pub(super) struct Page {
    status: StatusCode,
    heading: String,
    body: String,
    script: Option<&'static str>,
    refresh: Option<u32>,
}

impl Page {
    pub(super) fn new(status: StatusCode, heading: &str) -> Self {
        let heading = escaped(heading);
        let body = format!("<h1>{heading}</h1>");
        Self { status, heading, body, script: None, refresh: None }
    }

    /// A paragraph.
    pub(super) fn text(self, text: &str) -> Self {
        self.html(&format!("<p>{}</p>", escaped(text)))
    }

    /// A paragraph of lesser weight.
    pub(super) fn note(self, text: &str) -> Self {
        self.html(&format!("<p class=\"note\">{}</p>", escaped(text)))
    }

    /// Something to type.
    pub(super) fn code(self, code: &str) -> Self {
        self.html(&format!("<pre><code>{}</code></pre>", escaped(code)))
    }

    /// HTML of our own; what it holds from elsewhere is [`escaped`].
    pub(super) fn html(mut self, html: &str) -> Self {
        self.body.push_str(html);
        self
    }

    /// Runs when the page is there.
    pub(super) fn script(mut self, script: &'static str) -> Self {
        self.script = Some(script);
        self
    }

    /// The page is asked for again after so many seconds.
    pub(super) fn refresh(mut self, seconds: u32) -> Self {
        self.refresh = Some(seconds);
        self
    }

    pub(super) fn answer(self) -> Response {
        let Self { status, heading, body, script, refresh } = self;
        // What a browser may run and show is named by its hash, so nothing that slips into a page counts.
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            hash(STYLE),
            script.map_or_else(|| "'none'".to_owned(), hash),
        );
        let script = script.map(|script| format!("<script>{script}</script>")).unwrap_or_default();
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{heading} · Hookswitch</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"referrer\" content=\"no-referrer\">\
             <meta name=\"color-scheme\" content=\"light dark\"><style>{STYLE}</style></head>\
             <body><main>{body}</main>{script}</body></html>\n"
        );
        let mut response = Response::html(status, html);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response = response.with(header::CONTENT_SECURITY_POLICY, policy);
        }
        match refresh {
            Some(seconds) => response.with(header::REFRESH, seconds.into()),
            None => response,
        }
    }
}

/// An error's text as people write sentences.
pub(super) fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", rest.as_str())
}

/// Text as it may stand in HTML, also in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars().take(1000) {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char if char.is_control() => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}
