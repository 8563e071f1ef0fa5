//! Sends methods to the portal. Everything is a JSON POST: parameters in a query would be written to access logs.

use hookswitch_sdk::http::{Answer, Effect, FormPart, Part, Request};
use hookswitch_sdk::{Call, Failure, Recording, clock, random};
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

/// Calls one method with parameters in which the host puts a file. `parameters` are the pieces of their JSON.
pub(crate) fn call_with_file(method: &str, parameters: Vec<Part>, effect: Effect) -> Result<Envelope, Refusal> {
    let request = Request::post(&format!("{method}.json"), effect).credential(CREDENTIAL);
    let answer = request.header("content-type", "application/json").parts(parameters).send()?;
    check_size(method, &answer)?;
    answer::read(method, &answer, TIMING)
}

/// A file that is too large is refused by the web server, before the portal, with a page.
fn check_size(what: &str, answer: &Answer) -> Result<(), Failure> {
    if answer.status != 413 {
        return Ok(());
    }
    let text = format!(
        "the portal's web server takes no file of this size in {what}: set `upload-above` lower, or `format = \"mp3\"` in \
         [recordings]"
    );
    Err(Failure::rejected("recording-too-large", text))
}

/// Calls one method that answers with a secret at this place of the answer. What stands there afterwards is a mask.
pub(crate) fn call_for_secret(method: &str, parameters: &Value, place: &str) -> Result<Envelope, Refusal> {
    let request = Request::post(&format!("{method}.json"), Effect::Read).credential(CREDENTIAL);
    let answer = request.json(parameters).keep_secret(place).send()?;
    answer::read(method, &answer, TIMING)
}

/// Uploads a file to an address that the portal has given out, as the part `field` of a form. `address` is its mask: the
/// host puts the address there, and only if it is one that the admin has granted, which is the portal's own.
pub(crate) fn upload(address: &str, field: &str, file: &Recording) -> Result<Envelope, Refusal> {
    let answer = Request::post(address, Effect::Once).multipart([FormPart::recording(field, file)]).send()?;
    if matches!(answer.status, 401 | 403) {
        // It says nothing of the webhook: the address carries a key of its own, which works once and not for ever.
        let reason = format!("the portal does not take its own upload address any more ({})", answer.status);
        return Err(Failure::temporary(reason).into());
    }
    let what = "the upload of a recording";
    check_size(what, &answer)?;
    answer::read(what, &answer, TIMING)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_refused_with_advice() {
        let answer = |status| Answer { effect: Effect::Once, status, headers: vec![], text: "<html>".into() };
        assert_eq!(check_size("upload", &answer(502)), Ok(()));
        let refusal = Refusal::from(check_size("upload", &answer(413)).unwrap_err());
        assert!(refusal.is_final() && !refusal.perhaps_done);
    }
}
