//! The `session_log` of a call: `0:el:123456789;0:ru:admin;7:ct:admin;9:cc:admin;14:cd:admin;` (section 6).

use super::{Codes, uri};

/// Entries of one log that are read.
const MOST: usize = 1000;

/// What happened in a call, by seconds since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// In the order of the log.
    pub steps: Vec<Step>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Seconds since the start of the call.
    pub after: u32,
    /// What happened.
    pub what: What,
    /// With whom: a number or the name of a user or group; empty where nobody is named.
    pub subject: String,
}

/// What an entry says. Entries of codes that nobody knows are left out: the log itself is kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The call came in on an outside line.
    Entered,
    /// It was sent to a user or a group.
    Routed,
    /// It rings at somebody.
    Ringing,
    /// Somebody talks.
    Connected,
    /// Somebody talks, or rings, no more.
    Disconnected,
    /// The caller waits in a queue.
    Queued,
    /// The caller hears a menu.
    Menu,
}

impl Log {
    /// Reads a log. What is no entry is passed over: other versions may write more than the sheet knows.
    pub fn read(text: &str, codes: &Codes) -> Self {
        Self { steps: text.split(';').filter_map(|entry| step(entry, codes)).take(MOST).collect() }
    }

    /// Seconds from the start to the last entry.
    pub fn length(&self) -> u32 {
        self.steps.iter().map(|step| step.after).max().unwrap_or(0)
    }

    /// Whether whoever was connected is disconnected.
    pub fn is_over(&self) -> bool {
        let count = |what| self.steps.iter().filter(|step| step.what == what).count();
        count(What::Connected) <= count(What::Disconnected)
    }

    /// The subject that was connected first.
    pub fn first_connected(&self) -> Option<&str> {
        self.steps.iter().find(|step| step.what == What::Connected).map(|step| step.subject.as_str())
    }
}

fn step(entry: &str, codes: &Codes) -> Option<Step> {
    // A subject may hold further colons (`sip:…`): only the first two divide.
    let mut parts = entry.trim().splitn(3, ':');
    let (after, code, subject) = (parts.next()?, parts.next()?, parts.next()?);
    let known = [
        (&codes.entered, What::Entered),
        (&codes.routed, What::Routed),
        (&codes.ringing, What::Ringing),
        (&codes.connected, What::Connected),
        (&codes.disconnected, What::Disconnected),
        (&codes.queued, What::Queued),
        (&codes.menu, What::Menu),
    ];
    let (_, what) = known.into_iter().find(|(codes, _)| codes.iter().any(|known| known == code))?;
    Some(Step { after: after.trim().parse().ok()?, what, subject: uri::user(subject).unwrap_or_default() })
}
