//! How a PBX is reached, and what nothing on the wire says of it.

use std::time::Duration;

use secrecy::SecretString;

use super::{ground::Ground, times::Times};
use crate::Reach;

/// Everything that a source needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The web address of the PBX, without `/openapi`.
    pub reach: Reach,
    /// *Client ID* of the API.
    pub client_id: String,
    /// *Client Secret* of the API.
    pub client_secret: SecretString,
    /// How events come.
    pub events: Events,
    /// The events that are subscribed to, by their numbers.
    pub topics: Vec<u64>,
    /// Incoming calls are taken or refused (30016).
    pub confirm: bool,
    /// What its numbers are.
    pub ground: Ground,
    /// How it writes times.
    pub times: Times,
    /// How long is waited for what.
    pub patience: Patience,
}

/// How events come.
#[derive(Clone, Debug)]
pub enum Events {
    /// By a WebSocket that is opened from here.
    WebSocket,
    /// By posts from there.
    Webhook {
        /// The webhook's secret.
        secret: SecretString,
    },
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The end of a call waits so long for its record.
    pub settle: Duration,
    /// How far back calls are looked for that nobody heard of.
    pub history: Duration,
    /// While calls go on, the PBX is asked which ones at least this often. Where events are posted it is asked always, and
    /// for the records of calls whose posts did not arrive.
    pub resync: Duration,
    /// A silent WebSocket is asked for a sign of life this often. The PBX closes it after 60 seconds.
    pub heartbeat: Duration,
    /// The first wait before another attempt.
    pub retry_first: Duration,
    /// The longest.
    pub retry_longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(3),
            history: Duration::from_secs(24 * 3600),
            resync: Duration::from_secs(120),
            heartbeat: Duration::from_secs(20),
            retry_first: Duration::from_secs(1),
            retry_longest: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// The events that are of use, as far as they have names in `pbx-yeastar.md`, B.5.
    pub const TOPICS: [u64; 14] =
        [30007, 30008, 30009, 30011, 30012, 30013, 30014, 30015, 30017, 30022, 30025, 30026, 30029, 30039];
    /// An incoming call asks whether it shall be taken.
    pub const ASKED: u64 = 30016;
}
