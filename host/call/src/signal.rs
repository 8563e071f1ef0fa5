//! What a PBX said about one call, in words that every phone system shares.
//!
//! A source reports facts as far as its PBX states them and invents nothing: repeated, late and missing facts are the
//! tracker's business.

use serde::{Deserialize, Serialize};

use crate::{Chain, Extension, Millis, site::News};

/// One fact about one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The call that the fact is about.
    pub chain: Chain,
    /// When it happened: the PBX's own time where it gives one, else the time of arrival.
    pub at: Millis,
    /// What happened.
    pub fact: Fact,
}

/// Which way a call goes, seen from the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// An outside party calls the business.
    Inbound,
    /// Somebody of the business calls an outside party.
    Outbound,
    /// Both ends are extensions. Never given to a CRM by default.
    Internal,
}

/// Somebody at the other end of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// An extension of the PBX.
    Extension(Extension),
    /// A number outside the PBX, as the PBX spells it.
    Outside(String),
}

/// How a call moved from one party to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferKind {
    /// Without talking to the target first.
    Blind,
    /// After a consultation, or into a consultation that still rings.
    Attended,
    /// Moved by the PBX or by somebody else, not by a party of the call.
    Redirect,
}

/// Why a phone stopped ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RingEnd {
    /// Another phone took the call.
    AnsweredElsewhere,
    /// It rang for its time and nobody picked up.
    NoAnswer,
    /// Busy, or rejected by the person at the phone.
    Busy,
    /// The calling side hung up.
    CallerGaveUp,
    /// The phone sends the call on to another number.
    Forwarded,
    /// The phone could not be reached, or the leg failed.
    Failed,
    /// The PBX did not say.
    Unknown,
}

/// How a caller left a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueExit {
    /// An agent took the call.
    Answered,
    /// The caller hung up while waiting.
    Abandoned,
    /// The queue gave up.
    Timeout,
    /// Any other way: a key pressed, no agents, moved by the dial plan.
    Other,
}

/// Why a call ended as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A conversation took place and was hung up.
    Normal,
    /// It rang and nobody answered.
    NoAnswer,
    /// The called side was busy, rejected the call, or does not want to be disturbed.
    Busy,
    /// The caller hung up while it rang.
    Cancelled,
    /// The caller hung up while waiting in a queue.
    Abandoned,
    /// A mailbox took the call.
    Voicemail,
    /// No phone of the called extension is registered.
    Unreachable,
    /// The number does not exist, the network refused, or a leg failed.
    Failed,
    /// Click-to-call: the agent's own phone was not picked up, so the number was never dialled.
    AgentNoAnswer,
    /// The PBX did not say.
    Unknown,
}

impl Reason {
    /// The token used in the plugin contract, in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Voicemail => "voicemail",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
            Self::AgentNoAnswer => "agent_no_answer",
            Self::Unknown => "unknown",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Fact {
    /// The call came into being, or more became known of how it did: may be repeated, later knowledge fills gaps and
    /// corrects the direction.
    Arrived(Arrival),
    /// The caller entered a queue.
    Queued {
        /// Name of the queue, as the PBX spells it.
        queue: String,
    },
    /// The caller left a queue.
    LeftQueue {
        /// Name of the queue.
        queue: String,
        /// How.
        exit: QueueExit,
    },
    /// An outside number is being dialled on behalf of an extension.
    Dialing {
        /// Who dials.
        extension: Extension,
        /// The number, as the PBX spells it.
        number: String,
    },
    /// A phone really rings (not: a dial was attempted).
    Ringing {
        /// Whose phone.
        extension: Extension,
        /// Which role the ringing has in the call.
        role: Role,
    },
    /// A phone stopped ringing without taking the call.
    RingStopped {
        /// Whose phone.
        extension: Extension,
        /// Why.
        why: RingEnd,
        /// Q.850 cause, where the PBX gives one.
        cause: Option<u16>,
    },
    /// A person answered. Mailboxes, menus and queue music are not persons.
    Answered {
        /// Who.
        by: Party,
        /// Which role the answer has in the call.
        role: Role,
    },
    /// An extension put the other party on hold.
    Held {
        /// Who pressed hold.
        extension: Extension,
    },
    /// An extension took the other party back from hold.
    Resumed {
        /// Who resumed.
        extension: Extension,
    },
    /// The call moved from one party to another.
    Transferred {
        /// How.
        how: TransferKind,
        /// Who gave the call away, if known.
        from: Option<Extension>,
        /// Who shall have it.
        to: Party,
    },
    /// The call for an extension is sent to somebody else before anybody there answered.
    Forwarded {
        /// Whose call it was.
        from: Extension,
        /// Where it goes.
        to: Party,
    },
    /// An extension takes a call that rings at another one.
    PickedUp {
        /// Whose phone rang, if known.
        from: Option<Extension>,
        /// Who took it.
        by: Extension,
    },
    /// A caller was parked by an extension.
    Parked {
        /// Who parked the call.
        extension: Option<Extension>,
        /// The parking space.
        space: String,
    },
    /// A parked caller was fetched.
    Unparked {
        /// Who fetched the call.
        extension: Option<Extension>,
    },
    /// A mailbox takes the call.
    Voicemail {
        /// Name or number of the mailbox.
        mailbox: String,
    },
    /// The call was meant for this extension, whether or not its phone rang.
    Target {
        /// Whom the caller wanted.
        extension: Extension,
    },
    /// These, and no others, take part in the call now: said after a gap in which nobody listened.
    Present {
        /// Who rings, dials or talks.
        extensions: Vec<Extension>,
    },
    /// An extension's part is over while the call may go on.
    Left {
        /// Who left.
        extension: Extension,
    },
    /// Recording of the call began, paused, or ended; the file is reported when it is known.
    Recording {
        /// What happened to the recording.
        state: RecordingState,
        /// Where the PBX keeps the file, if it said so.
        file: Option<String>,
    },
    /// The outside party pressed keys: a menu's choice, a number typed in.
    Digits {
        /// `0` to `9`, `*`, `#`, `A` to `D`, in order.
        digits: String,
    },
    /// Something that only this PBX says of the call, and that plugins may want: charges, the menus that were walked
    /// through. Of the same name the last one counts.
    Noted {
        /// In lower case, with hyphens: `charge`.
        name: String,
        /// As the PBX says it.
        value: String,
    },
    /// A finished recording of the call, or of a part of it. There may be several; each is told once.
    Recorded {
        /// Where the PBX keeps it: a path, a URL, or an id.
        file: String,
    },
    /// What was said, in writing.
    Transcript {
        /// All of it.
        text: String,
    },
    /// What the call was about, as the PBX sums it up.
    Summary {
        /// All of it.
        text: String,
    },
    /// This call was a part of another one all along (a consultation, a pick-up): its legs now belong there.
    Merged {
        /// The call that goes on.
        into: Chain,
    },
    /// The last leg is gone.
    Ended {
        /// Why, as far as the PBX's messages show it; the tracker combines it with what it saw.
        hint: Option<Reason>,
        /// Q.850 cause of the last leg.
        cause: Option<u16>,
        /// Which side hung up.
        by: Side,
    },
}

/// What the ringing or answering of a phone means in its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Somebody is called.
    #[default]
    Called,
    /// Somebody is asked by an agent who considers a transfer.
    Consult,
    /// Click-to-call: the agent's own phone, before the number is dialled.
    Own,
}

/// Which side of a call did something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The outside party.
    External,
    /// An extension.
    Internal,
    /// The PBX, or unknown.
    #[default]
    Unknown,
}

/// A moment in the life of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingState {
    /// Sound is written from now on.
    Started,
    /// Silence is written (a card number is being read out).
    Muted,
    /// Sound again.
    Unmuted,
    /// Nothing more is written.
    Stopped,
}

/// How a call came into being.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Which way it goes.
    pub direction: Direction,
    /// The outside party's number as the PBX spells it; none where suppressed or unknown.
    pub external: Option<String>,
    /// The outside party's name as the network or the PBX's phonebook gives it; empty where none.
    pub external_name: String,
    /// The public number of the business that was called, or that is shown to the called party; empty where unknown.
    pub line: String,
    /// The trunk that carries the call, as the PBX names it; empty where unknown.
    pub trunk: String,
    /// The extension that started the call (outbound and internal calls).
    pub from: Option<Extension>,
    /// The CRM's own id of the call, where the CRM asked for it (click-to-call).
    pub crm_call: Option<String>,
    /// When the call began, if the PBX says so and it was earlier than this signal.
    pub started: Option<Millis>,
}

/// What a source tells the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Something about a call.
    Call(Signal),
    /// The same of a time when nobody listened, told afterwards from the PBX's records: its time is right, however long
    /// ago it is.
    Past(Signal),
    /// Something about the PBX itself.
    Site(News),
    /// The connection stands and the source knows again which calls are alive: every other call of this PBX ended
    /// while nobody listened.
    Resynced {
        /// The calls that live now.
        alive: Vec<Chain>,
        /// When the PBX was asked.
        at: Millis,
    },
    /// The connection stands; a resynchronisation follows.
    Connected,
    /// The connection is gone; the source is trying again by itself.
    Disconnected {
        /// Why, for a person.
        reason: String,
    },
}
