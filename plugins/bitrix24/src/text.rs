//! What is written under an entry: the admin's text, the notes, the links.

use hookswitch_sdk::{Entry, Note};

/// Returns all that is to be said, in paragraphs; empty if there is nothing.
pub(crate) fn description(entry: &Entry) -> String {
    let body = entry.text.body.trim();
    let notes = notes(&entry.notes);
    let links = entry.links.join("\n");
    [body, &notes, &links].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// Returns notes, a line or more each.
pub(crate) fn notes(notes: &[Note]) -> String {
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
    use hookswitch_sdk::Text;

    #[test]
    fn text_notes_and_links_are_paragraphs() {
        let note = |author: &str, outcome: &str, text: &str| Note {
            author: author.into(),
            outcome: outcome.into(),
            text: text.into(),
        };
        let mut entry = Entry {
            call: call(),
            contacts: vec![],
            text: Text { subject: "Inbound".into(), body: "Talked 62 s\n".into() },
            notes: vec![note("101", "sold", "sends an order"), note("", "", "call back")],
            links: vec!["https://calls.example.com/r/1".into()],
            ticket: None,
        };
        assert_eq!(
            description(&entry),
            "Talked 62 s\n\n101: sold: sends an order\ncall back\n\nhttps://calls.example.com/r/1"
        );
        entry =
            Entry { text: Text { subject: String::new(), body: String::new() }, notes: vec![], links: vec![], ..entry };
        assert_eq!(description(&entry), "");
    }
}
