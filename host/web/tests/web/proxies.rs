//! Whose address a request has.

use std::net::IpAddr;

use hookswitch_web::{Network, Options};

use crate::world::{World, is_refusal, options};

fn behind(networks: &[&str]) -> Options {
    let network = |text: &&str| Network::try_from((*text).to_owned()).unwrap();
    Options { trusted_proxies: networks.iter().map(network).collect(), ..options() }
}

async fn origin(world: &World, headers: &str) -> (IpAddr, bool) {
    let before = world.handler.seen().len();
    world.say(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
    let seen = world.handler.seen();
    assert_eq!(seen.len(), before + 1, "{headers}");
    (seen[before].source, seen[before].secure)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn strangers_cannot_say_where_they_come_from() {
    let world = World::new(options()).await;
    for headers in [
        "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n",
        "Forwarded: for=192.0.2.7;proto=https\r\n",
        "X-Forwarded-For: rubbish\r\n",
    ] {
        assert_eq!(origin(&world, headers).await, (address("127.0.0.1"), false), "{headers}");
    }
}

#[tokio::test]
async fn the_rightmost_address_that_is_no_proxy_is_the_source() {
    let world = World::new(behind(&["127.0.0.1", "10.0.0.0/8"])).await;
    for (headers, source) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.1, 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.1, 192.0.2.7, 10.1.2.3\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.1.2.3\r\n", "192.0.2.7"),
        ("X-Forwarded-For: rubbish, , 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 10.9.9.9, 10.1.2.3\r\n", "10.9.9.9"),
        ("X-Forwarded-For: 192.0.2.7:4711\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7"),
        ("X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7"),
        ("X-Forwarded-For: ::ffff:192.0.2.7, ::ffff:10.1.2.3\r\n", "192.0.2.7"),
        ("Forwarded: for=192.0.2.7\r\n", "192.0.2.7"),
        ("Forwarded: for=203.0.113.1, For=\"[2001:db8::7]:4711\";by=10.1.2.3, for=10.1.2.3\r\n", "2001:db8::7"),
        ("Forwarded: for=unknown, for=192.0.2.7\r\n", "192.0.2.7"),
        ("Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 203.0.113.1, 192.0.2.7\r\n", "192.0.2.7"),
    ] {
        assert_eq!(origin(&world, headers).await.0, address(source), "{headers}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_understood_is_no_reason_to_guess() {
    let world = World::new(behind(&["127.0.0.1"])).await;
    for (headers, reason) in [
        ("X-Forwarded-For: unknown\r\n", "a trusted proxy does not tell the address of its client"),
        ("X-Forwarded-For: 192.0.2.7, 1.2.3\r\n", "a trusted proxy does not tell the address of its client"),
        ("X-Forwarded-For:\r\n", "a trusted proxy does not tell the address of its client"),
        ("Forwarded: for=_hidden\r\n", "a trusted proxy does not tell the address of its client"),
        ("Forwarded: proto=https\r\n", "a trusted proxy does not tell the address of its client"),
        ("Forwarded: 192.0.2.7\r\n", "the header `forwarded` cannot be read"),
        (
            "Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.8\r\n",
            "x-forwarded-for and forwarded name different sources",
        ),
    ] {
        let answer = world.say(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
        is_refusal(&answer, 400, reason);
    }
    assert_eq!(world.handler.seen().len(), 0);
}

#[tokio::test]
async fn it_is_secure_if_every_word_of_it_says_so() {
    let world = World::new(behind(&["127.0.0.1"])).await;
    for (headers, secure) in [
        ("", false),
        ("X-Forwarded-Proto: https\r\n", true),
        ("X-Forwarded-Proto: HTTPS\r\n", true),
        ("X-Forwarded-Proto: http\r\n", false),
        ("X-Forwarded-Proto: https, http\r\n", false),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", false),
        ("Forwarded: for=192.0.2.7;proto=https\r\n", true),
        ("Forwarded: for=192.0.2.7;proto=https, for=192.0.2.7;proto=http\r\n", false),
        ("Forwarded: for=192.0.2.7;proto=https\r\nX-Forwarded-Proto: http\r\n", false),
    ] {
        assert_eq!(origin(&world, headers).await.1, secure, "{headers}");
    }
}

#[tokio::test]
async fn a_proxy_brings_many_sources_and_each_has_its_own_rate() {
    let mut options = behind(&["127.0.0.1"]);
    options.limits.rate = 1.try_into().unwrap();
    options.limits.burst = 2.try_into().unwrap();
    options.limits.connections_per_source = 1;
    let world = World::new(options).await;
    let get = |source: &str| format!("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {source}\r\n\r\n");
    let mut clients = Vec::new();
    for source in 1..=10 {
        let mut client = world.connect().await;
        assert!(client.ask(get(&format!("192.0.2.{source}"))).await.starts_with("HTTP/1.1 200 "));
        clients.push(client);
    }
    // One IPv6 network of 64 bits is one source.
    for (source, status) in
        [("2001:db8::1", "200"), ("2001:db8::2", "200"), ("2001:db8::3", "429"), ("2001:db8:0:1::1", "200")]
    {
        let answer = world.say(get(source)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{source}: {answer}");
    }
}
