//! Clients that send a byte now and then, to hold what they can hold.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::world::{Client, DEADLINE, World, is_refusal, statuses, with};

/// Sends its bytes one at a time, for ever.
async fn drip<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(client: &mut Client<S>, byte: &str) {
    loop {
        client.send(byte).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn crowd(world: &World, beginning: &str) -> Vec<Client<tokio::net::TcpStream>> {
    let mut crowd = Vec::new();
    // As many as one source may have, from several sources.
    for source in 0..8 {
        for _ in 0..32 {
            let mut client = world.connect_from(IpAddr::from([127, 0, 3, source + 1])).await;
            client.send(beginning).await;
            crowd.push(client);
        }
    }
    crowd
}

/// Gives what each of the slow ones gets in the end.
async fn others_are_served_meanwhile(beginning: &str, drop: &str) -> Vec<String> {
    let world = World::new(with(|limits| {
        limits.head = Duration::from_secs(3);
        limits.body = Duration::from_secs(3);
    }))
    .await;
    let mut crowd = crowd(&world, beginning).await;
    let honest = async {
        for _ in 0..20 {
            let mut client = world.connect().await;
            assert_eq!(statuses(&client.ask("GET /well HTTP/1.1\r\nHost: x\r\n\r\n").await), [200]);
        }
    };
    let slow = join_all(crowd.iter_mut().map(|client| drip(client, drop)));
    tokio::select! {
        _ = slow => unreachable!(),
        served = timeout(DEADLINE, honest) => served.expect("others are served"),
    }
    // And the slow ones come to an end, each of them.
    let answers = join_all(crowd.iter_mut().map(Client::rest)).await;
    assert_eq!(answers.len(), 256);
    assert!(world.handler.paths().iter().all(|path| path == "/well"));
    answers
}

#[tokio::test]
async fn slow_heads_hold_nobody_up_and_end() {
    for answer in others_are_served_meanwhile("GET /slow HTTP/1.1\r\nHost: x\r\nX: ", "a").await {
        assert_eq!(answer, "");
    }
}

#[tokio::test]
async fn slow_bodies_hold_nobody_up_and_end() {
    let head = "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    for answer in others_are_served_meanwhile(head, "a").await {
        is_refusal(&answer, 408, "the body took too long");
    }
}

#[tokio::test]
async fn slow_chunks_hold_nobody_up_and_end() {
    let head = "POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for answer in others_are_served_meanwhile(head, "1\r\na\r\n").await {
        is_refusal(&answer, 408, "the body took too long");
    }
}

#[tokio::test]
async fn the_time_for_a_head_is_not_begun_again_by_its_bytes() {
    let world = World::new(with(|limits| limits.head = Duration::from_secs(1))).await;
    let (mut fresh, mut used) = (world.connect().await, world.connect().await);
    used.ask("GET /well HTTP/1.1\r\nHost: x\r\n\r\n").await;
    for client in [&mut fresh, &mut used] {
        let (mut from, mut to) = tokio::io::split(&mut client.0);
        let dripping = async {
            loop {
                let _ = to.write_all(b"a").await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let closed = async {
            let _ = from.read_to_end(&mut Vec::new()).await;
        };
        tokio::select! {
            () = dripping => unreachable!(),
            closed = timeout(DEADLINE, closed) => closed.expect("the connection is closed"),
        }
    }
}

#[tokio::test]
async fn one_source_cannot_keep_others_out_however_many_connections_it_tries() {
    let world = World::new(with(|_| {})).await;
    let mut crowd = Vec::new();
    for _ in 0..600 {
        let mut client = world.connect_from([127, 0, 4, 1].into()).await;
        client.send("GET /slow HTTP/1.1\r\n").await;
        crowd.push(client);
    }
    let mut client = world.connect().await;
    assert_eq!(statuses(&client.ask("GET /well HTTP/1.1\r\nHost: x\r\n\r\n").await), [200]);
}
