//! What the played events have done to the PBX so far: its channels, bridges, queues and states. The answers to list
//! requests are computed from here, so a client that connects in mid-call is told the truth.

use std::time::{Duration, Instant};

use crate::message::Message;
use crate::queues::Queues;

/// The headers with which Asterisk describes a channel in every event about it, in its order.
pub(crate) const SNAPSHOT: [&str; 14] = [
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
];

/// Events may describe several channels, told apart by a prefix of the header names.
const ROLES: [&str; 12] = [
    "",
    "Dest",
    "Source",
    "Target",
    "LocalOne",
    "LocalTwo",
    "Transferer",
    "Transferee",
    "TransferTarget",
    "OrigTransferer",
    "SecondTransferer",
    "Parkee",
];

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    /// The values of [`SNAPSHOT`].
    pub(crate) snapshot: [String; 14],
    pub(crate) application: String,
    pub(crate) data: String,
    /// The number that the caller dialled; empty for a leg that the PBX calls.
    pub(crate) dnid: String,
    pub(crate) bridge: String,
    born: Instant,
}

impl Channel {
    fn born_at(message: &Message, role: &str, born: Instant) -> Self {
        let mut channel = Self {
            snapshot: std::array::from_fn(|_| String::new()),
            application: String::new(),
            data: String::new(),
            dnid: String::new(),
            bridge: String::new(),
            born,
        };
        channel.observe(message, role);
        channel
    }

    fn observe(&mut self, message: &Message, role: &str) {
        for (value, header) in self.snapshot.iter_mut().zip(SNAPSHOT) {
            if let Some(seen) = message.get(&format!("{role}{header}")) {
                seen.clone_into(value);
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.snapshot[0]
    }

    /// The value of one of the headers in [`SNAPSHOT`].
    pub(crate) fn value(&self, header: &str) -> &str {
        SNAPSHOT.iter().position(|name| *name == header).map_or("", |at| &self.snapshot[at])
    }

    pub(crate) fn id(&self) -> &str {
        self.value("Uniqueid")
    }

    /// The driver: `PJSIP` in `PJSIP/201-00000001`.
    pub(crate) fn technology(&self) -> &str {
        self.name().split('/').next().unwrap_or_default()
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }
}

/// The state of the PBX.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    pub(crate) channels: Vec<Channel>,
    pub(crate) queues: Queues,
    /// The last message about each bridge.
    pub(crate) bridges: Vec<(String, Message)>,
    /// Device and its state.
    pub(crate) devices: Vec<(String, String)>,
    /// Extension with context, and the last message about it.
    pub(crate) hints: Vec<((String, String), Message)>,
    pub(crate) calls_so_far: usize,
}

impl Switchboard {
    /// Takes note of an event that is sent to the clients at this moment.
    pub(crate) fn apply(&mut self, event: &Message, now: Instant) {
        if event.event() == "Newchannel" {
            self.add(event, "", now);
        }
        for role in ROLES {
            if let Some(channel) = self.channel_mut(event.value(&format!("{role}Uniqueid"))) {
                channel.observe(event, role);
            }
        }
        match event.event() {
            "Newexten" => {
                if let Some(channel) = self.channel_mut(event.value("Uniqueid")) {
                    event.value("Application").clone_into(&mut channel.application);
                    event.value("AppData").clone_into(&mut channel.data);
                }
            }
            "DialBegin" => self.dialled(event),
            "Rename" => {
                if let Some(channel) = self.channel_mut(event.value("Uniqueid")) {
                    event.value("Newname").clone_into(&mut channel.snapshot[0]);
                }
            }
            "BridgeEnter" => self.bridged(event, event.value("BridgeUniqueid")),
            "BridgeLeave" => self.bridged(event, ""),
            "Hangup" => {
                let id = event.value("Uniqueid");
                self.channels.retain(|channel| channel.id() != id);
                self.queues.caller_left(id);
            }
            "DeviceStateChange" => put(&mut self.devices, event.value("Device").into(), event.value("State").into()),
            "ExtensionStatus" => {
                put(&mut self.hints, (event.value("Exten").into(), event.value("Context").into()), event.clone());
            }
            _ => {}
        }
        match event.event() {
            "BridgeCreate" | "BridgeEnter" | "BridgeLeave" => {
                put(&mut self.bridges, event.value("BridgeUniqueid").into(), event.clone());
            }
            "BridgeDestroy" => self.bridges.retain(|(id, _)| id != event.value("BridgeUniqueid")),
            _ => {}
        }
        self.queues.apply(event, now);
    }

    /// Takes over a row of a listing that was recorded before the first event: the PBX was in mid-call then.
    pub(crate) fn seed(&mut self, row: &Message, now: Instant) {
        match row.event() {
            "CoreShowChannel" if self.channel_mut(row.value("Uniqueid")).is_none() => {
                let born = now.checked_sub(clock(row.value("Duration"))).unwrap_or(now);
                let channel = self.add(row, "", born);
                row.value("Application").clone_into(&mut channel.application);
                row.value("ApplicationData").clone_into(&mut channel.data);
                row.value("BridgeId").clone_into(&mut channel.bridge);
                channel.dnid.clear();
            }
            "Status" => {
                if let Some(channel) = self.channel_mut(row.value("Uniqueid")) {
                    row.value("DNID").clone_into(&mut channel.dnid);
                }
            }
            "BridgeListItem" => put(&mut self.bridges, row.value("BridgeUniqueid").into(), row.clone()),
            "DeviceStateChange" => put(&mut self.devices, row.value("Device").into(), row.value("State").into()),
            "ExtensionStatus" => {
                put(&mut self.hints, (row.value("Exten").into(), row.value("Context").into()), row.clone());
            }
            _ => self.queues.seed(row, now),
        }
    }

    fn add(&mut self, message: &Message, role: &str, born: Instant) -> &mut Channel {
        let mut channel = Channel::born_at(message, role, born);
        if channel.value("ChannelState") == "4" {
            channel.dnid = channel.value("Exten").to_owned();
        }
        self.calls_so_far += usize::from(channel.id() == channel.value("Linkedid"));
        self.channels.retain(|known| known.id() != channel.id());
        self.channels.push(channel);
        self.channels.last_mut().expect("one was pushed just now")
    }

    /// A leg that the PBX calls runs no dial plan; its application names who dials it.
    fn dialled(&mut self, event: &Message) {
        let by_queue = self.channel_mut(event.value("Uniqueid")).is_some_and(|caller| caller.application == "Queue");
        if let Some(channel) = self.channel_mut(event.value("DestUniqueid")) {
            channel.application = if by_queue { "AppQueue" } else { "AppDial" }.into();
            channel.data = "(Outgoing Line)".into();
        }
    }

    fn bridged(&mut self, event: &Message, bridge: &str) {
        if let Some(channel) = self.channel_mut(event.value("Uniqueid")) {
            bridge.clone_into(&mut channel.bridge);
        }
    }

    fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id() == id)
    }
}

/// Replaces the value of a key, or adds it at the end.
pub(crate) fn put<K: PartialEq, V>(table: &mut Vec<(K, V)>, key: K, value: V) {
    match table.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => table.push((key, value)),
    }
}

/// Reads `00:01:02`.
fn clock(text: &str) -> Duration {
    Duration::from_secs(text.split(':').fold(0, |total, part| total * 60 + part.parse::<u64>().unwrap_or(0)))
}
