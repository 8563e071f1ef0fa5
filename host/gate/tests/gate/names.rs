//! Names, the addresses behind them, and which of those may be dialled.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookswitch_gate::{Error, Gate, Limits, Network, Options, Resolver, Stage};

use crate::dns;
use crate::server::{Server, Turn, get, ok, options};

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn asking(dns: SocketAddr, http: &str, open: &[&str]) -> Gate {
    let limits = Limits { connect: Duration::from_millis(50), ..Limits::default() };
    let resolver = Resolver::Servers(vec![dns]);
    Gate::new(Options { resolver, limits, networks: networks(open), ..options(&[http]) }).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Addresses of every kind that is not the public internet.
const CLOSED: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fdff::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "2001:db8::1",
    "100::1",
    "ff02::1",
    // IPv4 in an IPv6 spelling: mapped, NAT64, 6to4, Teredo, compatible.
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::8.8.8.8",
    "2002:a00:1::",
    "2001:0:1:2:3:4:f5ff:fffe",
    "::10.0.0.1",
];

#[tokio::test]
async fn a_name_at_an_address_that_is_not_public_is_denied_with_the_line_that_opens_it() {
    for address in CLOSED {
        let answer = ip(address);
        let dns = dns::start(move |_| vec![answer]).await;
        let url = "http://crm.example:9/";
        // A network of another kind opens nothing.
        for open in [&[][..], &["10.99.0.0/16", "fd99::/16", "127.99.0.0/16"]] {
            let error = asking(dns, url, open).send(get(url)).await.unwrap_err();
            let Error::Denied { cure, .. } = &error else { panic!("{address}: {error}") };
            let suggested: toml::Table = toml::from_str(&cure.line).unwrap();
            let suggested = suggested["allow"]["network"][0].as_str().unwrap();
            assert!(suggested.parse::<Network>().is_ok(), "{address}: {suggested}");
            assert!(error.to_string().contains("`crm.example` is at"), "{address}: {error}");
        }
    }
}

#[tokio::test]
async fn the_suggested_line_opens_the_address() {
    let server = Server::start(|_| ok("")).await;
    let url = format!("http://crm.example:{}/", server.address.port());
    let dns = dns::start(|_| vec![ip("::ffff:127.0.0.1")]).await;
    let error = asking(dns, &url, &[]).send(get(&url)).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert_eq!(cure.line, "allow.network = [\"127.0.0.1/32\"]");
    assert!(asking(dns, &url, &["127.0.0.1/32"]).send(get(&url)).await.is_ok());
}

#[tokio::test]
async fn one_closed_address_among_open_ones_closes_the_name() {
    let server = Server::start(|_| ok("")).await;
    let url = format!("http://crm.example:{}/", server.address.port());
    for answers in [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "::1"]] {
        let dns = dns::start(move |_| answers.map(ip).to_vec()).await;
        let error = asking(dns, &url, &["127.0.0.1"]).send(get(&url)).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{answers:?}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_checked_address_is_dialled_and_the_name_stays_in_the_host_header() {
    let server = Server::start(|_| ok("here")).await;
    let port = server.address.port();
    let dns = dns::start(|name| if name == "crm.example" { vec![ip("127.0.0.1")] } else { Vec::new() }).await;
    let gate = asking(dns, &format!("http://crm.example:{port}"), &["127.0.0.0/8"]);
    let response = gate.send(get(&format!("http://CRM.Example.:{port}/x"))).await.unwrap();
    assert_eq!(response.sent.remote, server.address);
    assert_eq!(response.sent.network.unwrap().to_string(), "127.0.0.0/8");
    assert!(response.sent.timings.dns.is_some());
    assert!(server.requests()[0].contains(&format!("host: crm.example:{port}\r\n")));
}

#[tokio::test]
async fn each_new_connection_is_judged_afresh_so_a_name_cannot_move_inwards() {
    // Closing after each answer makes the gate connect, and so resolve, again.
    let server = Server::start(|_| {
        Turn::AnswerAndClose(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec())
    })
    .await;
    let url = format!("http://crm.example:{}/", server.address.port());
    let moved = Arc::new(AtomicUsize::new(0));
    let zone = Arc::clone(&moved);
    let dns = dns::start(move |_| {
        vec![IpAddr::from(if zone.load(Ordering::SeqCst) == 0 { [127, 0, 0, 1] } else { [127, 0, 0, 2] })]
    })
    .await;
    let gate = asking(dns, &url, &["127.0.0.1/32"]);
    gate.send(get(&url)).await.unwrap();
    moved.store(1, Ordering::SeqCst);
    let error = gate.send(get(&url)).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_open() {
    let server = Server::start(|_| ok("")).await;
    let url = format!("http://crm.example:{}/", server.address.port());
    let dns = dns::start(|_| vec![ip("127.0.0.9"), ip("127.0.0.1")]).await;
    let response = asking(dns, &url, &["127.0.0.0/8"]).send(get(&url)).await.unwrap();
    assert_eq!(response.sent.remote, server.address);
}

#[tokio::test]
async fn a_name_without_address_or_answer_means_not_sent_and_the_text_says_which() {
    let dns = dns::start(|_| Vec::new()).await;
    let error = asking(dns, "http://gone.example", &[]).send(get("http://gone.example")).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { stage: Stage::Resolve, .. }), "{error}");
    assert!(error.to_string().contains("no name `gone.example`"), "{error}");

    // A socket that is never read: the name server is silent.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits { dns: Duration::from_millis(300), ..Limits::default() };
    let resolver = Resolver::Servers(vec![silent.local_addr().unwrap()]);
    let gate = Gate::new(Options { resolver, limits, ..options(&["http://crm.example"]) }).unwrap();
    let start = std::time::Instant::now();
    let error = gate.send(get("http://crm.example")).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { stage: Stage::Resolve, .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_systems_own_look_up_serves_names_that_only_the_system_knows() {
    let server = Server::start(|_| ok("")).await;
    let url = format!("http://localhost:{}/", server.address.port());
    let gate = |open: &[&str]| {
        Gate::new(Options { resolver: Resolver::System, networks: networks(open), ..options(&[&url]) }).unwrap()
    };
    assert!(matches!(gate(&[]).send(get(&url)).await, Err(Error::Denied { .. })));
    assert_eq!(server.connections(), 0);
    let response = gate(&["127.0.0.0/8", "::1"]).send(get(&url)).await.unwrap();
    assert_eq!(response.sent.remote, server.address);
}

#[tokio::test]
async fn an_address_that_the_admin_wrote_into_a_grant_needs_no_network() {
    let server = Server::start(|_| ok("")).await;
    let response = Gate::new(server.options()).unwrap().send(get(&server.url("/"))).await.unwrap();
    assert_eq!((response.sent.remote, response.sent.network), (server.address, None));
}

#[test]
fn a_resolver_is_written_as_a_word_or_as_a_list_of_name_servers() {
    #[derive(Debug, serde::Deserialize)]
    struct Server {
        resolver: Resolver,
    }
    let read = |text: &str| toml::from_str::<Server>(&format!("resolver = {text}")).map(|server| server.resolver);
    assert_eq!(read("\"dns\"").unwrap(), Resolver::Dns);
    assert_eq!(read("\"system\"").unwrap(), Resolver::System);
    let servers =
        ["192.168.7.1:53", "192.168.7.2:5353", "[fd00::1]:53", "[fd00::2]:54"].map(|text| text.parse().unwrap());
    let list = "[\"192.168.7.1\", \"192.168.7.2:5353\", \"fd00::1\", \"[fd00::2]:54\"]";
    assert_eq!(read(list).unwrap(), Resolver::Servers(servers.to_vec()));
    for text in ["\"hosts\"", "[]", "[\"dns.example\"]", "5", "[5]"] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("192.168.7.1") || error.contains("expected a string"), "{text}: {error}");
    }
}
