//! What the CRM posts, and what comes of it: the types of [`Commands`](crate::Commands).

use crate::bindings::commands::exports::hookswitch::plugin::commands;
/// The body of a post or of an answer.
pub use crate::bindings::imports::hookswitch::plugin::types::Content;

pub use commands::{Action, Dial, Hook, Reply};

impl Reply {
    /// An answer with this status and nothing in it, and no action.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Content::Text(String::new()), actions: Vec::new() }
    }

    /// Puts a text of this type into the answer.
    pub fn text(mut self, content_type: &str, text: &str) -> Self {
        self.headers.push(("content-type".into(), content_type.into()));
        self.body = Content::Text(text.into());
        self
    }

    /// Has the host do this.
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }
}

impl Hook {
    /// Returns the first value of a form's field, by its name as sent ("data[PHONE_NUMBER]").
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body where it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.body {
            Content::Text(text) => Some(text),
            Content::Bytes(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name_as_sent() {
        let field = |name: &str, value: &str| (name.to_string(), value.to_string());
        let hook = Hook {
            name: "call".into(),
            method: "POST".into(),
            query: vec![],
            headers: vec![],
            form: vec![field("data[USER_ID]", "7"), field("data[PHONE_NUMBER]", "+49301"), field("data[USER_ID]", "8")],
            body: Content::Bytes(vec![0xff]),
            proven: vec!["form-field".into()],
        };
        assert_eq!(hook.field("data[USER_ID]"), Some("7"));
        assert_eq!(hook.field("USER_ID"), None);
        assert_eq!(hook.text(), None);
    }

    #[test]
    fn an_answer_is_put_together_piece_by_piece() {
        let reply = Reply::new(202).text("application/json", "{}").action(Action::RefreshUsers);
        assert_eq!(reply.status, 202);
        assert_eq!(reply.headers, [("content-type".to_string(), "application/json".to_string())]);
        assert_eq!(reply.body, Content::Text("{}".into()));
        assert_eq!(reply.actions, [Action::RefreshUsers]);
    }
}
