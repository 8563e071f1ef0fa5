//! `telephony.externalcall.show` and `hide`, sheet §3.2.

use serde_json::{Value, json};

use super::call_id;
use crate::{
    answer::{Answer, Refusal},
    options::Mode,
    params::{Params, positive},
    world::{What, World},
};

pub(super) fn show(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    change(world, params, true)
}

pub(super) fn hide(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    change(world, params, false)
}

fn change(world: &mut World, params: &Params, visible: bool) -> Result<Answer, Refusal> {
    let id = call_id(params)?;
    let named = users(params, world.options.mode)?;
    let now = world.now();
    let Some(registered) = world.open_call(&id).map(|call| call.user) else { return Ok(json!(false).into()) };
    let mut users = named.unwrap_or_else(|| vec![registered]);
    // The push to a user who does not exist reaches nobody.
    users.retain(|user| {
        let known = world.active_user(*user).is_some();
        if !known {
            params.note(format!("user {user} is not found or is not active"));
        }
        known
    });
    let Some(call) = world.open_call(&id) else { return Ok(json!(false).into()) };
    let changed = if visible {
        call.show(&users, "telephony.externalcall.show", now)
    } else {
        call.hide(&users, "telephony.externalcall.hide", now)
    };
    for user in changed {
        let call = id.clone();
        world.happened(if visible { What::Card { user, call } } else { What::CardGone { user, call } });
    }
    Ok(json!(true).into())
}

/// `USER_ID`: one or a list; `None` when omitted.
///
/// An old version takes one only. What it says to a list is not recorded anywhere we know; an error is inferred here,
/// since PHP's silent cast of a list to 1 would put the card on the wrong person's screen. Likewise inferred is the
/// refusal of an empty list and of what is no number.
fn users(params: &Params, mode: Mode) -> Result<Option<Vec<u64>>, Refusal> {
    let wrong = || Refusal::argument("USER_ID should be an integer or an array of integers");
    match params.raw("USER_ID") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(_)) if mode == Mode::BoxedOld => Err(Refusal::core("USER_ID should be an integer")),
        Some(Value::Array(list)) if list.is_empty() => Err(wrong()),
        Some(Value::Array(list)) => {
            list.iter().map(|id| positive(id).ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
        }
        Some(one) => positive(one).map(|id| Some(vec![id])).ok_or_else(wrong),
    }
}
