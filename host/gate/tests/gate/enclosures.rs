//! Files in the bodies of requests: sent as they are read, in the place of their marks.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream, stream::BoxStream};
use hookswitch_gate::{Bytes, Credential, Enclosure, Error, Gate, Limits, Options, Request, Source, Stage};
use secrecy::SecretString;

use crate::places::{gate_with, secret};
use crate::server::{Server, Turn, grant, ok, post, with};

/// A file of these pieces.
struct File {
    pieces: Vec<Bytes>,
    opened: AtomicUsize,
    /// It gives nothing any more after the last piece, and does not end.
    hangs: bool,
}

impl Source for File {
    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let pieces = stream::iter(self.pieces.clone().into_iter().map(Ok));
        if self.hangs { pieces.chain(stream::pending()).boxed() } else { pieces.boxed() }
    }
}

fn enclosed(mark: &str, pieces: &[&'static str], bytes: u64) -> (Arc<File>, Enclosure) {
    let pieces = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
    let file = Arc::new(File { pieces, opened: AtomicUsize::new(0), hangs: false });
    (file.clone(), Enclosure { mark: mark.to_owned(), bytes, source: file })
}

fn request(server: &Server, body: &str, enclosures: Vec<Enclosure>) -> Request {
    Request { enclosures, ..post(&server.url("/"), body) }
}

#[tokio::test]
async fn files_stand_where_their_marks_stood_and_are_counted_in_the_length() {
    let server = Server::start(|_| ok("done")).await;
    let gate = Gate::new(server.options()).unwrap();
    let (_, one) = enclosed("MARK-1", &["first ", "", "file"], 10);
    let (_, two) = enclosed("MARK-2", &["second"], 6);
    let answer = gate.send(request(&server, "<MARK-2|MARK-1>", vec![one, two])).await.unwrap();
    assert_eq!(answer.status, 200);
    let sent = server.requests().remove(0);
    assert!(sent.ends_with("\r\n\r\n<second|first file>"), "{sent}");
    assert!(sent.to_lowercase().contains("content-length: 19\r\n"), "{sent}");
    assert!(!sent.to_lowercase().contains("transfer-encoding"), "{sent}");
}

#[tokio::test]
async fn a_file_that_is_longer_or_shorter_than_it_was_breaks_the_request_off() {
    for (pieces, bytes) in [(&["12345"] as &[_], 6), (&["12345"], 4), (&["123", "45"], 4), (&[], 1)] {
        let server = Server::start(|_| ok("done")).await;
        let gate = Gate::new(server.options()).unwrap();
        let (_, file) = enclosed("MARK", pieces, bytes);
        let error = gate.send(request(&server, "MARK", vec![file])).await.unwrap_err();
        assert!(matches!(error, Error::InDoubt { .. }), "{pieces:?} for {bytes}: {error}");
        assert!(server.requests().is_empty(), "{pieces:?}");
    }
}

#[tokio::test]
async fn a_mark_that_is_not_there_once_is_refused_before_anything_is_sent() {
    let server = Server::start(|_| ok("done")).await;
    let gate = Gate::new(server.options()).unwrap();
    for body in ["", "no mark", "MARK and MARK"] {
        let (file, enclosure) = enclosed("MARK", &["x"], 1);
        let error = gate.send(request(&server, body, vec![enclosure])).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{error}");
        assert_eq!(file.opened.load(Ordering::Relaxed), 0);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn placeholders_are_filled_in_around_a_file_and_never_in_it() {
    let server = Server::start(|_| ok("done")).await;
    let secret = Credential::secret(&SecretString::from("s3cret-of-the-admin"), vec![grant(&server.url(""))]).unwrap();
    let credentials = BTreeMap::from([("key".to_owned(), secret)]);
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    let placeholder = gate.placeholder("key", "plain").unwrap();
    let text: &'static str = Box::leak(placeholder.clone().into_boxed_str());
    let (_, file) = enclosed("MARK", &[text], text.len() as u64);
    gate.send(request(&server, &format!("{placeholder} MARK"), vec![file])).await.unwrap();
    let sent = server.requests().remove(0);
    assert!(sent.ends_with(&format!("\r\n\r\ns3cret-of-the-admin {placeholder}")), "{sent}");
}

#[tokio::test]
async fn who_takes_nothing_of_a_file_is_not_waited_for_for_long() {
    let server = Server::start(|_| Turn::Stall(Vec::new())).await;
    let limits = Limits { silence: Duration::from_millis(300), ..Limits::default() };
    let gate = Gate::new(Options { limits, ..server.options() }).unwrap();
    let file = File { pieces: vec![Bytes::from_static(b"x")], opened: AtomicUsize::new(0), hangs: true };
    let enclosure = Enclosure { mark: "MARK".to_owned(), bytes: 1 << 20, source: Arc::new(file) };
    let error = gate.send(request(&server, "MARK", vec![enclosure])).await.unwrap_err();
    assert!(matches!(&error, Error::InDoubt { cause, .. } if cause.contains("took nothing")), "{error}");
}

#[tokio::test]
async fn a_body_with_a_file_is_signed_as_it_is_sent() {
    let server = Server::start(|_| ok("taken")).await;
    let scheme = serde_json::from_str(r#"{ "kind": "standard-webhooks" }"#).unwrap();
    let key = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let gate = gate_with(&server, Credential::signature(&scheme, &key, None, vec![grant(&server.url(""))]).unwrap());
    let signer = hookswitch_signature::Signer::new(&scheme, &key, None).unwrap();
    let mut ids = Vec::new();
    // The marks differ at each try, and the message is the same.
    for mark in ["MARK-1", "MARK-2"] {
        let (file, enclosure) = enclosed(mark, &["a ", "file"], 6);
        gate.send(with("api", request(&server, &format!("<{mark}>"), vec![enclosure]))).await.unwrap();
        assert_eq!(file.opened.load(Ordering::Relaxed), 3, "for the id, for the signature, for the server");
        let sent = server.requests().pop().unwrap();
        let (head, body) = sent.split_once("\r\n\r\n").unwrap();
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let headers: http::HeaderMap =
            headers.map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let time = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        signer.verify(&headers, body.as_bytes(), time).unwrap();
        assert_eq!(body, "<a file>");
        ids.push(headers["webhook-id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    // A file that has changed meanwhile is not signed, and nothing is sent.
    let (_, short) = enclosed("MARK-3", &["a fil"], 6);
    let error = gate.send(with("api", request(&server, "<MARK-3>", vec![short]))).await.unwrap_err();
    assert!(matches!(&error, Error::NotSent { stage: Stage::Sign, .. }), "{error}");
    assert_eq!(server.requests().len(), 2);
}
