//! Several commands in one request (sheet 5.4).

use hookswitch_sdk::http::percent_encode;
use serde_json::{Map, Value, json};

use crate::refusal::{Refusal, Timing};
use crate::value;

/// More commands in one request are refused.
pub(crate) const MOST_COMMANDS: usize = 50;

/// One command: a method with its parameters as a query.
#[derive(Debug, PartialEq)]
pub(crate) struct Command {
    method: &'static str,
    query: String,
}

impl Command {
    pub(crate) fn new(method: &'static str, parameters: &[(&str, &str)]) -> Self {
        let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", percent_encode(value)));
        Self { method, query: pairs.collect::<Vec<_>>().join("&") }
    }
}

/// Builds the parameters of one `batch`. The keys sort in the order of the commands, so they are carried out in it.
pub(crate) fn parameters(commands: &[Command]) -> Value {
    let commands = commands.iter().enumerate();
    let commands: Map<String, Value> =
        commands.map(|(index, command)| (key(index), format!("{}?{}", command.method, command.query).into())).collect();
    json!({"halt": 0, "cmd": commands})
}

/// Gives each command its result, in order.
pub(crate) fn results(commands: &[Command], result: Value, timing: Timing) -> Vec<Result<Value, Refusal>> {
    let mut parts = value::map(result);
    let mut part = |name| value::map(parts.remove(name).unwrap_or_default());
    let (mut results, errors, times) = (part("result"), part("result_error"), part("result_time"));
    let each = commands.iter().enumerate().map(|(index, command)| (key(index), command));
    each.map(|(key, command)| match errors.get(&key) {
        Some(error) => Err(Refusal::read(command.method, 200, error, times.get(&key), None, timing)),
        None => Ok(results.remove(&key).unwrap_or_default()),
    })
    .collect()
}

fn key(index: usize) -> String {
    format!("c{index:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookswitch_sdk::Failure;

    const TIMING: Timing = Timing { now_ms: &|| 1_767_226_000_000, jitter_ms: &|| 5 };

    fn commands() -> Vec<Command> {
        vec![
            Command::new("telephony.externalcall.hide", &[("CALL_ID", "externalCall.1f+2"), ("USER_ID", "12")]),
            Command::new("crm.contact.get", &[("id", "88")]),
        ]
    }

    #[test]
    fn commands_are_encoded_queries_in_their_order() {
        assert_eq!(
            parameters(&commands()),
            json!({"halt": 0, "cmd": {
                "c00": "telephony.externalcall.hide?CALL_ID=externalCall%2E1f%2B2&USER_ID=12",
                "c01": "crm.contact.get?id=88",
            }})
        );
    }

    #[test]
    fn empty_maps_may_come_as_lists() {
        let result = json!({"result": {"c00": true, "c01": {"ID": "88"}}, "result_error": [], "result_time": []});
        assert_eq!(results(&commands(), result, TIMING), vec![Ok(json!(true)), Ok(json!({"ID": "88"}))]);
    }

    #[test]
    fn each_command_has_its_own_error() {
        let result = json!({"result": {"c00": true}, "result_error": {
            "c01": {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"},
        }, "result_time": {"c01": {"operating_reset_at": 1_767_226_200}}});
        let mut results = results(&commands(), result, TIMING);
        let failure = Failure::from(results.remove(1).unwrap_err());
        assert!(matches!(failure, Failure::Temporary(delay) if delay.after_ms == Some(200_000)));
        assert_eq!(results.remove(0), Ok(json!(true)));
    }
}
