//! Cuts the byte stream of an AMI connection into messages.
//!
//! A message is a run of lines, each ended by CR LF, closed by an empty line (Asterisk reference, "Framing"). Bytes are
//! hostile until cut: every line and every message has a limit. What exceeds it is thrown away up to the next empty
//! line, and the stream goes on there. How the bytes were split into reads makes no difference.

use std::fmt;

use memchr::memchr;

/// Longest line taken, in bytes without its line end.
pub(super) const MAX_LINE: usize = 64 << 10;
/// Longest message taken, in bytes with its line ends.
pub(super) const MAX_MESSAGE: usize = 1 << 20;

/// Cuts a stream; give it bytes with [`feed`](Decoder::feed), then take [`next`](Decoder::next) until it is `None`.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the message under construction begins.
    start: usize,
    /// Where its first unfinished line begins.
    line: usize,
    /// How far that line was already searched for its end.
    searched: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The first line of the connection may be the server's greeting.
    #[default]
    Greeting,
    Message,
    /// Throws away until an empty line. `in_line`: the beginning of the present line is gone already, so that it is not
    /// empty, whatever follows. `bytes`: thrown away so far.
    Skipping {
        why: Excess,
        bytes: usize,
        in_line: bool,
    },
}

/// What was cut from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The line that the server sends first, as it stands.
    Greeting(&'a [u8]),
    /// The lines of one message, without the empty line at its end.
    Message(&'a [u8]),
    /// A message of this many bytes was thrown away.
    Skipped(Excess, usize),
}

/// Why a message was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// A line was longer than [`MAX_LINE`].
    Line,
    /// The message was longer than [`MAX_MESSAGE`].
    Message,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line => write!(f, "a line is longer than {MAX_LINE} bytes"),
            Self::Message => write!(f, "the message is longer than {MAX_MESSAGE} bytes"),
        }
    }
}

impl Decoder {
    /// Takes the bytes of one read.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.line -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece of the stream, or `None` until more bytes come.
    #[allow(clippy::should_implement_trait, reason = "the pieces borrow from the decoder, which no iterator can say")]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        loop {
            let Some(line) = self.next_line() else {
                self.bound_unfinished_line();
                return None;
            };
            if let Phase::Skipping { why, bytes, in_line } = self.phase {
                let bytes = bytes + (self.line - self.start);
                self.start = self.line;
                if !in_line && line.is_empty() {
                    self.phase = Phase::Message;
                    return Some(Frame::Skipped(why, bytes));
                }
                self.phase = Phase::Skipping { why, bytes, in_line: false };
                continue;
            }
            if line.length > MAX_LINE {
                self.skip(Excess::Line);
                continue;
            }
            if self.line - self.start > MAX_MESSAGE {
                // The line that crosses the limit may itself be the empty one.
                if line.is_empty() {
                    let bytes = self.line - self.start;
                    self.start = self.line;
                    return Some(Frame::Skipped(Excess::Message, bytes));
                }
                self.skip(Excess::Message);
                continue;
            }
            let (from, to) = (self.start, line.start);
            let greeting = std::mem::replace(&mut self.phase, Phase::Message) == Phase::Greeting;
            if greeting {
                let text = self.buffer.get(line.start..line.start + line.length).unwrap_or_default();
                if !line.is_empty() && memchr(b':', text).is_none() {
                    self.start = self.line;
                    return self.buffer.get(line.start..line.start + line.length).map(Frame::Greeting);
                }
            }
            if line.is_empty() {
                self.start = self.line;
                if from == to {
                    // An empty line too many: Asterisk sends none, but they do no harm.
                    continue;
                }
                return self.buffer.get(from..to).map(Frame::Message);
            }
        }
    }

    /// Finds the next complete line and moves behind it.
    fn next_line(&mut self) -> Option<Line> {
        let end = self.searched
            + memchr(b'\n', self.buffer.get(self.searched..)?).or_else(|| {
                self.searched = self.buffer.len();
                None
            })?;
        let start = std::mem::replace(&mut self.line, end + 1);
        self.searched = end + 1;
        let carriage_return = end > start && self.buffer.get(end - 1) == Some(&b'\r');
        Some(Line { start, length: end - start - usize::from(carriage_return) })
    }

    /// Keeps the buffer small while a line does not end.
    fn bound_unfinished_line(&mut self) {
        let unfinished = self.buffer.len() - self.line;
        match self.phase {
            Phase::Skipping { why, bytes, in_line } => {
                let dropped = self.buffer.len() - self.start;
                // A lone CR may still turn out to be half of an empty line's end.
                if dropped > 1 || (dropped == 1 && in_line) {
                    self.phase = Phase::Skipping { why, bytes: bytes + dropped, in_line: true };
                    self.forget();
                }
            }
            // The CR of the line's end does not count.
            _ if unfinished > MAX_LINE + 1 => {
                self.skip(Excess::Line);
                self.bound_unfinished_line();
            }
            _ => {}
        }
    }

    /// Throws the message under construction away, as far as it came.
    fn skip(&mut self, why: Excess) {
        self.phase = Phase::Skipping { why, bytes: self.line - self.start, in_line: false };
        self.start = self.line;
    }

    fn forget(&mut self) {
        self.buffer.clear();
        (self.start, self.line, self.searched) = (0, 0, 0);
    }
}

/// A complete line: where it begins, and how long it is without its line end.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    length: usize,
}

impl Line {
    fn is_empty(self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests;
