//! Records of calls that are over: pushed as 30012 and 30039, and searched for with `cdr/search`.

use hookswitch_call::{
    Chain, Millis,
    signal::{Direction, Reason},
};
use serde::Deserialize;
use serde_json::Value;

use super::{event, times::Times, wire};

/// A call, or a part of one, that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Cdr {
    /// None where the record does not say it.
    pub(super) call: Option<Chain>,
    /// The record's own id; several records of one call have one each. Empty where unknown.
    pub(super) uid: String,
    /// In Unix seconds.
    pub(super) started: Option<u64>,
    pub(super) from: Party,
    pub(super) to: Party,
    pub(super) total_s: u64,
    pub(super) talk_s: u64,
    pub(super) status: Outcome,
    pub(super) direction: Option<Direction>,
    pub(super) trunk: String,
    /// The public number that was called; empty where none.
    pub(super) did: String,
    /// The name of the file; empty where nothing was recorded.
    pub(super) recording: String,
}

/// A side of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) number: String,
}

/// How a call went, in the PBX's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    NoAnswer,
    Busy,
    Voicemail,
    Failed,
    Abandoned,
    Unknown,
}

/// One leg of a call that is over (30039).
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// That of the call's record.
    pub(super) uid: String,
    pub(super) number: u64,
    pub(super) status: Outcome,
    /// What is worth telling of it.
    pub(super) told: String,
}

/// What 30012 says.
#[derive(Deserialize)]
pub(super) struct RawCdr {
    #[serde(default, deserialize_with = "wire::text")]
    call_id: String,
    #[serde(default, deserialize_with = "wire::text")]
    call_from: String,
    #[serde(default, deserialize_with = "wire::text")]
    call_to: String,
    #[serde(default, deserialize_with = "wire::number")]
    call_duration: Option<u64>,
    #[serde(default, deserialize_with = "wire::number")]
    talk_duration: Option<u64>,
    #[serde(default, deserialize_with = "wire::text")]
    src_trunk_name: String,
    #[serde(default, deserialize_with = "wire::text")]
    dst_trunk_name: String,
    #[serde(default, deserialize_with = "wire::text")]
    status: String,
    #[serde(default, rename = "type", deserialize_with = "wire::text")]
    kind: String,
    #[serde(default, deserialize_with = "wire::text")]
    recording: String,
    #[serde(default, deserialize_with = "wire::text")]
    did_number: String,
    #[serde(default, deserialize_with = "wire::text")]
    uid: String,
}

/// What 30039 says.
#[derive(Deserialize)]
pub(super) struct RawLeg {
    #[serde(default, deserialize_with = "wire::text")]
    uid: String,
    #[serde(default, deserialize_with = "wire::number")]
    leg: Option<u64>,
    #[serde(default, deserialize_with = "wire::text")]
    call_from: String,
    #[serde(default, deserialize_with = "wire::text")]
    call_to: String,
    #[serde(default, deserialize_with = "wire::text")]
    status: String,
    #[serde(default, deserialize_with = "wire::number")]
    ring_duration: Option<u64>,
    #[serde(default, deserialize_with = "wire::number")]
    talk_duration: Option<u64>,
    #[serde(default, deserialize_with = "wire::number")]
    hold_duration: Option<u64>,
}

impl From<RawCdr> for Cdr {
    fn from(raw: RawCdr) -> Self {
        let call = event::chain(raw.call_id).ok();
        Self {
            // The id begins with the second in which the call began, in UTC: `time_start` has no zone.
            started: call.as_ref().and_then(second),
            call,
            uid: raw.uid,
            from: Party::of(&raw.call_from),
            to: Party::of(&raw.call_to),
            total_s: raw.call_duration.unwrap_or_default(),
            talk_s: raw.talk_duration.unwrap_or_default(),
            status: Outcome::of(&raw.status),
            direction: direction(&raw.kind),
            trunk: first_of(raw.src_trunk_name, raw.dst_trunk_name),
            did: raw.did_number,
            recording: raw.recording,
        }
    }
}

impl Cdr {
    /// A row of `cdr/search`. Which of its names a field has depends on the firmware [inferred]; where the id of the call
    /// is missing, the name of its recording holds it.
    pub(super) fn of_row(row: &Value, times: &Times) -> Self {
        let text = |names: &[&str]| wire::field(row, names);
        let count = |names: &[&str]| text(names).parse::<u64>().ok();
        let recording = text(&["recording", "record_file", "recording_file"]);
        let call = event::chain(text(&["call_id"])).ok().or_else(|| in_name(&recording));
        let said = || times.read(&text(&["time", "time_start"]));
        Self {
            started: count(&["timestamp"]).or_else(|| call.as_ref().and_then(second)).or_else(said),
            call,
            uid: text(&["uid"]),
            from: Party::of(&text(&["call_from"])),
            to: Party::of(&text(&["call_to"])),
            total_s: count(&["duration", "call_duration"]).unwrap_or_default(),
            talk_s: count(&["talk_duration"]).unwrap_or_default(),
            status: Outcome::of(&text(&["disposition", "status"])),
            direction: direction(&text(&["call_type", "type"])),
            trunk: text(&["src_trunk", "src_trunk_name", "dst_trunk", "dst_trunk_name"]),
            did: text(&["did_number", "did"]),
            recording,
        }
    }

    /// When it was over; none where it is not said when it began.
    pub(super) fn ended(&self) -> Option<Millis> {
        Some(moment(self.started?.saturating_add(self.total_s)))
    }

    /// When it was answered, if it was.
    pub(super) fn answered(&self) -> Option<Millis> {
        let talked = self.status == Outcome::Answered && self.talk_s > 0;
        let before = self.total_s.saturating_sub(self.talk_s);
        talked.then_some(moment(self.started?.saturating_add(before)))
    }

    /// The side that is not of the business.
    pub(super) fn outside(&self) -> Option<&Party> {
        match self.direction? {
            Direction::Inbound => Some(&self.from),
            Direction::Outbound => Some(&self.to),
            Direction::Internal => None,
        }
    }
}

impl Party {
    fn of(text: &str) -> Self {
        let (name, number) = wire::named(text);
        Self { name, number }
    }
}

impl Outcome {
    fn of(word: &str) -> Self {
        match word.to_ascii_uppercase().replace('_', " ").as_str() {
            "ANSWERED" | "ANSWERD" => Self::Answered,
            "NO ANSWER" => Self::NoAnswer,
            "BUSY" => Self::Busy,
            "VOICEMAIL" => Self::Voicemail,
            "FAILED" => Self::Failed,
            "ABANDONED" => Self::Abandoned,
            _ => Self::Unknown,
        }
    }

    /// What it says of a call that nobody answered.
    pub(super) fn reason(self) -> Option<Reason> {
        Some(match self {
            Self::NoAnswer => Reason::NoAnswer,
            Self::Busy => Reason::Busy,
            Self::Voicemail => Reason::Voicemail,
            Self::Failed => Reason::Failed,
            Self::Abandoned => Reason::Abandoned,
            Self::Answered | Self::Unknown => return None,
        })
    }
}

impl From<RawLeg> for Leg {
    fn from(raw: RawLeg) -> Self {
        let [ring, talk, hold] =
            [raw.ring_duration, raw.talk_duration, raw.hold_duration].map(Option::unwrap_or_default);
        Self {
            told: format!(
                "{} to {}: {}, rang {ring} s, talked {talk} s, held {hold} s",
                raw.call_from, raw.call_to, raw.status
            ),
            uid: raw.uid,
            number: raw.leg.unwrap_or(1),
            status: Outcome::of(&raw.status),
        }
    }
}

/// The Unix second in which a call began, which its id begins with: `1651057476.362`.
pub(super) fn second(call: &Chain) -> Option<u64> {
    let (second, rest) = call.as_str().split_once('.')?;
    let whole = second.len() == 10 && rest.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| second.parse().ok()).flatten()
}

/// The id of a call in the name of its recording: `20220427190445-1651057476.362-2005-2002-Internal.wav`.
fn in_name(recording: &str) -> Option<Chain> {
    recording.split('-').map(Chain::from).find(|part| second(part).is_some())
}

fn moment(second: u64) -> Millis {
    Millis(second.saturating_mul(1000))
}

fn direction(word: &str) -> Option<Direction> {
    Some(match word.to_ascii_lowercase().as_str() {
        "inbound" => Direction::Inbound,
        "outbound" => Direction::Outbound,
        "internal" => Direction::Internal,
        _ => return None,
    })
}

fn first_of(one: String, other: String) -> String {
    if one.is_empty() { other } else { one }
}
