//! Sends methods to the portal. Everything is a JSON POST: parameters in a query would be written to access logs.

use hookswitch_sdk::http::{Effect, Request};
use hookswitch_sdk::{Call, Failure, clock, random};
use serde_json::Value;

use crate::answer::{self, Envelope};
use crate::batch::{self, Command};
use crate::refusal::{Refusal, Timing};

/// The handle of the inbound webhook, whose address the plugin never sees.
pub(crate) const CREDENTIAL: &str = "portal";

const TIMING: Timing = Timing { now_ms: &clock::now_ms, jitter_ms: &jitter_ms };

/// Calls one method.
pub(crate) fn call(method: &str, parameters: &Value, effect: Effect) -> Result<Envelope, Refusal> {
    let request = Request::post(&format!("{method}.json"), effect).credential(CREDENTIAL).json(parameters);
    let answer = request.send()?;
    answer::read(method, &answer, TIMING)
}

/// Calls any number of methods, in order, as few requests as possible. `effect` is that of all of them together.
pub(crate) fn batch(commands: &[Command], effect: Effect) -> Result<Vec<Result<Value, Refusal>>, Refusal> {
    let mut results = Vec::with_capacity(commands.len());
    for commands in commands.chunks(batch::MOST_COMMANDS) {
        let envelope = call("batch", &batch::parameters(commands), effect)?;
        results.extend(batch::results(commands, envelope.result, TIMING));
    }
    Ok(results)
}

/// When a call began, as the portal reads times.
pub(crate) fn started_at(call: &Call) -> Result<String, Failure> {
    clock::format(call.started_ms, None, "%Y-%m-%dT%H:%M:%S%:z")
        .map_err(|error| Failure::NotConfigured(format!("the call's time cannot be written: {error}")))
}

/// Spreads what waits for the same limit over half a second.
fn jitter_ms() -> u64 {
    random::bytes(1).first().map_or(0, |byte| u64::from(*byte) * 2)
}
