//! What the PBX has written down of a call: `call_info.info` (section 5), or a row of the history (section 4).

use hookswitch_call::{
    Chain, Extension, Millis,
    signal::{Direction, Reason},
};

use super::{
    Log, Words,
    scalar::{cut, is_true},
    uri,
};

/// Characters of one value that are kept.
const LONGEST: usize = 4096;
/// A call that nobody accepted is believed to be over when it began so long ago, in milliseconds: while it rings it may
/// look the same.
const RINGS_AT_MOST: u64 = 180_000;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub call: Chain,
    /// Which way it went, if that is said.
    pub direction: Option<Direction>,
    /// It was ordered by `call_back`: the agent's own phone rang first.
    pub callback: bool,
    /// Whether somebody, or a mailbox, took it; none where that is not said.
    pub accepted: Option<bool>,
    /// Who called: the number, or the user's name.
    pub caller: Option<String>,
    /// The caller's short number.
    pub caller_pin: Option<Extension>,
    /// Who was called; of an inbound call the public number.
    pub called: Option<String>,
    /// The user's name or number who answered first.
    pub answerer: Option<String>,
    /// The short number of who answered first.
    pub answerer_pin: Option<Extension>,
    /// When it began.
    pub started: Option<Millis>,
    /// How long it was from its beginning to its end, in milliseconds: not only the talk (section 6).
    pub duration: u64,
    /// What happened in it.
    pub log: Log,
    /// The same as the PBX wrote it, cut where it is endless.
    pub log_text: String,
    /// A mailbox took it.
    pub voicemail: bool,
    /// A recording was made.
    pub recorded: bool,
    /// It was a fax.
    pub fax: bool,
    /// Why there was no connection, in the PBX's words.
    pub status: String,
    /// The same as a code.
    pub status_code: String,
    /// What else is to be kept of it, by name.
    pub extras: Vec<(String, String)>,
}

impl Record {
    /// Reads the call `call`; `field` gives the values of a field, by the names of `call_info`.
    pub fn read(call: Chain, field: &dyn Fn(&str) -> Option<String>, words: &Words) -> Self {
        let said = |name: &str| field(name).unwrap_or_default();
        let flag = |name: &str| is_true(&said(name));
        let pin = |name: &str| field(name).map(|pin| Extension::from(cut(&pin, 64)));
        let number = |name: &str| uri::user(&said(name)).map(|user| cut(&user, 256));
        let log_text = cut(&said("session_log"), 16 * LONGEST);
        let extra = |(name, key): &(String, String)| Some((name.clone(), cut(&field(key)?, LONGEST)));
        Self {
            call,
            direction: direction(&said("direction")),
            callback: said("call_type") == "3",
            accepted: match said("state").as_str() {
                "1" => Some(true),
                "2" => Some(false),
                _ => None,
            },
            caller: number("orig_number"),
            caller_pin: pin("orig_pin"),
            called: number("dest_number"),
            answerer: number("answering_sipuri"),
            answerer_pin: pin("answering_pin"),
            started: words.zone.read(&said("start_call_date")).filter(|at| at.0 > 0),
            duration: said("duration").parse::<f64>().map_or(0, |seconds| (seconds.clamp(0.0, 1e9) * 1000.0) as u64),
            log: Log::read(&log_text, &words.codes),
            log_text: cut(&log_text, LONGEST),
            voicemail: flag("is_voicemail"),
            recorded: flag("is_record"),
            fax: flag("is_fax"),
            status: cut(&said("status_string"), 256),
            status_code: cut(&said("status_code"), 16),
            extras: words.extras.iter().filter_map(extra).collect(),
        }
    }

    /// When it was over, as far as the record tells.
    pub fn ended(&self) -> Option<Millis> {
        let length = self.duration.max(u64::from(self.log.length()) * 1000);
        self.started.map(|started| Millis(started.0.saturating_add(length)))
    }

    /// Whether this is the record of a call that is over at `now`: nothing in it says so, and one that goes on may have
    /// a record too.
    pub fn is_over(&self, now: Millis) -> bool {
        let taken = self.accepted != Some(false);
        let may_ring = self.started.is_none_or(|started| now.since(started) < RINGS_AT_MOST);
        self.log.is_over() && if taken { self.duration > 0 && self.started.is_some() } else { !may_ring }
    }

    /// Why nobody was reached. Codes are read as those of SIP (RFC 3261, section 21); the sheet names none.
    pub fn reason(&self) -> Option<Reason> {
        match self.status_code.parse::<u16>().ok()? {
            486 | 600 | 603 => Some(Reason::Busy),
            408 | 480 => Some(Reason::NoAnswer),
            487 => Some(Reason::Cancelled),
            404 | 410 | 484 | 604 | 500..600 => Some(Reason::Failed),
            _ => None,
        }
    }
}

fn direction(said: &str) -> Option<Direction> {
    match said {
        "1" => Some(Direction::Inbound),
        "2" => Some(Direction::Outbound),
        "3" => Some(Direction::Internal),
        _ => None,
    }
}
