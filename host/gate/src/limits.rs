//! Bounds on time, bytes and number. Defaults and maxima from `oauth2-and-http.md`, section 2.3.

use std::time::Duration;

use crate::error::SetupError;

/// The bounds of a gate. Those without a field here are fixed: 64 headers and 16 KiB of headers each way, 16 KiB of
/// URL, 16 interim answers, 64 idle connections, and 100 bytes of an answer for each compressed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Looking up a name. 2 s.
    pub dns: Duration,
    /// Opening a TCP connection, all addresses of the name together. 3 s.
    pub connect: Duration,
    /// The TLS handshake. 3 s.
    pub tls: Duration,
    /// From handing over the request to the head of the answer. 10 s.
    pub first_byte: Duration,
    /// From one piece of an answer's body to the next. 20 s.
    pub silence: Duration,
    /// The whole of a request, with the wait for its turn and all redirects, unless it says itself how long it takes. 15 s,
    /// at most 5 min.
    pub total: Duration,
    /// The same for one that says so itself, at most, and for one with files in it. 5 min, which is the most.
    pub longest: Duration,
    /// How long an unused connection is kept open, unless the other side says less. 30 s.
    pub idle: Duration,
    /// Bytes of a request's body. 1 MiB, at most 8 MiB.
    pub request_body: usize,
    /// Bytes of an answer's body, as it came and unpacked. 1 MiB, at most 8 MiB.
    pub response_body: usize,
    /// Requests under way at the same time. More wait for their turn, within their time. 16, from 1 to 256.
    pub requests_at_once: u16,
}

const MAX_TOTAL: Duration = Duration::from_secs(5 * 60);
const MAX_BODY: usize = 8 * MIB;
const MAX_AT_ONCE: u16 = 256;
const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            dns: Duration::from_secs(2),
            connect: Duration::from_secs(3),
            tls: Duration::from_secs(3),
            first_byte: Duration::from_secs(10),
            silence: Duration::from_secs(20),
            total: Duration::from_secs(15),
            longest: MAX_TOTAL,
            idle: Duration::from_secs(30),
            request_body: MIB,
            response_body: MIB,
            requests_at_once: 16,
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let times =
            [self.dns, self.connect, self.tls, self.first_byte, self.silence, self.total, self.longest, self.idle];
        if times.into_iter().any(|time| time > MAX_TOTAL) {
            return Err(SetupError::Time { most: MAX_TOTAL });
        }
        if self.request_body.max(self.response_body) > MAX_BODY {
            return Err(SetupError::Body { most: MAX_BODY });
        }
        if !(1..=MAX_AT_ONCE).contains(&self.requests_at_once) {
            return Err(SetupError::AtOnce { most: MAX_AT_ONCE });
        }
        Ok(())
    }
}
