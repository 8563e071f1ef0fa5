//! AMI framing as the reference sheet describes it: `Name: value` lines ended by CR LF, a message ended by an empty line.

use std::ops::Range;

/// One message, its headers in the order in which they came. Names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    headers: Vec<(String, String)>,
}

impl Message {
    /// Reads one message; a line without a colon becomes a header with an empty value.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let headers = text
            .split('\n')
            .map(|line| line.trim_end_matches('\r'))
            .filter(|line| !line.is_empty())
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                (name.trim().to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned())
            })
            .collect();
        Self { headers }
    }

    /// The first value of a header, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The values of all headers of one name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The names of all headers, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Like [`Message::get`], with the empty text for a header that is not there.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The name of the event, or the empty text if this is no event.
    pub(crate) fn event(&self) -> &str {
        self.value("Event")
    }

    /// The class of an event that is sent to every client: `call` for `Privilege: call,all`.
    pub(crate) fn broadcast_class(&self) -> Option<&str> {
        self.get("Privilege")?.strip_suffix(",all")
    }
}

/// Where each message of a recording begins and ends, its empty line included. A rest without one is the last range.
pub(crate) fn split(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes[start..].windows(4).position(|w| w == b"\r\n\r\n").map_or(bytes.len(), |at| start + at + 4);
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// A message being written.
#[derive(Debug, Default)]
pub(crate) struct Draft(String);

impl Draft {
    pub(crate) fn response(kind: &str, action_id: Option<&str>) -> Self {
        Self::default().line("Response", kind).action_id(action_id)
    }

    pub(crate) fn event(name: &str) -> Self {
        Self::default().line("Event", name)
    }

    pub(crate) fn line(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        use std::fmt::Write as _;
        let _ = write!(self.0, "{name}: {value}\r\n");
        self
    }

    /// Repeats the request's id; a request without one gets an answer without one.
    pub(crate) fn action_id(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => self.line("ActionID", id),
            None => self,
        }
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push_str("\r\n");
        self.0
    }
}
