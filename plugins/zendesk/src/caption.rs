//! What stands beside a recording in a ticket.

use hookswitch_sdk::{Recording, minutes};

/// Bytes of a file that Zendesk takes (sheet 1, "Upload": 50 MB).
pub(crate) const LARGEST: u64 = 50_000_000;

/// The line by which the comment is found again. It names the part of the call, since files of several parts may have the
/// same name and length.
pub(crate) fn mark(file: &Recording) -> String {
    let length = file.duration_ms.map(|ms| format!(", {}", minutes(ms))).unwrap_or_default();
    let damaged = if file.damaged { ", incomplete" } else { "" };
    format!("Recording: {}{length}{damaged} ({})", file.file_name, part(file))
}

/// The whole comment.
pub(crate) fn text(file: &Recording, link: Option<&str>) -> String {
    let mark = mark(file);
    link.map_or(mark.clone(), |link| format!("{mark}\n\n{link}"))
}

/// Which part of the call a file has: `part 1.1`.
pub(crate) fn part(file: &Recording) -> String {
    format!("part {}.{}", file.leg, file.index.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::recording;

    #[test]
    fn two_files_of_a_call_never_have_the_same_mark() {
        let first = recording();
        assert_eq!(mark(&first), "Recording: call.mp3, 1:02 (part 1.1)");
        let second = Recording { index: 1, ..first.clone() };
        let other_leg = Recording { leg: 2, ..first.clone() };
        assert!(mark(&first) != mark(&second) && mark(&first) != mark(&other_leg) && mark(&second) != mark(&other_leg));
        let damaged = Recording { damaged: true, duration_ms: None, ..first };
        assert_eq!(mark(&damaged), "Recording: call.mp3, incomplete (part 1.1)");
    }

    #[test]
    fn a_link_stands_below_the_mark() {
        let text = text(&recording(), Some("https://calls.example.com/r/1"));
        assert_eq!(text, "Recording: call.mp3, 1:02 (part 1.1)\n\nhttps://calls.example.com/r/1");
    }
}
