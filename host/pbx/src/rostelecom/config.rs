//! How the PBX is reached, and how its words are read.

use std::time::Duration;

use hookswitch_web::Network;
use secrecy::SecretString;
use serde::Deserialize;

use super::Zone;
use crate::Reach;

/// Everything that a [`Rostelecom`](super::Rostelecom) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The API: `https://api.cloudpbx.rt.ru`.
    pub reach: Reach,
    /// The domain that is administered: `example.rt.ru`.
    pub domain: String,
    /// What both sides send as `X-Client-ID`.
    pub client_id: String,
    /// What both sides sign with.
    pub sign_key: SecretString,
    /// Where the PBX posts from; empty: anywhere, the signature alone decides.
    pub source_networks: Vec<Network>,
    /// `get_number_info` is answered within this time, with or without a route.
    pub answer_within: Duration,
    /// How the `PIN` of a route is written.
    pub pin_as: PinAs,
    /// How answers and records are read.
    pub words: Words,
    /// How long things may take.
    pub patience: Patience,
    /// How gaps are filled.
    pub history: History,
    /// How the restrictions of users are asked for.
    pub rules: RuleWords,
}

/// How the short number in the answer to `get_number_info` is written: the sheet is not certain (section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinAs {
    /// `"PIN":"102"`.
    #[default]
    String,
    /// `"PIN":["102"]`.
    Array,
}

/// How the PBX's answers and records are read.
#[derive(Clone, Debug)]
pub struct Words {
    /// Times without a zone are of this one: Moscow's.
    pub zone: Zone,
    /// Values of `result` that mean success: `0`, at the test server `1` as well (section 2).
    pub success: Vec<String>,
    /// The codes of a `session_log`.
    pub codes: Codes,
    /// Further fields of a call's record, by the name that they are noted under: `charge` from `cost`.
    pub extras: Vec<(String, String)>,
}

impl Default for Words {
    fn default() -> Self {
        Self { zone: Zone::default(), success: vec!["0".into()], codes: Codes::default(), extras: Vec::new() }
    }
}

/// What the codes of a `session_log` mean: concluded from two examples (section 6), queues and menus from
/// none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Codes {
    /// Came in on an outside line.
    pub entered: Vec<String>,
    /// Sent to a user, or to a group.
    pub routed: Vec<String>,
    /// Rings at.
    pub ringing: Vec<String>,
    /// Connected with.
    pub connected: Vec<String>,
    /// Disconnected from.
    pub disconnected: Vec<String>,
    /// Waits in a queue.
    pub queued: Vec<String>,
    /// Hears a menu.
    pub menu: Vec<String>,
}

impl Default for Codes {
    fn default() -> Self {
        let one = |code: &str| vec![code.to_owned()];
        Self {
            entered: one("el"),
            routed: one("ru"),
            ringing: one("ct"),
            connected: one("cc"),
            disconnected: one("cd"),
            queued: Vec::new(),
            menu: Vec::new(),
        }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After a call's end its record is asked for so long; then the call ends with what is known.
    pub record: Duration,
    /// A call that nothing was heard of for so long is asked for.
    pub silence: Duration,
    /// Users and groups are asked for this often.
    pub roster: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            record: Duration::from_secs(15),
            silence: Duration::from_secs(30 * 60),
            roster: Duration::from_secs(15 * 60),
        }
    }
}

/// How gaps are filled: the PBX does not repeat what nobody took (section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The first history after the start begins with the newest call that the host knows, but goes back no further than
    /// this; zero: none is ordered at all.
    pub back: Duration,
    /// A history is ordered this often.
    pub every: Duration,
    /// It is fetched when the PBX says that it is ready, or after this time (section 4: about 5 minutes).
    pub ready: Duration,
}

impl Default for History {
    fn default() -> Self {
        Self {
            back: Duration::from_secs(24 * 3600),
            every: Duration::from_secs(3600),
            ready: Duration::from_secs(5 * 60),
        }
    }
}

/// How restrictions of users are read and set. The sheet knows that it can be done; the names are a guess (section 4).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RuleWords {
    /// The method that tells them.
    pub read: String,
    /// The method that sets them.
    pub change: String,
    /// The field that names the user, by his short number.
    pub user: String,
    /// The field that holds them, in answers and in requests; none: they stand beside the others.
    pub within: Option<String>,
}

impl Default for RuleWords {
    fn default() -> Self {
        Self {
            read: "get_user_restrictions".into(),
            change: "set_user_restrictions".into(),
            user: "user_pin".into(),
            within: None,
        }
    }
}
