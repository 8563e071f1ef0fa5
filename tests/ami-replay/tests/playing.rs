//! What reaches a client of a recording, and what the listings say meanwhile.

mod client;

use std::collections::BTreeSet;
use std::time::Duration;

use ami_replay::{Boundaries, Classes, Options, Playback, Server, Trace};
use client::{Client, all_traces, path, trace, values};

async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

/// Plays and returns what the client read.
async fn played(server: &Server, client: &mut Client, trace: &Trace, playback: Playback) -> String {
    let cue = server.cue(trace, playback);
    let length = cue.bytes().len();
    let playing = tokio::spawn(cue.play());
    let read = client.take(length).await;
    playing.await.unwrap();
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn every_trace_arrives_byte_for_byte_whatever_the_boundaries() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    for trace in all_traces() {
        let expected = String::from_utf8(trace.broadcast_bytes()).unwrap();
        for boundaries in [Boundaries::Recorded, Boundaries::Whole, Boundaries::Every(97), Boundaries::Random(3)] {
            let playback = Playback { boundaries, ..Playback::default() };
            let read = played(&server, &mut client, &trace, playback).await;
            assert!(read == expected, "{} with {boundaries:?}", trace.name);
        }
    }
}

#[tokio::test]
async fn answers_to_the_recording_client_are_left_out_and_everybodys_events_are_not() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    let read = played(&server, &mut client, &trace("i"), Playback::default()).await;
    assert!(!read.contains("Response: Success\r\nActionID"), "an answer to the recorder was played");
    assert!(!read.contains("Event: FullyBooted"), "the recorder's own greeting event was played");
    assert_eq!(read.matches("Event: OriginateResponse\r\n").count(), 1);
    let recorded = std::fs::read_to_string(path("k_registration")).unwrap();
    assert!(recorded.contains("Password: pw-201"));
    let read = played(&server, &mut client, &trace("k_registration"), Playback::default()).await;
    assert!(!read.contains("pw-201") && !read.contains("Event: EndpointList"), "{read}");
    assert!(read.contains("Event: PeerStatus"));
}

#[tokio::test]
async fn fresh_ids_make_every_playing_a_new_call_of_the_same_length() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    let recorded = trace("b_local_rna");
    let playback = Playback { fresh_ids: true, ..Playback::default() };
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for _ in 0..3 {
        let read = played(&server, &mut client, &recorded, playback).await;
        assert_eq!(read.len(), recorded.broadcast_bytes().len());
        for header in ["Uniqueid", "Channel", "BridgeUniqueid"] {
            let ids: BTreeSet<String> = values(&read, header).into_iter().collect();
            assert!(ids.is_disjoint(&seen), "{header} repeats: {:?}", ids.intersection(&seen).next());
            seen.extend(ids);
        }
        let now = jiff::Timestamp::now().as_second();
        let born = values(&read, "Uniqueid")[0].split('.').next().unwrap().parse::<i64>().unwrap();
        assert!((born - now).abs() < 60, "id of {born}, now {now}");
    }
}

#[tokio::test]
async fn a_recording_that_begins_in_mid_call_seeds_the_listings() {
    let server = server().await;
    let recorded = trace("t_resync");
    let cue = server.cue(&recorded, Playback::default());
    let mut client = Client::logged_in(server.addr()).await;
    let stream = std::fs::read_to_string(path("t_resync")).unwrap();
    for (action, event, moving) in [
        ("CoreShowChannels", "CoreShowChannel", "Duration"),
        ("Status", "Status", "Seconds"),
        ("QueueStatus", "QueueEntry", "Wait"),
        ("QueueStatus", "QueueMember", "-"),
        ("QueueStatus", "QueueParams", "-"),
        ("BridgeList", "BridgeListItem", "-"),
    ] {
        // Codecs and pick-up groups are not followed; nothing depends on them.
        let not_followed = ["Native", "Read", "Write", "Callgroup", "Pickupgroup", "ActionID", moving];
        let rows = |messages: Vec<String>| -> BTreeSet<Vec<String>> {
            messages
                .iter()
                .filter(|message| message.starts_with(&format!("Event: {event}\r\n")))
                .map(|message| message.lines().map(str::to_owned))
                .map(|lines| lines.filter(|line| !not_followed.iter().any(|name| line.starts_with(name))).collect())
                .collect()
        };
        let expected = rows(stream.split("\r\n\r\n").map(|message| format!("{message}\r\n\r\n")).collect());
        assert!(!expected.is_empty());
        assert_eq!(rows(client.list(action).await), expected, "{action}: {event}");
    }
    cue.play().await;
    client.until("Event: BridgeDestroy").await;
    let mut later = Client::logged_in(server.addr()).await;
    assert_eq!(later.list("CoreShowChannels").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_client_that_connects_in_mid_call_gets_a_truthful_listing() {
    let server = server().await;
    let mut watcher = Client::logged_in(server.addr()).await;
    let playing = tokio::spawn(server.cue(&trace("b"), Playback { speed: 1.0, ..Playback::default() }).play());
    watcher.until("DialStatus: RINGING").await;
    watcher.until("DialStatus: RINGING").await;
    let mut late = Client::logged_in(server.addr()).await;
    let channels = late.list("CoreShowChannels").await.concat();
    assert_eq!(values(&channels, "ChannelStateDesc"), ["Ringing", "Ringing", "Up"]);
    assert_eq!(values(&channels, "Application"), ["AppQueue", "AppQueue", "Queue"]);
    assert_eq!(values(&channels, "BridgeId"), ["", "", ""]);
    let status = late.list("Status").await.concat();
    assert_eq!(values(&status, "DNID"), ["", "", "+493023125000"]);
    let queues = late.list("QueueStatus").await;
    let entry = queues.iter().find(|row| row.starts_with("Event: QueueEntry")).unwrap();
    assert!(entry.contains("CallerIDNum: +494066969101\r\nCallerIDName: unknown\r\n"), "{entry}");
    late.until("Event: BridgeEnter").await;
    late.until("Event: BridgeEnter").await;
    late.until("\r\n\r\n").await;
    let talking = late.list("CoreShowChannels").await.concat();
    let bridges: BTreeSet<_> = values(&talking, "BridgeId").into_iter().collect();
    assert_eq!((values(&talking, "BridgeId").len(), bridges.len()), (2, 1), "{talking}");
    playing.abort();
}

#[tokio::test]
async fn events_while_nobody_is_connected_are_missed() {
    let server = server().await;
    server.play(&trace("a"), Playback::default()).await;
    let mut client = Client::logged_in(server.addr()).await;
    let pong = client.ask("Action: Ping\r\nActionID: p\r\n\r\n").await;
    assert!(pong.contains("Pong"), "an event of the past arrived: {pong}");
}

#[tokio::test]
async fn the_recorded_pace_is_kept_at_the_chosen_speed() {
    let server = server().await;
    let done = server.play(&trace("a"), Playback { speed: 10.0, ..Playback::default() }).await;
    // The recording lasts 4.9 s.
    assert!((0.45..2.0).contains(&done.took.as_secs_f64()), "{done:?}");
    let at_once = server.play(&trace("a"), Playback::default()).await;
    assert!(at_once.took < Duration::from_millis(400), "{at_once:?}");
}

#[tokio::test]
async fn while_the_pbx_is_held_nothing_happens_and_nothing_is_missed() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    server.hold(true);
    let playing = tokio::spawn(server.cue(&trace("a"), Playback::default()).play());
    for _ in 0..3 {
        let answer = client.ask("Action: Ping\r\nActionID: p\r\n\r\n").await;
        assert!(answer.contains("Pong"), "an event happened: {answer}");
    }
    assert!(!playing.is_finished());
    server.hold(false);
    client.until("Event: Hangup").await;
    playing.await.unwrap();
}

#[tokio::test]
async fn a_recording_can_be_played_as_another_callers() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    let recorded = trace("a").renumbered("+494066969101", "+494066900042").unwrap();
    let playing = tokio::spawn(server.cue(&recorded, Playback { speed: 20.0, ..Playback::default() }).play());
    client.until("CallerIDNum: +494066900042").await;
    assert_eq!(server.calls().into_iter().collect::<Vec<_>>(), ["1795230418.0"]);
    playing.await.unwrap();
    assert!(server.calls().is_empty());
    assert!(!String::from_utf8(recorded.broadcast_bytes()).unwrap().contains("4066969101"));
    let bytes = String::from_utf8(trace("a").broadcast_bytes()).unwrap();
    let longer = trace("a").renumbered("+494066969101", "+494066969101000").unwrap();
    let expected = bytes.replace("+494066969101", "+494066969101000");
    assert_eq!(String::from_utf8(longer.broadcast_bytes()).unwrap(), expected);
    assert!(trace("a").renumbered("+1", "+2").is_err());
}

#[tokio::test]
async fn overlapping_playings_never_tear_each_others_messages() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    let playback = Playback { speed: 20.0, boundaries: Boundaries::Every(50), fresh_ids: true };
    let recorded = trace("g_refer");
    let (first, second) = (server.cue(&recorded, playback), server.cue(&recorded, playback));
    let (one, two) = (first.bytes(), second.bytes());
    let (first, second) = (tokio::spawn(first.play()), tokio::spawn(second.play()));
    let read = String::from_utf8(client.take(one.len() + two.len()).await).unwrap();
    first.await.unwrap();
    second.await.unwrap();
    let sorted = |text: &str| {
        let mut messages: Vec<String> = text.split("\r\n\r\n").map(str::to_owned).collect();
        messages.sort();
        messages
    };
    let both = String::from_utf8([one, two].concat()).unwrap();
    assert_eq!(sorted(&read), sorted(&both));
}

#[tokio::test]
async fn a_client_sees_only_the_classes_it_may_and_wants_to_see() {
    let limited = Options { read: Classes::parse("call,agent,cdr"), ..Options::default() };
    let server = Server::start(limited).await.unwrap();
    let mut client = Client::connect(server.addr()).await;
    client.send(client::LOGIN).await;
    client.until("Authentication accepted\r\n\r\n").await;
    server.play(&trace("a"), Playback::default()).await;
    let read = client.until("Event: Cdr").await;
    let classes: BTreeSet<_> = values(&read, "Privilege").into_iter().collect();
    assert!(classes.contains("call,all") && !classes.contains("dialplan,all"), "{classes:?}");
    assert!(!read.contains("FullyBooted"), "that event is of class system");

    let mut quiet = Client::connect(server.addr()).await;
    quiet.send("Action: Login\r\nUsername: crm\r\nSecret: replay-secret\r\nEvents: off\r\n\r\n").await;
    quiet.until("accepted\r\n\r\n").await;
    server.play(&trace("a"), Playback::default()).await;
    let on = quiet.ask("Action: Events\r\nActionID: 2\r\nEventMask: on\r\n\r\n").await;
    assert_eq!(on, "Response: Success\r\nActionID: 2\r\nEvents: On\r\n\r\n");
    quiet.ask("Action: Filter\r\nOperation: Add\r\nFilter: !Event: (Newexten|CEL)\r\n\r\n").await;
    server.play(&trace("a"), Playback::default()).await;
    let read = quiet.until("Event: Cdr").await;
    assert!(read.contains("Event: Newchannel") && !read.contains("Event: CEL"), "{read}");
}

#[test]
fn a_login_recording_is_refused_with_a_reason() {
    let refused = Trace::load(path("login_plain")).unwrap_err();
    assert!(refused.to_string().contains("records a whole login"), "{refused}");
    let missing = Trace::load(path("no_such_trace")).unwrap_err();
    assert!(missing.to_string().contains("no_such_trace.ami"), "{missing}");
}
