//! Taking the parts of a fact out of a message, in the words of calls.

use hookswitch_call::{Extension, Millis, signal::Party};

use super::{description::Description, message::Message, value::Value};

/// Characters of an id, a number, an extension or a name.
const LONGEST_NAME: usize = 255;
/// Bytes of a note, of a file's address.
const LONGEST_NOTE: usize = 4096;

/// Something that a fact needs and the message lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{fact}.{key}` finds nothing in it, or too much")]
pub struct Missing {
    pub(super) fact: &'static str,
    pub(super) key: &'static str,
}

/// A message, read for one fact.
pub(super) struct Reading<'a> {
    pub(super) message: &'a Message<'a>,
    pub(super) description: &'a Description,
    /// When the message was made.
    pub(super) told: Millis,
    /// The fact's name in the description.
    pub(super) fact: &'static str,
}

impl Reading<'_> {
    pub(super) fn missing(&self, key: &'static str) -> Missing {
        Missing { fact: self.fact, key }
    }

    /// A name or an id; none where it is not there, or longer than any real one.
    pub(super) fn name(&self, value: &Value) -> Option<String> {
        fitting(value.all(self.message), LONGEST_NAME).next()
    }

    /// The same of what need not be described.
    pub(super) fn maybe(&self, value: Option<&Value>) -> Option<String> {
        self.name(value?)
    }

    /// The same of what the fact needs.
    pub(super) fn needed(&self, key: &'static str, value: &Value) -> Result<String, Missing> {
        self.name(value).ok_or_else(|| self.missing(key))
    }

    /// Notes and addresses of files, in order.
    pub(super) fn notes(&self, value: &Value) -> impl Iterator<Item = String> {
        fitting(value.all(self.message), LONGEST_NOTE)
    }

    /// A text of any length; a post has bounds of its own.
    pub(super) fn text(&self, key: &'static str, value: &Value) -> Result<String, Missing> {
        value.all(self.message).into_iter().next().ok_or_else(|| self.missing(key))
    }

    /// A number without what SIP wraps around it.
    pub(super) fn number(&self, value: Option<&Value>) -> Option<String> {
        self.name(value?).map(|text| bare(&text).to_owned()).filter(|number| !number.is_empty())
    }

    /// All that is needed, and is an extension: numbers outside are none of ours.
    pub(super) fn extensions(&self, key: &'static str, value: &Value) -> Result<Vec<Extension>, Missing> {
        let found: Vec<_> = fitting(value.all(self.message), LONGEST_NAME).collect();
        if found.is_empty() {
            return Err(self.missing(key));
        }
        Ok(found.iter().filter_map(|text| self.extension_of(text)).collect())
    }

    /// The one that the fact needs; none where it is a number outside.
    pub(super) fn extension(&self, key: &'static str, value: &Value) -> Result<Option<Extension>, Missing> {
        Ok(self.extensions(key, value)?.into_iter().next())
    }

    /// An extension that need not be there.
    pub(super) fn maybe_extension(&self, value: Option<&Value>) -> Option<Extension> {
        self.extension_of(&self.name(value?)?)
    }

    /// An extension, or else a number outside.
    pub(super) fn party(&self, extension: Option<&Value>, number: Option<&Value>) -> Result<Party, Missing> {
        let inside = self.maybe_extension(extension).map(Party::Extension);
        inside.or_else(|| self.number(number).map(Party::Outside)).ok_or_else(|| self.missing("extension"))
    }

    fn extension_of(&self, text: &str) -> Option<Extension> {
        let bare = bare(text);
        self.description.is_extension(bare).then(|| Extension::from(bare))
    }
}

/// Without the texts that are too long.
fn fitting(texts: Vec<String>, most: usize) -> impl Iterator<Item = String> {
    texts.into_iter().filter(move |text| text.len() <= most)
}

/// The user part of a SIP address, `"Ann" <sip:201@pbx.example;user=phone>`; anything else as it is.
fn bare(text: &str) -> &str {
    let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(inner, _)| inner);
    let schemes = ["sip:", "sips:", "tel:"];
    let stripped = schemes.iter().find_map(|scheme| {
        let head = inner.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| inner.get(scheme.len()..)).flatten()
    });
    match stripped {
        Some(address) => address.split(['@', ';']).next().unwrap_or_default().trim(),
        None => inner.trim(),
    }
}
