//! Orders to make and to end calls: judged as a real server would, and taken; what becomes of them is the test's to play.

use crate::message::{Draft, Message};
use crate::world::World;

/// The headers that an `Originate` may have (Asterisk documentation, "AMI Actions: Originate").
const KNOWN: [&str; 18] = [
    "Action",
    "ActionID",
    "Channel",
    "Exten",
    "Context",
    "Priority",
    "Application",
    "Data",
    "Timeout",
    "CallerID",
    "Variable",
    "Account",
    "EarlyMedia",
    "Async",
    "Codecs",
    "ChannelId",
    "OtherChannelId",
    "PreDialGoSub",
];

/// Takes an order for a call, or says why not.
pub(crate) fn originate(world: &World, request: &Message) -> String {
    let id = request.get("ActionID");
    let refuse = |why: &str| Draft::response("Error", id).line("Message", why).end();
    if let Some(stranger) = request.names().find(|name| !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        return refuse(&format!("Originate knows no header {stranger}"));
    }
    let channel = request.value("Channel");
    if channel.is_empty() {
        return refuse("Channel not specified");
    }
    if !channel.contains('/') {
        return refuse("Invalid channel");
    }
    if request.value("Context").is_empty() || request.value("Exten").is_empty() || request.value("Priority") != "1" {
        return refuse("Extension does not exist.");
    }
    // Without it, a real server answers nothing else on this connection until the phone is picked up.
    if request.value("Async") != "true" {
        return refuse("Originate failed");
    }
    if request.value("Timeout").parse::<u32>().is_err() {
        return refuse("Invalid timeout");
    }
    let taken = request.value("ChannelId");
    let in_use = world.board.channels.iter().any(|channel| channel.value("Uniqueid") == taken);
    if taken.len() > 149 || in_use {
        return refuse("Originate failed");
    }
    if !request.all("Variable").all(|variable| variable.split_once('=').is_some_and(|(name, _)| !name.is_empty())) {
        return refuse("Originate failed");
    }
    Draft::response("Success", id).line("Message", "Originate successfully queued").end()
}

/// Takes an order for the end of a channel, or says why not.
pub(crate) fn hangup(world: &World, request: &Message) -> String {
    let id = request.get("ActionID");
    let channel = request.value("Channel");
    let (kind, message) = if channel.is_empty() {
        ("Error", "No channel specified")
    } else if world.board.channels.iter().any(|known| known.value("Channel") == channel) {
        ("Success", "Channel Hungup")
    } else {
        ("Error", "No such channel")
    };
    Draft::response(kind, id).line("Message", message).end()
}
