//! Requests to the manager interface, framed like its messages.

use std::fmt::Write as _;

/// A request under construction.
#[derive(Clone)]
pub(super) struct Request {
    name: &'static str,
    text: String,
}

impl Request {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, text: format!("Action: {name}\r\n") }
    }

    /// Adds a header. A line end in the value would begin another header, so it becomes a blank.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{name}: {}\r\n", value.replace(['\r', '\n', '\0'], " "));
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The bytes to send, with the id by which the answer is recognised.
    pub(super) fn into_bytes(self, action_id: &str) -> Vec<u8> {
        let mut bytes = self.with("ActionID", action_id).text.into_bytes();
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_begin_another_header() {
        let bytes = Request::new("Login").with("Username", "a\r\nEvents: off\r\n\r\nAction: Command").into_bytes("7");
        assert_eq!(bytes, b"Action: Login\r\nUsername: a  Events: off    Action: Command\r\nActionID: 7\r\n\r\n");
    }
}
