//! `user.get` (sheet §5.1), `user.current` and `profile`.

use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Refusal},
    params::{Params, scalar},
    world::{User, World},
};

const PAGE: usize = 50;

pub(super) fn get(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let empty = Map::new();
    let filter = match params.raw("FILTER").or_else(|| params.raw("filter")) {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(filter)) => filter,
        Some(Value::Array(list)) if list.is_empty() => &empty,
        Some(_) => return Err(Refusal::argument("FILTER should be an array of field and value")),
    };
    let mut found: Vec<&User> = Vec::new();
    for user in world.users.values() {
        if matches(user, filter, params)? {
            found.push(user);
        }
    }
    sort(&mut found, params)?;
    let start = params.int("start")?.unwrap_or(0);
    // -1 switches counting off, and with it the pages after the first.
    let counted = start >= 0;
    let (start, total) = (usize::try_from(start).unwrap_or(0), found.len());
    let page: Vec<Value> = found.iter().skip(start).take(PAGE).map(|user| wire(world, user)).collect();
    Ok(Answer {
        result: Value::Array(page),
        total: counted.then_some(total),
        next: (counted && start + PAGE < total).then_some(start + PAGE),
    })
}

pub(super) fn current(world: &mut World, _: &Params) -> Result<Answer, Refusal> {
    Ok(wire(world, owner(world)?).into())
}

/// The least that every webhook may ask.
pub(super) fn profile(world: &mut World, _: &Params) -> Result<Answer, Refusal> {
    let user = owner(world)?;
    let profile = json!({"ID": user.id.to_string(), "ADMIN": true, "NAME": user.name, "LAST_NAME": user.last_name,
        "PERSONAL_GENDER": "", "TIME_ZONE": ""});
    Ok(profile.into())
}

fn owner(world: &World) -> Result<&User, Refusal> {
    let denied = || Refusal::new(403, "user_access_error", "The user does not have access to the application");
    world.active_user(world.options.user_id).ok_or_else(denied)
}

/// `ID` ascending unless asked otherwise. Only `ID`, `NAME` and `LAST_NAME` can be sorted by here.
fn sort(users: &mut [&User], params: &Params) -> Result<(), Refusal> {
    let text = |upper: &str, lower: &str| -> Result<Option<String>, Refusal> {
        Ok(params.text(upper)?.or(params.text(lower)?).map(|text| text.to_uppercase()))
    };
    match text("SORT", "sort")?.as_deref() {
        None | Some("ID") => {}
        Some("NAME") => users.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("LAST_NAME") => users.sort_by(|a, b| a.last_name.cmp(&b.last_name)),
        Some(other) => return Err(Refusal::argument(format!("sorting by {other} is not known here"))),
    }
    if text("ORDER", "order")?.as_deref() == Some("DESC") {
        users.reverse();
    }
    Ok(())
}

/// A user matches when every entry of the filter does. Operators: `=` (or none), `!`, `!=`, `@`, `%`. A field that does
/// not exist filters nothing, which is noted.
fn matches(user: &User, filter: &Map<String, Value>, params: &Params) -> Result<bool, Refusal> {
    for (key, wanted) in filter {
        let field = key.trim_start_matches(['!', '=', '@', '%', '<', '>', '?']);
        let operator = &key[..key.len() - field.len()];
        let Some(have) = field_of(user, field) else {
            params.note(format!("the filter by {field} was ignored"));
            continue;
        };
        let wanted: Vec<String> = match wanted {
            Value::Array(list) => list.iter().filter_map(|value| comparable(field, value)).collect(),
            one => comparable(field, one).into_iter().collect(),
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

/// The values of a field as texts; `None` when there is no such field.
fn field_of(user: &User, field: &str) -> Option<Vec<String>> {
    let one = |text: &str| Some(vec![text.to_owned()]);
    match field {
        "ID" => one(&user.id.to_string()),
        "ACTIVE" => one(if user.active { "1" } else { "0" }),
        "NAME" => one(&user.name),
        "LAST_NAME" => one(&user.last_name),
        "EMAIL" => one(&user.email),
        "WORK_PHONE" => one(&user.work_phone),
        "PERSONAL_PHONE" => one(&user.personal_phone),
        "PERSONAL_MOBILE" => one(&user.personal_mobile),
        "UF_PHONE_INNER" => one(&user.extension),
        "UF_DEPARTMENT" => Some(user.departments.iter().map(u64::to_string).collect()),
        "USER_TYPE" => one("employee"),
        _ => None,
    }
}

/// A wanted value as text; the several spellings of yes and no count alike for `ACTIVE`.
fn comparable(field: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Bool(yes) => if *yes { "1" } else { "0" }.to_owned(),
        other => scalar(other)?,
    };
    Some(match (field, text.as_str()) {
        ("ACTIVE", "true" | "Y") => "1".to_owned(),
        ("ACTIVE", "false" | "N" | "") => "0".to_owned(),
        _ => text,
    })
}

/// A user as the webhook's scope lets it be seen: `user_brief` does not show extension, phones and e-mail.
fn wire(world: &World, user: &User) -> Value {
    let mut wire = json!({
        "ID": user.id.to_string(),
        "ACTIVE": user.active,
        "NAME": user.name,
        "LAST_NAME": user.last_name,
        "SECOND_NAME": "",
        "USER_TYPE": "employee",
        "UF_DEPARTMENT": user.departments,
    });
    if ["user", "user_basic"].iter().any(|scope| world.options.scopes.contains(*scope)) {
        wire["EMAIL"] = json!(user.email);
        wire["WORK_PHONE"] = json!(user.work_phone);
        wire["PERSONAL_PHONE"] = json!(user.personal_phone);
        wire["PERSONAL_MOBILE"] = json!(user.personal_mobile);
        wire["UF_PHONE_INNER"] = json!(user.extension);
    }
    wire
}
