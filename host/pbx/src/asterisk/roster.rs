//! What an Asterisk says of its phones and queues, apart from calls: the second pure model beside the
//! [`Switchboard`](super::Switchboard), fed with the same messages.
//!
//! Phones are judged by their devices (`DeviceStateChange`) and not by hints (`ExtensionStatus`), because a hint mixes
//! the phone with whatever the dial plan adds to it, such as a switch for do-not-disturb (`PJSIP/203&Custom:DND203` in
//! the trace `k_registration`). Registration is the endpoint's (`PeerStatus`), not that of one of its contacts
//! (`ContactStatus`), of which a phone may have several.
//!
//! The manager interface has all of this; the Asterisk REST Interface would tell device states, too, but no queues.

use std::collections::{BTreeMap, HashMap, HashSet};

use hookswitch_call::{
    Extension,
    site::{Membership, News, PhoneState, Trait},
};

use super::{
    message::{Message, peek},
    site::Site,
};

/// Devices, and members of queues, beyond this many are not kept: no phone system has so many.
const MOST: usize = 20_000;

/// The model. Feed it every message of the connection, in order.
#[derive(Debug)]
pub struct Roster {
    site: Site,
    /// What the devices of each extension do: a desk phone, a soft phone.
    devices: HashMap<Extension, BTreeMap<String, Device>>,
    /// By queue and interface.
    members: HashMap<(String, String), Member>,
    /// Those that were named since [`Self::begin_listing`].
    listed: Option<HashSet<(String, String)>>,
    news: Vec<News>,
}

/// What a device does; none while it is not reachable.
type Device = Option<PhoneState>;

/// A member of a queue.
#[derive(Debug)]
struct Member {
    extension: Extension,
    paused: bool,
}

impl Roster {
    /// An empty model of a PBX that is set up as `site` says.
    pub fn new(site: Site) -> Self {
        Self { site, devices: HashMap::new(), members: HashMap::new(), listed: None, news: Vec::new() }
    }

    /// Takes the lines of one message, and returns what is new by it.
    pub fn apply(&mut self, frame: &[u8]) -> Vec<News> {
        let Some(event) = peek(frame, "Event").and_then(Event::of) else { return Vec::new() };
        let message = Message::parse(frame);
        match event {
            Event::Device => self.device(&message),
            Event::Peer => self.peer(&message),
            Event::Presence => self.presence(&message),
            Event::Hint => self.hint(&message),
            Event::Member => self.member(&message),
            Event::MemberRemoved => self.member_removed(&message),
            Event::QueuesListed => self.queues_listed(),
        }
        std::mem::take(&mut self.news)
    }

    /// The queues are being listed: members that are not named until the list is complete are gone.
    pub fn begin_listing(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn tell(&mut self, extension: &Extension, now: Trait) {
        self.news.push(News::Extension { extension: extension.clone(), now });
    }

    fn device(&mut self, message: &Message<'_>) {
        let device = message.get("Device").unwrap_or_default();
        let state = message.get("State").unwrap_or_default();
        if let Some(extension) = self.site.dnd_extension(device) {
            // A custom device is a lamp that the dial plan switches.
            let word = match state {
                "INUSE" | "BUSY" | "RINGING" => "do_not_disturb",
                "NOT_INUSE" => "available",
                _ => return,
            };
            return self.tell(&extension, Trait::Presence(word.to_owned()));
        }
        let Some(extension) = self.site.phone(device) else { return };
        let state = match state {
            "NOT_INUSE" => Some(PhoneState::Idle),
            "INUSE" | "BUSY" | "ONHOLD" => Some(PhoneState::Busy),
            "RINGING" | "RINGINUSE" => Some(PhoneState::Ringing),
            "UNAVAILABLE" | "INVALID" => None,
            // UNKNOWN: nothing is said.
            _ => return,
        };
        self.device_is(extension, device, state);
    }

    /// An extension does what the busiest of its devices does.
    fn device_is(&mut self, extension: Extension, device: &str, state: Device) {
        if self.devices.len() >= MOST && !self.devices.contains_key(&extension) {
            return;
        }
        let devices = self.devices.entry(extension.clone()).or_default();
        if devices.len() >= MOST && !devices.contains_key(device) {
            return;
        }
        let before = (!devices.is_empty()).then(|| busiest(devices));
        devices.insert(device.to_owned(), state);
        let after = busiest(devices);
        if before.map(|before| before.is_some()) != Some(after.is_some()) {
            self.tell(&extension, Trait::Registered(after.is_some()));
        }
        // A phone that is not there does nothing.
        let [does, did] = [Some(after), before].map(|state| state.map(|state| state.unwrap_or(PhoneState::Idle)));
        if let Some(does) = does.filter(|_| does != did) {
            self.tell(&extension, Trait::Phone(does));
        }
    }

    fn peer(&mut self, message: &Message<'_>) {
        let device = message.get("Peer").unwrap_or_default();
        let Some(extension) = self.site.phone(device) else { return };
        let there = match message.get("PeerStatus") {
            Some("Reachable" | "Registered" | "Lagged") => true,
            Some("Unreachable" | "Unregistered") => false,
            // Rejected: somebody tried to register; it says nothing of the phone that is.
            _ => return,
        };
        let known = self.devices.get(&extension).and_then(|devices| devices.get(device)).copied();
        match (known, there) {
            (Some(Some(_)), true) => {}
            (_, true) => self.device_is(extension, device, Some(PhoneState::Idle)),
            (_, false) => self.device_is(extension, device, None),
        }
    }

    /// `PresenceStateChange` names a provider's entry, `CustomPresence:201`.
    fn presence(&mut self, message: &Message<'_>) {
        let presentity = message.get("Presentity").unwrap_or_default();
        let name = presentity.split_once(':').map_or(presentity, |(_provider, name)| name);
        let extension = self.site.phone(presentity).or_else(|| self.site.is_internal(name).then(|| name.into()));
        let (Some(extension), Some(word)) = (extension, message.text("Status")) else { return };
        let word = match word {
            "dnd" => "do_not_disturb",
            "not_set" => "available",
            other => other,
        };
        self.tell(&extension, Trait::Presence(word.to_owned()));
    }

    /// `-2`: a reload of the dial plan took the extension away.
    fn hint(&mut self, message: &Message<'_>) {
        let exten = message.get("Exten").unwrap_or_default();
        if message.get("Status") == Some("-2") && self.site.is_internal(exten) {
            let extension = Extension::from(exten);
            self.devices.remove(&extension);
            self.news.push(News::Removed { extension });
        }
    }

    fn member(&mut self, message: &Message<'_>) {
        let Some((key, extension)) = self.place(message) else { return };
        let paused = message.get("Paused") == Some("1");
        if let Some(listed) = self.listed.as_mut().filter(|listed| listed.len() < MOST) {
            listed.insert(key.clone());
        }
        let queue = key.0.clone();
        let full = self.members.len() >= MOST;
        let before = match self.members.get_mut(&key) {
            Some(known) => Some(std::mem::replace(&mut known.paused, paused)),
            None if full => return,
            None => {
                self.members.insert(key, Member { extension: extension.clone(), paused });
                None
            }
        };
        let changes: &[Membership] = match (before, paused) {
            (None, false) => &[Membership::Added],
            (None, true) => &[Membership::Added, Membership::Paused],
            (Some(false), true) => &[Membership::Paused],
            (Some(true), false) => &[Membership::Unpaused],
            _ => &[],
        };
        for change in changes {
            self.news.push(News::Member { queue: queue.clone(), extension: extension.clone(), change: *change });
        }
    }

    fn member_removed(&mut self, message: &Message<'_>) {
        if let Some((key, extension)) = self.place(message) {
            self.members.remove(&key);
            self.gone(key.0, extension);
        }
    }

    /// An interface of the extension is no member any more; another one may be.
    fn gone(&mut self, queue: String, extension: Extension) {
        let still = self.members.iter().any(|((other, _), member)| *other == queue && member.extension == extension);
        if !still {
            self.news.push(News::Member { queue, extension, change: Membership::Removed });
        }
    }

    fn queues_listed(&mut self) {
        let Some(listed) = self.listed.take() else { return };
        let gone: Vec<_> = self.members.keys().filter(|key| !listed.contains(*key)).cloned().collect();
        for key in gone {
            if let Some(member) = self.members.remove(&key) {
                self.gone(key.0, member.extension);
            }
        }
    }

    /// Queue and interface of a member, and whose it is. Live messages say `Interface`, lists `Location`.
    fn place(&self, message: &Message<'_>) -> Option<((String, String), Extension)> {
        let interface = message.text("Interface").or_else(|| message.text("Location"))?;
        let extension = [message.text("StateInterface"), Some(interface)].into_iter().flatten();
        let extension = extension.filter_map(|interface| self.site.member(interface)).next()?;
        Some(((message.text("Queue")?.to_owned(), interface.to_owned()), extension))
    }
}

fn busiest(devices: &BTreeMap<String, Device>) -> Device {
    let weight = |state: &PhoneState| match state {
        PhoneState::Idle => 0,
        PhoneState::Busy => 1,
        PhoneState::Ringing => 2,
    };
    devices.values().copied().flatten().max_by_key(weight)
}

/// The messages that say something about phones and queues.
#[derive(Clone, Copy)]
enum Event {
    Device,
    Peer,
    Presence,
    Hint,
    Member,
    MemberRemoved,
    QueuesListed,
}

impl Event {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"DeviceStateChange" => Self::Device,
            b"PeerStatus" => Self::Peer,
            b"PresenceStateChange" => Self::Presence,
            b"ExtensionStatus" => Self::Hint,
            b"QueueMember" | b"QueueMemberAdded" | b"QueueMemberPause" | b"QueueMemberPaused" => Self::Member,
            b"QueueMemberRemoved" => Self::MemberRemoved,
            b"QueueStatusComplete" => Self::QueuesListed,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
