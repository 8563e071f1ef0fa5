//! What the server answers to each request, worded as by a real Asterisk 22.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::listings;
use crate::login::{Classes, View};
use crate::message::{Draft, Message};
use crate::orders;
use crate::world::World;

/// What happens to the connection after the answer.
pub(crate) enum Then {
    GoOn,
    Close,
    /// A refused login: the answer comes a second late, and the connection closes.
    RefuseLate,
}

/// Requests that a real server knows and this one refuses, as for a user without the right to make them.
const NOT_PERMITTED: [&str; 14] = [
    "Command",
    "Originate",
    "Hangup",
    "Redirect",
    "BlindTransfer",
    "Atxfer",
    "QueueAdd",
    "QueueRemove",
    "QueuePause",
    "QueuePenalty",
    "Setvar",
    "MixMonitor",
    "StopMixMonitor",
    "DBPut",
];

pub(crate) fn answer(world: &mut World, connection: usize, request: &Message, now: Instant) -> (String, Then) {
    let id = request.get("ActionID").filter(|id| !id.is_empty());
    let error = |message: &str| (Draft::response("Error", id).line("Message", message).end(), Then::GoOn);
    let name = request.value("Action");
    if name.is_empty() {
        return error("Missing action in request");
    }
    let logged_in = world.client(connection).is_some_and(|client| client.view.is_some());
    match name.to_ascii_lowercase().as_str() {
        "challenge" => challenge(world, connection, request),
        "login" if logged_in => error("Already logged in"),
        "login" => login(world, connection, request),
        "logoff" => {
            let text = Draft::response("Goodbye", id).line("Message", "Thanks for all the fish.").end();
            (text, Then::Close)
        }
        _ if !logged_in => error("Permission denied"),
        "events" => events(world, connection, request),
        "filter" => filter(world, connection, request),
        "originate" if world.user.may(name) => (orders::originate(world, request), Then::GoOn),
        "hangup" if world.user.may(name) => (orders::hangup(world, request), Then::GoOn),
        other => match query(world, other, request, now) {
            Some(text) => (text, Then::GoOn),
            None if NOT_PERMITTED.iter().any(|known| known.eq_ignore_ascii_case(name)) => error("Permission denied"),
            None => {
                error(&format!("Invalid/unknown command: {name}. Use Action: ListCommands to show available commands."))
            }
        },
    }
}

/// Requests that change nothing.
fn query(world: &World, name: &str, request: &Message, now: Instant) -> Option<String> {
    let id = request.get("ActionID").filter(|id| !id.is_empty());
    let board = &world.board;
    Some(match name {
        "ping" => Draft::response("Success", id).line("Ping", "Pong").line("Timestamp", unix_time()).end(),
        "coreshowchannels" => listings::core_show_channels(board, id, now),
        "status" => listings::status(board, id, request.get("Channel"), now),
        "queuestatus" => listings::queue_status(board, id, request.get("Queue"), now),
        "bridgelist" => listings::bridge_list(board, id),
        "devicestatelist" => listings::device_states(board, id),
        "extensionstatelist" => listings::extension_states(board, id),
        "corestatus" => core_status(world, id),
        "coresettings" => core_settings(id),
        "listcommands" => list_commands(world, id),
        _ => return None,
    })
}

fn challenge(world: &mut World, connection: usize, request: &Message) -> (String, Then) {
    let id = request.get("ActionID");
    if !request.value("AuthType").eq_ignore_ascii_case("MD5") {
        return (Draft::response("Error", id).line("Message", "Must specify AuthType").end(), Then::GoOn);
    }
    let digits = fastrand::u32(100_000_000..1_000_000_000).to_string();
    let text = Draft::response("Success", id).line("Challenge", &digits).end();
    if let Some(client) = world.client(connection) {
        client.challenge = Some(digits);
    }
    (text, Then::GoOn)
}

fn login(world: &mut World, connection: usize, request: &Message) -> (String, Then) {
    let id = request.get("ActionID");
    let user = world.user.clone();
    let uptime = world.started.elapsed().as_secs();
    let Some(client) = world.client(connection) else { return (String::new(), Then::Close) };
    if !user.accepts(request, client.challenge.as_deref()) {
        return (Draft::response("Error", id).line("Message", "Authentication failed").end(), Then::RefuseLate);
    }
    let view = View::new(user.read, Classes::parse(request.get("Events").unwrap_or("on")));
    let mut text = Draft::response("Success", id).line("Message", "Authentication accepted").end();
    let booted = Draft::event("FullyBooted").line("Privilege", "system,all").line("Uptime", uptime);
    let booted = booted.line("LastReload", uptime).line("Status", "Fully Booted").end();
    if view.shows("system", booted.as_bytes()) {
        text.push_str(&booted);
    }
    client.view = Some(view);
    world.logins += 1;
    (text, Then::GoOn)
}

fn events(world: &mut World, connection: usize, request: &Message) -> (String, Then) {
    let id = request.get("ActionID");
    let mask = Classes::parse(request.value("EventMask"));
    let state = if mask == Classes::Only(Vec::new()) { "Off" } else { "On" };
    if let Some(view) = world.client(connection).and_then(|client| client.view.as_mut()) {
        view.mask = mask;
    }
    (Draft::response("Success", id).line("Events", state).end(), Then::GoOn)
}

fn filter(world: &mut World, connection: usize, request: &Message) -> (String, Then) {
    let id = request.get("ActionID");
    let view = world.client(connection).and_then(|client| client.view.as_mut());
    let (kind, message) = match view.map(|view| view.filter(request.value("Filter"))) {
        _ if !request.value("Operation").eq_ignore_ascii_case("Add") => ("Error", "Unknown operation"),
        Some(Ok(())) => ("Success", "Filter Added"),
        _ => ("Error", "Filter did not compile.  Check the syntax of the filter given."),
    };
    (Draft::response(kind, id).line("Message", message).end(), Then::GoOn)
}

fn core_status(world: &World, id: Option<&str>) -> String {
    let started = Timestamp::now() - world.started.elapsed();
    let (date, time) = (started.strftime("%Y-%m-%d").to_string(), started.strftime("%H:%M:%S").to_string());
    Draft::response("Success", id)
        .line("CoreStartupDate", &date)
        .line("CoreStartupTime", &time)
        .line("CoreReloadDate", &date)
        .line("CoreReloadTime", &time)
        .line("CoreCurrentCalls", world.board.channels.len())
        .line("CoreProcessedCalls", world.board.calls_so_far)
        .end()
}

fn core_settings(id: Option<&str>) -> String {
    [
        ("AMIversion", "11.0.0"),
        ("AsteriskVersion", "22.10.1"),
        ("SystemName", ""),
        ("CoreMaxCalls", "0"),
        ("CoreMaxLoadAvg", "0.000000"),
        ("CoreRunUser", ""),
        ("CoreRunGroup", ""),
        ("CoreMaxFilehandles", "0"),
        ("CoreRealTimeEnabled", "No"),
        ("CoreCDRenabled", "Yes"),
        ("CoreHTTPenabled", "No"),
        ("SoundsSearchCustomDir", "No"),
    ]
    .iter()
    .fold(Draft::response("Success", id), |draft, (name, value)| draft.line(name, value))
    .end()
}

fn list_commands(world: &World, id: Option<&str>) -> String {
    let draft = [
        ("BridgeList", "Get a list of bridges in the system.", "system,all"),
        ("Challenge", "Generate Challenge for MD5 Auth.", "<none>"),
        ("CoreSettings", "Show PBX core settings (version etc).", "system,reporting,all"),
        ("CoreShowChannels", "List currently active channels.", "system,reporting,all"),
        ("CoreStatus", "Show PBX core status variables.", "system,reporting,all"),
        ("DeviceStateList", "List the current known device states.", "call,reporting,all"),
        ("Events", "Control Event Flow.", "<none>"),
        ("ExtensionStateList", "List the current known extension states.", "call,reporting,all"),
        ("Filter", "Dynamically add filters for the current manager session.", "system,all"),
        ("ListCommands", "List available manager commands.", "<none>"),
        ("Login", "Login Manager.", "<none>"),
        ("Logoff", "Logoff Manager.", "<none>"),
        ("Ping", "Keepalive command.", "<none>"),
        ("QueueStatus", "Show queue status.", "<none>"),
        ("Status", "List channel status.", "system,call,reporting,all"),
    ]
    .iter()
    .fold(Draft::response("Success", id), |draft, (name, about, right)| {
        draft.line(name, format_args!("{about}  (Priv: {right})"))
    });
    [("Hangup", "Hangup channel.", "system,call,all"), ("Originate", "Originate a call.", "originate,all")]
        .iter()
        .filter(|(name, ..)| world.user.may(name))
        .fold(draft, |draft, (name, about, right)| draft.line(name, format_args!("{about}  (Priv: {right})")))
        .end()
}

fn unix_time() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:06}", now.as_secs(), now.subsec_micros())
}
