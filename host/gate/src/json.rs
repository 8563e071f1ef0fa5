//! Places in a JSON text, found without taking it apart: what is not replaced stays as it was, byte for byte.

use std::ops::Range;

use serde::de::IgnoredAny;

/// A text that is known to be JSON (RFC 8259), perhaps with a byte order mark before it.
pub(crate) struct Json<'a> {
    text: &'a str,
}

impl<'a> Json<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Json<'a>> {
        let text = std::str::from_utf8(bytes).ok()?;
        serde_json::from_str::<IgnoredAny>(text.strip_prefix(MARK).unwrap_or(text)).ok()?;
        Some(Json { text })
    }

    /// Finds where the values at a path stand: names of members, and numbers of elements, counted from 0. There are
    /// several where an object has a name twice.
    pub(crate) fn find(&self, path: &[&str]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let at = if self.text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
        Reader { bytes: self.text.as_bytes(), at }.find(path, &mut found);
        found
    }

    pub(crate) fn text(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The text with something else in some places, given in their order.
    pub(crate) fn replaced(&self, places: impl IntoIterator<Item = (Range<usize>, String)>) -> String {
        let (mut out, mut done) = (String::with_capacity(self.text.len()), 0);
        for (place, text) in places {
            out.push_str(self.text(&(done..place.start)));
            out.push_str(&text);
            done = place.end;
        }
        out.push_str(self.text(&(done..self.text.len())));
        out
    }
}

const MARK: char = '\u{feff}';

/// Writes a text as a JSON string.
pub(crate) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Goes through a text that is known to be JSON. Depth costs no stack but along the path.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn find(&mut self, path: &[&str], found: &mut Vec<Range<usize>>) {
        self.space();
        let Some((first, rest)) = path.split_first() else {
            let start = self.at;
            self.skip();
            found.push(start..self.at);
            return;
        };
        match self.peek() {
            Some(b'{') => self.members(first, rest, found),
            Some(b'[') => self.elements(first, rest, found),
            _ => self.skip(),
        }
    }

    fn members(&mut self, name: &str, rest: &[&str], found: &mut Vec<Range<usize>>) {
        self.at += 1;
        loop {
            self.past(b",");
            if self.peek() != Some(b'"') {
                break;
            }
            let start = self.at;
            self.skip();
            let key = self.bytes.get(start..self.at).unwrap_or_default();
            let matches = serde_json::from_slice::<String>(key).is_ok_and(|key| key == name);
            self.past(b":");
            if matches { self.find(rest, found) } else { self.skip() }
        }
        self.at += 1;
    }

    fn elements(&mut self, index: &str, rest: &[&str], found: &mut Vec<Range<usize>>) {
        self.at += 1;
        for n in 0_usize.. {
            self.past(b",");
            if matches!(self.peek(), None | Some(b']')) {
                break;
            }
            if n.to_string() == index { self.find(rest, found) } else { self.skip() }
        }
        self.at += 1;
    }

    /// Goes to the end of the value that begins here.
    fn skip(&mut self) {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => {
                let mut depth = 0_usize;
                loop {
                    match self.peek() {
                        None => return,
                        Some(b'"') => {
                            self.skip_string();
                            continue;
                        }
                        Some(b'{' | b'[') => depth += 1,
                        Some(b'}' | b']') => depth -= 1,
                        Some(_) => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        return;
                    }
                }
            }
            _ => {
                while self.peek().is_some_and(|b| !b" \t\r\n,]}".contains(&b)) {
                    self.at += 1;
                }
            }
        }
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    /// Goes past white space, and past one of `marks` with the space around it.
    fn past(&mut self, marks: &[u8]) {
        self.space();
        if self.peek().is_some_and(|b| marks.contains(&b)) {
            self.at += 1;
            self.space();
        }
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| b" \t\r\n".contains(&b)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}
