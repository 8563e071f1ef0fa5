//! Where a request ends: never does the server see two where a reader by RFC 9112 sees one.

use proptest::prelude::*;

use crate::world::{World, answers, is_closing, options, statuses};

/// What a smuggler wants to be seen.
const EVIL: &str = "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n";

/// Says `request` and after it, as the smuggler's body, a whole request. Nothing of it may reach the handler.
async fn nothing_is_seen(world: &World, request: &str, status: u16) {
    is_closing(&world.say(format!("{request}{EVIL}")).await, status);
    assert_eq!(world.handler.paths(), Vec::<String>::new(), "{request:?}");
}

/// The paths and bodies that are handled when `request` is said and after it [`EVIL`].
async fn seen(request: &str) -> Vec<(String, String)> {
    let world = World::new(options()).await;
    world.say(format!("{request}{EVIL}")).await;
    let text = |body: &[u8]| String::from_utf8(body.to_vec()).unwrap();
    world.handler.seen().iter().map(|request| (request.path.clone(), text(&request.body))).collect()
}

fn handled(path: &str, body: &str) -> (String, String) {
    (path.to_owned(), body.to_owned())
}

#[tokio::test]
async fn lengths_that_can_be_read_in_two_ways_are_refused() {
    let world = World::new(options()).await;
    for (headers, status) in [
        ("Content-Length: 0\r\nContent-Length: 30", 400),
        ("Content-Length: 0, 0", 400),
        ("Content-Length: +0", 400),
        ("Content-Length: -0", 400),
        ("Content-Length: 0x0", 400),
        ("Content-Length: 0 0", 400),
        ("Content-Length:", 400),
        ("Content-Length: 0\u{660}", 400),
        ("Content-Length: 99999999999999999999", 400),
        ("Content-Length: 18446744073709551615", 431),
        ("Content-Length: 18446744073709551000", 413),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 501),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400),
        ("Transfer-Encoding: identity, chunked", 501),
        ("Transfer-Encoding: chunked, identity", 400),
        ("Transfer-Encoding: identity", 400),
        ("Transfer-Encoding: xchunked", 400),
        ("Transfer-Encoding: \"chunked\"", 400),
        ("Transfer-Encoding: chunked;q=1", 400),
        ("Transfer-Encoding:", 400),
        ("Transfer-Encoding: \u{b}chunked", 400),
        ("Transfer-Encoding : chunked", 400),
        ("Transfer-Encoding\t: chunked", 400),
        ("X: y\r\n Transfer-Encoding: chunked", 400),
        ("X: y\r\n\tTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding:\r\n chunked", 400),
    ] {
        // The last chunk, for those who would read chunks; more of a body, for those who would read a length.
        let request = format!("POST /a HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\n");
        nothing_is_seen(&world, &request, status).await;
    }
    nothing_is_seen(&world, "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400).await;
}

#[tokio::test]
async fn chunks_outweigh_a_length_and_nothing_is_read_after_them() {
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 31\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: rubbish",
    ] {
        let request = format!("POST /a HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        assert_eq!(seen(&request).await, [handled("/a", "hi")], "{headers:?}");
        // Not even by a client that has only half hung up.
        let world = World::new(options()).await;
        let mut client = world.connect().await;
        client.send(format!("{request}{EVIL}")).await;
        is_closing(&client.rest().await, 200);
    }
}

#[tokio::test]
async fn a_length_told_twice_is_one_length() {
    let request = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi";
    assert_eq!(seen(request).await, [handled("/a", "hi"), handled("/evil", "")]);
}

#[tokio::test]
async fn a_line_feed_ends_a_line_and_a_carriage_return_alone_does_not() {
    // RFC 9112, section 2.2, lets it; so whoever is before us must not take it for a part of a value (RFC 9110, 5.5).
    assert_eq!(seen("GET /a HTTP/1.1\nHost: x\n\n").await, [handled("/a", ""), handled("/evil", "")]);
    let hidden = "POST /a HTTP/1.1\r\nHost: x\r\nX: y\nContent-Length: 31\r\n\r\n";
    assert_eq!(seen(hidden).await, [handled("/a", EVIL)]);

    let world = World::new(options()).await;
    for request in [
        "GET /a HTTP/1.1\rHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\rContent-Length: 30\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\r\n\r\n",
        "GET /a HTTP/1.1\r\r\nHost: x\r\n\r\n",
    ] {
        nothing_is_seen(&world, request, 400).await;
    }
}

#[tokio::test]
async fn heads_that_are_not_to_the_letter_are_refused() {
    let world = World::new(options()).await;
    for request in [
        "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n",
        " GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET\t/a\tHTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a\r\n\r\n",
        "GET /a http/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.10\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
        "GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET https://other/a HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET ?a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET #a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a?\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a\u{0}b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GE(T /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
        "GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX: a\u{0}b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX: a\u{1b}b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX\u{e9}: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}",
        "{\"json\": true}\r\n\r\n",
    ] {
        nothing_is_seen(&world, request, 400).await;
    }
    // HTTP/2 is not spoken to at all.
    assert_eq!(world.say(format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{EVIL}")).await, "");
    assert_eq!(world.handler.paths(), Vec::<String>::new());
}

#[tokio::test]
async fn chunks_are_exactly_what_they_say() {
    let chunked = |chunks: &str| format!("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let world = World::new(options()).await;
    for chunks in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "6\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5,\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5_0\r\nhello\r\n0\r\n\r\n",
        ";x\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff6\r\nhello\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;a\r\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
    ] {
        nothing_is_seen(&world, &chunked(chunks), 400).await;
    }
    // Written strangely, but there is only one way to read them.
    for chunks in ["5 \r\nhello\r\n0\r\n\r\n", "000000005\r\nhello\r\n000\r\n\r\n", "5;\u{0}\r\nhello\r\n0\r\n\r\n"] {
        assert_eq!(seen(&chunked(chunks)).await, [handled("/a", "hello"), handled("/evil", "")], "{chunks:?}");
    }
    // Trailers, too, end with CR LF; what comes before that is no request.
    assert_eq!(seen(&chunked("5\r\nhello\r\n0\r\nX: y\n\r\n")).await, [handled("/a", "hello")]);
}

#[tokio::test]
async fn a_body_is_a_body_whatever_it_looks_like() {
    for head in ["POST", "GET", "DELETE"] {
        let world = World::new(options()).await;
        let length = EVIL.len();
        let answers =
            world.say(format!("{head} /a HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{EVIL}")).await;
        assert_eq!(statuses(&answers), [200]);
        let seen = world.handler.seen();
        assert_eq!((seen.len(), seen[0].path.as_str(), &seen[0].body[..]), (1, "/a", EVIL.as_bytes()));
    }
    let world = World::new(options()).await;
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let chunks = format!(
        "{:x} ; a=\"b c\" ;d\r\n{EVIL}\r\nA\r\n0123456789\r\n00\r\nHost: y\r\nX-Trailer: {}\r\n\r\n",
        EVIL.len(),
        "GET /evil HTTP/1.1"
    );
    let answers = world.say(format!("{head}{chunks}")).await;
    assert_eq!(statuses(&answers), [200], "{answers}");
    let seen = world.handler.seen();
    assert_eq!((seen.len(), &seen[0].body[..]), (1, format!("{EVIL}0123456789").as_bytes()));
    assert!(!seen[0].headers.contains_key("x-trailer") && seen[0].headers["host"] == "x");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_none() {
    let world = World::new(options()).await;
    for head in ["GET /a HTTP/1.1\r\nHost: x\r\n", "GET", "\r\n", ""] {
        assert_eq!(world.say(head).await, "", "{head:?}");
    }
    for request in [
        "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfour",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ] {
        is_closing(&world.say(request).await, 400);
    }
    assert_eq!(world.handler.seen().len(), 0);
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row_and_none_after_an_error() {
    let world = World::new(options()).await;
    let good = |path: &str| format!("POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{path}");
    // The line of its own between them is that of old clients.
    let said = world.say(format!("{}{}\r\n{}", good("1"), good("2"), good("3"))).await;
    let bodies: Vec<_> = answers(&said).iter().map(|answer| answer.body).collect();
    assert_eq!(bodies, ["POST /1? 1", "POST /2? 2", "POST /3? 3"]);

    let answers = world.say(format!("{}GET /bad\r\n\r\n{}", good("4"), good("5"))).await;
    assert_eq!(statuses(&answers), [200, 400]);
    assert_eq!(world.handler.paths(), ["/1", "/2", "/3", "/4"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the network does to the bytes of good requests, the same requests arrive.
    #[test]
    fn pieces_of_any_size_make_the_same_requests(
        bodies in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..400)), 1..5),
        cuts in proptest::collection::vec(1..60usize, 1..8),
    ) {
        let mut bytes = Vec::new();
        for (chunked, body) in &bodies {
            bytes.extend_from_slice(b"POST /a HTTP/1.1\r\nHost: x\r\n");
            if *chunked {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(cuts[0]) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            } else {
                bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                bytes.extend_from_slice(body);
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seen = runtime.block_on(async {
            let world = World::new(options()).await;
            let mut client = world.connect().await;
            client.0.set_nodelay(true).unwrap();
            let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, left) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                client.send(piece).await;
                // Lets the server, which runs on the same thread, take the piece as it is.
                tokio::task::yield_now().await;
                rest = left;
            }
            world.handler.wait_for(bodies.len()).await;
            world.handler.seen()
        });
        let seen: Vec<_> = seen.iter().map(|request| request.body.to_vec()).collect();
        let sent: Vec<_> = bodies.into_iter().map(|(_, body)| body).collect();
        prop_assert_eq!(seen, sent);
    }
}
