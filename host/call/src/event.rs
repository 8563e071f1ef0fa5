//! What the tracker concludes: the events that are journaled and that drive the plugins.

use serde::{Deserialize, Serialize};

use crate::{
    Chain, Extension, Millis, PbxName,
    signal::{Direction, Party, QueueExit, Reason, RecordingState, RingEnd, Role, Side, TransferKind},
};

/// One event of one call, in the only order that plugins may rely on: `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The phone system.
    pub pbx: PbxName,
    /// The call.
    pub chain: Chain,
    /// Strictly increasing per call, from 1.
    pub seq: u64,
    /// 0 before anybody answered, 1 after the first answer, one more per transfer that reached somebody.
    pub leg: u32,
    /// When it happened, UTC.
    pub at: Millis,
    /// Whether the PBX said so or the tracker concluded it.
    pub confidence: Confidence,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// How an event is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The PBX said so.
    Reported,
    /// Concluded from other events.
    Derived,
}

/// How a call ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A person answered at least once.
    Answered,
    /// Nobody did: inbound calls that no person answered, outbound calls that the other side did not pick up.
    Missed,
    /// The end was never heard; it was closed after a limit or a resynchronisation.
    Lost,
}

impl Outcome {
    /// The token used in the plugin contract, in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Missed => "missed",
            Self::Lost => "lost",
        }
    }
}

/// What happened to a call. Fields are documented at the signals that lead to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)]
pub enum What {
    New {
        direction: Direction,
    },
    Queued {
        queue: String,
    },
    LeftQueue {
        queue: String,
        exit: QueueExit,
    },
    Dialing {
        extension: Extension,
        number: String,
    },
    Ringing {
        extension: Extension,
        role: Role,
    },
    RingStopped {
        extension: Extension,
        why: RingEnd,
        cause: Option<u16>,
        role: Role,
    },
    Answered {
        by: Party,
        role: Role,
    },
    Held {
        extension: Extension,
    },
    Resumed {
        extension: Extension,
    },
    Transferred {
        how: TransferKind,
        from: Option<Extension>,
        to: Party,
    },
    Forwarded {
        from: Extension,
        to: Party,
    },
    PickedUp {
        from: Option<Extension>,
        by: Extension,
    },
    Parked {
        extension: Option<Extension>,
        space: String,
    },
    Unparked {
        extension: Option<Extension>,
    },
    Voicemail {
        mailbox: String,
    },
    LegEnded {
        extension: Extension,
        talk_ms: u64,
    },
    Recording {
        state: RecordingState,
        file: Option<String>,
    },
    Digits {
        digits: String,
    },
    Noted {
        name: String,
        value: String,
    },
    Recorded {
        file: String,
    },
    Transcript {
        text: String,
    },
    Summary {
        text: String,
    },
    Merged {
        into: Chain,
    },
    Ended {
        outcome: Outcome,
        reason: Reason,
        cause: Option<u16>,
        by: Side,
        credited: Option<Extension>,
    },
    /// The end of a call that had been given up was heard after all.
    Corrected {
        outcome: Outcome,
        reason: Reason,
        cause: Option<u16>,
        by: Side,
        credited: Option<Extension>,
    },
}

impl What {
    /// The event's name as it stands in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::New { .. } => "new",
            Self::Queued { .. } => "queued",
            Self::LeftQueue { .. } => "left-queue",
            Self::Dialing { .. } => "dialing",
            Self::Ringing { .. } => "ringing",
            Self::RingStopped { .. } => "ring-stopped",
            Self::Answered { .. } => "answered",
            Self::Held { .. } => "held",
            Self::Resumed { .. } => "resumed",
            Self::Transferred { .. } => "transferred",
            Self::Forwarded { .. } => "forwarded",
            Self::PickedUp { .. } => "picked-up",
            Self::Parked { .. } => "parked",
            Self::Unparked { .. } => "unparked",
            Self::Voicemail { .. } => "voicemail",
            Self::LegEnded { .. } => "leg-ended",
            Self::Recording { .. } => "recording",
            Self::Digits { .. } => "digits",
            Self::Noted { .. } => "noted",
            Self::Recorded { .. } => "recorded",
            Self::Transcript { .. } => "transcript",
            Self::Summary { .. } => "summary",
            Self::Merged { .. } => "merged",
            Self::Ended { .. } => "ended",
            Self::Corrected { .. } => "corrected",
        }
    }
}
