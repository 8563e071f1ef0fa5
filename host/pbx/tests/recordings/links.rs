//! Which servers are asked, and what they are shown.

use std::sync::Arc;

use hookswitch_pbx::{Links, Origin, Pass, Pattern, Recordings, Slot, Unfetched};

use crate::server::{Piece, Server, answer, good, sound};

pub(crate) fn origin(text: &str) -> Origin {
    Origin::try_from(text.to_owned()).unwrap()
}

/// What may be fetched from these servers, by whose certificates is told from strangers' by the first.
fn links(from: &[&Server], pass: Option<Pass>) -> Arc<dyn Recordings> {
    let ca_file = from.first().map(|server| server.ca.path().to_owned());
    let from = from.iter().map(|server| origin(&server.origin)).collect();
    Links { from, url: None, pass, ca_file }.open().unwrap()
}

pub(crate) async fn fetch(recordings: &dyn Recordings, file: &str) -> (Result<u64, Unfetched>, Vec<u8>) {
    let mut to = Vec::new();
    let fetched = recordings.fetch(file, &mut to).await;
    (fetched.map(|fetched| fetched.bytes), to)
}

fn basic() -> Option<Pass> {
    Some(Pass::Basic { user: "rec".into(), password: "p4ss:word".into() })
}

fn elsewhere(status: u16, to: &str) -> Vec<Piece> {
    answer(status, &format!("location: {to}\r\ncontent-length: 0\r\n"), b"")
}

#[tokio::test]
async fn a_server_that_nobody_has_named_is_not_asked_and_the_line_that_is_missing_is_told() {
    let named = Server::start(true, |_| good(&sound(10))).await;
    let other = Server::start(false, |_| good(&sound(10))).await;
    let recordings = links(&[&named], basic());
    for (file, missing) in [
        (format!("{}/a.mp3", other.origin), other.origin.clone()),
        // The same server in the open is another one.
        (format!("{}/a.mp3", named.origin.replace("https", "http")), named.origin.replace("https", "http")),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "https://169.254.169.254".to_owned()),
    ] {
        let (fetched, to) = fetch(&*recordings, &file).await;
        let line = format!("recordings.from = [\"{}\", \"{missing}\"]", named.origin);
        let Err(Unfetched::NotConfigured(text)) = fetched else { panic!("{file}: {fetched:?}") };
        assert!(text.contains(&line) && to.is_empty(), "{text}");
    }
    let nowhere = Links::default().open().unwrap();
    let (fetched, _) = fetch(&*nowhere, &format!("{}/a.mp3", named.origin)).await;
    let Err(Unfetched::NotConfigured(text)) = fetched else { panic!("{fetched:?}") };
    assert!(text.contains(&format!("recordings.from = [\"{}\"]", named.origin)), "{text}");
    assert_eq!((named.asked().len(), other.asked().len()), (0, 0));
    assert_eq!(fetch(&*recordings, &format!("{}/a.mp3", named.origin)).await.0, Ok(14));
}

#[tokio::test]
async fn an_id_becomes_an_address_of_the_server_that_the_admin_names_and_of_no_other() {
    let server = Server::start(false, |_| good(&sound(10))).await;
    let url = |text: &str| Pattern::new(&format!("{}{text}", server.origin), Slot::File).ok();
    let by_id = Links { url: url("/rec/{file}.mp3?k=1"), ..Links::default() }.open().unwrap();
    for id in ["MToxMDA6cmVj/../é", "@evil.example.com/", "a b?c#d", "."] {
        let _ = fetch(&*by_id, id).await;
    }
    let asked: Vec<_> = server.asked().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        asked,
        [
            "GET /rec/MToxMDA6cmVj%2F..%2F%C3%A9.mp3?k=1 HTTP/1.1",
            "GET /rec/%40evil.example.com%2F.mp3?k=1 HTTP/1.1",
            "GET /rec/a%20b%3Fc%23d.mp3?k=1 HTTP/1.1",
        ],
        "dots alone are no id"
    );
    let none = Links { from: vec![origin(&server.origin)], ..Links::default() }.open().unwrap();
    for file in ["4711", "/var/lib/freeswitch/4711.wav", "file:///etc/passwd", "ftp://192.0.2.1/x"] {
        let (fetched, _) = fetch(&*none, file).await;
        let Err(Unfetched::NotConfigured(text)) = fetched else { panic!("{file}: {fetched:?}") };
        assert!(text.contains("recordings.url = \"https://pbx.example.com/recordings/{file}\""), "{text}");
    }
    for file in ["", "..", "a\nb", &"a".repeat(3000)] {
        assert!(matches!(fetch(&*none, file).await.0, Err(Unfetched::Forbidden(_))), "{file:?}");
    }
}

#[tokio::test]
async fn what_is_shown_to_one_server_is_shown_to_no_other_and_few_redirects_are_followed() {
    let wants = |head: &str| head.contains("authorization: Basic cmVjOnA0c3M6d29yZA==\r\n");
    let store = Server::start(false, |_| good(&sound(10))).await;
    let there = format!("{}/stored", store.origin);
    let pbx = Server::start(false, move |head| match head.split(' ').nth(1).unwrap() {
        _ if !wants(head) => answer(401, "content-length: 0\r\n", b""),
        "/near" => elsewhere(302, "/stored"),
        "/far" => elsewhere(307, &there),
        "/stranger" => elsewhere(301, "http://192.0.2.1/x"),
        "/file" => elsewhere(302, "file:///etc/passwd"),
        "/round" => elsewhere(308, "/round"),
        "/three" => elsewhere(303, "/two"),
        "/two" => elsewhere(303, "/near"),
        _ => good(&sound(20)),
    })
    .await;
    let both = links(&[&pbx, &store], basic());
    let at = |path: &str| format!("{}{path}", pbx.origin);
    assert_eq!(fetch(&*both, &at("/near")).await, (Ok(24), sound(20)));
    assert_eq!(fetch(&*both, &at("/three")).await.0, Ok(24));
    assert_eq!(fetch(&*both, &at("/far")).await, (Ok(14), sound(10)));
    assert!(!store.asked()[0].contains("authorization"), "{:?}", store.asked());
    let Err(Unfetched::NotConfigured(text)) = fetch(&*both, &at("/stranger")).await.0 else { panic!("a stranger") };
    assert!(text.contains("\"http://192.0.2.1\"]"), "{text}");
    for path in ["/file", "/round"] {
        let (fetched, to) = fetch(&*both, &at(path)).await;
        assert!(matches!(fetched, Err(Unfetched::Failed(_))) && to.is_empty(), "{path}: {fetched:?}");
    }
    assert_eq!(pbx.asked().iter().filter(|head| head.contains("/round")).count(), 4, "the first, and three more");

    // Without it, and with it in the address.
    let bare = links(&[&pbx], None);
    let Err(Unfetched::Forbidden(text)) = fetch(&*bare, &at("/stored")).await.0 else { panic!("it is let in") };
    assert!(text.contains("HTTP 401") && text.contains("recordings.user"), "{text}");
    let user = at("/stored").replace("http://", "http://rec:p4ss@");
    assert!(matches!(fetch(&*both, &user).await.0, Err(Unfetched::NotConfigured(_))));
    // The first server is who gets it, whichever is asked.
    let (_, before) = fetch(&*links(&[&store, &pbx], basic()), &at("/stored")).await;
    assert!(before.is_empty() && !pbx.asked().last().unwrap().contains("authorization"));
}

#[tokio::test]
async fn a_header_is_shown_whole_and_a_wrong_certificate_gets_none() {
    let pass = || Some(Pass::Header { name: http::HeaderName::from_static("x-api-key"), value: "k3y".into() });
    let server = Server::start(true, |head| match head.contains("x-api-key: k3y\r\n") {
        true => good(&sound(10)),
        false => answer(403, "content-length: 0\r\n", b""),
    })
    .await;
    let file = format!("{}/a.mp3", server.origin);
    assert_eq!(fetch(&*links(&[&server], pass()), &file).await.0, Ok(14));
    let stranger = Server::start(true, |_| good(&sound(10))).await;
    let from = vec![origin(&server.origin)];
    let ca_file = Some(stranger.ca.path().to_owned());
    let wary = Links { from, url: None, pass: pass(), ca_file }.open().unwrap();
    let (fetched, _) = fetch(&*wary, &file).await;
    assert!(matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("certificate")), "{fetched:?}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn what_cannot_be_shown_is_refused_when_the_source_is_made() {
    let from = || vec![origin("https://pbx.example.com")];
    let opened = |pass| Links { from: from(), pass: Some(pass), ..Links::default() }.open().err();
    let colon = opened(Pass::Basic { user: "a:b".into(), password: "x".into() });
    assert!(colon.unwrap().contains("colon"));
    let line = opened(Pass::Header { name: http::HeaderName::from_static("x-key"), value: "a\r\nb".into() }).unwrap();
    assert!(line.contains("x-key") && !line.contains("a\r\nb"), "{line}");
    let missing = Links { from: from(), ca_file: Some("/nowhere/ca.pem".into()), ..Links::default() }.open().err();
    assert!(missing.unwrap().contains("/nowhere/ca.pem"));
}
