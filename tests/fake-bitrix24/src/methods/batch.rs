//! `batch`, sheet §5.4: up to 50 commands in one request, each of which may refer to results before it.

use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Refusal, Timing},
    params::{Params, scalar},
    php,
    world::World,
};

const MOST_COMMANDS: usize = 50;
/// What a batch may not hold: itself, and methods that upload files.
const NOT_ALLOWED: [&str; 2] = ["batch", "telephony.externalcall.attachrecord"];

pub(crate) fn batch(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let halt = params.flag("halt", false)?;
    let commands: Vec<(String, &Value)> = match params.raw("cmd") {
        Some(Value::Object(map)) => map.iter().map(|(key, command)| (key.clone(), command)).collect(),
        Some(Value::Array(list)) => list.iter().enumerate().map(|(key, command)| (key.to_string(), command)).collect(),
        // What the portal says to a batch without commands is inferred.
        _ => return Err(Refusal::argument("cmd should be an array of commands")),
    };
    if commands.len() > MOST_COMMANDS {
        return Err(Refusal::new(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"));
    }
    let [mut results, mut errors, mut totals, mut nexts, mut times] = [(); 5].map(|()| Map::new());
    for (key, command) in commands {
        let start = world.now();
        let (method, outcome) = one(world, params, command, &results);
        times.insert(key.clone(), timing(world, &method, start).block());
        match outcome {
            Ok(answer) => {
                results.insert(key.clone(), answer.result);
                totals.extend(answer.total.map(|total| (key.clone(), json!(total))));
                nexts.extend(answer.next.map(|next| (key.clone(), json!(next))));
            }
            Err(refusal) => {
                errors.insert(key, refusal.body());
                if halt {
                    break;
                }
            }
        }
    }
    let answer = json!({
        "result": php::array(results), "result_error": php::array(errors), "result_total": php::array(totals),
        "result_next": php::array(nexts), "result_time": php::array(times),
    });
    Ok(answer.into())
}

/// One command: its method in lower case, and what came of it.
fn one(
    world: &mut World,
    outer: &Params,
    command: &Value,
    results: &Map<String, Value>,
) -> (String, Result<Answer, Refusal>) {
    let Some(command) = command.as_str() else {
        return (String::new(), Err(Refusal::argument("a command should be a string")));
    };
    let (method, query) = command.split_once('?').unwrap_or((command, ""));
    let method = method.trim_end_matches(".json").to_lowercase();
    if NOT_ALLOWED.contains(&method.as_str()) {
        let refusal = Refusal::new(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage");
        return (method, Err(refusal));
    }
    let strike = world.faults.strike(&method);
    let now = world.now();
    if let Some(refusal) = strike.effect.as_ref().and_then(|effect| effect.refusal(now)) {
        return (method, Err(refusal));
    }
    world.inner_effect = strike.effect;
    let values = php::parse_form(query.as_bytes()).into_iter();
    let params = Params::new(values.map(|(name, value)| (name, substitute(value, results))).collect());
    let outcome = world.run(&method, &params);
    for note in params.into_notes(outcome.is_ok()) {
        outer.note(format!("{method}: {note}"));
    }
    (method, outcome)
}

pub(crate) fn timing(world: &mut World, method: &str, start: i64) -> Timing {
    let finish = world.now();
    let limit = world.options.operating.unwrap_or_default();
    let used = world.operating.used(method, limit, finish);
    Timing { start, finish, operating: used.seconds, operating_reset_at: used.reset_at }
}

/// Puts earlier results in place of `$result[key][field]…`. A value that is one reference and nothing else takes the
/// result as it is; what cannot be resolved becomes an empty text.
fn substitute(value: Value, results: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => substitute_text(&text, results),
        Value::Array(list) => list.into_iter().map(|value| substitute(value, results)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, substitute(value, results))).collect(),
        other => other,
    }
}

fn substitute_text(text: &str, results: &Map<String, Value>) -> Value {
    const REFERENCE: &str = "$result[";
    let mut written = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(REFERENCE) {
        let (before, reference) = rest.split_at(at);
        let path = &reference[REFERENCE.len() - 1..];
        let (keys, after) = keys(path);
        let found = lookup(&keys, results);
        if before.is_empty() && written.is_empty() && after.is_empty() {
            return found.cloned().unwrap_or(Value::String(String::new()));
        }
        written.push_str(before);
        written.push_str(&found.and_then(scalar).unwrap_or_default());
        rest = after;
    }
    written.push_str(rest);
    Value::String(written)
}

/// `[h1][ID] tail` → `["h1", "ID"]` and ` tail`.
fn keys(mut path: &str) -> (Vec<&str>, &str) {
    let mut keys = Vec::new();
    while let Some((key, rest)) = path.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        keys.push(key);
        path = rest;
    }
    // An unclosed bracket is no key; skip it, so that the search for references goes on behind it.
    (keys, path.strip_prefix('[').unwrap_or(path))
}

fn lookup<'a>(keys: &[&str], results: &'a Map<String, Value>) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(results.get(*first)?, |value, key| match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        other => other.get(*key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_take_values_from_earlier_results() {
        let Value::Object(results) = json!({"a": {"ID": 7, "list": [{"x": "y"}]}}) else { unreachable!() };
        let cases = [
            ("$result[a][ID]", json!(7)),
            ("id $result[a][ID], $result[a][list][0][x]!", json!("id 7, y!")),
            ("$result[b][ID]", json!("")),
            ("plain", json!("plain")),
            ("$result[a", json!("a")),
        ];
        for (text, wanted) in cases {
            assert_eq!(substitute_text(text, &results), wanted, "{text}");
        }
    }
}
