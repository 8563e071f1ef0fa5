//! The answers to list requests, row by row in the form that a real Asterisk 22 gives them.

use std::time::{Duration, Instant};

use crate::message::{Draft, Message};
use crate::queues::{Queue, Waiting};
use crate::switchboard::{Channel, SNAPSHOT, Switchboard};

/// A list answer: the response, the rows, and the event that ends it.
pub(crate) struct Listing<'a> {
    id: Option<&'a str>,
    text: String,
    rows: usize,
}

impl<'a> Listing<'a> {
    fn begin(id: Option<&'a str>, message: &str) -> Self {
        let text = Draft::response("Success", id).line("EventList", "start").line("Message", message).end();
        Self { id, text, rows: 0 }
    }

    fn row(&mut self, draft: Draft) {
        self.text.push_str(&draft.end());
        self.rows += 1;
    }

    fn complete(self, event: &str) -> String {
        let last = self.last(event).end();
        self.text + &last
    }

    fn last(&self, event: &str) -> Draft {
        Draft::event(event).action_id(self.id).line("EventList", "Complete").line("ListItems", self.rows)
    }
}

pub(crate) fn core_show_channels(board: &Switchboard, id: Option<&str>, now: Instant) -> String {
    let mut list = Listing::begin(id, "Channels will follow");
    for channel in board.channels.iter().rev() {
        let draft = snapshot(Draft::event("CoreShowChannel").action_id(id), channel)
            .line("Application", &channel.application)
            .line("ApplicationData", &channel.data)
            .line("Duration", clock(channel.age(now)))
            .line("BridgeId", &channel.bridge);
        list.row(draft);
    }
    list.complete("CoreShowChannelsComplete")
}

/// All channels, or the one that the request names.
pub(crate) fn status(board: &Switchboard, id: Option<&str>, wanted: Option<&str>, now: Instant) -> String {
    let mut list = Listing::begin(id, "Channel status will follow");
    let wanted = wanted.filter(|name| !name.is_empty());
    if wanted.is_some_and(|name| !board.channels.iter().any(|channel| channel.name() == name)) {
        return Draft::response("Error", id).line("Message", "No such channel").end();
    }
    for channel in board.channels.iter().rev().filter(|channel| wanted.is_none_or(|name| channel.name() == name)) {
        let draft = snapshot(Draft::event("Status").line("Privilege", "Call"), channel)
            .line("Type", channel.technology())
            .line("DNID", &channel.dnid)
            .line("EffectiveConnectedLineNum", channel.value("ConnectedLineNum"))
            .line("EffectiveConnectedLineName", channel.value("ConnectedLineName"))
            .line("TimeToHangup", 0)
            .line("BridgeID", &channel.bridge)
            .line("Application", &channel.application)
            .line("Data", &channel.data)
            .line("Nativeformats", "(ulaw)")
            .line("Readformat", "ulaw")
            .line("Readtrans", "")
            .line("Writeformat", "ulaw")
            .line("Writetrans", "")
            .line("Callgroup", 0)
            .line("Pickupgroup", 0)
            .line("Seconds", channel.age(now).as_secs())
            .action_id(id);
        list.row(draft);
    }
    let last = list.last("StatusComplete").line("Items", list.rows).end();
    list.text + &last
}

pub(crate) fn queue_status(board: &Switchboard, id: Option<&str>, wanted: Option<&str>, now: Instant) -> String {
    let mut list = Listing::begin(id, "Queue status will follow");
    for queue in board.queues.iter().filter(|queue| wanted.is_none_or(|name| name.is_empty() || queue.name == name)) {
        list.row(queue_params(queue).action_id(id));
        for (interface, member) in &queue.members {
            list.row(queue_member(&queue.name, interface, member).action_id(id));
        }
        for (index, caller) in queue.waiting.iter().enumerate() {
            list.row(queue_entry(&queue.name, index + 1, caller, now).action_id(id));
        }
    }
    list.complete("QueueStatusComplete")
}

fn queue_params(queue: &Queue) -> Draft {
    let recorded = |name: &str, default: &str| {
        queue.params.as_ref().and_then(|params| params.get(name)).unwrap_or(default).to_owned()
    };
    let mut draft = Draft::event("QueueParams").line("Queue", &queue.name).line("Max", recorded("Max", "0"));
    draft = draft.line("Strategy", recorded("Strategy", "ringall")).line("Calls", queue.waiting.len());
    for name in ["Holdtime", "TalkTime", "Completed", "Abandoned", "ServiceLevel"] {
        draft = draft.line(name, recorded(name, "0"));
    }
    for name in ["ServicelevelPerf", "ServicelevelPerf2"] {
        draft = draft.line(name, recorded(name, "0.0"));
    }
    draft.line("Weight", recorded("Weight", "0"))
}

/// Events call a member's name and interface otherwise than listings do.
fn queue_member(queue: &str, interface: &str, member: &Message) -> Draft {
    let name = member.get("MemberName").or(member.get("Name")).unwrap_or(interface);
    let mut draft = Draft::event("QueueMember").line("Queue", queue).line("Name", name).line("Location", interface);
    for header in [
        "StateInterface",
        "Membership",
        "Penalty",
        "CallsTaken",
        "LastCall",
        "LastPause",
        "LoginTime",
        "InCall",
        "Status",
        "Paused",
        "PausedReason",
        "Wrapuptime",
    ] {
        draft = draft.line(header, member.value(header));
    }
    draft
}

fn queue_entry(queue: &str, position: usize, caller: &Waiting, now: Instant) -> Draft {
    let mut draft = Draft::event("QueueEntry").line("Queue", queue).line("Position", position);
    for header in ["Channel", "Uniqueid", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName"] {
        let value = caller.joined.value(header);
        draft = draft.line(header, if value == "<unknown>" { "unknown" } else { value });
    }
    draft.line("Wait", caller.wait(now).as_secs()).line("Priority", 0)
}

pub(crate) fn bridge_list(board: &Switchboard, id: Option<&str>) -> String {
    let mut list = Listing::begin(id, "Bridge listing will follow");
    for (bridge, about) in &board.bridges {
        let mut draft = Draft::event("BridgeListItem").action_id(id).line("BridgeUniqueid", bridge);
        for header in [
            "BridgeType",
            "BridgeTechnology",
            "BridgeCreator",
            "BridgeName",
            "BridgeNumChannels",
            "BridgeVideoSourceMode",
        ] {
            draft = draft.line(header, about.value(header));
        }
        list.row(draft);
    }
    list.complete("BridgeListComplete")
}

pub(crate) fn device_states(board: &Switchboard, id: Option<&str>) -> String {
    let mut list = Listing::begin(id, "Device State Changes will follow");
    for (device, state) in &board.devices {
        list.row(Draft::event("DeviceStateChange").action_id(id).line("Device", device).line("State", state));
    }
    list.complete("DeviceStateListComplete")
}

pub(crate) fn extension_states(board: &Switchboard, id: Option<&str>) -> String {
    let mut list = Listing::begin(id, "Extension Statuses will follow");
    for ((exten, context), hint) in &board.hints {
        let draft = Draft::event("ExtensionStatus").action_id(id).line("Exten", exten).line("Context", context);
        list.row(["Hint", "Status", "StatusText"].iter().fold(draft, |draft, name| draft.line(name, hint.value(name))));
    }
    list.complete("ExtensionStateListComplete")
}

fn snapshot(draft: Draft, channel: &Channel) -> Draft {
    SNAPSHOT.iter().zip(&channel.snapshot).fold(draft, |draft, (name, value)| draft.line(name, value))
}

fn clock(age: Duration) -> String {
    let seconds = age.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
