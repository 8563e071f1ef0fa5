//! Calls as the call log tells them afterwards (sheet, B.4, `GetCallLogData`): pure.
//!
//! A call is the rows with one `MainCallHistoryId`; each row is one step of its way. The log knows nothing of the `callid`
//! of the Call Control API, so its calls are recognised by their begin and their number.

use std::{collections::BTreeMap, ops::RangeBounds};

use hookswitch_call::{
    Chain, Extension, Millis, Signal,
    signal::{Arrival, Direction, Fact, Party, Reason, Report, Role, Side},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    board::Over,
    number::same_number,
    participant::{cut, text},
    recording::{LONGEST, reference},
    times::{duration, moment, stamped},
};

/// Begins of one call, seen live and in the log, lie no further apart, in milliseconds.
const NEAR: u64 = 15_000;
/// Types of `SourceType` and `DestinationType`.
const EXTENSION: u32 = 0;
const OUTSIDE: u32 = 1;
const QUEUE: u32 = 4;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Row {
    #[serde(deserialize_with = "text")]
    main_call_history_id: String,
    #[serde(deserialize_with = "text")]
    call_history_id: String,
    #[serde(deserialize_with = "text")]
    start_time: String,
    #[serde(deserialize_with = "text")]
    direction: String,
    answered: Option<bool>,
    #[serde(deserialize_with = "text")]
    ringing_duration: String,
    #[serde(deserialize_with = "text")]
    talking_duration: String,
    source_type: Option<u32>,
    #[serde(deserialize_with = "text")]
    source_dn: String,
    #[serde(deserialize_with = "text")]
    source_caller_id: String,
    #[serde(deserialize_with = "text")]
    source_display_name: String,
    destination_type: Option<u32>,
    #[serde(deserialize_with = "text")]
    destination_dn: String,
    #[serde(deserialize_with = "text")]
    destination_caller_id: String,
    #[serde(deserialize_with = "text")]
    reason: String,
    src_rec_id: Option<u64>,
    dst_rec_id: Option<u64>,
    transcription: Option<String>,
    summary: Option<String>,
}

/// One step of a call, with its times.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    began: Millis,
    picked_up: Option<Millis>,
    ended: Millis,
    to: To,
}

/// Where a step leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Extension(Extension),
    Queue(String),
    Outside { from: Extension, number: String },
    Elsewhere,
}

/// A call of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    id: String,
    started: Millis,
    ended: Millis,
    arrival: Arrival,
    steps: Vec<Step>,
    reason: Option<Reason>,
    recordings: Vec<u64>,
    transcript: Option<String>,
    summary: Option<String>,
}

/// Reads the rows of the log: its calls, in the order of their begins. Rows that are none are left out. The clock of the
/// PBX is `ahead` of ours by so many milliseconds.
pub fn read(rows: Vec<Value>, ahead: i64) -> Vec<Logged> {
    let mut calls: BTreeMap<String, Vec<(Millis, Row)>> = BTreeMap::new();
    for row in rows {
        let Ok(row) = serde_json::from_value::<Row>(row) else { continue };
        let Some(at) = moment(&row.start_time).and_then(|at| at.0.checked_add_signed(ahead.saturating_neg())) else {
            continue;
        };
        let id = if row.main_call_history_id.is_empty() { &row.call_history_id } else { &row.main_call_history_id };
        let id: String = id.chars().filter(|char| char.is_ascii_alphanumeric() || *char == '-').take(64).collect();
        if !id.is_empty() {
            calls.entry(id).or_default().push((Millis(at), row));
        }
    }
    let mut calls: Vec<_> = calls.into_iter().filter_map(|(id, rows)| Logged::of(id, rows)).collect();
    calls.sort_by_key(|call| call.started);
    calls
}

/// What the log tells that was not known: the rest of the calls that are `gone` since nobody listened, and calls that
/// `began` then and are not among `known`.
pub fn news(log: &[Logged], gone: &[Over], known: &[Over], began: impl RangeBounds<Millis>) -> Vec<Report> {
    let mut said = Vec::new();
    for call in log {
        let before = nearest(call, gone);
        if before.is_none() && (!began.contains(&call.started) || nearest(call, known).is_some()) {
            continue;
        }
        said.extend(call.facts(before).into_iter().map(Report::Past));
    }
    said
}

/// The calls of `gone` that the log tells the end of.
pub fn found<'a>(log: &'a [Logged], gone: &'a [Over]) -> impl Iterator<Item = &'a Chain> {
    log.iter().filter_map(|call| nearest(call, gone)).map(|over| &over.chain)
}

/// The call among `calls` that this one of the log is.
fn nearest<'a>(call: &Logged, calls: &'a [Over]) -> Option<&'a Over> {
    // A consultation between extensions is not the call that it is about.
    let same_party = |over: &&Over| match (&call.arrival.external, &over.external) {
        (Some(one), Some(other)) => same_number(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    let apart = |over: &&Over| call.started.0.abs_diff(over.started.0);
    // A call may be seen long after it began: when it leaves a menu, or when the host is started.
    let seen_late = |over: &&Over| {
        let met = over.extensions.is_empty() || over.extensions.iter().any(|one| call.reached(one));
        met && (call.started..=call.ended).contains(&over.started)
    };
    calls.iter().filter(same_party).filter(|over| apart(over) <= NEAR || seen_late(over)).min_by_key(apart)
}

impl Logged {
    fn of(id: String, mut rows: Vec<(Millis, Row)>) -> Option<Self> {
        rows.sort_by_key(|(at, _)| *at);
        let (started, first) = rows.first()?;
        let outside = |kind: Option<u32>| kind == Some(OUTSIDE);
        let direction = match first.direction.to_ascii_lowercase().as_str() {
            "inbound" => Direction::Inbound,
            "outbound" => Direction::Outbound,
            _ if outside(first.source_type) => Direction::Inbound,
            _ if rows.iter().any(|(_, row)| outside(row.destination_type)) => Direction::Outbound,
            _ => Direction::Internal,
        };
        let either = |number: &str, dn: &str| [number, dn].into_iter().find(|text| !text.is_empty()).map(str::to_owned);
        let called = rows.iter().find(|(_, row)| outside(row.destination_type)).map(|(_, row)| row);
        let external = match direction {
            Direction::Inbound => either(&first.source_caller_id, &first.source_dn),
            Direction::Outbound => called.and_then(|row| either(&row.destination_caller_id, &row.destination_dn)),
            Direction::Internal => None,
        };
        let from_inside = direction != Direction::Inbound && !first.source_dn.is_empty();
        let arrival = Arrival {
            direction,
            external: external.filter(|number| number.bytes().any(|byte| byte.is_ascii_digit())),
            external_name: if from_inside { String::new() } else { first.source_display_name.clone() },
            line: String::new(),
            trunk: if outside(first.source_type) { first.source_dn.clone() } else { String::new() },
            from: from_inside.then(|| Extension::from(first.source_dn.as_str())),
            crm_call: None,
            started: Some(*started),
        };
        let steps: Vec<_> = rows.iter().map(|(at, row)| Step::of(*at, row)).collect();
        let ended = steps.iter().map(|step| step.ended).max()?;
        let mut recordings: Vec<u64> =
            rows.iter().flat_map(|(_, row)| [row.src_rec_id, row.dst_rec_id]).flatten().collect();
        recordings.retain(|id| *id > 0);
        recordings.sort_unstable();
        recordings.dedup();
        let reason = rows.last().and_then(|(_, row)| reason(&row.reason));
        let texts = |of: fn(&Row) -> Option<&String>| {
            let texts: Vec<_> = rows.iter().filter_map(|(_, row)| of(row)).filter(|text| !text.is_empty()).collect();
            let joined = texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n\n");
            (!joined.is_empty()).then(|| cut(joined, LONGEST))
        };
        let (transcript, summary) = (texts(|row| row.transcription.as_ref()), texts(|row| row.summary.as_ref()));
        Some(Self { id, started: *started, ended, arrival, steps, reason, recordings, transcript, summary })
    }

    /// Whether the call rang at this extension, or came from there.
    fn reached(&self, extension: &Extension) -> bool {
        self.arrival.from.as_ref() == Some(extension)
            || self.steps.iter().any(|step| matches!(&step.to, To::Extension(to) if to == extension))
    }

    /// The id of a call that nobody saw live: the same whenever the log is read.
    fn chain(&self) -> Chain {
        Chain::from(format!("{}_h{}", stamped(self.started), self.id))
    }

    /// What happened and is not known from `before`, and how it ended, in the order of their times.
    fn facts(&self, before: Option<&Over>) -> Vec<Signal> {
        let chain = before.map_or_else(|| self.chain(), |over| over.chain.clone());
        let mut told: Vec<(Millis, Fact)> = vec![(self.started, Fact::Arrived(self.arrival.clone()))];
        for step in &self.steps {
            match &step.to {
                To::Extension(extension) => {
                    let (extension, role) = (extension.clone(), Role::Called);
                    told.push((step.began, Fact::Ringing { extension: extension.clone(), role }));
                    if let Some(at) = step.picked_up {
                        told.push((at, Fact::Answered { by: Party::Extension(extension.clone()), role }));
                    }
                    told.push((step.ended, Fact::Left { extension }));
                }
                To::Queue(queue) => told.push((step.began, Fact::Queued { queue: queue.clone() })),
                To::Outside { from, number } => {
                    told.push((step.began, Fact::Dialing { extension: from.clone(), number: number.clone() }));
                    if let Some(at) = step.picked_up {
                        told.push((at, Fact::Answered { by: Party::Outside(number.clone()), role: Role::Called }));
                    }
                }
                To::Elsewhere => {}
            }
        }
        told.sort_by_key(|(at, _)| *at);
        // Clocks differ a little, and whether somebody answered is what matters most.
        let is_news = |(at, fact): &(Millis, Fact)| {
            let answers = matches!(fact, Fact::Answered { .. });
            before.is_none_or(|over| *at > over.until || answers && !over.answered)
        };
        told.retain(is_news);
        told.push((self.ended, Fact::Ended { hint: self.reason, cause: None, by: Side::Unknown }));
        told.extend(self.recordings.iter().map(|id| (self.ended, Fact::Recorded { file: reference(*id) })));
        told.extend(self.transcript.iter().map(|text| (self.ended, Fact::Transcript { text: text.clone() })));
        told.extend(self.summary.iter().map(|text| (self.ended, Fact::Summary { text: text.clone() })));
        told.into_iter().map(|(at, fact)| Signal { chain: chain.clone(), at, fact }).collect()
    }
}

impl Step {
    fn of(began: Millis, row: &Row) -> Self {
        let (rang, talked) = (duration(&row.ringing_duration), duration(&row.talking_duration));
        let picked_up = (row.answered != Some(false) && talked > 0).then_some(Millis(began.0 + rang));
        let number = [&row.destination_caller_id, &row.destination_dn].into_iter().find(|text| !text.is_empty());
        let to = match (row.destination_type, number) {
            (Some(EXTENSION), _) if !row.destination_dn.is_empty() => To::Extension(row.destination_dn.as_str().into()),
            (Some(QUEUE), _) if !row.destination_dn.is_empty() => To::Queue(row.destination_dn.clone()),
            (Some(OUTSIDE), Some(number)) if row.source_type == Some(EXTENSION) => {
                To::Outside { from: row.source_dn.as_str().into(), number: number.clone() }
            }
            _ => To::Elsewhere,
        };
        Self { began, picked_up, ended: Millis(began.0 + rang + talked), to }
    }
}

/// Why a call ended, where the log's words tell.
fn reason(text: &str) -> Option<Reason> {
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["busy", "reject", "declin"]) {
        Some(Reason::Busy)
    } else if has(&["no answer", "noanswer", "not answer", "timeout", "timed out"]) {
        Some(Reason::NoAnswer)
    } else if has(&["cancel"]) {
        Some(Reason::Cancelled)
    } else if has(&["not registered", "notregistered", "unreachable"]) {
        Some(Reason::Unreachable)
    } else {
        None
    }
}
