//! Compressed answers.

use async_compression::tokio::bufread::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder};
use hookswitch_gate::{Error, Gate, Limits, Options};
use tokio::io::AsyncReadExt;

use crate::base_url::portal;
use crate::server::{Server, Turn, get, post, with};

async fn pack(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    match coding {
        "gzip" => GzipEncoder::new(bytes).read_to_end(&mut packed).await,
        "deflate" => ZlibEncoder::new(bytes).read_to_end(&mut packed).await,
        "bare deflate" => DeflateEncoder::new(bytes).read_to_end(&mut packed).await,
        "br" => BrotliEncoder::new(bytes).read_to_end(&mut packed).await,
        other => panic!("{other}"),
    }
    .unwrap();
    packed
}

async fn serving(fields: &str, body: Vec<u8>) -> Server {
    let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = [head.into_bytes(), body].concat();
    Server::start(move |_| Turn::Answer(answer.clone())).await
}

/// Text that packs to a third or so.
fn text(length: usize) -> String {
    let lines = (0_u32..).map(|n| format!("{{\"id\":{n},\"phone\":\"+49{}\"}},", n.wrapping_mul(2_654_435_761)));
    lines.flat_map(String::into_bytes).map(char::from).take(length).collect()
}

#[tokio::test]
async fn an_answer_in_each_coding_that_is_asked_for_arrives_unpacked() {
    let body = "{\"result\":[\"ä\",\"ö\"]}".repeat(50);
    for (name, codings) in [
        ("gzip", &["gzip"][..]),
        ("X-GZip", &["gzip"]),
        ("deflate", &["deflate"]),
        ("deflate", &["bare deflate"]),
        ("br", &["br"]),
        ("identity, gzip", &["gzip"]),
        ("gzip, br", &["gzip", "br"]),
        ("gzip\r\nContent-Encoding: gzip", &["gzip", "gzip"]),
    ] {
        let mut packed = body.clone().into_bytes();
        for coding in codings {
            packed = pack(coding, &packed).await;
        }
        let server = serving(&format!("X-Own: 1\r\nContent-Encoding: {name}"), packed).await;
        let gate = Gate::new(server.options()).unwrap();
        for reused in [false, true] {
            let response = gate.send(get(&server.url("/"))).await.unwrap();
            assert_eq!(response.body, body, "{name}");
            assert_eq!(response.headers, [("x-own".into(), "1".into())], "{name}");
            assert_eq!(response.sent.reused, reused);
        }
        assert!(server.requests()[0].contains("\r\naccept-encoding: gzip, br, deflate\r\n"));
    }
}

#[tokio::test]
async fn members_of_a_gzip_answer_are_one_text() {
    let packed = [pack("gzip", b"hello ").await, pack("gzip", b"world").await].concat();
    let server = serving("Content-Encoding: gzip", packed).await;
    assert_eq!(Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap().body, "hello world");
}

#[tokio::test]
async fn an_answer_without_body_needs_no_unpacking() {
    for answer in [
        "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
    ] {
        let server = Server::start(move |_| Turn::Answer(answer.into())).await;
        assert_eq!(Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap().body, "");
    }
}

#[tokio::test]
async fn a_packed_answer_that_is_cut_or_broken_leaves_the_request_in_doubt() {
    for coding in ["gzip", "deflate", "bare deflate", "br"] {
        let name = coding.strip_prefix("bare ").unwrap_or(coding);
        let whole = pack(coding, text(5000).as_bytes()).await;
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0x55;
        flipped[whole.len() / 3] ^= 0xff;
        let cut = |length: usize| whole[..length].to_vec();
        let mut broken = vec![cut(1), cut(whole.len() / 2), cut(whole.len() - 1), b"plain text".to_vec()];
        broken.push([whole.clone(), b"garbage".to_vec()].concat());
        // A bare stream and brotli have no checksum: a flipped bit may be another text.
        if coding == "gzip" || coding == "deflate" {
            broken.push(flipped);
        }
        for (number, body) in broken.into_iter().enumerate() {
            let server = serving(&format!("Content-Encoding: {name}"), body).await;
            let outcome = Gate::new(server.options()).unwrap().send(post(&server.url("/"), "x")).await;
            let Err(error @ Error::InDoubt { .. }) = &outcome else { panic!("{coding} {number}: {outcome:?}") };
            assert!(error.to_string().contains(&format!("its {name} coding is broken")), "{coding} {number}: {error}");
        }
    }
}

#[tokio::test]
async fn codings_that_were_not_asked_for_or_too_many_are_refused() {
    let packed = pack("gzip", b"hello").await;
    for (coding, text) in [
        ("zstd", "`zstd`"),
        ("compress", "`compress`"),
        ("gzip, gzip, gzip", "3 times over"),
        ("gzip;q=1", "`gzip;q=1`"),
    ] {
        let server = serving(&format!("Content-Encoding: {coding}"), packed.clone()).await;
        let error = Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap_err();
        assert!(matches!(error, Error::InDoubt { .. }) && error.to_string().contains(text), "{coding}: {error}");
    }
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let server = Server::start(move |_| Turn::Answer(answer.into())).await;
    let error = Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap_err();
    assert!(matches!(error, Error::InDoubt { .. }), "{error}");
}

#[tokio::test]
async fn what_is_unpacked_is_bounded_exactly() {
    const LIMIT: usize = 100_000;
    for coding in ["gzip", "br"] {
        for (size, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
            let server =
                serving(&format!("Content-Encoding: {coding}"), pack(coding, text(size).as_bytes()).await).await;
            let limits = Limits { response_body: LIMIT, ..Limits::default() };
            let gate = Gate::new(Options { limits, ..server.options() }).unwrap();
            match gate.send(get(&server.url("/"))).await {
                Ok(response) => assert!(fits && response.body.len() == size, "{coding} {size}"),
                Err(Error::TooLarge { part: "body", .. }) => assert!(!fits, "{coding} {size}"),
                Err(other) => panic!("{coding} {size}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn a_bomb_goes_off_nowhere() {
    // A small text may repeat itself as it likes; a large one is a hundred times its packed size at most.
    let zeros = |length| vec![b'0'; length];
    let server = serving("Content-Encoding: gzip", pack("gzip", &zeros(60_000)).await).await;
    assert_eq!(Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap().body.len(), 60_000);
    let once = pack("gzip", &zeros(50_000_000)).await;
    for (codings, body) in [
        ("gzip", pack("gzip", &zeros(200_000)).await),
        ("gzip", once.clone()),
        ("br", pack("br", &zeros(50_000_000)).await),
        ("gzip, gzip", pack("gzip", &once).await),
    ] {
        let server = serving(&format!("Content-Encoding: {codings}"), body).await;
        let error = Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { part: "body", .. }), "{codings}: {error}");
    }
}

#[tokio::test]
async fn secrets_are_taken_out_of_what_was_packed() {
    const SECRET: &str = "k3yk3yk3yk3yk3y1";
    let body = format!("you asked /rest/7/{SECRET}/crm.x");
    let server = serving("Content-Encoding: br", pack("br", body.as_bytes()).await).await;
    let credentials = portal(&server.url(&format!("/rest/7/{SECRET}/")));
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    let response = gate.send(with("portal", get("crm.x"))).await.unwrap();
    assert!(response.body.starts_with(b"you asked {portal}"), "{:?}", response.body);
}
