//! One event of `call_events` (section 3.2); `get_number_info` has the same fields (3.1).

use hookswitch_call::{Chain, Extension, Millis, signal::Direction};
use serde_json::Value;

use super::{
    Zone,
    scalar::{is_true, text},
    uri,
};

/// Events whose clock is further off, in milliseconds, happened when they arrived.
const SKEW: u64 = 60_000;
/// An id is no longer.
const LONGEST_ID: usize = 128;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posted {
    /// The call: `session_id`.
    pub call: Chain,
    /// `timestamp`, or the arrival where the PBX's clock is a minute off.
    pub at: Millis,
    /// `timestamp` as it came: the same event has the same.
    pub stamp: String,
    /// Which way the call goes.
    pub direction: Direction,
    /// What happened.
    pub state: State,
    /// Who calls.
    pub from: End,
    /// Who is called, or shall be.
    pub to: End,
    /// `disconnect_reason`, in the PBX's words.
    pub reason: String,
    /// The user is recorded, so there may be a recording.
    pub recorded: bool,
}

/// One end of a call, as far as it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct End {
    /// The number or the user's name.
    pub user: Option<String>,
    /// The short number.
    pub pin: Option<Extension>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The call appeared.
    New,
    /// It rings at a subscriber.
    Calling,
    /// Somebody talks.
    Connected,
    /// One leg was released.
    Disconnected,
    /// The call is over.
    End,
    /// Anything else: `analytics`, and what later versions may bring.
    Other(String),
}

impl Posted {
    /// Reads an event that arrived at `arrival`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without anything of its content.
    pub fn read(body: &[u8], arrival: Millis, zone: &Zone) -> Result<Self, String> {
        let event: Value = serde_json::from_slice(body).map_err(|error| format!("it is no JSON: {error}"))?;
        let id = text(&event, "session_id").ok_or("it has no `session_id`")?;
        if id.len() > LONGEST_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("its `session_id` is no id: more than {LONGEST_ID} characters, or strange ones"));
        }
        let stamp = text(&event, "timestamp").unwrap_or_default();
        let said = zone.read(&stamp).filter(|said| said.0.abs_diff(arrival.0) <= SKEW);
        let end = |number: &str, pin: &str| End {
            user: text(&event, number).and_then(|text| uri::user(&text)),
            pin: text(&event, pin).map(Extension::from),
        };
        let (from, to) = (end("from_number", "from_pin"), end("request_number", "request_pin"));
        Ok(Self {
            call: id.into(),
            at: said.unwrap_or(arrival),
            direction: direction(&text(&event, "type").unwrap_or_default(), &from, &to),
            state: state(text(&event, "state").ok_or("it has no `state`")?),
            reason: text(&event, "disconnect_reason").unwrap_or_default(),
            recorded: text(&event, "is_record").is_some_and(|text| is_true(&text)),
            stamp,
            from,
            to,
        })
    }
}

fn state(word: String) -> State {
    match word.as_str() {
        "new" => State::New,
        "calling" => State::Calling,
        "connected" => State::Connected,
        "disconnected" => State::Disconnected,
        "end" => State::End,
        _ => State::Other(word),
    }
}

/// As the PBX says it; a word that the sheet does not know is settled by who has a short number.
fn direction(word: &str, from: &End, to: &End) -> Direction {
    match word {
        "incoming" => Direction::Inbound,
        "outbound" | "outgoing" => Direction::Outbound,
        "internal" => Direction::Internal,
        _ if from.pin.is_none() => Direction::Inbound,
        _ if to.pin.is_none() => Direction::Outbound,
        _ => Direction::Internal,
    }
}
