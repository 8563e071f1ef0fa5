//! What an admin has written about a phone system's messages.

use super::{
    event::Event,
    message::{Body, Message},
    moment::{Moment, Time},
    value::Value,
};
use crate::asterisk::Glob;

/// Where things stand, and what messages mean.
#[derive(Clone, Debug)]
pub struct Description {
    /// What the body of a post is.
    pub body: Body,
    /// How times are written.
    pub time: Time,
    /// Which numbers are extensions; none: names, and those of two to six digits.
    pub internal_numbers: Vec<Glob>,
    /// Where the id of the call stands: the same for all legs of a conversation.
    pub call: Option<Value>,
    /// Where the id of the leg stands, in which `sequence` counts.
    pub leg: Option<Value>,
    /// Where the number of the message stands, which tells late ones from new ones; each path counts for itself.
    pub sequence: Option<Value>,
    /// When a message was made.
    pub at: Option<Moment>,
    /// The kinds of messages; the first that fits.
    pub events: Vec<Event>,
}

impl Description {
    /// What is wrong with it as a whole.
    ///
    /// # Errors
    ///
    /// The key, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let nameless = self.events.iter().position(|event| event.is_about_a_call() && event.call.is_none());
        if let (Some(event), None) = (nameless, &self.call) {
            let text = format!("event {} tells of a call, and nothing says where the call's id stands", event + 1);
            return Err(("event", text));
        }
        if self.sequence.is_some() && self.leg.is_none() && self.call.is_none() {
            return Err((
                "sequence",
                "nothing says where the id of the leg or call stands in which it counts".to_owned(),
            ));
        }
        Ok(())
    }

    /// The kind of a message, by its number.
    pub(super) fn event_of(&self, message: &Message<'_>) -> Option<(usize, &Event)> {
        self.events.iter().enumerate().find(|(_, event)| event.fits(message))
    }

    pub(super) fn is_extension(&self, number: &str) -> bool {
        match self.internal_numbers.as_slice() {
            [] => {
                let short = (2..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
                short || number.chars().any(char::is_alphabetic)
            }
            globs => globs.iter().any(|glob| glob.matches(number)),
        }
    }
}
