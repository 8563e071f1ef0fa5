//! Orders to make and to end calls: only who may gives them, and only such as a real server takes are taken.

mod client;

use ami_replay::{Options, Playback, Server, Trace};
use client::{Client, LOGIN};

async fn logged_in(may: &[&str]) -> (Server, Client) {
    let may = may.iter().map(ToString::to_string).collect();
    let server = Server::start(Options { may, ..Options::default() }).await.unwrap();
    let mut client = Client::connect(server.addr()).await;
    client.until("\r\n").await;
    client.ask(LOGIN).await;
    client.until("\r\n\r\n").await;
    (server, client)
}

const ORDER: &str = "Action: Originate\r\nActionID: 2\r\nChannel: PJSIP/201\r\nContext: x\r\nExten: 030\r\nPriority: 1\r\n\
    Timeout: 15000\r\nChannelId: 17.9\r\nVariable: __A=1\r\nAsync: true\r\n\r\n";

#[tokio::test]
async fn an_order_needs_the_right_to_give_it() {
    let (_server, mut client) = logged_in(&[]).await;
    let told = client.ask(ORDER).await;
    assert_eq!(told, "Response: Error\r\nActionID: 2\r\nMessage: Permission denied\r\n\r\n");
}

#[tokio::test]
async fn an_order_is_taken_as_it_should_be_and_not_otherwise() {
    let (_server, mut client) = logged_in(&["Originate"]).await;
    let told = client.ask(ORDER).await;
    assert_eq!(told, "Response: Success\r\nActionID: 2\r\nMessage: Originate successfully queued\r\n\r\n");
    for (from, to, why) in [
        ("Async: true", "Async: false", "Originate failed"),
        ("Exten: 030\r\n", "", "Extension does not exist."),
        ("PJSIP/201", "201", "Invalid channel"),
        ("Channel: PJSIP/201\r\n", "", "Channel not specified"),
        ("Timeout: 15000", "Timeout: 15s", "Invalid timeout"),
        ("__A=1", "A", "Originate failed"),
        ("ChannelId", "ChannelID2", "Originate knows no header ChannelID2"),
    ] {
        let told = client.ask(&ORDER.replace(from, to)).await;
        assert_eq!(told, format!("Response: Error\r\nActionID: 2\r\nMessage: {why}\r\n\r\n"), "{to}");
    }
}

#[tokio::test]
async fn only_a_channel_that_lives_is_hung_up() {
    let (server, mut client) = logged_in(&["Hangup"]).await;
    let trace = Trace::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/t_resync.ami")).unwrap();
    // In mid-call from the beginning.
    let _cue = server.cue(&trace, Playback::default());
    for (channel, said) in [
        ("PJSIP/trunk-provider-99999999", "Response: Error\r\nActionID: 3\r\nMessage: No such channel\r\n\r\n"),
        ("", "Response: Error\r\nActionID: 3\r\nMessage: No channel specified\r\n\r\n"),
    ] {
        assert_eq!(client.ask(&format!("Action: Hangup\r\nActionID: 3\r\nChannel: {channel}\r\n\r\n")).await, said);
    }
    let listed = String::from_utf8_lossy(
        &std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/t_resync.ami")).unwrap(),
    )
    .lines()
    .find_map(|line| line.strip_prefix("Channel: ").map(str::to_owned))
    .unwrap();
    let told = client.ask(&format!("Action: Hangup\r\nActionID: 3\r\nChannel: {listed}\r\n\r\n")).await;
    assert_eq!(told, "Response: Success\r\nActionID: 3\r\nMessage: Channel Hungup\r\n\r\n");
}
