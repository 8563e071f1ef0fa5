//! What a server may answer in place of sound, and how it may send it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hookswitch_pbx::{Fetched, Links, Recordings, Unfetched};
use tokio::io::AsyncWrite;

use crate::{
    links::{fetch, origin},
    server::{Piece, Server, answer, good, sound},
};

fn from(server: &Server) -> Arc<dyn Recordings> {
    let (from, ca_file) = (vec![origin(&server.origin)], Some(server.ca.path().to_owned()));
    Links { from, ca_file, ..Links::default() }.open().unwrap()
}

/// A server that answers one thing, and what comes of it.
async fn comes_of(says: impl Fn() -> Vec<Piece> + Send + Sync + 'static) -> (Result<u64, Unfetched>, Vec<u8>) {
    let server = Server::start(false, move |_| says()).await;
    fetch(&*from(&server), &format!("{}/rec/a.mp3", server.origin)).await
}

#[tokio::test]
async fn sound_is_fetched_whole_however_slowly_it_comes_and_in_whatever_pieces() {
    let body = sound(3 << 20);
    let server = Server::start(true, {
        let body = body.clone();
        move |_| good(&body)
    })
    .await;
    let mut to = Vec::new();
    let fetched = from(&server).fetch(&format!("{}/a", server.origin), &mut to).await;
    let whole = Fetched { bytes: body.len() as u64, content_type: "audio/mpeg".to_owned() };
    assert!(fetched == Ok(whole) && to == body, "{fetched:?}");

    let slow = sound(200);
    let (fetched, to) = comes_of({
        let slow = slow.clone();
        move || {
            let mut pieces = answer(200, "content-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n", b"");
            for part in slow.chunks(7) {
                let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
                pieces.extend([Piece::Wait(Duration::from_millis(5)), Piece::Bytes(chunk)]);
            }
            pieces.push(Piece::Bytes(b"0\r\n\r\n".to_vec()));
            pieces
        }
    })
    .await;
    assert!(fetched == Ok(slow.len() as u64) && to == slow, "{fetched:?}");
    // Shorter than what is looked at before anything is passed on.
    assert_eq!(comes_of(|| good(b"\x80")).await, (Ok(1), b"\x80".to_vec()));
}

#[tokio::test]
async fn what_is_cut_off_is_no_recording() {
    for head in ["content-length: 300000\r\n", "transfer-encoding: chunked\r\n"] {
        let body = [b"186a0\r\n".as_slice(), &sound(200_000)].concat();
        let (fetched, _) = comes_of(move || answer(200, head, &body[..90_000])).await;
        assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("broke off")), "{head}: {fetched:?}");
    }
}

#[tokio::test]
async fn what_is_no_sound_is_refused_by_its_type_and_length_and_nothing_of_it_is_passed_on_or_repeated() {
    let cases: [(&str, &[u8], &str); 7] = [
        ("text/html", b"<html><body>No page for 494066969101</body></html>", "(`text/html`, 50 bytes)"),
        ("audio/mpeg", b"<!DOCTYPE html><html><head><title>494066969101", "(`audio/mpeg`, 46 bytes)"),
        ("application/json", b"{\"errcode\":10004,\"errmsg\":\"494066969101\"}", "(`application/json`, 41 bytes)"),
        ("application/octet-stream", b"\n{\"error\": \"494066969101 is gone\"}", "octet-stream`, 34 bytes)"),
        ("audio/x-wav", b"[{\"error\":\"494066969101\"}]", "(`audio/x-wav`, 26 bytes)"),
        ("text/plain", b"Recording external-201-494066969101.wav not found\r\n", "(`text/plain`, 51 bytes)"),
        ("audio/mpeg\r\ncontent-encoding: gzip", b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
    ];
    for (kind, body, said) in cases {
        let length = body.len();
        let head = format!("content-type: {kind}\r\ncontent-length: {length}\r\n");
        let (fetched, to) = comes_of(move || answer(200, &head, body)).await;
        assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains(said)), "{kind}: {fetched:?}");
        assert!(to.is_empty() && !format!("{fetched:?}").contains("494066969101"), "{kind}: {fetched:?}");
    }
    let (fetched, _) = comes_of(|| good(b"")).await;
    assert!(matches!(&fetched, Err(Unfetched::Missing(text)) if text.contains("empty")), "{fetched:?}");
}

#[tokio::test]
async fn every_status_is_taken_for_what_it_means() {
    for status in [404, 410] {
        let (fetched, _) = comes_of(move || answer(status, "content-length: 0\r\n", b"")).await;
        assert!(matches!(&fetched, Err(Unfetched::Missing(_))), "{status}: {fetched:?}");
    }
    for status in [401, 403] {
        let (fetched, _) = comes_of(move || answer(status, "content-length: 0\r\n", b"")).await;
        assert!(matches!(&fetched, Err(Unfetched::Forbidden(_))), "{status}: {fetched:?}");
    }
    // A redirect that says nowhere, half of a file, and the troubles that pass.
    for status in [302, 206, 204, 429, 500, 503] {
        let (fetched, to) = comes_of(move || answer(status, "content-length: 4\r\n", b"ID3\x04")).await;
        let text = format!("HTTP {status}");
        assert!(matches!(&fetched, Err(Unfetched::Failed(said)) if said.contains(&text)), "{status}: {fetched:?}");
        assert!(to.is_empty());
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_begun_and_a_writer_that_has_enough_ends_it() {
    let head = format!("content-type: audio/mpeg\r\ncontent-length: {}\r\n", (2_u64 << 30) + 1);
    let (fetched, to) = comes_of(move || answer(200, &head, &sound(1000))).await;
    assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("2048 MiB")), "{fetched:?}");
    assert!(to.is_empty());

    /// Takes so many bytes.
    struct Most(usize);

    impl AsyncWrite for Most {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, part: &[u8]) -> Poll<std::io::Result<usize>> {
            let left = self.0.checked_sub(part.len());
            Poll::Ready(
                left.map(|left| self.0 = left).map(|()| part.len()).ok_or(std::io::ErrorKind::StorageFull.into()),
            )
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    // Without a length and without an end.
    let server = Server::start(false, |_| {
        let mut endless = answer(200, "content-type: audio/mpeg\r\n", &sound(1 << 20));
        endless.push(Piece::Hang);
        endless
    })
    .await;
    let fetched = from(&server).fetch(&format!("{}/a", server.origin), &mut Most(500_000)).await;
    assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("cannot be written")), "{fetched:?}");
}

/// Stops the clocks when something has arrived: nothing else will, and they jump to what is waited for.
struct Stopping(Vec<u8>);

impl AsyncWrite for Stopping {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, part: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.0.is_empty() {
            tokio::time::pause();
        }
        self.0.extend_from_slice(part);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn who_falls_silent_is_not_waited_for_for_long() {
    let server = Server::start(false, |_| {
        let mut silent = answer(200, "content-length: 300000\r\n", &sound(1000));
        silent.push(Piece::Hang);
        silent
    })
    .await;
    let fetched = from(&server).fetch(&format!("{}/a", server.origin), &mut Stopping(Vec::new())).await;
    assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("nothing came for 30 s")), "{fetched:?}");
}

#[tokio::test]
async fn who_never_answers_is_not_waited_for_either() {
    let server = Server::start(false, |_| {
        tokio::time::pause();
        vec![Piece::Hang]
    })
    .await;
    let (fetched, _) = fetch(&*from(&server), &format!("{}/a", server.origin)).await;
    assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("nothing came for 30 s")), "{fetched:?}");
}
