//! Each bound, and what is said beyond it.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::world::{DEADLINE, World, is_bare_refusal, is_refusal, options, statuses, with};

const UNREADABLE: &str = "the body breaks off, or its chunks cannot be read";

#[tokio::test]
async fn a_url_as_long_as_allowed_passes_and_a_longer_one_is_414() {
    let world = World::new(options()).await;
    let get = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(length - 1));
    assert_eq!(statuses(&world.say(get(8192)).await), [200]);
    is_refusal(&world.say(get(8193)).await, 414, "the URL is too long");
}

#[tokio::test]
async fn heads_are_bounded_in_bytes_and_in_headers() {
    let world = World::new(options()).await;
    let sized = |bytes: usize| {
        let around = "GET / HTTP/1.1\r\nHost: x\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(bytes - around))
    };
    assert_eq!(statuses(&world.say(sized(24 * 1024)).await), [200]);
    is_bare_refusal(&world.say(sized(24 * 1024 + 1)).await, 431);
    is_bare_refusal(&world.say(sized(1024 * 1024)).await, 431);
    // Those that never end are refused before they end, wherever they are.
    for beginning in ["", "GET /", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let endless = format!("{beginning}{}", "A".repeat(25_000));
        is_bare_refusal(&world.connect().await.ask(endless).await, 431);
    }
    is_bare_refusal(&world.connect().await.ask("\r\n".repeat(13_000)).await, 431);

    let many = |count: usize| format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(statuses(&world.say(many(64)).await), [200]);
    is_bare_refusal(&world.say(many(65)).await, 431);
    is_bare_refusal(&world.say(many(2000)).await, 431);
}

#[tokio::test]
async fn a_body_as_large_as_allowed_passes_and_a_larger_one_is_413() {
    let world = World::new(with(|limits| limits.body_bytes = 100)).await;
    let counted =
        |length: usize| format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{}", "b".repeat(length));
    assert_eq!(statuses(&world.say(counted(100)).await), [200]);
    is_refusal(&world.say(counted(101)).await, 413, "the body is too large");
    is_refusal(&world.say(counted(3_000_000)).await, 413, "the body is too large");
    // Said before any of it is there.
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n";
    is_refusal(&world.connect().await.ask(head).await, 413, "the body is too large");

    let chunked = |body: String| format!("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let whole = |length: usize| chunked(format!("{length:x}\r\n{}\r\n0\r\n\r\n", "c".repeat(length)));
    assert_eq!(statuses(&world.say(whole(100)).await), [200]);
    is_refusal(&world.say(whole(101)).await, 413, "the body is too large");
    // Said as soon as one byte too many is there.
    let endless = chunked(format!("ffffffff\r\n{}", "c".repeat(101)));
    is_refusal(&world.connect().await.ask(endless).await, 413, "the body is too large");
    // What is around the chunks is bounded too.
    let padded = chunked(format!("1;{}\r\nc\r\n", "x".repeat(200)).repeat(90));
    is_refusal(&world.connect().await.ask(padded).await, 400, UNREADABLE);
    let trailers = chunked(format!("0\r\n{}", "X: yyyyyyyyyy\r\n".repeat(65)));
    is_refusal(&world.connect().await.ask(trailers).await, 400, UNREADABLE);
    let trailer = chunked(format!("0\r\nX: {}", "y".repeat(25_000)));
    is_refusal(&world.connect().await.ask(trailer).await, 400, UNREADABLE);
    assert_eq!(world.handler.seen().len(), 2);
}

#[tokio::test]
async fn who_is_refused_may_finish_what_it_says() {
    let world = World::new(options()).await;
    let mut client = world.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n").await;
    is_refusal(&client.rest().await, 413, "the body is too large");
    // A socket that is closed already would reset the connection at the first of these, and clients then tell of that
    // and not of the answer.
    for _ in 0..5 {
        client.0.write_all(&[b'b'; 10_000]).await.unwrap();
    }
}

#[tokio::test]
async fn a_source_that_asks_too_often_is_429_and_told_when_to_come_back() {
    let world = World::new(with(|limits| {
        limits.rate = 1.try_into().unwrap();
        limits.burst = 3.try_into().unwrap();
    }))
    .await;
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let answers = world.say(get.repeat(3)).await;
    assert_eq!(statuses(&answers), [200, 200, 200]);
    let refused = world.say(get).await;
    is_refusal(&refused, 429, "too many requests");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    // Another source is not concerned.
    let mut other = world.connect_from([127, 0, 0, 9].into()).await;
    assert_eq!(statuses(&other.ask(get).await), [200]);
    // And the first one may come back.
    timeout(DEADLINE, async {
        while statuses(&world.say(get).await) != [200] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_connection_has_so_many_requests_and_the_last_answer_says_so() {
    let world = World::new(with(|limits| limits.requests_per_connection = 3)).await;
    let mut client = world.connect().await;
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..2 {
        assert!(!client.ask(get).await.contains("connection: close"));
    }
    client.send(get.repeat(2)).await;
    let rest = client.rest().await;
    assert_eq!(statuses(&rest), [200]);
    assert!(rest.contains("\r\nconnection: close\r\n"));
    assert_eq!(world.handler.seen().len(), 3);
}

#[tokio::test]
async fn one_source_has_so_many_connections_and_others_have_theirs() {
    let world = World::new(with(|limits| limits.connections_per_source = 3)).await;
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = world.connect().await;
        client.ask(get).await;
        clients.push(client);
    }
    let refused = world.connect().await.rest().await;
    is_refusal(&refused, 503, "too many connections");
    assert!(refused.contains("\r\nretry-after: 15\r\n"));
    assert_eq!(statuses(&world.connect_from([127, 0, 0, 2].into()).await.ask(get).await), [200]);
    // Those that were let in go on, and when one leaves there is room again.
    assert_eq!(statuses(&clients[0].ask(get).await), [200]);
    drop(clients.pop());
    timeout(DEADLINE, async {
        while statuses(&world.connect().await.ask(get).await) != [200] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn all_sources_together_have_so_many_connections() {
    let world = World::new(with(|limits| limits.connections = 5)).await;
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut clients = Vec::new();
    for source in 1..=5 {
        let mut client = world.connect_from([127, 0, 1, source].into()).await;
        client.ask(get).await;
        clients.push(client);
    }
    let mut one_more = world.connect_from([127, 0, 2, 1].into()).await;
    is_refusal(&one_more.rest().await, 503, "too many connections");
    assert_eq!(statuses(&clients[4].ask(get).await), [200]);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_broken_off_with_503() {
    let world = World::new(with(|limits| limits.request = Duration::from_millis(300))).await;
    let answer = world.connect().await.ask("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").await;
    is_refusal(&answer, 503, "the answer took too long");
    world.is_well().await;
}

#[tokio::test]
async fn a_connection_that_rests_too_long_is_closed_without_a_word() {
    let world = World::new(with(|limits| {
        limits.head = Duration::from_millis(200);
    }))
    .await;
    let mut client = world.connect().await;
    client.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
    assert_eq!(world.connect().await.rest().await, "");
}

#[tokio::test]
async fn who_does_not_take_the_answer_loses_the_connection() {
    let world = World::new(with(|limits| {
        limits.answer = Duration::from_millis(300);
        limits.connections_per_source = 1;
    }))
    .await;
    // Answers of 256 KiB that are never read fill every buffer between the two.
    let mut client = world.connect().await;
    let post = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 262144\r\n\r\n{}", "b".repeat(262_144));
    let writer = async {
        for _ in 0..200 {
            client.send(&post).await;
        }
        client
    };
    let _client = timeout(DEADLINE, writer).await.expect("the server ends a connection that it cannot answer on");
    // Its place is free again, once what was sent is drained.
    timeout(DEADLINE, async {
        loop {
            let answer = world.say("GET /well HTTP/1.1\r\nHost: x\r\n\r\n").await;
            if answer.starts_with("HTTP/1.1 200 ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}
