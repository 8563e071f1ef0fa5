//! Orders that became no call: why, and what the CRM is told. In the journal a call of its own stands for such an order,
//! so that telling it is a job like any other: tried again, parked, shown, traced, and forgotten on demand.

use hookswitch_call::{
    Call, Event, Extension, Millis, PbxName, Signal, Tracker,
    signal::{Arrival, Direction, Fact, Reason, Side},
};
use hookswitch_journal::{
    Journal,
    dials::{Dial, Never, standing_for, stands_for},
};
use hookswitch_pbx::Refused;
use hookswitch_runtime::contract::commands;

use super::rules::Barred;
use crate::{task::Task, view::ASKED_BY};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Nobody knows whose phone is to ring.
    Nobody,
    /// No phone system can do it, or it is not clear which.
    NoPhoneSystem,
    /// The number cannot be dialled.
    BadNumber,
    /// The admin's rules forbid the number.
    Barred,
    /// The phone system is not connected.
    Offline,
    /// The agent's phone cannot be reached.
    Unreachable,
    /// Our user of the phone system may not do it.
    NotPermitted,
    /// The phone system refuses for another reason.
    Refused,
    /// It was asked for too long ago.
    Expired,
    /// It was given, and no call came of it.
    NoCall,
}

impl Problem {
    pub(crate) fn of(barred: &Barred) -> Self {
        match barred {
            Barred::NoNumber(_) | Barred::Length(..) => Self::BadNumber,
            _ => Self::Barred,
        }
    }

    /// What a phone system's refusal is.
    pub(crate) fn of_refusal(refused: &Refused) -> Self {
        match refused {
            Refused::Offline(_) => Self::Offline,
            Refused::Unreachable(_) => Self::Unreachable,
            Refused::BadNumber(_) => Self::BadNumber,
            Refused::NotPermitted(_) => Self::NotPermitted,
            Refused::NoSuchCall | Refused::Unable(_) | Refused::Other(_) => Self::Refused,
            Refused::InDoubt(_) => Self::NoCall,
        }
    }

    /// The token in JSON, and in `dial.extra` of the contract.
    fn token(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NoPhoneSystem => "no-phone-system",
            Self::BadNumber => "bad-number",
            Self::Barred => "barred",
            Self::Offline => "offline",
            Self::Unreachable => "unreachable",
            Self::NotPermitted => "not-permitted",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::NoCall => "no-call",
        }
    }

    /// The word of the contract.
    fn reason(self) -> &'static str {
        match self {
            Self::Nobody | Self::Barred | Self::NotPermitted => "rejected",
            Self::Unreachable => "unreachable",
            Self::NoCall => "unknown",
            Self::NoPhoneSystem | Self::BadNumber | Self::Offline | Self::Refused | Self::Expired => "failed",
        }
    }
}

/// Why an order becomes no call; `text` is for people.
pub(crate) fn never(problem: Problem, text: impl Into<String>) -> Never {
    Never { reason: problem.reason().to_owned(), problem: problem.token().to_owned(), text: text.into() }
}

/// The call that stands for a dial which never became one, and its events.
pub(super) fn stand_in(dial: &Dial, why: &Never, at: Millis) -> Option<(Call, Vec<Event>)> {
    let chain = standing_for(&dial.pbx, dial.id).chain;
    let from = Some(Extension::from(dial.order.from.as_str())).filter(|from| !from.as_str().is_empty());
    let arrival = Arrival {
        direction: Direction::Outbound,
        external: Some(dial.order.number.clone()),
        external_name: String::new(),
        line: dial.order.line.clone(),
        trunk: String::new(),
        from,
        crm_call: dial.order.crm_call.clone(),
        started: Some(dial.created),
    };
    let hint = match why.reason.as_str() {
        "unreachable" => Reason::Unreachable,
        "unknown" => Reason::Unknown,
        _ => Reason::Failed,
    };
    let noted = |name: &str, value: &str| Fact::Noted { name: name.to_owned(), value: value.to_owned() };
    let facts = [
        Fact::Arrived(arrival),
        noted(ASKED_BY, &dial.origin),
        noted("problem", &why.problem),
        noted("problem-text", &why.text),
        Fact::Ended { hint: Some(hint), cause: None, by: Side::Unknown },
    ];
    let mut tracker = Tracker::new(PbxName::from(dial.pbx.as_str()), []);
    let tell = |fact| tracker.apply(Signal { chain: chain.clone(), at, fact });
    let events = facts.into_iter().flat_map(tell).collect();
    Some((tracker.call(&chain)?.clone(), events))
}

/// `commands.finished` for the dial that a call stands for; none if the journal does not know it any more.
pub(crate) async fn task(
    journal: &Journal,
    call: &hookswitch_journal::CallRef,
) -> Result<Option<Task>, hookswitch_journal::Error> {
    let Some(id) = stands_for(&call.chain) else { return Ok(None) };
    let found = journal.read(move |view| view.dial(id)).await?;
    Ok(found.and_then(|dial| {
        let Never { reason, problem, text } = dial.never?;
        let order = dial.order;
        let mut extra = order.extra;
        extra.extend([("problem".to_owned(), problem), ("problem-text".to_owned(), text)]);
        let dial = commands::Dial {
            user: order.user,
            extension: Some(order.from).filter(|from| !from.is_empty()),
            number: order.number,
            line: order.line,
            crm_call: order.crm_call,
            extra,
        };
        Some(Task::Finished { dial, outcome: "missed".to_owned(), reason })
    }))
}
