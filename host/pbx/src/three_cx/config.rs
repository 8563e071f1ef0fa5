//! How a 3CX is reached, and what may differ between installations.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;

use crate::Reach;

/// Everything that a [`ThreeCx`](super::ThreeCx) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is.
    pub reach: Reach,
    /// The API client's id: the number of its route point.
    pub client_id: String,
    /// Its secret, shown once when it is made in the admin console.
    pub client_secret: SecretString,
    /// What participants mean.
    pub rules: Rules,
    /// Which way calls are made.
    pub dial_with: DialWith,
    /// Where callers at a route point are sent.
    pub steps: Steps,
    /// How long things may take.
    pub patience: Patience,
    /// Users and queues are asked for this often; none: never.
    pub directory_every: Option<Duration>,
    /// Recordings of a call are looked for after its end; else never.
    pub recordings: bool,
    /// Their transcripts and summaries are waited for.
    pub transcripts: bool,
    /// The call log is asked for what happened in a gap no longer than this; none: never.
    pub history: Option<Duration>,
}

/// What participants mean where the sheet had to infer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A participant that was referred by somebody got the call by a transfer.
    pub referred_is_transferred: bool,
    /// The public number of each trunk, for calls whose `party_did` is empty: version 20 leaves it so.
    pub trunk_lines: BTreeMap<String, String>,
    /// A call without participants is over after this: a transfer has none for a moment.
    pub end_after: Duration,
    /// The same for a call that waits in a queue or group that is not monitored: between two rounds nobody rings.
    pub queue_end_after: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            referred_is_transferred: true,
            trunk_lines: BTreeMap::new(),
            end_after: Duration::from_secs(2),
            queue_end_after: Duration::from_secs(20),
        }
    }
}

/// Which way calls are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DialWith {
    /// `POST /callcontrol/{dn}/makecall`: the PBX chooses among the agent's phones.
    #[default]
    Extension,
    /// `POST /callcontrol/{dn}/devices/{device}/makecall`: the first phone whose program's name contains this text; any
    /// where it is empty.
    Device(String),
    /// `POST /xapi/v1/Users/Pbx.MakeCall`: also for extensions that the API client does not monitor.
    Xapi,
}

/// Where callers at a route point are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The action that sends them: `routeto`, `divert` or `transferto`.
    pub action: String,
    /// Where those go for whom the host knows nothing; none: they stay.
    pub otherwise: Option<String>,
    /// How long an answer may take.
    pub within: Duration,
}

impl Default for Steps {
    fn default() -> Self {
        Self { action: "routeto".to_owned(), otherwise: None, within: Duration::from_secs(2) }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// All participants are asked for this often, in case that a message was lost or the socket is dead.
    pub roll_call: Duration,
    /// How long the called phone of a click-to-call may ring.
    pub ring: Duration,
    /// Wait before the second attempt to connect; doubled each time.
    pub retry_first: Duration,
    /// Longest wait between attempts, and the wait after refused credentials.
    pub retry_longest: Duration,
    /// Recordings are looked for at these times after the end of a call.
    pub recordings: [Duration; 7],
    /// The call log is asked again so long after a gap: it is written late.
    pub history_again: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            roll_call: Duration::from_secs(30),
            ring: Duration::from_secs(50),
            retry_first: Duration::from_secs(5),
            retry_longest: Duration::from_secs(120),
            recordings: [3, 10, 30, 60, 120, 300, 600].map(Duration::from_secs),
            history_again: Duration::from_secs(60),
        }
    }
}
