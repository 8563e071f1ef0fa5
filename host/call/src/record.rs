//! The state of one call, as the tracker keeps it and the journal stores it.

use serde::{Deserialize, Serialize};

use crate::{
    Chain, Extension, Millis, PbxName,
    event::Outcome,
    signal::{Direction, Reason, Role, Side},
};

/// Everything known of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The phone system.
    pub pbx: PbxName,
    /// The call's id there.
    pub chain: Chain,
    /// Which way it goes.
    pub direction: Direction,
    /// Where it stands.
    pub state: State,
    /// The outside party's number as the PBX spells it; none where suppressed or unknown.
    pub external: Option<String>,
    /// The outside party's name as the PBX gives it; empty where none.
    pub external_name: String,
    /// The public number of the business, as the PBX spells it; empty where unknown.
    pub line: String,
    /// The trunk, as the PBX names it; empty where unknown.
    pub trunk: String,
    /// The extension that started an outbound or internal call.
    pub from: Option<Extension>,
    /// The extension that an inbound call was meant for, where it is known without its phone having rung.
    pub target: Option<Extension>,
    /// The CRM's own id of the call (click-to-call).
    pub crm_call: Option<String>,
    /// The queues that the caller entered, in order.
    pub queues: Vec<String>,
    /// The queues and menus that the caller went through, in order: `menu main`, `queue 804`.
    #[serde(default)]
    pub path: Vec<String>,
    /// Everyone who rang, dialled or talked, in order of first appearance.
    pub agents: Vec<Agent>,
    /// 0 before anybody answered, 1 after the first answer, one more per transfer that reached somebody.
    pub leg: u32,
    /// How the call last changed hands: `blind`, `attended`, `redirect`, `forward`, `pickup`; none if it never did.
    pub transfer: Option<String>,
    /// A transfer is under way whose target has not answered (yet).
    pub awaiting_target: bool,
    /// A mailbox took the call.
    pub voicemail: bool,
    /// The caller waits in the last queue.
    #[serde(default)]
    pub in_queue: bool,
    /// The caller left the last queue by hanging up.
    pub abandoned: bool,
    /// Recording files as the PBX names them.
    pub recordings: Vec<String>,
    /// What only this PBX says of its calls, by name.
    #[serde(default)]
    pub extra: Vec<(String, String)>,
    /// What was said, in writing.
    #[serde(default)]
    pub transcript: Option<String>,
    /// What the call was about, as the PBX sums it up.
    #[serde(default)]
    pub summary: Option<String>,
    /// When the call began.
    pub started: Millis,
    /// When something last happened to it.
    pub changed: Millis,
    /// When the first person answered (outbound: the other side).
    pub answered: Option<Millis>,
    /// How the last leg went.
    pub ended: Option<Ending>,
    /// The call that this one turned out to be a part of.
    pub merged_into: Option<Chain>,
    /// `seq` of the last event.
    pub seq: u64,
}

/// Where a call stands. States only move forward, except that a conversation can be held and resumed, and rings again
/// while a transfer is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It exists; nobody rings yet.
    New,
    /// Phones ring, or the outside number is being dialled.
    Ringing,
    /// People talk.
    Talking,
    /// The outside party is on hold.
    Held,
    /// The call is on its way to the target of a transfer.
    Transferring,
    /// Over.
    Ended,
}

impl State {
    /// The token used in the plugin contract, in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Held => "held",
            Self::Transferring => "transferring",
            Self::Ended => "ended",
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Millis,
    /// In one word.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Q.850 cause of the last leg, where the PBX gives one.
    pub cause: Option<u16>,
    /// Who hung up.
    pub by: Side,
    /// Whom the journal entry belongs to.
    pub credited: Option<Extension>,
    /// A transfer's target did not answer before the end.
    pub last_leg_missed: bool,
    /// The end was not heard but concluded; if it is heard after all, it is corrected.
    pub given_up: bool,
}

/// One extension's part in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Whose phone.
    pub extension: Extension,
    /// What the phone does.
    pub state: AgentState,
    /// Which role it has.
    pub role: Role,
    /// When it first talked to the other side of the call.
    pub first_talk: Option<Millis>,
    /// Since when it talks, while it does.
    pub talking_since: Option<Millis>,
    /// Milliseconds talked in finished stretches.
    pub talked_ms: u64,
}

impl Agent {
    /// Milliseconds this agent has talked, counted up to `now`.
    pub fn talk_ms(&self, now: Millis) -> u64 {
        self.talked_ms + self.talking_since.map_or(0, |since| now.since(since))
    }

    /// Whether the agent's phone is up, be the other party on hold or not.
    pub fn is_in_conversation(&self) -> bool {
        matches!(self.state, AgentState::Talking | AgentState::Held)
    }

    /// Whether the agent is part of the call at this moment.
    pub fn is_present(&self) -> bool {
        matches!(self.state, AgentState::Ringing | AgentState::Dialing | AgentState::Talking | AgentState::Held)
    }
}

/// What an agent's phone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// Rings.
    Ringing,
    /// Waits for the other side to pick up (outbound).
    Dialing,
    /// In conversation.
    Talking,
    /// In conversation, the other party on hold.
    Held,
    /// Rang and did not take the call.
    Missed,
    /// Talked and is gone.
    Left,
}

impl AgentState {
    /// The token used in the plugin contract, in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Dialing => "dialing",
            Self::Talking => "talking",
            Self::Held => "held",
            Self::Missed => "missed",
            Self::Left => "left",
        }
    }
}

impl Call {
    /// Whether more is to be expected of it than recordings.
    pub fn is_open(&self) -> bool {
        self.ended.is_none() && self.merged_into.is_none()
    }

    /// The agent with this extension.
    pub fn agent(&self, extension: &Extension) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.extension == *extension)
    }

    /// Milliseconds of conversation: from the first answer to the end, or to `now` while it lives.
    pub fn talk_ms(&self, now: Millis) -> u64 {
        let until = self.ended.as_ref().map_or(now, |end| end.at);
        self.answered.map_or(0, |answered| until.since(answered))
    }

    /// Whose call it is in the CRM's eyes: the last who talked; for a missed call the one it was meant for, else the
    /// first whose phone rang; for an outbound call the one who dialled, unless it was handed on.
    pub fn credited(&self) -> Option<&Extension> {
        let last_talker =
            self.agents.iter().filter(|agent| agent.first_talk.is_some()).max_by_key(|agent| agent.first_talk);
        last_talker
            .map(|agent| &agent.extension)
            .or(self.from.as_ref())
            .or(self.target.as_ref())
            .or_else(|| self.agents.first().map(|agent| &agent.extension))
    }

    /// The queue that the caller is or was in last.
    pub fn queue(&self) -> Option<&str> {
        self.queues.last().map(String::as_str)
    }
}
