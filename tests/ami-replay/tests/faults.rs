//! The server misbehaves when it is told to, and only then.

mod client;

use std::time::Duration;

use ami_replay::{Fault, Options, Playback, Server};
use client::{Client, DEADLINE, GREETING, trace};
use tokio::net::TcpStream;

async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

#[tokio::test]
async fn dropped_connections_end_and_a_new_one_is_welcome() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    server.drop_connections();
    assert_eq!(client.rest().await, b"");
    Client::logged_in(server.addr()).await;
    server.wait_for_logins(2, DEADLINE).await.unwrap();
    assert_eq!((server.connections(), server.logged_in()), (2, 1));
}

#[tokio::test]
async fn a_connection_can_end_in_the_middle_of_a_message() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    server.fault(Fault::DropInMessage);
    let recorded = trace("a");
    server.play(&recorded, Playback::default()).await;
    let read = client.rest().await;
    assert!(!read.is_empty() && recorded.broadcast_bytes().starts_with(&read));
    assert!(!read.ends_with(b"\r\n\r\n"), "the message is whole");
}

#[tokio::test]
async fn a_connection_can_end_after_so_many_bytes() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    server.fault(Fault::DropAfter(12_345));
    let recorded = trace("a");
    server.play(&recorded, Playback::default()).await;
    assert_eq!(client.rest().await, recorded.broadcast_bytes()[..12_345]);
}

#[tokio::test]
async fn refused_means_refused_and_ends_when_told() {
    let server = server().await;
    let mut before = Client::logged_in(server.addr()).await;
    server.refuse_connections().await;
    let refused = TcpStream::connect(server.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(before.ask("Action: Ping\r\n\r\n").await.contains("Pong"), "a standing connection is kept");
    server.accept_connections().await;
    assert_eq!(Client::connect(server.addr()).await.until("\r\n").await, GREETING);
}

#[tokio::test]
async fn while_silent_nothing_comes_and_the_events_of_that_time_are_lost() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    server.silence(true);
    client.send("Action: Ping\r\nActionID: unheard\r\n\r\n").await;
    server.wait_for_action("Ping", 1, DEADLINE).await.unwrap();
    server.play(&trace("a"), Playback::default()).await;
    server.silence(false);
    let pong = client.ask("Action: Ping\r\nActionID: heard\r\n\r\n").await;
    assert!(pong.starts_with("Response: Success\r\nActionID: heard\r\n"), "{pong}");
}

#[tokio::test]
async fn garbage_long_and_half_lines_come_between_whole_messages() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    server.fault(Fault::GarbageLine);
    assert!(client.until("\r\n\r\n").await.starts_with('\0'));
    server.fault(Fault::LongLine(10_000_000));
    assert_eq!(client.until("\r\n").await.len(), 10_000_002);
    client.until("\r\n").await;
    server.fault(Fault::HalfLine);
    let recorded = trace("d_unregistered");
    server.play(&recorded, Playback::default()).await;
    let read = client.take("Event: Newst".len() + recorded.broadcast_bytes().len()).await;
    assert_eq!(read, [b"Event: Newst".as_slice(), &recorded.broadcast_bytes()].concat());
}

#[tokio::test]
async fn a_wait_that_fails_tells_what_it_saw() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    client.ask("Action: Ping\r\n\r\n").await;
    let failed = server.wait_for_logins(2, Duration::from_millis(20)).await.unwrap_err().to_string();
    assert!(failed.contains("1 connections so far, 1 open, 1 logins"), "{failed}");
    assert!(failed.contains(r#"["Login", "Ping"]"#), "{failed}");
}
