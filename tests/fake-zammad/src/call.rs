//! One call in the caller log.

use serde_json::Value;

/// A call, as Zammad was told of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its `callId`.
    pub id: String,
    /// The body of its `newCall`.
    pub called: Value,
    /// The body of its `answer`.
    pub answered: Option<Value>,
    /// The body of its `hangup`.
    pub ended: Option<Value>,
}

/// What becomes of a post about a call that is known.
pub(crate) enum Taken {
    New,
    /// It says again what is known.
    Again,
    /// A real Zammad fails at it.
    Refused(&'static str),
    /// A real Zammad would swallow it.
    Wrong(&'static str),
}

impl Call {
    pub(crate) fn new(id: &str, called: &Value) -> Self {
        Self { id: id.to_owned(), called: called.clone(), answered: None, ended: None }
    }

    /// Whether it is between the same people.
    fn is_about(&self, post: &Value) -> bool {
        ["from", "to", "direction"].iter().all(|name| self.called[*name] == post[*name])
    }

    pub(crate) fn answer(&mut self, post: &Value) -> Taken {
        if self.ended.is_some() {
            return Taken::Refused("an answer after the hangup");
        }
        if !self.is_about(post) {
            return Taken::Wrong("an answer of other people");
        }
        keep(&mut self.answered, post)
    }

    pub(crate) fn hang_up(&mut self, post: &Value) -> Taken {
        if !self.is_about(post) {
            return Taken::Wrong("a hangup of other people");
        }
        keep(&mut self.ended, post)
    }
}

fn keep(place: &mut Option<Value>, post: &Value) -> Taken {
    match place {
        None => {
            *place = Some(post.clone());
            Taken::New
        }
        Some(known) if known == post => Taken::Again,
        Some(_) => Taken::Wrong("a second one that says something else"),
    }
}
