//! One line on the terminal that says how far a long command is. Nobody sees it in a file or a pipe.

use std::io::{self, IsTerminal, Write};

/// The line; it is wiped away when this is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    seen: bool,
}

impl Progress {
    /// A line that says nothing yet.
    pub(super) fn new() -> Self {
        Self { seen: io::stderr().is_terminal() }
    }

    /// Says `text` in place of what the line said before.
    pub(super) fn show(&self, text: &str) {
        if self.seen {
            // Without a terminal there is no progress to show, and nothing else depends on it.
            let _ = write!(io::stderr(), "\r\u{1b}[2K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.show("");
    }
}
