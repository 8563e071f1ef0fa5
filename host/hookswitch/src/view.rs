//! A call as plugins see it: in CRM terms, with normalised numbers and users instead of extensions.

use hookswitch_call::{
    Call, Extension, Millis,
    number::Number,
    record::Agent,
    signal::{Direction, Side},
};
use hookswitch_runtime::contract;

use crate::{news::News, users::Users};

/// The call as it stands at `now`.
pub(crate) fn call(News { call, external, line }: &News, users: &Users, now: Millis) -> contract::Call {
    let end = call.ended.as_ref();
    let now = end.map_or(now, |end| end.at);
    let agent = |agent: &Agent| self::agent(&agent.extension, agent.state.token(), agent.talk_ms(now), users);
    let credited = end.and_then(|end| end.credited.as_ref());
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
        credited: credited
            .map(|extension| call.agent(extension).map_or_else(|| self::agent(extension, "missed", 0, users), agent)),
        crm_call: call.crm_call.clone(),
        extra: extra(call, line),
    }
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

fn agent(extension: &Extension, state: &str, talk_ms: u64, users: &Users) -> contract::Agent {
    let user = users.by_extension(extension.as_str());
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
fn extra(call: &Call, line: &str) -> Vec<(String, String)> {
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
        ("cause", end.and_then(|end| end.cause).map(|cause| cause.to_string())),
        ("ended-by", side),
        ("last-leg", end.filter(|end| end.last_leg_missed).map(|_| "missed".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .chain(call.extra.iter().cloned())
    .collect()
}
