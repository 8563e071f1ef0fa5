//! `/xapi/v1/…`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    callcontrol::{Answer, make_call},
    contacts,
    state::State,
};

/// The parameters of the call log, all of which must be there.
const LOG: [&str; 11] = [
    "periodFrom",
    "periodTo",
    "sourceType",
    "sourceFilter",
    "destinationType",
    "destinationFilter",
    "callsType",
    "callTimeFilterType",
    "callTimeFilterFrom",
    "callTimeFilterTo",
    "hidePcalls",
];
const USER: [&str; 9] = [
    "Id",
    "Number",
    "FirstName",
    "LastName",
    "EmailAddress",
    "IsRegistered",
    "CurrentProfileName",
    "QueueStatus",
    "Mobile",
];

/// `path` and `query` are decoded.
pub(crate) fn answer(state: &mut State, method: &str, path: &str, query: &str, body: &str) -> Answer {
    let list = path.trim_start_matches("/xapi/v1/");
    let options: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let option = |name: &str| options.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let known = ["$top", "$skip", "$filter", "$orderby", "$select", "$expand", "$count", "$search"];
    if let Some((strange, _)) = options.iter().find(|(name, _)| !known.contains(name)) {
        state.complaints.push(format!("{strange} is no option of a list"));
        return (400, Value::Null);
    }
    if (method, list) == ("POST", "Users/Pbx.MakeCall") {
        let order: Value = serde_json::from_str(body).unwrap_or_default();
        let Some(dn) = order["dn"].as_str().map(str::to_owned) else { return (400, Value::Null) };
        if state.users.iter().all(|user| user["Number"] != dn) {
            return (404, Value::Null);
        }
        return make_call(state, &dn, None, body);
    }
    if list.starts_with("Contacts") && method != "GET" {
        return contacts::change(state, method, list, body);
    }
    if method != "GET" {
        return (405, Value::Null);
    }
    let rows = match list.split('(').next().unwrap_or_default() {
        "Users" => {
            let selected = option("$select").map_or(Vec::new(), |fields| fields.split(',').collect());
            let expands = option("$expand");
            if selected.iter().any(|field| !USER.contains(field))
                || expands.is_some_and(|field| field != "ForwardingProfiles")
            {
                return (400, json!({ "error": { "message": "Could not find a property" } }));
            }
            without(&state.users, (expands.is_none()).then_some("ForwardingProfiles"))
        }
        "Contacts" => match contacts::rows(state, option("$filter"), option("$select")) {
            Some(rows) => rows,
            None => return (400, json!({ "error": { "message": "a filter or a property that is none" } })),
        },
        "Queues" => without(&state.queues, (option("$expand") != Some("Agents")).then_some("Agents")),
        "Recordings" => match option("$filter").map(window) {
            Some(None) => return (400, json!({ "error": { "message": "a filter that is none" } })),
            Some(Some((from, to))) => between(&state.recordings, from, to),
            None => state.recordings.clone(),
        },
        "ReportCallLogData/Pbx.GetCallLogData" => match period(list) {
            Ok((from, to)) => between(&state.log, from, to),
            Err(error) => {
                state.complaints.push(error);
                return (400, Value::Null);
            }
        },
        _ => return (404, Value::Null),
    };
    let number = |name: &str, otherwise: usize| option(name).map_or(Ok(otherwise), str::parse::<usize>);
    let (Ok(top), Ok(skip)) = (number("$top", 100), number("$skip", 0)) else { return (400, Value::Null) };
    let page: Vec<_> = rows.into_iter().skip(skip).take(top).collect();
    (200, json!({ "@odata.context": "fake", "value": page }))
}

/// The rows without what must be asked for.
fn without(rows: &[Value], field: Option<&str>) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        field.map(|field| row.remove(field));
    }
    rows
}

fn started(row: &Value) -> Option<Timestamp> {
    row["StartTime"].as_str()?.parse().ok()
}

fn between(rows: &[Value], from: Timestamp, to: Timestamp) -> Vec<Value> {
    let mut rows: Vec<_> =
        rows.iter().filter(|row| started(row).is_some_and(|at| (from..=to).contains(&at))).cloned().collect();
    rows.sort_by_key(started);
    rows
}

/// `StartTime ge 2024-03-05T09:15:00Z and StartTime le 2024-03-05T09:16:00Z`.
fn window(filter: &str) -> Option<(Timestamp, Timestamp)> {
    let (from, to) = filter.split_once(" and ")?;
    Some((from.strip_prefix("StartTime ge ")?.parse().ok()?, to.strip_prefix("StartTime le ")?.parse().ok()?))
}

fn period(list: &str) -> Result<(Timestamp, Timestamp), String> {
    let inside = list.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).ok_or("no parameters")?;
    let given: Vec<(&str, &str)> = inside.split(',').filter_map(|pair| pair.split_once('=')).collect();
    let names: Vec<_> = given.iter().map(|(name, _)| *name).collect();
    if names != LOG {
        return Err(format!("the parameters of the call log are {names:?}"));
    }
    let moment = |text: &str| match text.parse::<Timestamp>() {
        Ok(at) if text.len() == 20 && text.ends_with('Z') => Ok(at),
        // The real one takes its own window then, and says nothing.
        _ => Err(format!("`{text}` is no moment that the call log understands")),
    };
    Ok((moment(given[0].1)?, moment(given[1].1)?))
}
