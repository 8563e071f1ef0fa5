//! Requests and answers as bytes.

/// One request, taken apart.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    /// As it came: nothing is decoded.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Bytes that it took.
    pub(crate) length: usize,
    /// The first line has three words.
    pub(crate) whole: bool,
}

impl Incoming {
    /// Reads a request from the beginning of what has come; none as long as it is not whole.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let words: Vec<_> = lines.next()?.split(' ').collect();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length: usize =
            headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
        let body = bytes.get(end..end + length)?;
        Some(Self {
            method: words[0].to_owned(),
            target: (*words.get(1)?).to_owned(),
            whole: words.len() == 3,
            headers,
            body: String::from_utf8_lossy(body).into_owned(),
            length: end + length,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `%20` and the like as what they stand for.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap_or("0"), 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer as bytes, with the clock of the PBX in its head.
pub(crate) fn answer(status: u16, body: &str, clock: jiff::Timestamp) -> Vec<u8> {
    let date = clock.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let length = body.len();
    format!(
        "HTTP/1.1 {status} -\r\ndate: {date}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
