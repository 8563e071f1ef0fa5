//! Pages for people: plain HTML without scripts, and nothing from elsewhere.

use hookswitch_web::{HeaderValue, Response, StatusCode};
use http::header;

/// What browsers may load for a page: its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;\
                     color:#1c2430;background:#fff}h1{font-size:1.4rem;margin:0 0 .75rem}p{margin:0 0 .75rem}\
                     code{background:#eef1f5;padding:.1rem .35rem;border-radius:.25rem}\
                     @media(prefers-color-scheme:dark){body{color:#e4e8ee;background:#14181f}code{background:#262c36}}";

/// A page with a heading and paragraphs; `code` is shown below them as something to type.
pub(super) fn page(status: StatusCode, heading: &str, paragraphs: &[&str], code: Option<&str>) -> Response {
    let mut body = format!("<h1>{}</h1>", escaped(heading));
    for paragraph in paragraphs {
        body.push_str(&format!("<p>{}</p>", escaped(paragraph)));
    }
    if let Some(code) = code {
        body.push_str(&format!("<p><code>{}</code></p>", escaped(code)));
    }
    let title = escaped(heading);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Hookswitch</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"referrer\" content=\"no-referrer\">\
         <style>{STYLE}</style></head><body>{body}</body></html>\n"
    );
    Response::html(status, html).with(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
}

fn escaped(text: &str) -> String {
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
