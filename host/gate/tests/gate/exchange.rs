//! What the other side may do to a request, and what the caller learns from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hookswitch_gate::{Error, Gate, Limits, Options, Request, Stage};
use tokio::net::TcpListener;

use crate::server::{Server, Turn, get, ok, post};

fn quick(server: &Server) -> Gate {
    let limits = Limits {
        first_byte: Duration::from_millis(200),
        total: Duration::from_millis(1500),
        longest: Duration::from_millis(1500),
        response_body: 1000,
        ..Limits::default()
    };
    Gate::new(Options { limits, ..server.options() }).unwrap()
}

fn raw(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(|_| ok("x")).await;
    let gate = Gate::new(server.options()).unwrap();
    for n in 0..5 {
        let response = gate.send(post(&server.url("/"), "body")).await.unwrap();
        assert_eq!(response.sent.reused, n > 0);
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 5));
}

#[tokio::test]
async fn gates_share_no_connection() {
    let server = Server::start(|_| ok("x")).await;
    for _ in 0..2 {
        let gate = Gate::new(server.options()).unwrap();
        assert!(!gate.send(get(&server.url("/"))).await.unwrap().sent.reused);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_its_time_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = Limits { idle: Duration::from_millis(100), ..Limits::default() };
    let gate = Gate::new(Options { limits, ..crate::server::options(&[&url]) }).unwrap();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        stream.read(&mut [0; 1]).await.unwrap()
    });
    gate.send(get(&url)).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(5), server).await.expect("the connection is closed").unwrap();
    assert_eq!(end, 0);
}

#[tokio::test]
async fn a_connection_that_closed_while_idle_costs_nothing_and_doubles_nothing() {
    // The server closes without announcing it, at the very moment when the next request may be on its way.
    let server = Server::start(|_| Turn::AnswerAndClose(raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))).await;
    let gate = Gate::new(server.options()).unwrap();
    let mut answered = 0;
    for n in 0..300 {
        let id = format!("id-{n:04}");
        let outcome = gate.send(post(&server.url("/"), &id)).await;
        let arrived = server.requests().iter().filter(|request| request.ends_with(&id)).count();
        match outcome {
            Ok(_) => {
                assert_eq!(arrived, 1, "{id}");
                answered += 1;
            }
            Err(Error::InDoubt { .. }) => assert!(arrived <= 1, "{id}"),
            Err(other) => panic!("{id}: {other}"),
        }
        if n % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(answered > 0);
}

#[test]
fn a_request_that_meets_a_closed_connection_before_a_byte_of_it_left_goes_out_on_a_new_one() {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (close, when_to_close) = std::sync::mpsc::channel();
    let (closed, when_closed) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            let mut head = BufReader::new(&stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty());
            lines.push(head.next().unwrap());
            assert!(head.count() > 0);
            (&stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            when_to_close.recv().unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
        lines
    });
    // One thread that looks for events after each step of a task. The gate takes the connection and hands over the
    // request in one step, not knowing of the end; an empty task makes the thread look; the connection's task learns
    // of both at once.
    let runtime = tokio::runtime::Builder::new_current_thread().event_interval(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let gate = Gate::new(crate::server::options(&[&url])).unwrap();
        gate.send(post(&format!("{url}/first"), "")).await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        close.send(()).unwrap();
        when_closed.recv().unwrap();
        close.send(()).unwrap();
        tokio::spawn(async {});
        let response = gate.send(post(&format!("{url}/second"), "")).await.unwrap();
        assert!(!response.sent.reused);
    });
    assert_eq!(server.join().unwrap(), ["POST /first HTTP/1.1", "POST /second HTTP/1.1"]);
}

#[tokio::test]
async fn redirects_are_answers_and_nobody_follows_them() {
    let server = Server::start(|_| {
        Turn::Answer(raw(
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
        ))
    })
    .await;
    let gate = Gate::new(server.options()).unwrap();
    for _ in 0..2 {
        let response = gate.send(get(&server.url("/"))).await.unwrap();
        assert_eq!(response.status, 302);
        assert!(response.headers.contains(&("location".into(), "http://169.254.169.254/".into())));
    }
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests().iter().all(|request| !request.contains("cookie")));
}

#[tokio::test]
async fn nobody_listening_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let gate = Gate::new(crate::server::options(&[&url])).unwrap();
    let error = gate.send(post(&url, "x")).await.unwrap_err();
    assert!(matches!(&error, Error::NotSent { stage: Stage::Connect, cause } if cause.contains("refused")), "{error}");
}

#[tokio::test]
async fn an_answer_cut_anywhere_leaves_the_request_in_doubt() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    for cut in (0..whole.len()).step_by(3) {
        let server = Server::start(move |_| Turn::AnswerAndClose(raw(&whole[..cut]))).await;
        let gate = Gate::new(server.options()).unwrap();
        let error = gate.send(post(&server.url("/a"), "x")).await.unwrap_err();
        let Error::InDoubt { sent, .. } = &error else { panic!("cut at {cut}: {error}") };
        assert_eq!((sent.remote, sent.url.as_str()), (server.address, server.url("/a").as_str()));
        assert_eq!(server.requests().len(), 1, "cut at {cut}");
    }
}

#[tokio::test]
async fn answers_that_are_no_http_or_not_what_was_asked_for_leave_the_request_in_doubt() {
    for answer in [
        "",
        "garbage\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz",
    ] {
        let server = Server::start(move |_| Turn::AnswerAndClose(raw(answer))).await;
        let error = Gate::new(server.options()).unwrap().send(post(&server.url("/"), "x")).await.unwrap_err();
        assert!(matches!(error, Error::InDoubt { .. }), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn the_end_of_the_connection_ends_an_answer_without_length() {
    let server = Server::start(|_| Turn::AnswerAndClose(raw("HTTP/1.1 200 OK\r\n\r\nhello"))).await;
    let response = Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(response.body, "hello");
}

#[tokio::test]
async fn an_answer_as_large_as_allowed_is_given_and_one_byte_more_is_not() {
    for framing in ["length", "chunked", "close"] {
        for (size, fits) in [(1000, true), (1001, false), (300_000, false)] {
            let server = Server::start(move |_| {
                let body = "b".repeat(size);
                Turn::AnswerAndClose(raw(&match framing {
                    "length" => format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{body}"),
                    "chunked" => {
                        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n")
                    }
                    _ => format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
                }))
            })
            .await;
            match quick(&server).send(get(&server.url("/"))).await {
                Ok(response) => assert!(fits && response.body.len() == size, "{framing} {size}"),
                Err(Error::TooLarge { part: "body", .. }) => assert!(!fits, "{framing} {size}"),
                Err(other) => panic!("{framing} {size}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn a_head_beyond_its_bounds_is_too_large() {
    let many = "x: y\r\n".repeat(65);
    let wide = format!("x: {}\r\n", "y".repeat(17 * 1024));
    let endless = "x".repeat(1_000_000);
    for head in [many, wide, endless] {
        let server = Server::start(move |_| {
            Turn::AnswerAndClose(raw(&format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n")))
        })
        .await;
        let error = quick(&server).send(get(&server.url("/"))).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { part: "head", .. }), "{error}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_first_byte_limit_and_a_slow_body_at_the_total() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
    for (answer, least, most) in [("", 200, 1400), ("HTTP/1.1 200", 200, 1400), (head, 1500, 4000)] {
        let server = Server::start(move |_| Turn::Stall(raw(answer))).await;
        let start = Instant::now();
        let error = quick(&server).send(post(&server.url("/"), "x")).await.unwrap_err();
        let took = start.elapsed();
        assert!(matches!(error, Error::InDoubt { .. }), "{answer:?}: {error}");
        assert!((Duration::from_millis(least)..Duration::from_millis(most)).contains(&took), "{answer:?}: {took:?}");
    }
}

#[tokio::test]
async fn endless_interim_answers_do_not_count_as_a_first_byte() {
    let server = Server::start(|_| Turn::Stall("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000).into_bytes())).await;
    let error = quick(&server).send(get(&server.url("/"))).await.unwrap_err();
    assert!(matches!(error, Error::InDoubt { .. }), "{error}");
}

#[tokio::test]
async fn a_flood_of_interim_answers_ends_before_its_time_and_a_few_do_no_harm() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (count, fits) in [(16, true), (17, false), (100_000, false)] {
        let server = Server::start(move |_| Turn::Answer(raw(&format!("{}{answer}", interim.repeat(count))))).await;
        match Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await {
            Ok(response) => assert!(fits && response.body == "ok", "{count}"),
            Err(error @ Error::InDoubt { .. }) => assert!(!fits && error.to_string().contains("interim"), "{error}"),
            Err(other) => panic!("{count}: {other}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_falls_silent_ends_before_the_total_and_one_that_drips_at_the_total() {
    let limits = |silence, total| Limits {
        silence: Duration::from_millis(silence),
        total: Duration::from_millis(total),
        ..Limits::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let read = stream.read(&mut [0; 4096]).await.unwrap();
                assert!(read > 0);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
    });
    for (limits, text, least) in
        [(limits(50, 5000), "stopped for 50ms", 50), (limits(5000, 700), "did not end in time", 700)]
    {
        let gate = Gate::new(Options { limits, ..crate::server::options(&[&url]) }).unwrap();
        let start = Instant::now();
        let error = gate.send(get(&url)).await.unwrap_err();
        assert!(matches!(error, Error::InDoubt { .. }) && error.to_string().contains(text), "{error}");
        let took = start.elapsed();
        assert!((Duration::from_millis(least)..Duration::from_secs(4)).contains(&took), "{took:?}");
    }
}

#[tokio::test]
async fn a_request_says_how_long_it_takes_within_bounds() {
    let server = Server::start(|_| Turn::Stall(Vec::new())).await;
    let gate = quick(&server);
    let sends = |timeout| gate.send(Request { timeout: Some(timeout), ..post(&server.url("/"), "x") });
    for none in [Duration::ZERO, Duration::from_nanos(1)] {
        let error = sends(none).await.unwrap_err();
        assert!(matches!(error, Error::NotSent { .. }), "{error}");
    }
    assert_eq!(server.requests().len(), 0);
    let start = Instant::now();
    let error = sends(Duration::MAX).await.unwrap_err();
    assert!(matches!(error, Error::InDoubt { .. }) && start.elapsed() < Duration::from_millis(1400), "{error}");
}

#[tokio::test]
async fn a_send_may_be_dropped_at_any_moment() {
    let server = Server::start(|_| ok("x")).await;
    let gate = Gate::new(server.options()).unwrap();
    for micros in (0..2000).step_by(20) {
        let send = gate.send(post(&server.url("/"), "x"));
        let _ = tokio::time::timeout(Duration::from_micros(micros), send).await;
    }
    assert_eq!(gate.send(get(&server.url("/"))).await.unwrap().body, "x");
}

#[tokio::test]
async fn many_requests_at_once_each_get_their_own_answer() {
    let server =
        Server::start(|request| ok(String::from_utf8_lossy(request).rsplit("\r\n").next().unwrap_or_default())).await;
    let gate = Arc::new(Gate::new(server.options()).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (gate, url) = (gate.clone(), server.url("/"));
        tasks.spawn(async move {
            let body = format!("number {n}");
            (gate.send(post(&url, &body)).await.unwrap().body, body)
        });
    }
    while let Some(pair) = tasks.join_next().await {
        let (answer, question) = pair.unwrap();
        assert_eq!(answer, question);
    }
    assert_eq!(server.requests().len(), 100);
}
