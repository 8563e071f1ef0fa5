//! A request as it came in.

use std::time::Instant;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// "GET", "POST" …
    pub method: String,
    /// Below the secret address, with its query: "calls?key=1".
    pub path: String,
    /// The body, as far as it is text.
    pub body: String,
    /// The whole request, to the byte.
    pub bytes: Vec<u8>,
    /// When its last byte was read.
    pub at: Instant,
}

impl Request {
    /// Reads the request at the beginning of `bytes`, below `base` ("/k/SECRET/"); none if it is not all there yet.
    pub(crate) fn read(bytes: &[u8], base: &str) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let lower = head.to_ascii_lowercase();
        let length =
            lower.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
        let length: usize = length.unwrap_or(0);
        let whole = bytes.get(..end + length)?;
        let mut words = head.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        Some(Self {
            method: method.to_owned(),
            path: target.strip_prefix(base).unwrap_or(target).to_owned(),
            body: String::from_utf8_lossy(&whole[end..]).into_owned(),
            bytes: whole.to_vec(),
            at: Instant::now(),
        })
    }

    /// The path without its query.
    pub fn place(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.bytes);
        let lines = head.split("\r\n").skip(1).take_while(|line| !line.is_empty());
        let mut pairs = lines.filter_map(|line| line.split_once(':'));
        pairs.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }
}
