//! Bounds on time and bytes. Defaults and maxima from `oauth2-and-http.md`, section 2.3.

use std::time::Duration;

use crate::error::SetupError;

/// The bounds of a gate. Those without a field here are fixed: 64 headers and 16 KiB of headers each way, 16 KiB of
/// URL, 8 idle connections for each origin.
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
    /// The whole of a request, which it may shorten. 15 s, at most 5 min.
    pub total: Duration,
    /// How long an unused connection is kept open. 30 s.
    pub idle: Duration,
    /// Bytes of a request's body. 1 MiB, at most 8 MiB.
    pub request_body: usize,
    /// Bytes of an answer's body. 1 MiB, at most 8 MiB.
    pub response_body: usize,
}

const MAX_TOTAL: Duration = Duration::from_secs(5 * 60);
const MAX_BODY: usize = 8 * MIB;
const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            dns: Duration::from_secs(2),
            connect: Duration::from_secs(3),
            tls: Duration::from_secs(3),
            first_byte: Duration::from_secs(10),
            total: Duration::from_secs(15),
            idle: Duration::from_secs(30),
            request_body: MIB,
            response_body: MIB,
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let times = [self.dns, self.connect, self.tls, self.first_byte, self.total, self.idle];
        if times.into_iter().any(|time| time > MAX_TOTAL) {
            return Err(SetupError::Time { most: MAX_TOTAL });
        }
        if self.request_body.max(self.response_body) > MAX_BODY {
            return Err(SetupError::Body { most: MAX_BODY });
        }
        Ok(())
    }
}
