//! Spellings of URLs that mean another place than they seem to.

use std::net::Ipv4Addr;

use hookswitch_gate::{Error, Gate, Malformed};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::server::{Server, get, ok, options};

#[tokio::test]
async fn a_url_that_readers_could_understand_differently_is_refused_as_malformed() {
    let server = Server::start(|_| ok("")).await;
    let port = server.address.port();
    let gate = Gate::new(server.options()).unwrap();
    for url in [
        format!("http://127.0.0.1:{port}@evil.example/"),
        format!("http://evil.example@127.0.0.1:{port}/"),
        format!("http://@127.0.0.1:{port}/"),
        format!("http://user:pass@127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http:/127.0.0.1:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http:///127.0.0.1:{port}/"),
        format!("http:\\\\127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@evil.example/"),
        format!("http://127.0.0.1:{port}/a\\b"),
        format!("ht\ttp://127.0.0.1:{port}/"),
        format!("http://127.0.\t0.1:{port}/"),
        format!("http://127.0.\n0.1:{port}/"),
        format!("http://127.0.0.1:{port}/a\r\nhost: evil"),
        format!(" http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}/ "),
        format!("http://127.0.0.1:{port}/a b"),
        format!("http://127.0.0.1:{port}/\0"),
        format!("http://127.0.0.1:{port}/#fragment"),
        format!("http://127.0.0.1:{port}/\u{2028}"),
        format!("ftp://127.0.0.1:{port}/"),
        format!("gopher://127.0.0.1:{port}/"),
        "file:///etc/passwd".into(),
        "javascript:alert(1)".into(),
        "data:text/plain,x".into(),
        "http://".into(),
        "http://*.example.com/".into(),
        "http://exa\"mple.com/".into(),
        "http://127.0.0.1:0/".into(),
        "http://127.0.0.1:70000/".into(),
        "http://127.0.0.1.5/".into(),
        "http://256.0.0.1/".into(),
        "http://[::1/".into(),
        "http://[fe80::1%25eth0]/".into(),
        "http://[fe80::1%eth0]/".into(),
        "http://1.2.3.08/".into(),
        "http://0x100000000/".into(),
        "http://4294967296/".into(),
        "http://xn--/".into(),
        "http://a\u{ad}\u{200d}.example\u{0}/".into(),
        "/rest/x".into(),
        "rest/x".into(),
        "".into(),
    ] {
        let error = gate.send(get(&url)).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{url:?}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn another_place_in_an_odd_spelling_is_denied_as_the_place_it_is() {
    let server = Server::start(|_| ok("")).await;
    let port = server.address.port();
    let gate = Gate::new(options(&[&format!("http://granted.example:{port}")])).unwrap();
    for url in [
        "http://evil.example",
        "HTTP://EVIL.EXAMPLE",
        "http://evil.example.",
        "http://еvil.example",
        "http://evil%2eexample",
        "http://granted.example.evil.example",
        "http://notgranted.example",
        "http://granted.example%2eevil.example",
        "http://granted。example。evil",
        "http://127.0.0.1",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.1",
        "http://0177.0.0.1",
        "http://0x7f000001",
        "http://[::ffff:127.0.0.1]",
        "http://[::ffff:7f00:1]",
        "http://[::1]",
        "http://[::]",
        "http://0.0.0.0",
        "http://0",
        "http://localhost",
        "http://169.254.169.254",
        "http://１２７.0.0.1",
        "http://①②⑦.0.0.1",
        "http://[::127.0.0.1]",
        "http://[64:ff9b::7f00:1]",
        "http://[2002:7f00:1::]",
        "http://[2001:0:1:2:3:4:80ff:fffe]",
        "http://[0:0:0:0:0:ffff:127.0.0.1]",
        "http://0177.1",
        "http://0x7F.0x0.0x0.0x1",
        "http://127.0.0.1.",
        "http://127.0x000.0000.1",
        "http://127%2e0%2e0%2e1",
        "http://faß.example",
    ] {
        let error = gate.send(get(&format!("{url}:{port}/"))).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{url}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_denial_holds_the_line_that_allows_what_was_denied() {
    let server = Server::start(|_| ok("hello")).await;
    let port = server.address.port();
    for (url, line) in [
        (server.url("/secret?x=y"), format!("allow.http = [\"http://127.0.0.1:{port}\"]")),
        (format!("http://2130706433:{port}/"), format!("allow.http = [\"http://127.0.0.1:{port}\"]")),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), format!("allow.http = [\"http://127.0.0.1:{port}\"]")),
    ] {
        let error = Gate::new(options(&[])).unwrap().send(get(&url)).await.unwrap_err();
        let Error::Denied { cure, .. } = &error else { panic!("{url}: {error}") };
        assert_eq!((cure.plugin.as_str(), &cure.line), ("crm", &line));
        assert!(error.to_string().ends_with(&format!("write in [plugin.crm]: {line}")), "{error}");

        let table: toml::Table = toml::from_str(&cure.line).unwrap();
        let grant = table["allow"]["http"][0].as_str().unwrap();
        assert_eq!(Gate::new(options(&[grant])).unwrap().send(get(&url)).await.unwrap().body, "hello");
        assert!(server.requests().last().unwrap().contains(&format!("host: 127.0.0.1:{port}\r\n")), "{url}");
    }
}

#[tokio::test]
async fn a_url_is_sent_in_the_spelling_that_was_checked() {
    let server = Server::start(|_| ok("")).await;
    let gate = Gate::new(server.options()).unwrap();
    for (path, line) in [
        ("", "GET / HTTP/1.1"),
        ("/a/../b", "GET /b HTTP/1.1"),
        ("/a/%2e%2E/b", "GET /b HTTP/1.1"),
        ("//evil.example/x", "GET //evil.example/x HTTP/1.1"),
        ("/?u=http://evil.example/", "GET /?u=http://evil.example/ HTTP/1.1"),
        ("/ü?ü=ü", "GET /%C3%BC?%C3%BC=%C3%BC HTTP/1.1"),
        ("/x?a=%2B&b=+", "GET /x?a=%2B&b=+ HTTP/1.1"),
    ] {
        gate.send(get(&server.url(path))).await.unwrap();
        assert_eq!(server.requests().last().unwrap().split("\r\n").next().unwrap(), line, "{path}");
    }
    assert!(matches!(
        gate.send(get(&server.url("/?q=a\u{7f}"))).await,
        Err(Error::BadRequest(Malformed::UrlCharacter { character: '\u{7f}' }))
    ));
}

/// Pieces of which URL tricks are made; `PORT` is the granted server's, at 127.0.0.1.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "http",
        "https",
        ":",
        "/",
        "//",
        "://",
        "@",
        "#",
        "?",
        "\\",
        "127.0.0.1",
        "127.0.0.2",
        "127.0.0.1:PORT",
        "127.0.0.2:PORT",
        ":PORT",
        "http://127.0.0.1:PORT",
        "http://127.0.0.1:PORT/",
        "http://",
        "2130706434",
        "0x7f.2",
        "127.2",
        "[::ffff:127.0.0.2]",
        ".",
        "..",
        "%2e",
        "%2f",
        "%40",
        "%00",
        "\t",
        "\n",
        " ",
        "*",
        "。",
        "localhost",
        "a",
    ];
    let piece = prop_oneof![4 => proptest::sample::select(pieces.to_vec()).prop_map(String::from), 1 => any::<char>().prop_map(String::from)];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

#[test]
fn whatever_the_url_says_only_the_granted_server_is_ever_reached() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let granted = runtime.block_on(Server::start(|_| ok("granted")));
    let port = granted.address.port();
    let neighbour = runtime.block_on(Server::on(Ipv4Addr::new(127, 0, 0, 2), port, None, |_| ok("neighbour")));
    // The whole loopback is open as a network, so that it is the grant alone which keeps the neighbour out.
    let networks = vec!["127.0.0.0/8".parse().unwrap()];
    let gate = Gate::new(hookswitch_gate::Options { networks, ..granted.options() }).unwrap();
    let starts = vec!["", "http://127.0.0.1:PORT", "http://127.0.0.1:PORT/", "http://127.0.0.1:PORT/?"];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(3000) });
    runner
        .run(&(proptest::sample::select(starts), pieces(), "\\PC{0,3}"), |(start, url, tail)| {
            let url = format!("{start}{url}{tail}").replace("PORT", &port.to_string());
            match runtime.block_on(gate.send(get(&url))) {
                Ok(response) => {
                    prop_assert_eq!(&response.body[..], b"granted", "{:?}", url);
                    prop_assert_eq!(response.sent.remote, granted.address);
                    // Another reader of the same text must see the same host.
                    let read = url::Url::parse(&url).unwrap();
                    prop_assert_eq!(read.host_str(), Some("127.0.0.1"), "{:?}", url);
                    let host = format!("\r\nhost: 127.0.0.1:{port}\r\n");
                    prop_assert!(granted.requests().last().unwrap().contains(&host));
                }
                Err(Error::BadRequest(_) | Error::Denied { .. }) => {}
                Err(other) => prop_assert!(false, "{url:?}: {other}"),
            }
            Ok(())
        })
        .unwrap();
    let reached = granted.requests().len();
    assert!(reached > 100, "the property was tried on {reached} URLs that arrive");
    assert_eq!(neighbour.connections(), 0);
}
