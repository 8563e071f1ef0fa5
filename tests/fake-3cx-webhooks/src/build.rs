//! The builds of the module that were seen, and how each spells the same.

/// A build of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The names of C.1 to C.3.
    Sheet,
    /// The newer one of C.8: other names for the answer, more fields, `True` and `False`.
    Newer,
    /// The third product of C.8: names with capitals, an event of its own for recordings.
    Capitals,
}

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Ringing,
    AnsweredIncoming,
    AnsweredOutgoing,
    EndedIncoming,
    EndedOutgoing,
}

impl Build {
    pub(crate) fn event(self, event: Event) -> &'static str {
        match (event, self) {
            (Event::Ringing, _) => "ringing",
            (Event::AnsweredIncoming, Self::Sheet) => "hangupincoming",
            (Event::AnsweredIncoming, Self::Newer) => "pickupincoming",
            (Event::AnsweredIncoming, Self::Capitals) => "incomingcall_started",
            (Event::AnsweredOutgoing, Self::Sheet) => "hangupoutgoing",
            (Event::AnsweredOutgoing, Self::Newer) => "pickupoutgoing",
            (Event::AnsweredOutgoing, Self::Capitals) => "outgoingcall_started",
            (Event::EndedIncoming, _) => "incoming",
            (Event::EndedOutgoing, _) => "outgoing",
        }
    }

    /// A field's name: `callerid` is `Callerid` in the third product.
    pub(crate) fn field(self, name: &str) -> String {
        let mut letters = name.chars();
        match (self, letters.next()) {
            (Self::Capitals, Some(first)) => first.to_uppercase().chain(letters).collect(),
            _ => name.to_owned(),
        }
    }

    pub(crate) fn flag(self, is: bool) -> &'static str {
        match (self, is) {
            (Self::Sheet, true) => "true",
            (Self::Sheet, false) => "false",
            (_, true) => "True",
            (_, false) => "False",
        }
    }

    pub(crate) fn ok(self) -> &'static str {
        if self == Self::Newer { "OK" } else { "Ok" }
    }

    /// The list of recordings.
    pub(crate) fn files(self) -> &'static str {
        if self == Self::Capitals { "FileUrls" } else { "FILES" }
    }
}
