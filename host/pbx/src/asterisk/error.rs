//! What can go wrong between us and an Asterisk, and how to mend it.

use std::{io, time::Duration};

use crate::trust::Untrusting;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there, or the way is blocked.
    #[error(
        "cannot connect to {address}: {source}; check the address, that manager.conf has `enabled = yes` and a fitting `bindaddr`, and the firewall"
    )]
    Connect {
        /// As configured.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// No connection within the time.
    #[error("no connection to {address} within {} s; check the address and the firewall", .after.as_secs())]
    ConnectTimeout {
        /// As configured.
        address: String,
        /// How long it was tried.
        after: Duration,
    },
    /// The certificates to trust cannot be used.
    #[error("{0}")]
    Certificates(String),
    /// The name is no host name.
    #[error("`{0}` is no host name that a certificate could carry; set `tls.server-name`")]
    ServerName(String),
    /// The PBX speaks no TLS there, or proves to be somebody else.
    #[error(
        "no TLS with {address}: {source}; check `tlsenable`, the port (usually 5039) and the certificate's name and issuer"
    )]
    Tls {
        /// As configured.
        address: String,
        /// What went wrong.
        source: io::Error,
    },
    /// Something else listens there.
    #[error(
        "{address} is no Asterisk manager interface: it says `{said}`; check the port (usually 5038, 5039 with TLS)"
    )]
    NotAsterisk {
        /// As configured.
        address: String,
        /// The beginning of what it said.
        said: String,
    },
    /// Username or secret are wrong, or the PBX lets this host not in.
    #[error(
        "the PBX refuses the manager user `{username}`: {message}; check username and secret, and the `permit`, `deny` and `acl` lines of [{username}] in manager.conf"
    )]
    Refused {
        /// As configured.
        username: String,
        /// What the PBX says.
        message: String,
    },
    /// A challenge was asked for, as configured, and is not to be had.
    #[error(
        "the PBX offers no challenge: {message}; remove `login = \"challenge\"` to send the secret itself, best over TLS"
    )]
    NoChallenge {
        /// What the PBX says.
        message: String,
    },
    /// No answer.
    #[error("the PBX does not answer {to}: silent for {} s", .after.as_secs())]
    Silent {
        /// The name of the request.
        to: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// The connection is gone.
    #[error("the PBX closed the connection{}", .0)]
    Closed(Circumstance),
    /// The connection broke.
    #[error("the connection to the PBX broke: {0}")]
    Broken(#[source] io::Error),
    /// More happened while the calls were listed than can be kept.
    #[error("too much happened on the PBX while its calls were listed")]
    Overrun,
}

/// What went before the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circumstance {
    /// Nothing that would explain it.
    Unknown,
    /// The login was not answered: the number of logins may be limited (`authlimit`), or the host is not let in.
    Login,
    /// It announced that it stops.
    Shutdown,
}

impl std::fmt::Display for Circumstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "",
            Self::Login => " during the login; check `authlimit`, `permit` and `deny` in manager.conf",
            Self::Shutdown => ": it is shutting down",
        })
    }
}

impl From<Untrusting> for Error {
    fn from(error: Untrusting) -> Self {
        Self::Certificates(error.to_string())
    }
}

impl Error {
    /// Whether trying again soon is of no use: somebody has to mend a configuration first.
    pub(super) fn needs_mending(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoChallenge { .. } | Self::Certificates(_) | Self::ServerName(_))
    }
}
