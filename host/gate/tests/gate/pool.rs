//! Connections that are kept, and turns that are waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookswitch_gate::{Error, Gate, Limits, Options, Request, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::server::{Server, Turn, get, ok, options, post};

const AT_ONCE: usize = 4;

async fn many(gate: &Arc<Gate>, url: &str, each: usize) {
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (gate, url) = (Arc::clone(gate), url.to_owned());
        tasks.spawn(async move {
            for _ in 0..each {
                gate.send(get(&url)).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn as_many_connections_serve_as_requests_are_under_way_at_once() {
    let server = Server::start(|_| ok("x")).await;
    let gate = Arc::new(Gate::new(server.options()).unwrap());
    many(&gate, &server.url("/"), 100).await;
    assert_eq!(server.requests().len(), 400);
    assert!(server.connections() <= AT_ONCE, "{}", server.connections());
}

#[tokio::test]
async fn a_server_that_closes_now_and_then_costs_one_connection_each_time() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) % 50 == 49 {
            let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
            Turn::AnswerAndClose(answer.into())
        } else {
            ok("x")
        }
    })
    .await;
    let gate = Arc::new(Gate::new(server.options()).unwrap());
    many(&gate, &server.url("/"), 250).await;
    assert_eq!(server.requests().len(), 1000);
    // 20 were closed, 4 are open.
    assert!(server.connections() <= 24, "{}", server.connections());
}

#[tokio::test]
async fn the_connections_of_a_gate_end_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut streams = Vec::new();
        for _ in 0..AT_ONCE {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            streams.push(stream);
        }
        for stream in &mut streams {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
        for stream in &mut streams {
            assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
        }
    });
    let gate = Arc::new(Gate::new(options(&[&url])).unwrap());
    many(&gate, &url, 1).await;
    assert!(!server.is_finished());
    drop(gate);
    tokio::time::timeout(Duration::from_secs(5), server).await.expect("all connections are closed").unwrap();
}

#[tokio::test]
async fn a_connection_is_not_used_when_the_server_is_about_to_close_it() {
    let server = Server::start(|_| {
        Turn::Answer(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=100\r\nContent-Length: 0\r\n\r\n".into())
    })
    .await;
    let gate = Gate::new(server.options()).unwrap();
    for _ in 0..3 {
        assert!(!gate.send(get(&server.url("/"))).await.unwrap().sent.reused);
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn no_more_requests_than_allowed_are_under_way_at_once_and_all_are_answered() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = (Arc::clone(&now), Arc::clone(&most));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (now, most) = seen.clone();
            tokio::spawn(async move {
                while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                    if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let limits = Limits { requests_at_once: 3, ..Limits::default() };
    let gate = Arc::new(Gate::new(Options { limits, ..options(&[&url]) }).unwrap());
    let mut tasks = JoinSet::new();
    for _ in 0..60 {
        let (gate, url) = (Arc::clone(&gate), url.clone());
        tasks.spawn(async move { gate.send(get(&url)).await.unwrap().status });
    }
    while let Some(status) = tasks.join_next().await {
        assert_eq!(status.unwrap(), 204);
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_request_whose_time_ends_while_it_waits_for_its_turn_was_not_sent() {
    let server = Server::start(|_| Turn::Stall(Vec::new())).await;
    let limits = Limits { requests_at_once: 1, ..Limits::default() };
    let gate = Arc::new(Gate::new(Options { limits, ..server.options() }).unwrap());
    let (first, url) = (Arc::clone(&gate), server.url("/first"));
    let first = tokio::spawn(async move { first.send(post(&url, "x")).await });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let request = Request { timeout: Some(Duration::from_millis(100)), ..post(&server.url("/second"), "x") };
    let error = gate.send(request).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { stage: Stage::Write, .. }), "{error}");
    assert!(error.to_string().contains("under way"), "{error}");
    assert_eq!(server.requests().len(), 1);
    // Who gives up gives its turn to the next.
    first.abort();
    assert!(first.await.is_err());
    let error = gate.send(Request { timeout: Some(Duration::from_millis(300)), ..get(&server.url("/third")) }).await;
    assert!(matches!(error, Err(Error::InDoubt { .. })), "{error:?}");
}
