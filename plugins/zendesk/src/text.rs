//! What is written of a call: the admin's text, the notes, the links.

use hookswitch_sdk::{Entry, Note, Text};

/// Zendesk keeps no longer subjects.
const LONGEST_SUBJECT: usize = 150;

/// All that is to be said of a call that has a ticket of its own.
pub(crate) fn whole(entry: &Entry) -> String {
    paragraphs(&[&body(&entry.text), &added(entry)])
}

/// What people have added: notes and links. The ticket of the call has the rest already.
pub(crate) fn added(entry: &Entry) -> String {
    paragraphs(&[&notes(&entry.notes), &entry.links.join("\n")])
}

/// A text with its notes.
pub(crate) fn with_notes(text: &Text, all: &[Note]) -> String {
    paragraphs(&[&body(text), &notes(all)])
}

/// The body of a text; Zendesk takes no empty comment.
pub(crate) fn body(text: &Text) -> String {
    let parts = [text.body.trim(), text.subject.trim(), "Call"];
    parts.into_iter().find(|part| !part.is_empty()).unwrap_or_default().to_owned()
}

/// The subject, in one line.
pub(crate) fn subject(text: &Text) -> String {
    let subject = text.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = if subject.is_empty() { body(text).lines().next().unwrap_or_default().to_owned() } else { subject };
    subject.chars().take(LONGEST_SUBJECT).collect()
}

/// Whether two texts say the same, though Zendesk has laid out one of them anew.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// Whether `said` says all that `body` does.
pub(crate) fn covers(said: &str, body: &str) -> bool {
    let words = |text: &str| format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" "));
    words(said).contains(&words(body))
}

fn paragraphs(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn notes(notes: &[Note]) -> String {
    let lines = notes.iter().map(|note| {
        let parts = [note.author.trim(), note.outcome.trim(), note.text.trim()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::call;

    fn text(subject: &str, body: &str) -> Text {
        Text { subject: subject.into(), body: body.into() }
    }

    #[test]
    fn text_notes_and_links_are_paragraphs() {
        let note = |author: &str, outcome: &str, text: &str| Note {
            author: author.into(),
            outcome: outcome.into(),
            text: text.into(),
        };
        let entry = Entry {
            call: call(),
            contacts: vec![],
            text: text("Inbound", "Talked 62 s\n"),
            notes: vec![note("101", "sold", "sends an order"), note("", "", "call back")],
            links: vec!["https://calls.example.com/r/1".into()],
            ticket: None,
        };
        let added_text = "101: sold: sends an order\ncall back\n\nhttps://calls.example.com/r/1";
        assert_eq!(added(&entry), added_text);
        assert_eq!(whole(&entry), format!("Talked 62 s\n\n{added_text}"));
    }

    #[test]
    fn neither_comment_nor_subject_is_ever_empty() {
        assert_eq!(body(&text("Missed call", " \n")), "Missed call");
        assert_eq!((body(&text("", "")), subject(&text("", ""))), ("Call".to_string(), "Call".to_string()));
        assert_eq!(subject(&text(" two\nlines ", "x")), "two lines");
        assert_eq!(subject(&text("", "first\nsecond")), "first");
        assert_eq!(subject(&text(&"ä".repeat(400), "")).chars().count(), LONGEST_SUBJECT);
    }

    #[test]
    fn layout_makes_no_difference() {
        assert!(same("a  b\n\nc ", "a b\nc") && !same("a b", "ab"));
        assert!(covers("a b\n\nc d", "b c") && covers("a b", "a  b") && !covers("a bc", "a b") && !covers("a", "a b"));
    }
}
