//! What a request gets for an answer.

/// An answer, or what is sent in place of one.
#[derive(Debug, Clone)]
pub struct Reply(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    Half { status: u16, body: Vec<u8> },
    Echo,
    Nothing,
    Never,
}

impl Reply {
    /// A whole answer.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Answer { status, headers: Vec::new(), body: body.into() })
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Kind::Answer { headers, .. } = &mut self.0 {
            headers.push((name, value.to_owned()));
        }
        self
    }

    /// The first half of the body, then the connection ends.
    pub fn half(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Half { status, body: body.into() })
    }

    /// 200, and in the body the whole request as it came in.
    pub fn echo() -> Self {
        Self(Kind::Echo)
    }

    /// The connection ends without an answer.
    pub fn nothing() -> Self {
        Self(Kind::Nothing)
    }

    /// No answer, and the connection stays open.
    pub fn never() -> Self {
        Self(Kind::Never)
    }

    /// The bytes to be sent, and whether the connection stays open.
    pub(crate) fn bytes(&self, request: &[u8]) -> (Vec<u8>, bool) {
        match &self.0 {
            Kind::Answer { status, headers, body } => (whole(*status, headers, body), true),
            Kind::Half { status, body } => {
                let mut bytes = head(*status, &[], body.len());
                bytes.extend_from_slice(&body[..body.len() / 2]);
                (bytes, false)
            }
            Kind::Echo => (whole(200, &[], request), true),
            Kind::Nothing => (Vec::new(), false),
            Kind::Never => (Vec::new(), true),
        }
    }
}

fn whole(status: u16, headers: &[(&'static str, String)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(status, headers, body.len());
    bytes.extend_from_slice(body);
    bytes
}

fn head(status: u16, headers: &[(&'static str, String)], length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    if headers.iter().all(|(name, _)| *name != "content-type") {
        head.push_str("content-type: text/plain; charset=utf-8\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {length}\r\n\r\n"));
    head.into_bytes()
}
