//! `http`: one request, one answer, through the host's gate.

use super::{NAME_BYTES, short};
use crate::{
    contract::{
        Content, Fields,
        bindings::hookswitch::plugin::http::Host,
        http::{Body, Error, FormPart, Part, Request, Response},
    },
    state::State,
};

const METHOD_BYTES: usize = 32;
const URL_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 << 10;
const PARTS: usize = 1_000;
const SECRET_PLACES: usize = 32;

impl Host for State {
    async fn send(&mut self, mut request: Request) -> wasmtime::Result<Result<Response, Error>> {
        let _host = self.enter()?;
        if let Err(reason) = measure(&request, self.limits.request_bytes) {
            return Ok(Err(Error::Other(reason)));
        }
        // No time at all is no time-out that anything could keep.
        request.timeout_ms = request.timeout_ms.map(|ms| ms.max(1));
        Ok(self.services.send(request).await)
    }
}

fn measure(request: &Request, max_body: usize) -> Result<(), String> {
    short("the method", &request.method, METHOD_BYTES)?;
    short("the URL", &request.url, URL_BYTES)?;
    short("the credential's handle", request.credential.as_deref().unwrap_or_default(), NAME_BYTES)?;
    if request.headers.len() > HEADERS {
        return Err(format!("{} headers; at most {HEADERS} are allowed", request.headers.len()));
    }
    let headers = bytes_of(&request.headers);
    if headers > HEADER_BYTES {
        return Err(format!("headers of {headers} bytes; at most {HEADER_BYTES} are allowed"));
    }
    if request.keep_secret.len() > SECRET_PLACES {
        let places = request.keep_secret.len();
        return Err(format!("{places} places in `keep-secret`; at most {SECRET_PLACES} are allowed"));
    }
    request.keep_secret.iter().try_for_each(|place| short("a place in `keep-secret`", place, NAME_BYTES))?;
    measure_body(&request.body, max_body)
}

fn measure_body(body: &Body, max: usize) -> Result<(), String> {
    let (parts, bytes) = match body {
        Body::Empty => (0, 0),
        Body::Text(text) => (1, text.len()),
        Body::Bytes(bytes) => (1, bytes.len()),
        Body::Form(fields) => (fields.len(), bytes_of(fields)),
        Body::Parts(parts) => (parts.len(), parts.iter().map(part_bytes).sum()),
        Body::Multipart(parts) => (parts.len(), parts.iter().map(form_part_bytes).sum()),
    };
    if parts > PARTS {
        return Err(format!("a body of {parts} parts; at most {PARTS} are allowed"));
    }
    if bytes > max {
        return Err(format!("a body of {bytes} bytes; at most {max} are allowed"));
    }
    Ok(())
}

fn bytes_of(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn part_bytes(part: &Part) -> usize {
    match part {
        // Of a streamed recording this is its id: the bytes themselves are the host's.
        Part::Text(text) | Part::Recording(text) | Part::RecordingBase64(text) => text.len(),
        Part::Bytes(bytes) => bytes.len(),
    }
}

fn form_part_bytes(part: &FormPart) -> usize {
    let FormPart { name, file_name, content_type, part } = part;
    name.len()
        + file_name.as_ref().map_or(0, String::len)
        + content_type.as_ref().map_or(0, String::len)
        + part_bytes(part)
}

/// The bytes of a body or a stored value.
pub(super) fn content_bytes(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.len(),
        Content::Bytes(bytes) => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::measure;
    use crate::contract::http::{Body, Effect, FormPart, Part, Request};

    fn request(change: impl FnOnce(&mut Request)) -> Request {
        let mut request = Request {
            method: "POST".into(),
            url: "crm.lead.add.json".into(),
            headers: vec![("accept".into(), "application/json".into())],
            credential: Some("portal".into()),
            body: Body::Empty,
            effect: Effect::Once,
            timeout_ms: None,
            keep_secret: Vec::new(),
        };
        change(&mut request);
        request
    }

    #[test]
    fn an_ordinary_request_passes() {
        assert_eq!(measure(&request(|_| {}), 100), Ok(()));
        assert_eq!(measure(&request(|it| it.body = Body::Bytes(vec![0; 100])), 100), Ok(()));
    }

    #[test]
    fn whatever_is_too_large_is_refused_with_its_size_and_the_limit() {
        let field = |bytes| ("x".to_owned(), "y".repeat(bytes));
        let text = |bytes| Part::Text("y".repeat(bytes));
        let form_part = |part| FormPart { name: "file".into(), file_name: None, content_type: None, part };
        let cases: [(Request, &str); 12] = [
            (request(|it| it.method = "X".repeat(33)), "method has 33 bytes"),
            (request(|it| it.url = "x".repeat(20_000)), "URL has 20000 bytes"),
            (request(|it| it.headers = vec![field(1); 65]), "65 headers; at most 64"),
            (request(|it| it.headers = vec![field(9_000); 2]), "headers of 18002 bytes"),
            (request(|it| it.credential = Some("x".repeat(300))), "handle has 300 bytes"),
            (request(|it| it.keep_secret = vec![String::new(); 33]), "33 places"),
            (request(|it| it.keep_secret = vec!["x".repeat(300)]), "place in `keep-secret` has 300 bytes"),
            (request(|it| it.body = Body::Text("x".repeat(101))), "body of 101 bytes; at most 100"),
            (request(|it| it.body = Body::Form(vec![field(50); 2])), "body of 102 bytes"),
            (request(|it| it.body = Body::Parts(vec![text(60), text(60)])), "body of 120 bytes"),
            (request(|it| it.body = Body::Parts(vec![text(0); 1_001])), "1001 parts"),
            (request(|it| it.body = Body::Multipart(vec![form_part(text(100))])), "body of 104 bytes"),
        ];
        for (request, expected) in cases {
            let reason = measure(&request, 100).expect_err(expected);
            assert!(reason.contains(expected), "{expected}: {reason}");
        }
    }
}
