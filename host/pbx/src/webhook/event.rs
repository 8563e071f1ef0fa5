//! One kind of message, and what follows from it.

use hookswitch_signature::Signed;
use serde::{Deserialize, Deserializer, de};

use super::{
    condition::Conditions,
    facts::{
        Answered, Arrived, Dialing, Digits, Ended, Forwarded, Held, Left, LeftQueue, Member, Noted, PickedUp, Queued,
        Recorded, Recording, Resumed, RingStopped, Ringing, Station, Summary, Target, Tells, Transcript, Transferred,
        Voicemail,
    },
    message::Message,
    moment::Moment,
    routing::Routing,
    value::Value,
};

/// `[[pbx.NAME.event]]`: which messages it is about, and a table for each fact that they tell. One message can tell
/// several: they happened in the order in which they stand here. Without any, the message is known and says nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "kebab-case")]
pub struct Event {
    /// What stands behind `/pbx/NAME`: `"events/call"`. Default: anything.
    path: Option<String>,
    #[serde(default)]
    when: Conditions,
    /// What its signature is computed over, where that differs from the other events.
    pub(super) signed: Option<Signed>,
    /// Where the call's id stands, in place of the description's `call`.
    pub(super) call: Option<Value>,
    /// When the message was made, in place of the description's `at`.
    pub(super) at: Option<Moment>,
    /// Messages of this kind may say no time, although there is a `window` for those that do.
    #[serde(default)]
    pub(super) undated: bool,
    /// It is told after the call, from records: its times are right, however long ago they are.
    #[serde(default)]
    pub(super) afterwards: bool,
    /// The message asks where the caller should go.
    pub(super) route: Option<Routing>,
    pub(super) arrived: Option<Arrived>,
    target: Option<Target>,
    queued: Option<Queued>,
    forwarded: Option<Forwarded>,
    dialing: Option<Dialing>,
    ringing: Option<Ringing>,
    ring_stopped: Option<RingStopped>,
    transferred: Option<Transferred>,
    picked_up: Option<PickedUp>,
    answered: Option<Answered>,
    held: Option<Held>,
    resumed: Option<Resumed>,
    left_queue: Option<LeftQueue>,
    voicemail: Option<Voicemail>,
    digits: Option<Digits>,
    recording: Option<Recording>,
    left: Option<Left>,
    ended: Option<Ended>,
    noted: Option<Noted>,
    recorded: Option<Recorded>,
    transcript: Option<Transcript>,
    summary: Option<Summary>,
    station: Option<Station>,
    member: Option<Member>,
}

impl Event {
    /// Whether a message is of this kind.
    pub(super) fn fits(&self, message: &Message<'_>) -> bool {
        let here = self.path.as_ref().is_none_or(|path| path.trim_matches('/') == message.path());
        here && self.when.hold(message)
    }

    /// Its facts, in the order in which they happen.
    pub(super) fn facts(&self) -> impl Iterator<Item = &dyn Tells> {
        let site = [tells(&self.station), tells(&self.member)];
        self.of_calls().into_iter().chain(site).flatten()
    }

    /// Whether its signature is computed over something else than that of the others.
    pub fn is_signed_apart(&self) -> bool {
        self.signed.is_some()
    }

    /// Whether it is about a call.
    pub(super) fn is_about_a_call(&self) -> bool {
        self.of_calls().iter().any(Option::is_some)
    }

    fn of_calls(&self) -> [Option<&dyn Tells>; 22] {
        [
            tells(&self.arrived),
            tells(&self.target),
            tells(&self.queued),
            tells(&self.forwarded),
            tells(&self.dialing),
            tells(&self.ringing),
            tells(&self.ring_stopped),
            tells(&self.transferred),
            tells(&self.picked_up),
            tells(&self.answered),
            tells(&self.held),
            tells(&self.resumed),
            tells(&self.left_queue),
            tells(&self.voicemail),
            tells(&self.digits),
            tells(&self.recording),
            tells(&self.left),
            tells(&self.ended),
            tells(&self.noted),
            tells(&self.recorded),
            tells(&self.transcript),
            tells(&self.summary),
        ]
    }

    fn fault(&self) -> Option<&'static str> {
        let named = |extension: &Option<Value>, number: &Option<Value>| extension.is_some() || number.is_some();
        let nobody = self.answered.as_ref().is_some_and(|fact| !named(&fact.extension, &fact.number))
            || self.transferred.as_ref().is_some_and(|fact| !named(&fact.extension, &fact.number))
            || self.forwarded.as_ref().is_some_and(|fact| !named(&fact.extension, &fact.number));
        if nobody {
            return Some("`answered`, `transferred` and `forwarded` need `extension`, `number` or both: to whom?");
        }
        let word = |name: &String| {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=64).contains(&name.len()) && name.bytes().all(fits)
        };
        if !self.noted.iter().flat_map(|noted| noted.notes.keys()).all(word) {
            return Some("names of notes have 1 to 64 small letters, digits or `-`");
        }
        let asks = self.route.is_some() && self.arrived.is_none();
        asks.then_some("`route` needs `arrived` beside it, which says who calls and which line")
    }
}

fn tells<T: Tells>(fact: &Option<T>) -> Option<&dyn Tells> {
    fact.as_ref().map(|fact| fact as &dyn Tells)
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let event = Self::deserialize(from)?;
        event.fault().map_or(Ok(event), |fault| Err(de::Error::custom(fault)))
    }
}
