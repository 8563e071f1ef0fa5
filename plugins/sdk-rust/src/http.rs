//! JSON over HTTP, with statuses and transport errors turned into failures.

use std::time::{Duration, UNIX_EPOCH};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bindings::imports::hookswitch::plugin::http::{self, Body};
use crate::bindings::imports::hookswitch::plugin::types::Content;
use crate::{Failure, Problem, Recording, clock};

pub use http::{Effect, Error, FormPart, Part};

/// No CRM is waited for longer than this, whatever its `Retry-After` says.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What is longer than this is a moment in Unix time, and no wait.
const NEVER: Duration = Duration::from_secs(1_000_000_000);

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request(http::Request);

impl Request {
    /// A request that reads.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url, Effect::Read)
    }

    /// A request that posts; `effect` says what sending it twice would do.
    pub fn post(url: &str, effect: Effect) -> Self {
        Self::new("POST", url, effect)
    }

    /// A request that replaces what is there: a PUT, which may come twice.
    pub fn put(url: &str) -> Self {
        Self::new("PUT", url, Effect::Idempotent)
    }

    /// A request with any method.
    pub fn new(method: &str, url: &str, effect: Effect) -> Self {
        Self(http::Request {
            method: method.into(),
            url: url.into(),
            headers: vec![("accept".into(), "application/json".into())],
            credential: None,
            body: Body::Empty,
            effect,
            timeout_ms: None,
            keep_secret: Vec::new(),
        })
    }

    /// Has the host put this credential in.
    pub fn credential(mut self, handle: &str) -> Self {
        self.0.credential = Some(handle.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a parameter to the query, encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.0.url.contains('?') { '&' } else { '?' };
        self.0.url.push_str(&format!("{separator}{}={}", percent_encode(name), percent_encode(value)));
        self
    }

    /// Sets a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.0.headers.push(("content-type".into(), "application/json".into()));
        self.0.body = Body::Text(body.to_string());
        self
    }

    /// Sets a body that is a form, encoded by the host.
    pub fn form<const N: usize>(mut self, fields: [(&str, &str); N]) -> Self {
        self.0.body = Body::Form(fields.map(|(name, value)| (name.into(), value.into())).into());
        self
    }

    /// Sets a body that the host puts together, piece by piece: `{"file":"`, a recording in base64, `"}`. Its type is a
    /// header.
    pub fn parts(mut self, parts: impl Into<Vec<Part>>) -> Self {
        self.0.body = Body::Parts(parts.into());
        self
    }

    /// Sets a body of type `multipart/form-data`, as most CRMs take files.
    pub fn multipart(mut self, parts: impl Into<Vec<FormPart>>) -> Self {
        self.0.body = Body::Multipart(parts.into());
        self
    }

    /// Names a place in the JSON answer that holds a secret, such as a token: "access_token", "result.uploadUrl". The
    /// answer has a mask there, which the plugin may send back as if it were the value.
    pub fn keep_secret(mut self, path: &str) -> Self {
        self.0.keep_secret.push(path.into());
        self
    }

    /// Bounds the whole exchange, in milliseconds: 15 000 else, and 300 000 for the transfer of a recording. The job's
    /// deadline bounds it in any case.
    pub fn timeout_ms(mut self, most: u32) -> Self {
        self.0.timeout_ms = Some(most);
        self
    }

    /// Sends it. Any complete answer is ok here, whatever its status.
    ///
    /// # Errors
    /// There is no answer: by the rules of the contract *temporary*, *in doubt* (a request with effect `once` that went
    /// out), *not configured* (not allowed) or *unauthorised*.
    pub fn send(self) -> Result<Answer, Failure> {
        let effect = self.0.effect;
        let response = http::send(&self.0).map_err(|error| no_answer(error, effect))?;
        let text = match response.body {
            Content::Text(text) => text,
            Content::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        Ok(Answer { effect, status: response.status, headers: response.headers, text })
    }
}

impl FormPart {
    /// A field.
    pub fn field(name: &str, value: &str) -> Self {
        Self { name: name.into(), file_name: None, content_type: None, part: Part::Text(value.into()) }
    }

    /// A recording as a file, streamed by the host.
    pub fn recording(name: &str, file: &Recording) -> Self {
        Self {
            name: name.into(),
            file_name: Some(file.file_name.clone()),
            content_type: Some(file.content_type.clone()),
            part: Part::Recording(file.id.clone()),
        }
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What sending the request again would do.
    pub effect: Effect,
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    /// Returns a header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Passes a 2xx on, and turns every other status into a failure.
    ///
    /// # Errors
    /// 401 and 403 are *unauthorised*; 408, 425, 429 and 5xx *temporary*, for as long as the CRM says; all others
    /// are *rejected* with the beginning of the body. A 5xx to a request with effect `once` is *in doubt*, since a server
    /// may fail after it has done the work; 503 says that it has not begun.
    pub fn success(self) -> Result<Self, Failure> {
        match self.status {
            200..=299 => Ok(self),
            401 | 403 => Err(Failure::Unauthorised(format!("the CRM answered {}: {}", self.status, self.beginning()))),
            500..=502 | 504..=599 if self.effect == Effect::Once => {
                Err(Failure::InDoubt(format!("the CRM answered {} and may have done it", self.status)))
            }
            408 | 425 | 429 | 500..=599 => Err(Failure::Temporary(crate::Delay {
                after_ms: wait_ms(|name| self.header(name), clock::now_ms),
                reason: format!("the CRM answered {}", self.status),
            })),
            _ => Err(Failure::rejected_with(
                format!("http-{}", self.status),
                format!("the CRM answered {}", self.status),
                self.beginning(),
            )),
        }
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// A body that is no such JSON is half an answer, or a page put in between by a proxy: see
    /// [`Answer::not_understood`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(|error| self.not_understood(&error.to_string()))
    }

    /// Reads the body as JSON; none with 204, by which a CRM says that there is nothing.
    ///
    /// # Errors
    /// As [`Answer::json`]. An empty body with any other status was cut off on its way.
    pub fn json_or_nothing<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        if self.status == 204 { Ok(None) } else { self.json().map(Some) }
    }

    /// Passes an answer on in which the CRM tells of no error of its own, as some do with status 200. `E` is how such an
    /// error looks (`{"error": …}`), and `read` says which failure it is.
    ///
    /// # Errors
    /// What `read` gives, if the body is an `E`.
    pub fn problem<E: DeserializeOwned>(self, read: impl FnOnce(E) -> Failure) -> Result<Self, Failure> {
        match serde_json::from_str(&self.text) {
            Ok(error) => Err(read(error)),
            Err(_) => Ok(self),
        }
    }

    /// The failure that follows from an answer which does not say what came of the request: *temporary*, or *in doubt*
    /// if the effect is `once`. `what` is what is wrong with it.
    pub fn not_understood(&self, what: &str) -> Failure {
        let reason = format!("the CRM's answer ({}) is not understood: {what}", self.status);
        match self.effect {
            Effect::Once => Failure::InDoubt(reason),
            Effect::Read | Effect::Idempotent => Failure::temporary(reason),
        }
    }

    /// The first 300 characters of the body, to be shown.
    pub fn beginning(&self) -> String {
        self.text.chars().take(300).collect()
    }
}

/// Percent-encodes a text for a query or a path segment.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// How long the CRM wants to be left alone, in milliseconds, at most an hour: what `Retry-After` says, else the reset of a
/// rate limit (`RateLimit-Reset`, `X-RateLimit-Reset`), which some give as seconds from now and some as Unix time. None
/// if it does not say.
pub fn wait_ms<'a>(header: impl Fn(&str) -> Option<&'a str>, now_ms: impl FnOnce() -> u64) -> Option<u64> {
    if let Some(value) = header("retry-after") {
        return retry_after_ms(value, now_ms());
    }
    let reset = header("ratelimit-reset").or_else(|| header("x-ratelimit-reset"))?;
    let reset = Duration::from_secs(reset.trim().parse().ok()?);
    let wait = if reset > NEVER { reset.saturating_sub(Duration::from_millis(now_ms())) } else { reset };
    u64::try_from(wait.min(LONGEST_WAIT).as_millis()).ok()
}

/// Reads a `Retry-After` header (seconds or a date, RFC 9110 section 10.2.3) as milliseconds from `now_ms`, at most an
/// hour. A date in the past is 0; none if it is neither.
pub fn retry_after_ms(value: &str, now_ms: u64) -> Option<u64> {
    let wait = match value.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(value.trim()).ok()?;
            let now = UNIX_EPOCH + Duration::from_millis(now_ms);
            date.duration_since(now).unwrap_or_default()
        }
    };
    u64::try_from(wait.min(LONGEST_WAIT).as_millis()).ok()
}

/// The failure that follows from a request without an answer, by the rules of the contract. [`Request::send`] does this;
/// it is here for plugins that send through the bindings themselves.
pub fn no_answer(error: Error, effect: Effect) -> Failure {
    match error {
        Error::Denied(text) => Failure::NotConfigured(text),
        Error::Unauthorised(text) => Failure::Unauthorised(text),
        Error::NotSent(reason) => Failure::temporary(reason),
        Error::InDoubt(reason) if effect == Effect::Once => Failure::InDoubt(reason),
        Error::InDoubt(reason) => Failure::temporary(reason),
        // It was carried out all the same: what it made can be searched for.
        Error::TooLarge(detail) if effect == Effect::Once => Failure::InDoubt(detail),
        Error::TooLarge(detail) => Failure::Other(Problem {
            code: "answer-too-large".into(),
            text: "the CRM's answer is larger than allowed".into(),
            detail,
        }),
        Error::Other(detail) => {
            Failure::Other(Problem { code: "http".into(), text: "the request could not be sent".into(), detail })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_so_that_a_plus_stays_a_plus() {
        let request = Request::get("contacts").query("phone", "+49 151").query("kind", "a&b");
        assert_eq!(request.0.url, "contacts?phone=%2B49%20151&kind=a%26b");
    }

    #[test]
    fn a_request_says_which_secrets_it_takes_and_which_it_leaves() {
        let request = Request::post("https://crm.example/token", Effect::Once)
            .credential("sign")
            .header("x-tenant", "7")
            .form([("phone", "+49 151")])
            .keep_secret("access_token")
            .keep_secret("result.uploadUrl");
        assert_eq!(request.0.credential.as_deref(), Some("sign"));
        assert_eq!(request.0.headers[1], ("x-tenant".to_string(), "7".to_string()));
        assert!(matches!(&request.0.body, Body::Form(fields) if fields[0] == ("phone".into(), "+49 151".into())));
        assert_eq!(request.0.keep_secret, ["access_token", "result.uploadUrl"]);
    }

    #[test]
    fn a_recording_goes_out_by_its_id_as_a_file_of_its_type() {
        let file = Recording {
            id: "r-1".into(),
            content_type: "audio/wav".into(),
            file_name: "call.wav".into(),
            ..Recording::default()
        };
        let parts = [FormPart::field("call", "c-1"), FormPart::recording("file", &file)];
        let request = Request::post("files", Effect::Once).multipart(parts);
        let Body::Multipart(parts) = &request.0.body else { panic!("{:?}", request.0.body) };
        assert_eq!((parts[0].name.as_str(), &parts[0].part), ("call", &Part::Text("c-1".into())));
        assert_eq!(
            (parts[1].file_name.as_deref(), parts[1].content_type.as_deref()),
            (Some("call.wav"), Some("audio/wav"))
        );
        assert_eq!(parts[1].part, Part::Recording("r-1".into()));

        let pieces = [Part::Text("{\"file\":\"".into()), Part::RecordingBase64("r-1".into()), Part::Text("\"}".into())];
        let request = Request::post("files", Effect::Once).parts(pieces);
        assert!(matches!(&request.0.body, Body::Parts(parts) if parts[1] == Part::RecordingBase64("r-1".into())));
    }

    #[test]
    fn a_credential_that_is_not_there_is_unauthorised_whatever_the_request_would_do() {
        for effect in [Effect::Read, Effect::Idempotent, Effect::Once] {
            let failure = no_answer(Error::Unauthorised("sign in: hookswitch auth login crm".into()), effect);
            assert_eq!(failure, Failure::Unauthorised("sign in: hookswitch auth login crm".into()));
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_bounded() {
        let now = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, expected) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("86400", Some(3_600_000)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after_ms(value, now), expected, "{value}");
        }
    }

    #[test]
    fn a_rate_limit_says_when_it_ends_in_either_way() {
        for (headers, expected) in [
            (vec![("retry-after", "3"), ("ratelimit-reset", "9")], Some(3_000)),
            (vec![("ratelimit-reset", "7")], Some(7_000)),
            (vec![("x-ratelimit-reset", "2000000000")], Some(3_600_000)),
            (vec![("x-ratelimit-reset", "1999999990")], Some(0)),
            (vec![("x-ratelimit-reset", "soon")], None),
            (vec![], None),
        ] {
            let now = if headers.iter().any(|(_, value)| *value == "1999999990") {
                2_000_000_000_000
            } else {
                784_111_777_000
            };
            let header = |name: &str| headers.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
            assert_eq!(wait_ms(header, || now), expected, "{headers:?}");
        }
    }

    #[test]
    fn an_error_inside_a_200_is_the_plugins_to_understand() {
        #[derive(serde::Deserialize)]
        struct Refused {
            error: String,
        }
        let answer = |text: &str| Answer { effect: Effect::Read, status: 200, headers: vec![], text: text.into() };
        let read = |refused: Refused| Failure::rejected(refused.error, "no");
        let failed = answer(r#"{"error":"E7"}"#).problem(read).map(|_| ());
        assert_eq!(failed, Err(Failure::rejected("E7", "no")));
        assert!(answer(r#"{"id":"7"}"#).problem(read).is_ok());
    }

    #[test]
    fn nothing_is_nothing_only_where_the_crm_says_so() {
        let answer = |status| Answer { effect: Effect::Read, status, headers: vec![], text: String::new() };
        assert_eq!(answer(204).json_or_nothing::<Value>(), Ok(None));
        assert!(matches!(answer(200).json_or_nothing::<Value>(), Err(Failure::Temporary(_))));
    }

    #[test]
    fn a_lost_answer_is_in_doubt_only_for_a_write_that_would_happen_twice() {
        for (effect, in_doubt) in [(Effect::Read, false), (Effect::Idempotent, false), (Effect::Once, true)] {
            let failure = no_answer(Error::InDoubt("connection reset".into()), effect);
            assert_eq!(matches!(failure, Failure::InDoubt(_)), in_doubt, "{effect:?}");
            let failure = no_answer(Error::TooLarge("more than 1 MiB".into()), effect);
            assert_eq!(matches!(failure, Failure::InDoubt(_)), in_doubt, "{effect:?}");
        }
        assert!(matches!(no_answer(Error::NotSent("refused".into()), Effect::Once), Failure::Temporary(_)));
    }

    #[test]
    fn a_status_becomes_the_failure_that_has_the_right_effect() {
        let answer = |status| Answer { effect: Effect::Read, status, headers: vec![], text: "gone".into() };
        assert!(answer(204).success().is_ok());
        assert!(matches!(answer(401).success(), Err(Failure::Unauthorised(_))));
        assert!(matches!(answer(503).success(), Err(Failure::Temporary(_))));
        assert_eq!(
            answer(404).success().map(|_| ()),
            Err(Failure::rejected_with("http-404", "the CRM answered 404", "gone"))
        );
    }

    #[test]
    fn what_does_not_say_whether_a_write_was_done_leaves_it_in_doubt() {
        let answer = |effect, status| Answer { effect, status, headers: vec![], text: "<html>".into() };
        for (effect, in_doubt) in [(Effect::Read, false), (Effect::Idempotent, false), (Effect::Once, true)] {
            let half = answer(effect, 200).json::<Value>().unwrap_err();
            assert_eq!(matches!(half, Failure::InDoubt(_)), in_doubt, "{effect:?}");
            let broken = answer(effect, 502).success().unwrap_err();
            assert_eq!(matches!(broken, Failure::InDoubt(_)), in_doubt, "{effect:?}");
            assert!(matches!(answer(effect, 503).success(), Err(Failure::Temporary(_))));
        }
    }
}
