//! How an Asterisk is reached.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;

use super::{dialling::Dialling, routing::Routing, site::Site};

/// Everything that a [`Asterisk`](super::Asterisk) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port` of the manager interface; 5038 is usual, 5039 with TLS.
    pub address: String,
    /// Manager user, a section of `manager.conf`.
    pub username: String,
    /// Its secret.
    pub secret: SecretString,
    /// How the secret is proven.
    pub login: Login,
    /// Encrypts the connection.
    pub tls: Option<Tls>,
    /// How the PBX is set up.
    pub site: Site,
    /// How calls are made; none: no calls are made.
    pub dialling: Option<Dialling>,
    /// How the dial plan may ask where a caller should go.
    pub routing: Routing,
    /// How long things may take.
    pub patience: Patience,
}

impl Config {
    /// A configuration with defaults for everything else.
    pub fn new(address: impl Into<String>, username: impl Into<String>, secret: SecretString) -> Self {
        Self {
            address: address.into(),
            username: username.into(),
            secret,
            login: Login::default(),
            tls: None,
            site: Site::default(),
            dialling: None,
            routing: Routing::default(),
            patience: Patience::default(),
        }
    }
}

/// How the secret is proven to the PBX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Login {
    /// By a challenge if the PBX offers one, otherwise by sending the secret.
    #[default]
    Automatic,
    /// By a challenge only: the secret never crosses the network.
    Challenge,
    /// By sending the secret.
    Plain,
}

/// Encryption of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Tls {
    /// Certificates (PEM) that are trusted in place of those of the operating system.
    pub ca: Option<PathBuf>,
    /// The name that the certificate must carry, if it is not the host of the address.
    pub server_name: Option<String>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Connecting, with TLS.
    pub connect: Duration,
    /// An answer to a request. A refused login comes about one second late.
    pub answer: Duration,
    /// Silence after which the PBX is asked for a sign of life; a quiet PBX says nothing for hours.
    pub heartbeat: Duration,
    /// Wait before the second attempt to connect; doubled each time.
    pub retry_first: Duration,
    /// Longest wait between attempts, and the wait after a refused login.
    pub retry_longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(15),
            heartbeat: Duration::from_secs(30),
            retry_first: Duration::from_millis(500),
            retry_longest: Duration::from_secs(60),
        }
    }
}
