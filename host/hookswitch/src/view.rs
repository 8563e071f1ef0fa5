//! A call as plugins see it: in CRM terms, with normalised numbers and users instead of extensions.

use hookswitch_call::{
    Call, Extension, Millis,
    number::Number,
    record::Agent,
    signal::{Direction, Side},
};
use hookswitch_journal::directory::User;
use hookswitch_runtime::contract;

use crate::{news::News, users::Users};

/// The call as it stands at `now`, for `plugin`.
pub(crate) fn call(News { call, external, line }: &News, plugin: &str, users: &Users, now: Millis) -> contract::Call {
    // What one CRM asked for is no business of another.
    let asked_by = call.extra.iter().find(|(name, _)| name == ASKED_BY).map(|(_, origin)| origin.as_str());
    let asked_by_other = asked_by.is_some_and(|origin| origin != plugin);
    let end = call.ended.as_ref();
    let now = end.map_or(now, |end| end.at);
    let pbx = call.pbx.as_str();
    let told = |extension: &Extension, user: Option<&User>| {
        let agent = call.agent(extension);
        let (state, talk_ms) = agent.map_or(("missed", 0), |agent| (agent.state.token(), agent.talk_ms(now)));
        self::agent(extension, state, talk_ms, user)
    };
    let agent = |agent: &Agent| told(&agent.extension, users.at(pbx, agent.extension.as_str()));
    let credited = end.and_then(|end| end.credited.as_ref());
    // What nobody has belongs to somebody all the same, where the admin says to whom.
    let owned = |extension: &Extension| told(extension, users.owner(pbx, extension.as_str()).map(|seat| seat.user));
    contract::Call {
        pbx: call.pbx.to_string(),
        chain: call.chain.to_string(),
        leg: call.leg,
        direction: match call.direction {
            Direction::Inbound => contract::Direction::Inbound,
            Direction::Outbound => contract::Direction::Outbound,
            Direction::Internal => contract::Direction::Internal,
        },
        external: external.as_deref().map(number),
        external_name: call.external_name.clone(),
        line: line.clone(),
        queue: call.queue().unwrap_or_default().to_owned(),
        state: call.state.token().to_owned(),
        outcome: end.map(|end| end.outcome.token()).unwrap_or_default().to_owned(),
        reason: end.map(|end| end.reason.token()).unwrap_or_default().to_owned(),
        started_ms: call.started.0,
        answered_ms: call.answered.map(|at| at.0),
        ended_ms: end.map(|end| end.at.0),
        talk_ms: call.talk_ms(now),
        agents: call.agents.iter().map(agent).collect(),
        credited: credited.map(owned),
        crm_call: call.crm_call.clone().filter(|_| !asked_by_other),
        extra: extra(call, line, asked_by_other),
    }
}

/// In `extra` of a call: which plugin asked for it.
pub(crate) const ASKED_BY: &str = "asked-by";

/// Whether it came with what somebody asked for.
fn is_of_a_dial(name: &str) -> bool {
    name == ASKED_BY || name.starts_with("dial-")
}

/// A number as plugins see it.
pub(crate) fn number(number: &Number) -> contract::Number {
    contract::Number {
        raw: number.raw.clone(),
        e164: number.e164.clone(),
        region: number.region.clone(),
        search: number.search.clone(),
    }
}

fn agent(extension: &Extension, state: &str, talk_ms: u64, user: Option<&User>) -> contract::Agent {
    contract::Agent {
        extension: extension.to_string(),
        user: user.map(|user| user.id.clone()),
        name: user.map(|user| user.name.clone()).unwrap_or_default(),
        email: user.map(|user| user.email.clone()).unwrap_or_default(),
        state: state.to_owned(),
        talk_ms,
    }
}

/// What has no field of its own; the names are listed at `types.call.extra` of the contract.
fn extra(call: &Call, line: &str, asked_by_other: bool) -> Vec<(String, String)> {
    let end = call.ended.as_ref();
    let side = match end.map(|end| end.by) {
        Some(Side::External) => Some("external".to_owned()),
        Some(Side::Internal) => Some("internal".to_owned()),
        _ => None,
    };
    [
        ("trunk", Some(call.trunk.clone()).filter(|trunk| !trunk.is_empty())),
        ("did-raw", Some(call.line.clone()).filter(|raw| raw != line)),
        ("transfer", call.transfer.clone()),
        ("queues", Some(call.queues.join(", ")).filter(|_| call.queues.len() > 1)),
        ("path", Some(call.path.join(" > ")).filter(|_| call.path.len() > 1)),
        ("cause", end.and_then(|end| end.cause).map(|cause| cause.to_string())),
        ("ended-by", side),
        ("last-leg", end.filter(|end| end.last_leg_missed).map(|_| "missed".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .chain(call.extra.iter().filter(|(name, _)| !(asked_by_other && is_of_a_dial(name))).cloned())
    .collect()
}
