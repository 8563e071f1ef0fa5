//! What the gate dials, against what the model allows.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookswitch_gate::{Error, Gate, Limits, Options, Request, Resolver, Stage};
use tokio::runtime::Runtime;

use crate::model::{Allowed, Open, SIX, Verdict, four, judge};
use crate::places::{Arrivals, listen, name_server, zone};
use crate::{seconds, text};

/// The ports of the listeners in this file; those that are free stand in for them.
const PORT: u16 = 18_080;
const OTHER: u16 = 18_081;

const fn plain(scheme: &'static str, host: &'static str, port: u16) -> Allowed {
    Allowed { scheme, host, below: false, port, path: "", methods: &[] }
}

const BELOW: Allowed = Allowed { below: true, ..plain("http", "crm.example", PORT) };
const PATH: Allowed = Allowed { path: "/api", ..plain("http", "crm.example", PORT) };
const READ: Allowed = Allowed { methods: &["GET"], ..plain("http", "127.0.0.2", PORT) };

const GRANTS: &[&[Allowed]] = &[
    &[],
    &[plain("http", "127.0.0.1", PORT)],
    &[plain("http", "::1", PORT), READ],
    &[plain("http", "crm.example", PORT), plain("http", "xn--bcher-kva.example", PORT)],
    &[BELOW],
    &[PATH, Allowed { path: "/api/v2", methods: &["POST"], ..BELOW }],
    &[plain("http", "two.example", PORT), plain("http", "six.example", PORT), plain("http", "both.example", OTHER)],
    &[plain("https", "127.0.0.3", PORT), plain("https", "crm.example", PORT), plain("http", "mapped.example", PORT)],
];

fn networks() -> Vec<Vec<Open>> {
    vec![
        vec![],
        vec![Open(four(1), 32)],
        vec![Open(four(2), 31)],
        vec![Open(four(0), 8)],
        vec![Open(SIX, 128), Open(four(2), 32)],
    ]
}

/// The grant as the admin writes it.
fn toml(grant: &Allowed) -> String {
    let star = if grant.below { "*." } else { "" };
    let host = if grant.host.contains(':') { format!("[{}]", grant.host) } else { grant.host.to_owned() };
    let url = format!("{}://{star}{host}:{}{}", grant.scheme, grant.port, grant.path);
    if grant.methods.is_empty() {
        format!("{url:?}")
    } else {
        format!("{{ url = {url:?}, methods = {:?} }}", grant.methods)
    }
}

#[derive(serde::Deserialize)]
struct Allow {
    http: Vec<hookswitch_gate::Grant>,
}

struct World {
    runtime: Runtime,
    arrivals: Arrivals,
    ports: [(u16, u16); 2],
    /// One for each list of grants and of networks.
    gates: Vec<(Gate, Vec<Allowed>, Vec<Open>)>,
}

impl World {
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let arrivals = Arrivals::default();
        let (dns, ports) = runtime.block_on(async {
            let ports = [(PORT, listen(&arrivals).await), (OTHER, listen(&arrivals).await)];
            (name_server().await, ports)
        });
        let real = |port| ports.into_iter().find(|(here, _)| *here == port).map_or(port, |(_, real)| real);
        let limits = Limits { connect: Duration::from_millis(500), idle: Duration::ZERO, ..Limits::default() };
        let mut gates = Vec::new();
        for grants in GRANTS {
            for open in networks() {
                let grants: Vec<Allowed> =
                    grants.iter().map(|grant| Allowed { port: real(grant.port), ..*grant }).collect();
                let http = grants.iter().map(toml).collect::<Vec<_>>().join(", ");
                let Allow { http } = toml::from_str(&format!("http = [{http}]")).unwrap();
                let networks = open.iter().map(|Open(first, length)| format!("{first}/{length}").parse().unwrap());
                let options = Options {
                    plugin: "fuzz".into(),
                    http,
                    networks: networks.collect(),
                    resolver: Resolver::Servers(vec![dns]),
                    limits: limits.clone(),
                    ..Options::default()
                };
                let _inside = runtime.enter();
                gates.push((Gate::new(options).unwrap(), grants, open));
            }
        }
        World { runtime, arrivals, ports, gates }
    }

    /// Sends one request and holds what happened against the model. Says whether something arrived.
    fn check(&self, gate: u8, method: &str, url: &str) -> bool {
        let (gate, grants, open) = &self.gates[usize::from(gate) % self.gates.len()];
        let url = self
            .ports
            .iter()
            .fold(url.to_owned(), |url, (here, real)| url.replace(&here.to_string(), &real.to_string()));
        self.arrivals.lock().unwrap().clear();
        let request = Request { method: method.into(), url: url.clone(), ..Request::default() };
        let outcome = self.runtime.block_on(gate.send(request));
        let arrived = std::mem::take(&mut *self.arrivals.lock().unwrap());
        let case = format!("{method} {url:?} with {grants:?} and {open:?}: {outcome:?}");
        let sent = match judge(&url, method, grants, open, zone) {
            Verdict::Sent(sent) => sent,
            verdict => {
                assert!(arrived.is_empty(), "{verdict:?}, but bytes arrived at {:?}: {case}", arrived[0].0);
                match (&verdict, &outcome) {
                    (Verdict::Malformed, Err(Error::BadRequest(_))) => {}
                    (Verdict::Denied, Err(Error::Denied { .. })) => {}
                    (Verdict::Nowhere, Err(Error::NotSent { stage: Stage::Resolve, .. })) => {}
                    _ => panic!("{verdict:?}: {case}"),
                }
                return false;
            }
        };
        // Our listeners are at two ports of all addresses of the zone, so the first is the one that opens.
        let first = sent.addresses[0];
        let somebody = self.ports.iter().any(|(_, real)| *real == sent.port)
            && ([1, 2, 3].map(four).contains(&first) || first == SIX);
        if !somebody {
            assert!(arrived.is_empty(), "{case}");
            assert!(matches!(outcome, Err(Error::NotSent { stage: Stage::Connect, .. })), "{case}");
            return false;
        }
        assert_eq!(arrived.len(), 1, "the model allows {sent:?}: {case}");
        let (place, bytes) = &arrived[0];
        assert_eq!((place.ip(), place.port()), (first, sent.port), "{case}");
        if sent.scheme == "https" {
            assert!(bytes[0] == 0x16 && matches!(outcome, Err(Error::NotSent { stage: Stage::Tls, .. })), "{case}");
        } else {
            let head = std::str::from_utf8(bytes).unwrap();
            assert!(head.starts_with(&format!("{}\r\n", sent.line)), "{head} is not {sent:?}: {case}");
            assert_eq!(head.matches("\r\nhost: ").count(), 1, "{head}");
            assert!(head.contains(&format!("\r\nhost: {}\r\n", sent.host_header)), "{head} is not {sent:?}: {case}");
            assert_eq!(outcome.unwrap().status, 204, "{case:?}");
        }
        true
    }
}

/// Of these, tricks are made.
const PIECES: &[&str] = &[
    "http://",
    "https://",
    "HTTP://",
    "http:",
    "//",
    "/",
    "?",
    "#",
    "@",
    ":",
    "\\",
    ".",
    "..",
    "*",
    ";",
    "%",
    "[",
    "]",
    ":18080",
    ":18080/",
    ":18081",
    ":018080",
    ":80",
    ":",
    ":0",
    ":65536",
    "18080",
    "127.0.0.1",
    "127.0.0.2",
    "127.0.0.3",
    "127.1",
    "127.2",
    "2130706433",
    "2130706434",
    "0x7f000001",
    "0x7f.2",
    "0177.0.0.3",
    "127.0.0.1.",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:2]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "0.0.0.0",
    "0",
    "localhost",
    "crm.example",
    "CRM.Example",
    "crm.example.",
    "a.",
    "b.",
    "a.crm.example",
    "a.b.crm.example",
    "evil",
    ".evil.example",
    "evilcrm.example",
    "two.example",
    "six.example",
    "both.example",
    "mapped.example",
    "bücher.example",
    "BÜCHER.example",
    "xn--bcher-kva.example",
    "b%C3%BCcher.example",
    "crm%2eexample",
    "crm。example",
    "ｃｒｍ.example",
    "crm\u{ad}.example",
    "１２７.0.0.1",
    "/api",
    "/api/",
    "/api/v2",
    "/API",
    "api",
    "v2",
    "%2e",
    "%2E%2e",
    "..%2f",
    "%252e",
    "%25252e",
    "%2f",
    "%5c",
    "..;",
    "%00",
    "%20",
    "\t",
    "\n",
    "\r",
    " ",
    "\0",
    "a=b",
    "&",
    "user",
    "pass",
    "user:pass@",
    "|",
    "^",
    "{",
    "}",
    "`",
    "\"",
    "<",
    ">",
    "'",
    "~",
    "$",
    "!",
    "ü",
    "\u{202e}",
    "\u{feff}",
];

/// Most random texts are no URL at all; some begin as one.
const STARTS: &[&str] = &[
    "",
    "http://",
    "https://",
    "http://127.0.0.1:18080",
    "http://127.0.0.1:18080/",
    "http://127.0.0.2:18080/",
    "http://crm.example:18080",
    "http://crm.example:18080/api/",
    "http://a.crm.example:18080",
    "http://[::1]:18080/",
    "https://127.0.0.3:18080",
    "http://two.example:18080/",
    "http://six.example:18080/",
    "http://both.example:18081/",
    "http://mapped.example:18080/",
    "https://crm.example:18080/",
    "http://user@",
    "http://xn--bcher-kva.example:18080/",
    "http://a.b.crm.example:18080/api/v2",
];

const METHODS: &[&str] = &["GET", "POST", "DELETE"];

#[test]
fn bytes_arrive_where_the_model_allows_it_and_nowhere_else() {
    let world = AssertUnwindSafe(World::new());
    let arrived = Arc::new(AtomicUsize::new(0));
    let tried = Arc::new(AtomicUsize::new(0));
    let counts = (Arc::clone(&tried), Arc::clone(&arrived));
    bolero::check!().with_max_len(14).with_test_time(seconds()).for_each(move |bytes: &[u8]| {
        let world = &world;
        let [gate, method, start, rest @ ..] = bytes else { return };
        let method = METHODS[usize::from(*method) % METHODS.len()];
        let start = STARTS[usize::from(*start) % STARTS.len()];
        counts.0.fetch_add(1, Ordering::Relaxed);
        if world.check(*gate, method, &format!("{start}{}", text(rest, PIECES))) {
            counts.1.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (tried, arrived) = (tried.load(Ordering::Relaxed), arrived.load(Ordering::Relaxed));
    println!("{tried} URLs tried, {arrived} arrived");
    assert!(arrived * 100 > tried, "only {arrived} of {tried} URLs arrived");
}

/// The tricks that are known, each with every gate.
#[test]
fn known_tricks_arrive_where_the_model_allows_it_and_nowhere_else() {
    let world = World::new();
    for piece in PIECES {
        for start in STARTS {
            for gate in 0..world.gates.len() as u8 {
                world.check(gate, "GET", &format!("{start}{piece}"));
            }
        }
    }
}
