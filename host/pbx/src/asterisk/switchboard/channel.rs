//! One channel (leg) of the PBX, and how a message describes it.

use std::sync::Arc;

use hookswitch_call::{
    Extension,
    signal::{RingEnd, Role},
};

use crate::asterisk::{
    message::Message,
    site::{Endpoint, shown_number},
};

/// A `Uniqueid` or a `Linkedid`: text, never parsed (Asterisk reference, "Ids").
pub(super) type Id = Arc<str>;

/// A leg, from `Newchannel` to `Hangup`.
#[derive(Debug)]
pub(super) struct Channel {
    /// As actions call it; changes when legs are put in each other's place.
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
    /// The conversation that it belongs to.
    pub(super) conversation: Id,
    pub(super) state: State,
    /// The far end called in; otherwise the PBX calls out to it.
    pub(super) called_in: bool,
    /// The extension of the dial plan that the leg went through last.
    pub(super) exten: String,
    /// Connected line: whom the leg's display shows.
    pub(super) shown: Option<String>,
    /// Outside legs: the number that was dialled.
    pub(super) number: Option<String>,
    /// The leg that dials it. None for a leg that called in, and for one that an action or a feature made.
    pub(super) dialler: Option<Id>,
    /// `DialBegin` was seen.
    pub(super) dialled: bool,
    /// It is dialled as a member of a queue.
    pub(super) dialled_by_queue: bool,
    pub(super) role: Role,
    /// It was reported as ringing.
    pub(super) rang: bool,
    /// It rings, but its dialler is not known yet.
    pub(super) rings_since: Option<hookswitch_call::Millis>,
    pub(super) answered: bool,
    /// The leg that took its dial.
    pub(super) answered_by: Option<Id>,
    /// First result of the attempt to reach it.
    pub(super) dial_status: Option<String>,
    /// The phone sends the caller elsewhere.
    pub(super) forwards: bool,
    /// Another phone picked the call up.
    pub(super) taken: bool,
    /// The far end asked for the end, and had not been refused before.
    pub(super) hung_up: bool,
    /// Why the attempt to reach it failed, as the moment of failure showed it. What it dials itself fails for the same
    /// reason.
    pub(super) dial_over: Option<RingEnd>,
    /// Local halves: the other one.
    pub(super) half: Option<Id>,
    pub(super) bridge: Option<String>,
    pub(super) held: bool,
    /// The queue that the leg waits in.
    pub(super) queue: Option<String>,
    /// The recordings made on this leg, in order.
    pub(super) recordings: Vec<Recording>,
}

/// A recording, started or announced.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) file: Option<String>,
    pub(super) running: bool,
}

impl Channel {
    /// The extension, for phones.
    pub(super) fn phone(&self) -> Option<&Extension> {
        match &self.endpoint {
            Endpoint::Phone(extension) => Some(extension),
            _ => None,
        }
    }

    pub(super) fn is_trunk(&self) -> bool {
        matches!(self.endpoint, Endpoint::Trunk(_))
    }

    /// Whether somebody can talk on it.
    pub(super) fn is_real(&self) -> bool {
        matches!(self.endpoint, Endpoint::Phone(_) | Endpoint::Trunk(_))
    }

    /// Whether the conversation lives on with it: real legs, and Local halves, which stand for legs to come.
    pub(super) fn keeps_alive(&self) -> bool {
        !matches!(self.endpoint, Endpoint::Machinery)
    }
}

/// Channel states, in the numbers of `ChannelState`. They only move forward here, since messages about one channel
/// can arrive late after a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// 0 and everything exotic: being called.
    #[default]
    Down,
    /// 4: calling in.
    Ring,
    /// 5: the far end rings.
    Ringing,
    /// 6.
    Up,
    /// 7 and the PBX's own refusals.
    Busy,
}

impl State {
    fn read(text: Option<&str>) -> Self {
        match text {
            Some("4") => Self::Ring,
            Some("5") => Self::Ringing,
            Some("6") => Self::Up,
            Some("7") => Self::Busy,
            _ => Self::Down,
        }
    }
}

/// A channel as one message describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot<'m> {
    pub(super) name: &'m str,
    pub(super) uniqueid: &'m str,
    pub(super) linkedid: &'m str,
    pub(super) state: State,
    pub(super) caller: Option<&'m str>,
    pub(super) caller_name: &'m str,
    pub(super) connected: Option<&'m str>,
    pub(super) context: Option<&'m str>,
    pub(super) exten: &'m str,
}

impl<'m> Snapshot<'m> {
    /// The channel whose headers begin with `prefix`; none if the message speaks of no such channel.
    pub(super) fn read(message: &'m Message<'_>, prefix: &str) -> Option<Self> {
        let id = |name| message.of(prefix, name).filter(|id| !id.is_empty() && *id != "<unknown>");
        let uniqueid = id("Uniqueid")?;
        Some(Self {
            name: id("Channel")?,
            uniqueid,
            linkedid: id("Linkedid").unwrap_or(uniqueid),
            state: State::read(message.of(prefix, "ChannelState")),
            caller: message.of(prefix, "CallerIDNum").and_then(shown_number),
            caller_name: message.of(prefix, "CallerIDName").and_then(shown_number).unwrap_or_default(),
            connected: message.of(prefix, "ConnectedLineNum").and_then(shown_number),
            context: message.of(prefix, "Context"),
            exten: message.of(prefix, "Exten").unwrap_or_default(),
        })
    }
}
