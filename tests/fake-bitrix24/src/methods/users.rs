//! `user.get` (sheet §5.1), `user.current` and `profile`.

use serde_json::{Value, json};

use super::listing;
use crate::{
    answer::{Answer, Refusal},
    params::Params,
    world::{User, World},
};

pub(super) fn get(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let filter = listing::map(params, if params.has("FILTER") { "FILTER" } else { "filter" })?;
    let mut found: Vec<&User> = Vec::new();
    for user in world.users.values() {
        if listing::matches(&filter, params, |field| field_of(user, field))? {
            found.push(user);
        }
    }
    sort(&mut found, params)?;
    listing::page(found.iter().map(|user| wire(world, user)), params)
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

/// The texts that a field equals, all spellings of yes and no for `ACTIVE`; `None` when there is no such field.
fn field_of(user: &User, field: &str) -> Option<Vec<String>> {
    let one = |text: &str| Some(vec![text.to_owned()]);
    match field {
        "ID" => one(&user.id.to_string()),
        "ACTIVE" => {
            let spellings: &[&str] = if user.active { &["1", "true", "Y"] } else { &["0", "false", "N", ""] };
            Some(spellings.iter().map(|spelling| (*spelling).to_owned()).collect())
        }
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
