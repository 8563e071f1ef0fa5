//! One AMI message: its headers, in order, names repeated as they come.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// Most headers taken from one message; the rest is counted as malformed.
pub(super) const MAX_HEADERS: usize = 2048;

/// A parsed message; borrows from the bytes that it was cut from.
#[derive(Debug)]
pub(super) struct Message<'a> {
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    malformed: usize,
}

impl<'a> Message<'a> {
    /// Parses the lines of a message. Never fails: lines without a colon are left out and counted, bytes that are no
    /// UTF-8 become replacement characters.
    pub(super) fn parse(frame: &'a [u8]) -> Self {
        let mut headers = Vec::with_capacity(32);
        let mut malformed = 0;
        for line in lines(frame) {
            match split(line) {
                Some((name, value)) if headers.len() < MAX_HEADERS => {
                    headers.push((String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
                }
                _ => malformed += 1,
            }
        }
        Self { headers, malformed }
    }

    /// The value of the first header with this name, compared without regard to case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The value of the first header with this name, unless it is empty or one of Asterisk's words for nothing.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty() && *value != "<unknown>")
    }

    /// The values of all headers with this name, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_ref())
    }

    /// The value of the header `prefix` + `name`: a message that speaks of several channels says
    /// `DestUniqueid`, `TransfereeUniqueid` and so on.
    pub(super) fn of(&self, prefix: &str, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| is_joined(known, prefix, name)).map(|(_, value)| value.as_ref())
    }

    /// How many lines were no headers.
    pub(super) fn malformed(&self) -> usize {
        self.malformed
    }
}

fn is_joined(known: &str, prefix: &str, name: &str) -> bool {
    known.len() == prefix.len() + name.len()
        && known.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        && known.get(prefix.len()..).is_some_and(|end| end.eq_ignore_ascii_case(name))
}

/// The first value of a header, straight from the bytes: cheap enough to decide whether a message is worth parsing.
pub(super) fn peek<'a>(frame: &'a [u8], name: &str) -> Option<&'a [u8]> {
    lines(frame)
        .filter(|line| {
            line.len() > name.len() && line.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
        })
        .find_map(|line| split(line).filter(|(known, _)| known.len() == name.len()))
        .map(|(_, value)| value)
}

fn lines(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', frame)
        .map(move |end| std::mem::replace(&mut start, end + 1)..end)
        .filter_map(|line| frame.get(line))
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// `Name: value`; the blank after the colon is left out if there is one.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line).filter(|colon| *colon > 0)?;
    let value = line.get(colon + 1..)?;
    Some((line.get(..colon)?, value.strip_prefix(b" ").unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_values_may_hold_anything() {
        let message =
            Message::parse(b"Event: Newexten\r\nUNIQUEID: 1.2\r\nAppData: a: b=\"c\";d\r\nExten: \r\nbare\r\n");
        assert_eq!(message.get("uniqueid"), Some("1.2"));
        assert_eq!(message.get("AppData"), Some("a: b=\"c\";d"));
        assert_eq!(message.get("Exten"), Some(""));
        assert_eq!(message.text("Exten"), None);
        assert_eq!(message.malformed(), 1);
    }

    #[test]
    fn of_repeated_names_the_first_counts() {
        let message = Message::parse(b"Output: one\r\noutput: two\r\n");
        assert_eq!(message.get("Output"), Some("one"));
        assert_eq!(message.all("OUTPUT").collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_tolerated() {
        let message = Message::parse(b"CallerIDName: M\xfcller\r\n");
        assert_eq!(message.get("CallerIDName"), Some("M\u{fffd}ller"));
    }

    #[test]
    fn a_peek_finds_whole_names_only() {
        let frame = b"Event: VarSet\r\nVariableX: 1\r\nVariable: A\r\nValue: B\r\n";
        assert_eq!(peek(frame, "Variable"), Some(b"A".as_slice()));
        assert_eq!(peek(frame, "Priority"), None);
    }

    #[test]
    fn headers_beyond_the_limit_are_left_out() {
        let frame = b"Output: x\r\n".repeat(MAX_HEADERS + 3);
        let message = Message::parse(&frame);
        assert_eq!((message.headers.len(), message.malformed()), (MAX_HEADERS, 3));
    }
}
