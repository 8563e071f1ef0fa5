//! One post to one address, and what its answer means.

use hookswitch_sdk::http::{self, Answer, Effect, FormPart, Part, Request};
use hookswitch_sdk::{Delay, Failure, Recording, clock, secrets};
use serde_json::Value;

use crate::options::{Encoding, Options, SECRET};
use crate::three_cx::Post;

/// The handle of the key that posts are signed with.
pub(crate) const SIGNING: &str = "signing";
/// The handle of what stands for `{secret}` in addresses.
pub(crate) const ADDRESS: &str = "address";

/// The name of the part that is a file.
const FILE: &str = "file";

/// What is posted.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Text {
        content_type: String,
        text: String,
    },
    /// Nothing: a GET with all of it in the query.
    Query(Vec<(String, String)>),
    /// A form whose last part is a file, which the host puts there. The others say what it is.
    Multipart(Vec<FormPart>),
}

impl Body {
    pub(crate) fn json(value: &Value) -> Self {
        Self::Text { content_type: "application/json".into(), text: value.to_string() }
    }

    /// A post of the 3CX module.
    pub(crate) fn of_post(post: &Post, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Json => Self::json(&post.json()),
            Encoding::Form => Self::form(&post.pairs()),
            Encoding::Query => Self::Query(post.pairs()),
        }
    }

    /// A post of the 3CX module with a file.
    pub(crate) fn of_post_with(post: &Post, file: &Recording) -> Self {
        let fields = post.pairs();
        let fields = fields.iter().map(|(name, value)| FormPart::field(name, value));
        Self::Multipart(fields.chain([FormPart::recording(FILE, file)]).collect())
    }

    /// The same body with a file: what it was is the part `event`.
    pub(crate) fn with(self, file: &Recording) -> Self {
        match self {
            Self::Text { content_type, text } => {
                let (name, part) = ("event".to_owned(), Part::Text(text));
                let event = FormPart { name, file_name: None, content_type: Some(content_type), part };
                Self::Multipart(vec![event, FormPart::recording(FILE, file)])
            }
            other => other,
        }
    }

    pub(crate) fn form(pairs: &[(String, String)]) -> Self {
        let encoded =
            pairs.iter().map(|(name, value)| format!("{}={}", http::percent_encode(name), http::percent_encode(value)));
        let text = encoded.collect::<Vec<_>>().join("&");
        Self::Text { content_type: "application/x-www-form-urlencoded".into(), text }
    }
}

/// Posts a message. The same message has the same id whenever it comes.
///
/// # Errors
/// The receiver did not take it, or cannot be reached.
pub(crate) fn send(url: &str, message: &str, body: &Body, options: &Options) -> Result<(), Failure> {
    let address = address(url)?;
    // The receiver knows by the id what it has had already.
    let request = match body {
        Body::Text { content_type, text } => Request::post(&address, Effect::Idempotent)
            .header("content-type", content_type)
            .parts([Part::Text(text.clone())]),
        Body::Multipart(parts) => Request::post(&address, Effect::Idempotent).multipart(parts.clone()),
        Body::Query(pairs) => {
            let request = Request::new("GET", &address, Effect::Idempotent);
            pairs.iter().fold(request, |request, (name, value)| request.query(name, value))
        }
    };
    let request = request.header("webhook-id", message);
    let request = if options.signed { request.credential(SIGNING) } else { request };
    taken(request.send()?, url)
}

/// Asks an address what it allows: whatever it answers, somebody is there.
///
/// # Errors
/// Nobody is.
pub(crate) fn knock(url: &str) -> Result<u16, Failure> {
    Ok(Request::new("OPTIONS", &address(url)?, Effect::Read).send()?.status)
}

fn address(url: &str) -> Result<String, Failure> {
    if !url.contains(SECRET) {
        return Ok(url.to_owned());
    }
    let secret = secrets::placeholder(ADDRESS, secrets::Encoding::Percent)?;
    Ok(url.replace(SECRET, &secret))
}

/// What an answer means (Standard Webhooks 1.0, "Delivery"): 2xx is taken, 410 asks for no more.
fn taken(answer: Answer, url: &str) -> Result<(), Failure> {
    let told = |problem: String| Failure::rejected_with(format!("http-{}", answer.status), problem, answer.beginning());
    match answer.status {
        200..=299 => Ok(()),
        410 => Err(told(format!("{url} wants no more posts (410): disable this plugin, or correct `url`"))),
        401 | 403 => Err(Failure::Unauthorised(format!(
            "{url} answered {}: it does not accept the signature (credentials.{SIGNING}) or the key in the address",
            answer.status
        ))),
        408 | 425 | 429 | 500..=599 => Err(Failure::Temporary(Delay {
            after_ms: http::wait_ms(|name| answer.header(name), clock::now_ms),
            reason: format!("{url} answered {}", answer.status),
        })),
        300..=399 => {
            let to = answer.header("location").unwrap_or("elsewhere");
            Err(told(format!("{url} points to {to}, which is not followed: correct `url`")))
        }
        status => Err(told(format!("{url} refuses the post ({status})"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(status: u16) -> Result<(), Failure> {
        let answer = Answer { effect: Effect::Idempotent, status, headers: vec![], text: "no".into() };
        taken(answer, "https://example.com/calls")
    }

    #[test]
    fn an_answer_says_whether_the_post_comes_again() {
        assert_eq!(came(204), Ok(()));
        for status in [308, 400, 404, 410, 422] {
            assert!(matches!(came(status), Err(Failure::Rejected(_))), "{status}");
        }
        for status in [401, 403] {
            assert!(matches!(came(status), Err(Failure::Unauthorised(_))), "{status}");
        }
    }

    #[test]
    fn a_form_is_encoded() {
        let Body::Text { text, .. } = Body::form(&[("callerid".into(), "+49 30".into()), ("a&b".into(), "=".into())])
        else {
            panic!("a form is a text")
        };
        assert_eq!(text, "callerid=%2B49%2030&a%26b=%3D");
    }
}
