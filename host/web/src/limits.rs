//! Bounds on everything that comes in.

use std::num::NonZeroU32;
use std::time::Duration;

/// How much, how many and how long. What is too much gets the status in brackets; without one the connection is
/// closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, in all. 512 \[503 without TLS\].
    pub connections: usize,
    /// Connections at once of one source: an IPv4 address, or an IPv6 network of 64 bits. Trusted proxies have only
    /// the limit for all. 32 \[503 without TLS\].
    pub connections_per_source: usize,
    /// The TLS handshake. 5 s.
    pub handshake: Duration,
    /// The head of a request, from its first byte; also how long a new connection may wait before it. 10 s \[408\].
    pub head: Duration,
    /// The body of a request. 15 s \[408\].
    pub body: Duration,
    /// From the first byte of a request to the end of its handling. 30 s \[503\].
    pub request: Duration,
    /// How long the answer may take to leave. 10 s.
    pub answer: Duration,
    /// Between two requests on a connection. 15 s.
    pub idle: Duration,
    /// Requests on one connection; the last is answered with `connection: close`. 1000.
    pub requests_per_connection: u32,
    /// Bytes of the URL. 8 KiB \[414\].
    pub url_bytes: usize,
    /// Bytes of all header lines together. 16 KiB \[431\].
    pub header_bytes: usize,
    /// Header lines. 64 \[431\].
    pub headers: usize,
    /// Bytes of a body. 256 KiB \[413\].
    pub body_bytes: usize,
    /// Requests per second of one source, in the long run. 50 \[429\].
    pub rate: NonZeroU32,
    /// Requests of one source that may come at once. 100 \[429\].
    pub burst: NonZeroU32,
}

const RATE: NonZeroU32 = NonZeroU32::new(50).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 512,
            connections_per_source: 32,
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(10),
            body: Duration::from_secs(15),
            request: Duration::from_secs(30),
            answer: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            requests_per_connection: 1000,
            url_bytes: 8 * 1024,
            header_bytes: 16 * 1024,
            headers: 64,
            body_bytes: 256 * 1024,
            rate: RATE,
            burst: BURST,
        }
    }
}
