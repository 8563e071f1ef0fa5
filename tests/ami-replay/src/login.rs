//! Who may log in, and which events a client that has logged in is sent.

use md5::{Digest as _, Md5};
use regex::Regex;

use crate::message::Message;

/// Event classes, as in the `read =` line of a manager user or in `EventMask`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Classes {
    /// Every class.
    All,
    /// These only; an empty list means no events at all.
    Only(Vec<String>),
}

impl Classes {
    /// Reads `on`, `all`, `off`, `none` or a list such as `call,agent,cdr`.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "on" | "all" | "yes" | "true" => Self::All,
            "off" | "none" | "no" | "false" | "0" => Self::Only(Vec::new()),
            list => Self::Only(list.split(',').map(|class| class.trim().to_owned()).collect()),
        }
    }

    /// Whether an event of these classes, `call` or `call,reporting`, is among them.
    fn hold(&self, of_event: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(classes) => {
                classes.iter().any(|known| known == "all" || of_event.split(',').any(|class| class == known))
            }
        }
    }
}

/// The one manager user of the server.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) read: Classes,
    pub(crate) may: Vec<String>,
}

impl User {
    /// Whether the user may take this action, which changes something.
    pub(crate) fn may(&self, action: &str) -> bool {
        self.may.iter().any(|known| known.eq_ignore_ascii_case(action))
    }

    /// Checks a `Login` request: the plain secret, or the key for a challenge that was asked for before.
    pub(crate) fn accepts(&self, login: &Message, challenge: Option<&str>) -> bool {
        if login.value("Username") != self.name {
            return false;
        }
        if !login.value("AuthType").eq_ignore_ascii_case("MD5") {
            return login.value("Secret") == self.secret;
        }
        challenge.is_some_and(|challenge| login.value("Key") == key(challenge, &self.secret))
    }
}

/// Lower-case hexadecimal MD5 of the challenge digits followed by the secret.
fn key(challenge: &str, secret: &str) -> String {
    Md5::digest(format!("{challenge}{secret}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a client that has logged in wants to see.
#[derive(Debug)]
pub(crate) struct View {
    allowed: Classes,
    pub(crate) mask: Classes,
    wanted: Vec<Regex>,
    unwanted: Vec<Regex>,
}

impl View {
    pub(crate) fn new(allowed: Classes, mask: Classes) -> Self {
        Self { allowed, mask, wanted: Vec::new(), unwanted: Vec::new() }
    }

    /// Adds the filter of a `Filter` action: a pattern over the whole event, with `!` in front to leave matches out.
    pub(crate) fn filter(&mut self, pattern: &str) -> Result<(), regex::Error> {
        match pattern.strip_prefix('!') {
            Some(pattern) => self.unwanted.push(Regex::new(pattern)?),
            None => self.wanted.push(Regex::new(pattern)?),
        }
        Ok(())
    }

    pub(crate) fn shows(&self, class: &str, text: &[u8]) -> bool {
        if !self.allowed.hold(class) || !self.mask.hold(class) {
            return false;
        }
        if self.wanted.is_empty() && self.unwanted.is_empty() {
            return true;
        }
        let text = String::from_utf8_lossy(text);
        let any = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(&text));
        (self.wanted.is_empty() || any(&self.wanted)) && !any(&self.unwanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_challenge_gives_the_recorded_key() {
        assert_eq!(key("588068629", "Loopback-Secret-1"), "0c8cb9799d82f748c5dad0bd874be5f2");
    }
}
