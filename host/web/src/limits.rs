//! Bounds on everything that comes in.

use std::num::NonZeroU32;
use std::time::Duration;

/// How much, how many and how long. What is too much gets the status in brackets; without one the connection is
/// closed without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, in all. 512 \[503 without TLS\].
    pub connections: usize,
    /// Connections at once of one source: an IPv4 address, or an IPv6 network of 64 bits. Trusted proxies have only
    /// the limit for all. 32 \[503 without TLS\].
    pub connections_per_source: usize,
    /// The TLS handshake. 5 s.
    pub handshake: Duration,
    /// Until the whole head of a request is there, from the moment the connection is free for it: just opened, or the
    /// answer before it has left. So this is also how long a connection may rest. 15 s.
    pub head: Duration,
    /// The body of a request. 15 s \[408\].
    pub body: Duration,
    /// From the end of the head to the end of the handling. 30 s \[503\].
    pub request: Duration,
    /// How long the other side may take nothing of an answer. 10 s.
    pub answer: Duration,
    /// Requests on one connection; the last is answered with `connection: close`. 1000.
    pub requests_per_connection: u32,
    /// Bytes of the URL. 8 KiB \[414\].
    pub url_bytes: usize,
    /// Bytes of a head: the first line and all headers. 24 KiB \[431\].
    pub head_bytes: usize,
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
            head: Duration::from_secs(15),
            body: Duration::from_secs(15),
            request: Duration::from_secs(30),
            answer: Duration::from_secs(10),
            requests_per_connection: 1000,
            url_bytes: 8 * 1024,
            head_bytes: 24 * 1024,
            headers: 64,
            body_bytes: 256 * 1024,
            rate: RATE,
            burst: BURST,
        }
    }
}
