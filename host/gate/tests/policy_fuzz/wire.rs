//! What a plugin writes into headers, against the bytes that arrive: always one request, with what is allowed and
//! nothing else.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hookswitch_gate::{Bytes, Error, Gate, Options, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::{seconds, text};

const PIECES: &[&str] = &[
    "x-a",
    "X-B",
    "accept",
    "content-type",
    "content-length",
    "Content-Length",
    "transfer-encoding",
    "chunked",
    "host",
    "connection",
    "close",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "100-continue",
    "keep-alive",
    "proxy-",
    "Proxy-X",
    "accept-encoding",
    "gzip",
    "http2-settings",
    "user-agent",
    "cookie",
    "authorization",
    "range",
    ":",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    "\0",
    "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "0\r\n\r\n",
    "5",
    "0",
    "-",
    "_",
    "ä",
    "\u{7f}",
    "\u{80}",
    "\"",
    ",",
    "(",
    ")",
    "a",
    "value",
];

/// Everything of one request, as it arrived.
struct Arrived {
    line: String,
    /// In lower case, with the value.
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Reads requests by the letter of RFC 9112, and hands on whatever comes: bytes between two requests would be taken
/// for a request.
async fn sink(listener: TcpListener, arrived: mpsc::UnboundedSender<Arrived>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, arrived.clone()));
    }
}

async fn serve(mut stream: TcpStream, arrived: mpsc::UnboundedSender<Arrived>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            match stream.read(&mut chunk).await.ok()? {
                0 => return None,
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        };
        let head = bytes[..end].to_vec();
        bytes.drain(..end + 4);
        let mut lines = head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
        let fields: Vec<(String, Vec<u8>)> = lines
            .map(|line| {
                let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
                let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
                (name, line.get(colon + 1..).unwrap_or_default().trim_ascii().to_vec())
            })
            .collect();
        let length = fields
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| std::str::from_utf8(value).unwrap().parse::<usize>().unwrap());
        while bytes.len() < length {
            match stream.read(&mut chunk).await.ok()? {
                0 => return None,
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        }
        let body = bytes.drain(..length).collect();
        arrived.send(Arrived { line, fields, body }).ok()?;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
    }
}

/// Whether a plugin may set a header, as RFC 9110 has the syntax and the gate's documentation the names.
fn allowed(name: &str, value: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let name = name.to_ascii_lowercase();
    let taken = [
        "host",
        "content-length",
        "transfer-encoding",
        "trailer",
        "expect",
        "te",
        "connection",
        "keep-alive",
        "upgrade",
        "http2-settings",
        "accept-encoding",
    ];
    !name.is_empty()
        && name.bytes().all(token)
        && !name.starts_with("proxy-")
        && !taken.contains(&name.as_str())
        && value.bytes().all(|b| b == b'\t' || b >= 0x20 && b != 0x7f)
}

struct World {
    runtime: Runtime,
    gate: Gate,
    url: String,
    arrived: Mutex<mpsc::UnboundedReceiver<Arrived>>,
    tried: AtomicUsize,
    sent: AtomicUsize,
}

impl World {
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (told, arrived) = mpsc::unbounded_channel();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(sink(listener, told));
        let http = vec![url.parse().unwrap()];
        let gate = Gate::new(Options { plugin: "fuzz".into(), http, ..Options::default() }).unwrap();
        World {
            runtime,
            gate,
            url,
            arrived: Mutex::new(arrived),
            tried: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
        }
    }

    fn check(&self, headers: Vec<(String, String)>, body: &str) {
        let mut arrived = self.arrived.lock().unwrap();
        let expected = headers.iter().all(|(name, value)| allowed(name, value));
        let request = Request {
            method: "PUT".into(),
            url: format!("{}/x", self.url),
            headers: headers.clone(),
            body: Bytes::from(body.to_owned()),
            ..Request::default()
        };
        let outcome = self.runtime.block_on(self.gate.send(request));
        self.tried.fetch_add(1, Ordering::Relaxed);
        if !expected {
            assert!(matches!(outcome, Err(Error::BadRequest(_))), "{headers:?}: {outcome:?}");
            assert!(arrived.try_recv().is_err(), "{headers:?}");
            return;
        }
        assert_eq!(outcome.unwrap_or_else(|error| panic!("{headers:?}: {error}")).status, 204);
        let one = arrived.try_recv().unwrap();
        assert!(arrived.try_recv().is_err(), "a second request arrived: {headers:?}");
        assert_eq!((one.line.as_str(), one.body.as_slice()), ("PUT /x HTTP/1.1", body.as_bytes()), "{headers:?}");

        let own = |name: &str, value: &str| (name.to_owned(), value.trim_ascii().as_bytes().to_vec());
        let mut fields: Vec<_> = headers.iter().map(|(name, value)| own(&name.to_ascii_lowercase(), value)).collect();
        fields.push(own("host", self.url.strip_prefix("http://").unwrap()));
        fields.push(own("accept-encoding", "gzip, br, deflate"));
        fields.push(own("content-length", &body.len().to_string()));
        if !fields.iter().any(|(name, _)| name == "user-agent") {
            fields.push(own("user-agent", concat!("hookswitch/", env!("CARGO_PKG_VERSION"))));
        }
        let mut seen = one.fields;
        seen.sort();
        fields.sort();
        assert_eq!(seen, fields, "{headers:?}");
        self.sent.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn one_request_arrives_with_exactly_the_headers_that_are_allowed() {
    let world = Arc::new(World::new());
    let shared = AssertUnwindSafe(Arc::clone(&world));
    bolero::check!().with_max_len(40).with_test_time(seconds()).for_each(move |bytes: &[u8]| {
        let world = &shared;
        // A name, a value, a name, …; the last part is the body.
        let mut parts: Vec<String> = bytes.split(|b| *b % 5 == 0).map(|part| text(part, PIECES)).collect();
        let body = parts.pop().unwrap_or_default();
        let headers = parts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        world.check(headers, &body);
    });
    let (tried, sent) = (world.tried.load(Ordering::Relaxed), world.sent.load(Ordering::Relaxed));
    println!("{tried} lists of headers tried, {sent} sent");
    assert!(sent * 100 > tried, "only {sent} of {tried} were sent");
}
