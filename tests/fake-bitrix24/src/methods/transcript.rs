//! `telephony.call.attachTranscription`, sheet §3.5; texts of refusals [public: its documentation page].

use serde_json::{Value, json};

use super::call_id;
use crate::{
    answer::{Answer, Refusal},
    params::Params,
    telephony::Transcript,
    world::{What, World},
};

pub(super) fn attach(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let id = call_id(params)?;
    let messages = params.raw("MESSAGES").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| Refusal::core("MESSAGES is not set or is empty"))?;
    for (index, message) in messages.iter().enumerate() {
        check(index, message)?;
    }
    params.text("COST")?;
    params.text("COST_CURRENCY")?;
    let messages = Value::Array(messages.clone());
    let transcript = world.new_id();
    let not_found = || Refusal::core(format!("Call {id} is not found. Is it finished?"));
    let call = world.finished_call(&id).ok_or_else(not_found)?;
    call.transcripts.push(Transcript { id: transcript, messages });
    world.happened(What::Transcribed { call: id.clone() });
    Ok(json!({"TRANSCRIPT_ID": transcript}).into())
}

fn check(index: usize, message: &Value) -> Result<(), Refusal> {
    let wrong = |what: &str| Refusal::core(format!("MESSAGES[{index}]{what}"));
    let seconds = |name: &str| message.get(name).and_then(crate::params::scalar).and_then(|s| s.parse::<f64>().ok());
    if !matches!(message.get("SIDE").and_then(Value::as_str), Some("User" | "Client")) {
        return Err(wrong("[SIDE] should be either User or Client"));
    }
    if seconds("START_TIME").is_none_or(|start| start < 0.0) {
        return Err(wrong("[START_TIME] should be greater or equal to zero"));
    }
    if seconds("STOP_TIME").is_none_or(|stop| stop < 1.0) {
        return Err(wrong("[STOP_TIME] should be greater than zero"));
    }
    if message.get("MESSAGE").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(wrong("[MESSAGE] is empty"));
    }
    Ok(())
}
