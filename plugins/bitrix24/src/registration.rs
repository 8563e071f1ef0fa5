//! Registering a call (sheet 3.1).

use hookswitch_sdk::{Call, Direction, Failure};
use serde_json::{Map, Value, json};

use crate::commands::is_call_back;
use crate::entity::Entity;
use crate::options::Options;
use crate::value;

pub(crate) const METHOD: &str = "telephony.externalcall.register";

/// The portal cuts or refuses a longer line.
const LONGEST_LINE: usize = 50;

/// What the portal says of a registered call.
#[derive(Debug, PartialEq)]
pub(crate) struct Registered {
    pub(crate) call_id: String,
    /// The record that the portal tied the call to, found or made.
    pub(crate) entity: Option<Entity>,
    /// The call is registered, but no lead could be made.
    pub(crate) warning: Option<String>,
}

/// Builds the parameters. `started_at` is ISO 8601 with an offset.
pub(crate) fn parameters(
    call: &Call,
    entity: Option<Entity>,
    user: u64,
    started_at: &str,
    options: &Options,
) -> Result<Value, Failure> {
    let kind = match call.direction {
        Direction::Outbound if is_call_back(&call.extra) => 4,
        Direction::Outbound => 1,
        Direction::Inbound => 2,
        Direction::Internal => {
            return Err(Failure::rejected(
                "internal-call",
                "Bitrix24 journals calls with an outside party only: leave internal calls out for this plugin",
            ));
        }
    };
    let number = number(call);
    let create = entity.is_none() && creates_for(call, options).is_some();
    let mut parameters = Map::new();
    let mut set = |name: &str, value: Value| parameters.insert(name.into(), value);
    set("USER_ID", user.into());
    set("PHONE_NUMBER", number.unwrap_or(&options.anonymous_number).into());
    set("TYPE", kind.into());
    set("CALL_START_DATE", started_at.into());
    set("EXTERNAL_CALL_ID", external_id(call).into());
    // Cards are shown by `cards.sync`, to everyone who rings and not only to this user.
    set("SHOW", 0.into());
    set("ADD_TO_CHAT", u8::from(options.add_to_chat).into());
    set("CRM_CREATE", u8::from(create).into());
    if create {
        set("CRM_SOURCE", options.source.as_str().into());
    }
    if let Some(entity) = entity {
        set("CRM_ENTITY_TYPE", entity.kind.code().into());
        set("CRM_ENTITY_ID", entity.id.into());
    }
    if !call.line.is_empty() {
        set("LINE_NUMBER", call.line.chars().take(LONGEST_LINE).collect::<String>().into());
    }
    Ok(json!(parameters))
}

fn number(call: &Call) -> Option<&str> {
    call.external.as_ref().map(|number| number.e164.as_deref().unwrap_or(&number.raw))
}

/// Returns the number for which the portal makes a record if it knows none. For a withheld number nothing is ever
/// created: all such callers would be one lead.
pub(crate) fn creates_for<'a>(call: &'a Call, options: &Options) -> Option<&'a str> {
    number(call).filter(|_| options.portal_creates)
}

/// Returns the user for whom a call was registered.
pub(crate) fn user(parameters: &Value) -> Option<u64> {
    parameters.get("USER_ID").and_then(value::id)
}

/// Reads the result.
pub(crate) fn read(result: &Value) -> Result<Registered, Failure> {
    let call_id = value::field(result, "CALL_ID");
    if call_id.is_empty() {
        return Err(Failure::temporary(format!("the portal's answer to {METHOD} names no CALL_ID")));
    }
    let warning = Some(value::field(result, "LEAD_CREATION_ERROR")).filter(|warning| !warning.is_empty());
    Ok(Registered { call_id, entity: Entity::of_fields(result), warning })
}

/// The phone system and its own id for the call: unique for ever, and part of what the portal recognises a repetition
/// by.
fn external_id(call: &Call) -> String {
    format!("{}/{}", call.pbx, call.chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Kind;
    use crate::sample::call;

    fn options() -> Options {
        Options::plain()
    }

    fn built(call: &Call, entity: Option<Entity>, options: &Options) -> Value {
        parameters(call, entity, 7, "2026-01-01T01:00:00+01:00", options).unwrap()
    }

    #[test]
    fn a_call_is_registered_without_a_card_and_without_a_lead() {
        assert_eq!(
            built(&call(), None, &options()),
            json!({
                "USER_ID": 7, "PHONE_NUMBER": "+491515550100", "TYPE": 2,
                "CALL_START_DATE": "2026-01-01T01:00:00+01:00", "EXTERNAL_CALL_ID": "office/1767225600.7",
                "SHOW": 0, "ADD_TO_CHAT": 0, "CRM_CREATE": 0,
                "LINE_NUMBER": "+49305550199",
            })
        );
    }

    #[test]
    fn a_known_contact_is_named_so_that_the_portal_does_not_search() {
        let portal_creates = Options { portal_creates: true, ..options() };
        let outbound = Call { direction: Direction::Outbound, ..call() };
        let parameters = built(&outbound, Some(Entity { kind: Kind::Lead, id: 412 }), &portal_creates);
        assert_eq!(parameters["TYPE"], 1);
        assert_eq!((&parameters["CRM_ENTITY_TYPE"], &parameters["CRM_ENTITY_ID"]), (&json!("LEAD"), &json!(412)));
        assert_eq!(parameters["CRM_CREATE"], 0);
    }

    #[test]
    fn the_portal_creates_leads_only_if_told_and_never_for_withheld_numbers() {
        let portal_creates = Options { portal_creates: true, ..options() };
        let parameters = built(&call(), None, &portal_creates);
        assert_eq!((&parameters["CRM_CREATE"], &parameters["CRM_SOURCE"]), (&json!(1), &json!("CALL")));
        let withheld = built(&Call { external: None, ..call() }, None, &portal_creates);
        assert_eq!((&withheld["CRM_CREATE"], &withheld["PHONE_NUMBER"]), (&json!(0), &json!("+266696687")));
    }

    #[test]
    fn a_call_back_is_registered_as_one() {
        let extra = vec![("dial-callback".to_string(), "1".to_string())];
        let back = Call { direction: Direction::Outbound, extra, ..call() };
        assert_eq!(built(&back, None, &options())["TYPE"], 4);
    }

    #[test]
    fn a_line_fits_the_portal_and_an_unknown_one_is_left_out() {
        let long = Call { line: "ü".repeat(60), ..call() };
        assert_eq!(built(&long, None, &options())["LINE_NUMBER"], "ü".repeat(50));
        let none = Call { line: String::new(), ..call() };
        assert!(built(&none, None, &options()).get("LINE_NUMBER").is_none());
    }

    #[test]
    fn an_internal_call_is_refused_with_advice() {
        let internal = Call { direction: Direction::Internal, external: None, ..call() };
        let failure = parameters(&internal, None, 7, "", &options()).unwrap_err();
        assert!(matches!(failure, Failure::Rejected(problem) if problem.code == "internal-call"));
    }

    #[test]
    fn a_lead_that_could_not_be_made_does_not_undo_the_registration() {
        let result = json!({"CALL_ID": "externalCall.1f.17", "CRM_CREATED_LEAD": null, "CRM_ENTITY_TYPE": "",
            "CRM_ENTITY_ID": null, "LEAD_CREATION_ERROR": "Lead creation is disabled for local users"});
        let registered = read(&result).unwrap();
        assert_eq!((registered.call_id.as_str(), registered.entity), ("externalCall.1f.17", None));
        assert!(registered.warning.unwrap().contains("disabled"));
        assert!(read(&json!({"CALL_ID": null})).is_err());
    }
}
