//! What phone systems can tell and do, each as far as its protocol allows.

use std::fmt;

/// One thing that the host makes use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Which phones ring.
    Ringing,
    /// That a phone stopped ringing, and why.
    RingStopped,
    /// Who answered.
    Answered,
    /// Hold and resume.
    Hold,
    /// Transfers, and of which kind.
    Transfers,
    /// The queue that a caller waits in.
    Queues,
    /// Keys that the caller pressed.
    Digits,
    /// Finished recordings.
    Recordings,
    /// Transcripts and summaries.
    Transcripts,
    /// Registration, presence and forwarding of extensions.
    Extensions,
    /// Agents of queues: who is in, logged in, paused.
    QueueMembers,
    /// Making calls.
    Dial,
    /// Ending calls.
    HangUp,
    /// Asking where a caller should go.
    Routing,
    /// Showing the caller's name on the phones.
    CallerName,
    /// Keeping names in its phonebook.
    Phonebook,
    /// Telling afterwards what happened while nobody listened.
    History,
}

/// How far a phone system can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// It says or does so.
    Yes,
    /// The host concludes it from what is said.
    Derived,
    /// With a condition that the admin must see to.
    If(&'static str),
    /// It cannot; where that is written.
    No(&'static str),
}

impl Feature {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 17] = [
        Self::Ringing,
        Self::RingStopped,
        Self::Answered,
        Self::Hold,
        Self::Transfers,
        Self::Queues,
        Self::Digits,
        Self::Recordings,
        Self::Transcripts,
        Self::Extensions,
        Self::QueueMembers,
        Self::Dial,
        Self::HangUp,
        Self::Routing,
        Self::CallerName,
        Self::Phonebook,
        Self::History,
    ];

    /// The name in JSON, on the command line and in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::RingStopped => "ring-stopped",
            Self::Answered => "answered",
            Self::Hold => "hold",
            Self::Transfers => "transfers",
            Self::Queues => "queues",
            Self::Digits => "digits",
            Self::Recordings => "recordings",
            Self::Transcripts => "transcripts",
            Self::Extensions => "extensions",
            Self::QueueMembers => "queue-members",
            Self::Dial => "dial",
            Self::HangUp => "hang-up",
            Self::Routing => "routing",
            Self::CallerName => "caller-name",
            Self::Phonebook => "phonebook",
            Self::History => "history",
        }
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("yes"),
            Self::Derived => f.write_str("concluded"),
            Self::If(condition) => write!(f, "if {condition}"),
            Self::No(why) => write!(f, "no: {why}"),
        }
    }
}

/// What a phone system can do.
#[derive(Clone, Copy, Debug)]
pub struct Features(fn(Feature) -> Ability);

impl Features {
    /// As `ability` says it of each.
    pub const fn new(ability: fn(Feature) -> Ability) -> Self {
        Self(ability)
    }

    /// How far it can do this.
    pub fn of(&self, feature: Feature) -> Ability {
        (self.0)(feature)
    }

    /// All, in the order of the documentation.
    pub fn all(&self) -> impl Iterator<Item = (Feature, Ability)> {
        Feature::ALL.into_iter().map(|feature| (feature, self.of(feature)))
    }
}
