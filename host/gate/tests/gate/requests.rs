//! What may be in a request, and how it looks on the wire.

use hookswitch_gate::{Bytes, Error, Gate, Limits, Malformed, Request};

use crate::server::{Server, get, ok, options, post};

fn header(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

#[tokio::test]
async fn a_request_is_on_the_wire_as_it_was_given_and_nothing_is_added_but_what_http_needs() {
    let server = Server::start(|_| ok("{}")).await;
    let gate = Gate::new(server.options()).unwrap();
    let request = Request {
        headers: vec![header("Content-Type", "application/json"), header("X-Two", "a"), header("X-Two", "b")],
        ..post(&server.url("/rest/crm.lead.add?phone=%2B49&q=a+b|c"), r#"{"id":1}"#)
    };
    let response = gate.send(request).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.body, "{}");

    let sent = server.requests().remove(0);
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, r#"{"id":1}"#);
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /rest/crm.lead.add?phone=%2B49&q=a+b|c HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    let agent = concat!("user-agent: hookswitch/", env!("CARGO_PKG_VERSION"));
    let expected = [
        "accept-encoding: gzip, br, deflate",
        "content-length: 8",
        "content-type: application/json",
        &host,
        agent,
        "x-two: a",
        "x-two: b",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_method_that_expects_content_says_that_there_is_none() {
    let server = Server::start(|_| ok("")).await;
    let gate = Gate::new(server.options()).unwrap();
    gate.send(post(&server.url("/"), "")).await.unwrap();
    gate.send(get(&server.url("/"))).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].matches("content-length: 0\r\n").count(), 1);
    assert!(!requests[1].contains("content-length"));
}

#[tokio::test]
async fn the_trace_of_a_request_says_where_it_went_by_which_rule_and_how_long_it_took() {
    let server = Server::start(|_| ok("hello")).await;
    let gate = Gate::new(server.options()).unwrap();
    let sent = gate.send(get(&server.url("/a?b=c"))).await.unwrap().sent;
    assert_eq!(sent.url, server.url("/a?b=c"));
    assert_eq!(sent.remote, server.address);
    assert_eq!(sent.rule.to_string(), server.url(""));
    assert!(!sent.reused);
    assert_eq!((sent.timings.dns, sent.timings.tls), (None, None));
    let (connect, first_byte) = (sent.timings.connect.unwrap(), sent.timings.first_byte.unwrap());
    assert!(connect + first_byte <= sent.timings.total);
}

#[tokio::test]
async fn headers_that_decide_framing_or_destination_are_refused_and_the_error_names_them() {
    let server = Server::start(|_| ok("")).await;
    let gate = Gate::new(server.options()).unwrap();
    for name in [
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "UPGRADE",
        "TE",
        "trailer",
        "Expect",
        "Keep-Alive",
        "Proxy-Authorization",
        "proxy-connection",
        "Proxy-Anything",
        "Accept-Encoding",
        "HTTP2-Settings",
    ] {
        let request = Request { headers: vec![header(name, "x")], ..get(&server.url("/")) };
        let error = gate.send(request).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(Malformed::HeaderForbidden { .. })), "{name}: {error}");
        assert!(error.to_string().contains(&name.to_ascii_lowercase()), "{name}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_header_cannot_smuggle_a_line() {
    let server = Server::start(|_| ok("")).await;
    let gate = Gate::new(server.options()).unwrap();
    for (name, value) in [
        ("x-a", "b\r\nhost: evil"),
        ("x-a", "b\nc"),
        ("x-a", "b\0"),
        ("x-a\r\nhost", "evil"),
        ("x a", "b"),
        ("", "b"),
        ("x-a:", "b"),
        ("x-ä", "b"),
    ] {
        let request = Request { headers: vec![header(name, value)], ..get(&server.url("/")) };
        let error = gate.send(request).await.unwrap_err();
        let expected = matches!(error, Error::BadRequest(Malformed::HeaderName { .. } | Malformed::HeaderValue { .. }));
        assert!(expected, "{name:?}: {value:?}: {error}");
        assert!(!error.to_string().contains(['\r', '\n']), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn counts_and_sizes_of_a_request_are_bounded_exactly() {
    let server = Server::start(|_| ok("")).await;
    let limits = Limits { request_body: 100, ..Limits::default() };
    let gate = Gate::new(hookswitch_gate::Options { limits, ..server.options() }).unwrap();
    let request = |count: usize, size: usize, body: usize| Request {
        method: "PUT".into(),
        headers: (0..count).map(|n| header(&format!("x-{n:02}"), &"v".repeat(size))).collect(),
        body: Bytes::from(vec![b'b'; body]),
        ..get(&server.url("/"))
    };
    assert!(gate.send(request(64, 10, 100)).await.is_ok());
    assert!(gate.send(request(4, 4092, 0)).await.is_ok());
    for (wrong, text) in [
        (request(65, 1, 0), "more than 64 headers"),
        (request(4, 4093, 0), "more than 16384 bytes"),
        (request(0, 0, 101), "a body of 101 bytes"),
        (get(&server.url(&format!("/{}", "a".repeat(16 * 1024)))), "longer than 16384 bytes"),
        (request(40_000, 1, 0), "more than 64 headers"),
    ] {
        let error = gate.send(wrong).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn only_plain_methods_in_capitals_are_sent() {
    let server = Server::start(|_| ok("")).await;
    let gate = Gate::new(server.options()).unwrap();
    for method in ["get", "", "CONNECT", "TRACE", "GET /x HTTP/1.1\r\nx:", "G T", "GÉT", &"A".repeat(33)] {
        let request = Request { method: method.into(), ..get(&server.url("/")) };
        let error = gate.send(request).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(Malformed::Method { .. })), "{method}: {error}");
    }
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "SEARCH"] {
        let request = Request { method: method.into(), ..get(&server.url("/")) };
        gate.send(request).await.unwrap();
        assert!(server.requests().last().unwrap().starts_with(&format!("{method} / HTTP/1.1\r\n")));
    }
}

#[test]
fn limits_beyond_the_sensible_are_refused_when_the_gate_is_made() {
    for limits in [
        Limits { total: std::time::Duration::from_secs(301), ..Limits::default() },
        Limits { dns: std::time::Duration::MAX, ..Limits::default() },
        Limits { response_body: 8 * 1024 * 1024 + 1, ..Limits::default() },
        Limits { request_body: usize::MAX, ..Limits::default() },
    ] {
        let shown = format!("{limits:?}");
        assert!(Gate::new(hookswitch_gate::Options { limits, ..options(&[]) }).is_err(), "{shown}");
    }
}
