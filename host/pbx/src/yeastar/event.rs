//! Events as the PBX tells them, by web socket or by webhook (B.5 of `pbx-yeastar.md`).

use hookswitch_call::{Chain, Extension};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    cdr::{self, Cdr, Leg, RawCdr, RawLeg},
    news::{self, Change},
    wire,
};

/// Members of one call that are read.
const MOST_MEMBERS: usize = 128;

/// Something that the PBX tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// 30011: members of a call and what they do.
    State(Members),
    /// 30012: a call, or a part of one, is over.
    Cdr(Cdr),
    /// 30013: somebody gives the call away.
    Transferred(Members),
    /// 30014: a call is sent on before anybody answered.
    Forwarded(Members),
    /// 30015: a call cannot be put through.
    Failed(Members, String),
    /// 30016: shall this call be taken?
    Asked(Members),
    /// 30017: a key was pressed.
    Digit(Digit),
    /// 30039: one leg of a call that is over.
    Leg(Leg),
    /// 30026: an agent's phone has rung for its time.
    RungOut {
        /// The call.
        call: Chain,
        /// The agent.
        agent: Extension,
    },
    /// 30007 to 30009, 30022, 30025, 30029: of extensions and queues.
    Site(Change),
    /// What nobody here makes use of.
    Other(u64),
}

/// A call and its members. Whether those that are not listed are gone is not said.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    pub(super) call: Chain,
    pub(super) members: Vec<Member>,
}

/// A member of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) who: Who,
    /// The PBX's name of the leg; empty where it is not said.
    pub(super) channel: String,
    /// None for words that are not known.
    pub(super) status: Option<Status>,
    /// The numbers of queues, menus and groups that the call came through; empty for none.
    pub(super) path: String,
}

/// Who a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Extension(Extension),
    Inbound(Outside),
    Outbound(Outside),
}

/// The outside party of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outside {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) trunk: String,
}

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It calls, and hears ring-back.
    Alert,
    /// It is called, and rings.
    Ring,
    /// The called side sends sound before it answers.
    EarlyMedia,
    /// It called, and was answered: by a person, a queue or a menu.
    Answered,
    /// It was called, and has answered.
    Answer,
    /// It is on hold.
    Hold,
    /// It has hung up.
    Bye,
}

/// A key that was pressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Digit {
    pub(super) call: Chain,
    /// Whether an outside party may have pressed it.
    pub(super) outside: bool,
    pub(super) key: String,
    /// The how-manieth key it is, from 0.
    pub(super) place: u64,
}

/// A message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type", default, deserialize_with = "wire::number")]
    kind: Option<u64>,
    #[serde(default)]
    msg: Value,
}

#[derive(Deserialize)]
struct RawCall {
    #[serde(default, deserialize_with = "wire::text")]
    call_id: String,
    #[serde(default, deserialize_with = "wire::list")]
    members: Vec<Value>,
    /// Of 30016, where it may stand here and not at the member [inferred].
    #[serde(default, deserialize_with = "wire::text")]
    channel_id: String,
    #[serde(default, deserialize_with = "wire::text")]
    reason: String,
    #[serde(default, deserialize_with = "wire::text")]
    info: String,
    #[serde(default, deserialize_with = "wire::text")]
    infos: String,
    #[serde(default, deserialize_with = "wire::number")]
    flag: Option<u64>,
}

#[derive(Deserialize)]
struct RawMember {
    extension: Option<RawExtension>,
    inbound: Option<RawOutside>,
    outbound: Option<RawOutside>,
}

#[derive(Deserialize)]
struct RawExtension {
    #[serde(default, deserialize_with = "wire::text")]
    number: String,
    #[serde(flatten)]
    leg: RawMemberLeg,
}

#[derive(Deserialize)]
struct RawOutside {
    #[serde(default, deserialize_with = "wire::text")]
    from: String,
    #[serde(default, deserialize_with = "wire::text")]
    to: String,
    #[serde(default, deserialize_with = "wire::text")]
    trunk_name: String,
    #[serde(flatten)]
    leg: RawMemberLeg,
}

#[derive(Deserialize)]
struct RawMemberLeg {
    #[serde(default, deserialize_with = "wire::text")]
    channel_id: String,
    #[serde(default, deserialize_with = "wire::text")]
    member_status: String,
    #[serde(default, deserialize_with = "wire::text")]
    call_path: String,
}

impl Event {
    /// Reads a message: JSON, of which `msg` is an object or a text that holds one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the admin.
    pub fn read(message: &[u8]) -> Result<Self, Unreadable> {
        let envelope: Envelope = serde_json::from_slice(message).map_err(unreadable)?;
        let kind = envelope.kind.ok_or_else(|| Unreadable("it has no `type`".to_owned()))?;
        let read = || match envelope.msg {
            Value::String(text) => serde_json::from_str(&text).map_err(unreadable),
            msg => Ok(msg),
        };
        Ok(match kind {
            30011 => Self::State(Members::read(read()?)?),
            30012 => Self::Cdr(Cdr::from(of::<RawCdr>(read()?)?)),
            30013 => Self::Transferred(Members::read(read()?)?),
            30014 => Self::Forwarded(Members::read(read()?)?),
            30015 => {
                let raw: RawCall = of(read()?)?;
                let reason = raw.reason.clone();
                Self::Failed(Members::of(raw)?, reason)
            }
            30016 => Self::Asked(Members::read(read()?)?),
            30017 => Self::Digit(Digit::of(of(read()?)?)?),
            30026 => {
                let raw: news::RawAgent = of(read()?)?;
                Self::RungOut { call: chain(raw.call_id)?, agent: Extension::from(raw.agent_number) }
            }
            30039 => Self::Leg(Leg::from(of::<RawLeg>(read()?)?)),
            30007..=30009 | 30022 | 30025 | 30029 => match news::read(kind, read()?).map_err(unreadable)? {
                Some(change) => Self::Site(change),
                None => Self::Other(kind),
            },
            other => Self::Other(other),
        })
    }
}

impl Event {
    /// The Unix second in which the call began that it is about, as the call's id says it.
    pub(super) fn began(&self) -> Option<u64> {
        cdr::second(match self {
            Self::State(members)
            | Self::Transferred(members)
            | Self::Forwarded(members)
            | Self::Failed(members, _)
            | Self::Asked(members) => &members.call,
            Self::Cdr(cdr) => cdr.call.as_ref()?,
            Self::Digit(digit) => &digit.call,
            Self::RungOut { call, .. } => call,
            Self::Leg(_) | Self::Site(_) | Self::Other(_) => return None,
        })
    }
}

impl Members {
    /// A call as an event or `call/query` tells it.
    pub(super) fn read(json: Value) -> Result<Self, Unreadable> {
        Self::of(of(json)?)
    }

    fn of(raw: RawCall) -> Result<Self, Unreadable> {
        let call = chain(raw.call_id)?;
        if raw.members.len() > MOST_MEMBERS {
            return Err(Unreadable(format!("a call has more than {MOST_MEMBERS} members")));
        }
        let mut members = Vec::with_capacity(raw.members.len());
        for member in raw.members {
            members.extend(Member::of(of(member)?));
        }
        if let (false, [only]) = (raw.channel_id.is_empty(), members.as_mut_slice())
            && only.channel.is_empty()
        {
            only.channel = raw.channel_id;
        }
        Ok(Self { call, members })
    }
}

impl Member {
    /// None for members of kinds that are not known.
    fn of(raw: RawMember) -> Option<Self> {
        let (who, leg) = match raw {
            RawMember { extension: Some(raw), .. } => (Who::Extension(Extension::from(raw.number)), raw.leg),
            RawMember { inbound: Some(raw), .. } => {
                (Who::Inbound(Outside { from: raw.from, to: raw.to, trunk: raw.trunk_name }), raw.leg)
            }
            RawMember { outbound: Some(raw), .. } => {
                (Who::Outbound(Outside { from: raw.from, to: raw.to, trunk: raw.trunk_name }), raw.leg)
            }
            _ => return None,
        };
        if matches!(&who, Who::Extension(extension) if extension.as_str().is_empty()) {
            return None;
        }
        let status = Status::of(&leg.member_status);
        Some(Self { who, channel: leg.channel_id, status, path: leg.call_path })
    }
}

impl Status {
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_str() {
            "ALERT" => Self::Alert,
            "RING" => Self::Ring,
            "EARLYMEDIA" => Self::EarlyMedia,
            "ANSWERED" => Self::Answered,
            "ANSWER" => Self::Answer,
            "HOLD" => Self::Hold,
            "BYE" => Self::Bye,
            _ => return None,
        })
    }
}

impl Digit {
    fn of(raw: RawCall) -> Result<Self, Unreadable> {
        let key = raw.info.to_ascii_uppercase();
        if !matches!(key.as_bytes(), [b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D']) {
            return Err(Unreadable("`info` is no key of a phone".to_owned()));
        }
        let before = raw.infos.len().saturating_sub(1) as u64;
        let place = raw.flag.unwrap_or(before);
        let Members { call, members } = Members::of(raw)?;
        // Agents press keys too, to transfer; they are not the caller's.
        let outside = members.is_empty() || members.iter().any(|member| !matches!(member.who, Who::Extension(_)));
        Ok(Self { call, outside, key, place })
    }
}

/// The id of a call: short, and without blank space.
pub(super) fn chain(id: String) -> Result<Chain, Unreadable> {
    if !(1..=64).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unreadable("`call_id` is no id of a call".to_owned()));
    }
    Ok(Chain::from(id))
}

fn of<T: DeserializeOwned>(json: Value) -> Result<T, Unreadable> {
    serde_json::from_value(json).map_err(unreadable)
}

/// Without the text itself, which may hold numbers.
fn unreadable(error: serde_json::Error) -> Unreadable {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is not as it should be",
        _ => "it is no JSON",
    };
    Unreadable(match error.line() {
        0 => what.to_owned(),
        line => format!("{what} (line {line}, column {})", error.column()),
    })
}
