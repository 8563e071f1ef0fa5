//! What a phone system is answered.

use hookswitch_web::{HeaderValue, Request, Response, StatusCode, form};
use http::header;
use serde::{Deserialize, Deserializer, de};

/// `answer`: what is said when a message was taken in. Default: status 200 and nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Response);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "ok")]
    status: u16,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    body: String,
}

fn ok() -> u16 {
    200
}

impl Answer {
    pub(super) fn response(&self) -> Response {
        self.0.clone()
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self(Response::new(StatusCode::OK))
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Written { status, kind, body } = Written::deserialize(from)?;
        let status = StatusCode::from_u16(status).ok().filter(StatusCode::is_success);
        let status = status.ok_or_else(|| de::Error::custom("`status` must say that all is well: 200 to 299"))?;
        let response = Response { body: body.into(), ..Response::new(status) };
        let Some(kind) = kind else { return Ok(Self(response)) };
        let kind = HeaderValue::from_str(&kind).map_err(|_| de::Error::custom("`type` is no type of content"))?;
        Ok(Self(response.with(header::CONTENT_TYPE, kind)))
    }
}

/// Characters of a word that is said back.
const LONGEST_WORD: usize = 256;

/// Answers a question that only tries the address: a parameter that is to be said back. None if it is no such question.
pub(super) fn echo(request: &Request, parameter: &str) -> Option<Response> {
    let fields = form::parse(request.query.as_bytes()).ok()?;
    let (_, word) = fields.into_iter().find(|(name, _)| name == parameter)?;
    // Whoever asks is nobody: what cannot be a word of a phone system is not said back.
    let fits =
        word.len() <= LONGEST_WORD && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte));
    Some(match fits {
        true => Response::text(StatusCode::OK, word),
        false => Response::text(StatusCode::BAD_REQUEST, "this is no word to say back"),
    })
}
