//! What is wrong at a portal, seen from nothing but its state.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A list in a JSON object.
pub fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// Calls that are finished.
pub fn finished(state: &Value) -> usize {
    list(state, "calls").filter(|call| call["finished"].is_object()).count()
}

/// Cards that are on somebody's screen.
pub fn cards_shown(state: &Value) -> usize {
    list(state, "calls").flat_map(|call| list(call, "visible")).count()
}

/// How much there is at a portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub calls: usize,
    pub finishes: usize,
    pub leads: usize,
}

impl Count {
    /// Counts what the portal did not have at its start.
    pub fn of(state: &Value) -> Self {
        let made = ["leads", "contacts"].into_iter().flat_map(|kind| list(state, kind));
        Self {
            calls: list(state, "calls").count(),
            finishes: finished(state),
            leads: made.filter(|record| record["made_by"] != "seed").count(),
        }
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.finishes += other.finishes;
        self.leads += other.leads;
    }
}

/// Fails unless every call is there once, was finished once and after everything else, no card is left, and nobody was
/// made twice.
pub fn faultless(state: &Value) -> Result<Count> {
    let mut ids = BTreeSet::new();
    for call in list(state, "calls") {
        // What the portal asked for has only its own.
        let own = call["CALL_ID"].as_str();
        let id = call["external_call_id"].as_str().or(own).context("a call without an id")?;
        ensure!(ids.insert(id), "{id} is in the portal twice");
        ensure!(call["finished"].is_object(), "{id} was never finished: {call}");
        ensure!(call["visible"] == Value::Array(Vec::new()), "a card of {id} is left: {call}");
        in_order(state, call).with_context(|| id.to_owned())?;
    }
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for record in ["leads", "contacts"].into_iter().flat_map(|kind| list(state, kind)) {
        for phone in list(record, "PHONE") {
            *made.entry(phone["VALUE"].as_str().unwrap_or_default()).or_default() += 1;
        }
    }
    ensure!(made.values().all(|count| *count == 1), "somebody is in the CRM twice: {made:?}");
    Ok(Count::of(state))
}

/// Register, then cards, then finish, as the portal's own diary tells.
fn in_order(state: &Value, call: &Value) -> Result<()> {
    let mut is_finished = false;
    for request in list(state, "journal").filter(|request| request["params"]["CALL_ID"] == call["CALL_ID"]) {
        let (method, taken) = (request["method"].as_str().unwrap_or_default(), request["answer"]["error"].is_null());
        match method {
            "telephony.externalcall.show" => ensure!(!is_finished, "a card was shown after the end: {request}"),
            "telephony.externalcall.finish" if taken && request["answer"]["result"].is_object() => {
                ensure!(!is_finished, "finished twice: {request}");
                is_finished = true;
            }
            _ => {}
        }
    }
    ensure!(is_finished, "no request finished it");
    Ok(())
}
