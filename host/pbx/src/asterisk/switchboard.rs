//! The pure model of an Asterisk: its channels, which conversations they make up, and what each message says about
//! them, as [`Signal`]s. No I/O, no clock.
//!
//! Knowledge about channels stays here; what a call's outcome is, is the tracker's to decide. Section names in comments
//! are those of the Asterisk reference ("Gotchas").
//!
//! Most messages of a busy PBX say nothing about calls: they are dismissed by their name before they are parsed.

mod channel;
mod conversation;
mod legs;
mod listing;
mod recording;
mod ringing;
mod surroundings;
#[cfg(test)]
mod tests;
mod transfer;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use hookswitch_call::{Chain, Extension, Millis, Signal};

pub use listing::RollCall;

use self::{
    channel::{Channel, Id, Snapshot},
    conversation::Conversation,
    listing::Listing,
};
use super::{
    message::{Message, peek},
    site::Site,
};

/// The model. Feed it every message of the connection, in order.
#[derive(Debug)]
pub struct Switchboard {
    site: Site,
    channels: HashMap<Id, Channel>,
    conversations: HashMap<Id, Conversation>,
    /// Linkedid to conversation.
    links: HashMap<Id, Id>,
    /// Extensions that are known to have a phone.
    phones: HashSet<Extension>,
    listing: Listing,
    /// Legs that are gone, and the conversations that they were in: their billing records may follow.
    lately: VecDeque<(Id, Id)>,
    signals: Vec<Signal>,
    at: Millis,
}

impl Switchboard {
    /// An empty model of a PBX that is set up as `site` says.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            channels: HashMap::new(),
            conversations: HashMap::new(),
            links: HashMap::new(),
            phones: HashSet::new(),
            listing: Listing::default(),
            lately: VecDeque::new(),
            signals: Vec::new(),
            at: Millis::default(),
        }
    }

    /// Takes the lines of one message, which arrived at `now`, and returns what it says about calls. The PBX's own time
    /// counts where it gives one (`Timestamp`, seconds with a fraction).
    pub fn apply(&mut self, frame: &[u8], now: Millis) -> Vec<Signal> {
        let Some(event) = peek(frame, "Event").and_then(Event::of) else { return Vec::new() };
        if event.is_idle(frame, &self.site) {
            return Vec::new();
        }
        if self.listing.postpones(event, frame, now) {
            return Vec::new();
        }
        let message = Message::parse(frame);
        if message.malformed() > 0 {
            tracing::warn!(lines = message.malformed(), "lines of a PBX message without a colon were left out");
        }
        self.at = message.get("Timestamp").and_then(timestamp).unwrap_or(now);
        self.hear(event, &message);
        std::mem::take(&mut self.signals)
    }

    fn hear(&mut self, event: Event, message: &Message<'_>) {
        if event.is_listing() {
            return self.listed(event, message);
        }
        if event == Event::Cdr {
            return self.billed(message);
        }
        // A channel that is heard of is brought up to date first: its Linkedid can have changed without notice.
        let own = Snapshot::read(message, "");
        if let Some(own) = own {
            if event.introduces() {
                self.meet(&own);
            } else {
                self.update(&own);
            }
        }
        let own = own.as_ref();
        match event {
            Event::Newchannel
            | Event::Cdr
            | Event::CoreShowChannel
            | Event::Status
            | Event::QueueEntry
            | Event::ListingComplete => {}
            Event::Newstate => self.state_changed(own),
            Event::Newexten => self.dial_plan_moved(own, message),
            Event::VarSet => self.variable_set(own, message),
            Event::DialBegin => self.dial_began(own, message),
            Event::DialState => self.dial_progressed(message),
            Event::DialEnd => self.dial_ended(own, message),
            Event::AgentRingNoAnswer => self.member_missed(message),
            Event::BridgeEnter => self.bridge_entered(own, message),
            Event::BridgeLeave => self.bridge_left(own),
            Event::Hold => self.held(own, message),
            Event::Unhold => self.resumed(own),
            Event::HangupRequest => self.hangup_requested(own, message),
            Event::Hangup => self.hung_up(own, message),
            Event::QueueCallerJoin => self.queue_joined(own, message),
            Event::QueueCallerLeave => self.queue_left(own, message),
            Event::QueueCallerAbandon => self.queue_abandoned(own, message),
            Event::BlindTransfer => self.transferred_blind(message),
            Event::AttendedTransfer => self.transferred_attended(message),
            Event::Pickup => self.picked_up(own, message),
            Event::ParkedCall => self.parked(message),
            Event::UnParkedCall => self.unparked(message),
            Event::LocalBridge => self.local_pair(message),
            Event::MixMonitorStart => self.recording_started(own),
            Event::MixMonitorStop => self.recording_stopped(own),
            Event::MixMonitorMute => self.recording_muted(own, message),
            Event::MessageWaiting => self.message_left(own, message),
            Event::DeviceStateChange => self.device_seen(message),
            Event::DtmfEnd => self.digit_pressed(own, message),
        }
    }

    /// The channels that a call is made of, as actions name them: those of people, and where there are none yet those
    /// that lead to them. Empty if there is no such call.
    pub fn channels(&self, call: &Chain) -> Vec<String> {
        let Some(conversation) = self.links.get(call.as_str()) else { return Vec::new() };
        let names = |wanted: fn(&Channel) -> bool| {
            let legs = self.members(conversation).map(|(_, leg)| leg).filter(|leg| wanted(leg));
            legs.map(|leg| leg.name.clone()).collect::<Vec<_>>()
        };
        let real = names(Channel::is_real);
        if real.is_empty() { names(Channel::keeps_alive) } else { real }
    }

    /// The variables of channels that are worth knowing where they were set before anybody listened, for `Status`.
    pub(super) fn variables(&self) -> String {
        let crm = self.site.crm_call_variables.iter().map(String::as_str);
        std::iter::once(recording::RECORDING_VARIABLE).chain(crm).collect::<Vec<_>>().join(",")
    }

    /// The channel of a snapshot, made if it is new.
    fn meet(&mut self, snapshot: &Snapshot<'_>) -> Id {
        match self.channels.get_key_value(snapshot.uniqueid) {
            Some((id, _)) => {
                let id = id.clone();
                self.update(snapshot);
                id
            }
            None => self.begin_leg(snapshot),
        }
    }

    fn id_of(&self, uniqueid: &str) -> Option<Id> {
        self.channels.get_key_value(uniqueid).map(|(id, _)| id.clone())
    }

    fn leg(&self, snapshot: Option<&Snapshot<'_>>) -> Option<(Id, &Channel)> {
        let (id, channel) = self.channels.get_key_value(snapshot?.uniqueid)?;
        Some((id.clone(), channel))
    }
}

/// The messages that say something about calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Newchannel,
    Newstate,
    Newexten,
    VarSet,
    DialBegin,
    DialState,
    DialEnd,
    AgentRingNoAnswer,
    BridgeEnter,
    BridgeLeave,
    Hold,
    Unhold,
    HangupRequest,
    Hangup,
    QueueCallerJoin,
    QueueCallerLeave,
    QueueCallerAbandon,
    BlindTransfer,
    AttendedTransfer,
    Pickup,
    ParkedCall,
    UnParkedCall,
    LocalBridge,
    MixMonitorStart,
    MixMonitorStop,
    MixMonitorMute,
    MessageWaiting,
    DeviceStateChange,
    DtmfEnd,
    /// A billing record.
    Cdr,
    CoreShowChannel,
    Status,
    QueueEntry,
    /// The end of one of the three listings.
    ListingComplete,
}

impl Event {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"Newchannel" => Self::Newchannel,
            b"Newstate" => Self::Newstate,
            b"Newexten" => Self::Newexten,
            b"VarSet" => Self::VarSet,
            b"DialBegin" => Self::DialBegin,
            b"DialState" => Self::DialState,
            b"DialEnd" => Self::DialEnd,
            b"AgentRingNoAnswer" => Self::AgentRingNoAnswer,
            b"BridgeEnter" => Self::BridgeEnter,
            b"BridgeLeave" => Self::BridgeLeave,
            b"Hold" => Self::Hold,
            b"Unhold" => Self::Unhold,
            b"HangupRequest" => Self::HangupRequest,
            b"Hangup" => Self::Hangup,
            b"QueueCallerJoin" => Self::QueueCallerJoin,
            b"QueueCallerLeave" => Self::QueueCallerLeave,
            b"QueueCallerAbandon" => Self::QueueCallerAbandon,
            b"BlindTransfer" => Self::BlindTransfer,
            b"AttendedTransfer" => Self::AttendedTransfer,
            b"Pickup" => Self::Pickup,
            b"ParkedCall" => Self::ParkedCall,
            b"UnParkedCall" => Self::UnParkedCall,
            b"LocalBridge" => Self::LocalBridge,
            b"MixMonitorStart" => Self::MixMonitorStart,
            b"MixMonitorStop" => Self::MixMonitorStop,
            b"MixMonitorMute" => Self::MixMonitorMute,
            b"MessageWaiting" => Self::MessageWaiting,
            b"DeviceStateChange" => Self::DeviceStateChange,
            b"DTMFEnd" => Self::DtmfEnd,
            b"Cdr" => Self::Cdr,
            b"CoreShowChannel" => Self::CoreShowChannel,
            b"Status" => Self::Status,
            b"QueueEntry" => Self::QueueEntry,
            b"CoreShowChannelsComplete" | b"StatusComplete" | b"QueueStatusComplete" => Self::ListingComplete,
            _ => return None,
        })
    }

    /// Whether its channel may be unknown so far: the host was started in mid-call, or a message was lost.
    fn introduces(self) -> bool {
        matches!(self, Self::Newchannel | Self::Newstate | Self::DialBegin | Self::BridgeEnter | Self::QueueCallerJoin)
    }

    /// Whether it is the answer to a listing, not news.
    fn is_listing(self) -> bool {
        matches!(self, Self::CoreShowChannel | Self::Status | Self::QueueEntry | Self::ListingComplete)
    }

    /// Whether this one of the most frequent messages is of no interest, judged by a single header.
    fn is_idle(self, frame: &[u8], site: &Site) -> bool {
        match self {
            Self::VarSet => {
                let name = peek(frame, "Variable").and_then(|name| std::str::from_utf8(name).ok());
                !name.is_some_and(|name| name == recording::RECORDING_VARIABLE || site.is_crm_variable(name))
            }
            Self::Newexten => {
                let application = peek(frame, "Application").unwrap_or_default();
                let extension = peek(frame, "Extension").unwrap_or_default();
                !surroundings::is_mailbox(application) && !extension.first().is_some_and(u8::is_ascii_digit)
            }
            Self::Cdr => site.recordings.cdr_field.is_none(),
            _ => false,
        }
    }
}

/// `1795230897.382098`, to the millisecond.
fn timestamp(text: &str) -> Option<Millis> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(Millis(seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(millis.parse().ok()?)?))
}

/// A text as an id.
fn id(text: &str) -> Id {
    Arc::from(text)
}
