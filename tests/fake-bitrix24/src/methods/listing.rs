//! What list methods share: filter, order, selection and pages (sheet §2.3).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::{
    answer::{Answer, Refusal},
    params::{Params, scalar},
};

const PAGE: usize = 50;

/// A record as the wire shows it.
pub(super) type Row = Map<String, Value>;

/// A parameter of fields and values; nothing is PHP's empty array.
pub(super) fn map(params: &Params, name: &str) -> Result<Row, Refusal> {
    match params.raw(name) {
        None | Some(Value::Null) => Ok(Row::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(Value::Array(list)) if list.is_empty() => Ok(Row::new()),
        Some(_) => Err(Refusal::argument(format!("{name} should be an array of field and value"))),
    }
}

/// A record matches when every entry of the filter does. Operators: `=` (or none), `!`, `!=`, `@`, `!@`, `%`. A field
/// that does not exist (`values_of` has none) filters nothing, which is noted.
pub(super) fn matches(
    filter: &Row,
    params: &Params,
    values_of: impl Fn(&str) -> Option<Vec<String>>,
) -> Result<bool, Refusal> {
    for (key, wanted) in filter {
        let field = key.trim_start_matches(['!', '=', '@', '%', '<', '>', '?']);
        let operator = &key[..key.len() - field.len()];
        let Some(have) = values_of(field) else {
            params.note(format!("the filter by {field} was ignored"));
            continue;
        };
        let wanted: Vec<String> = match wanted {
            Value::Array(list) => list.iter().filter_map(comparable).collect(),
            one => comparable(one).into_iter().collect(),
        };
        let equal = wanted.iter().any(|wanted| have.contains(wanted));
        let holds = match operator {
            "" | "=" | "@" => equal,
            "!" | "!=" | "!@" => !equal,
            "%" => {
                wanted.iter().any(|wanted| have.iter().any(|have| have.to_lowercase().contains(&wanted.to_lowercase())))
            }
            other => return Err(Refusal::argument(format!("the filter operator {other} is not known here"))),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The text that a row's field is compared by; an unset field is empty.
pub(super) fn text_of(row: &Row, field: &str) -> Option<String> {
    match row.get(field)? {
        Value::Null => Some(String::new()),
        value => scalar(value),
    }
}

fn comparable(value: &Value) -> Option<String> {
    match value {
        Value::Bool(yes) => Some(if *yes { "1" } else { "0" }.to_owned()),
        other => scalar(other),
    }
}

/// Sorts by the fields of `order` (`{"ID": "DESC"}`, in upper or lower case). A field that is not among `sortable` is
/// refused: how the real portal would order by it is not known here.
pub(super) fn sort(rows: &mut [Row], order: &Row, sortable: &[&str]) -> Result<(), Refusal> {
    // The last field first, so that the first has the last word.
    for (field, direction) in order.iter().rev() {
        if !sortable.contains(&field.as_str()) {
            return Err(Refusal::argument(format!("sorting by {field} is not known here")));
        }
        let direction = direction.as_str().unwrap_or_default().to_uppercase();
        let descending = match direction.as_str() {
            "ASC" => false,
            "DESC" => true,
            _ => return Err(Refusal::argument(format!("the order of {field} should be ASC or DESC"))),
        };
        rows.sort_by(|a, b| {
            let order = compare(&a[field], &b[field]);
            if descending { order.reverse() } else { order }
        });
    }
    Ok(())
}

/// Numbers by their value, everything else as text.
fn compare(a: &Value, b: &Value) -> Ordering {
    let (a, b) = (scalar(a).unwrap_or_default(), scalar(b).unwrap_or_default());
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(&b),
    }
}

/// The names in `select`; an empty list when it is missing or empty.
pub(super) fn selected(params: &Params) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::argument("select should be an array of field names");
    match params.raw("select") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(names)) => {
            names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// The page that `start` asks for. -1 switches counting off, and with it the pages after the first.
pub(super) fn page(rows: impl IntoIterator<Item = Value>, params: &Params) -> Result<Answer, Refusal> {
    let start = params.int("start")?.unwrap_or(0);
    let counted = start >= 0;
    let start = usize::try_from(start).unwrap_or(0);
    let rows: Vec<Value> = rows.into_iter().collect();
    let total = rows.len();
    Ok(Answer {
        result: rows.into_iter().skip(start).take(PAGE).collect(),
        total: counted.then_some(total),
        next: (counted && start + PAGE < total).then_some(start + PAGE),
    })
}
