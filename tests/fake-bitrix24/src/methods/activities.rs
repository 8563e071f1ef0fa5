//! The timeline: `crm.activity.get/update` and `crm.timeline.comment.add`, sheet §5.3.

use serde_json::{Value, json};

use crate::{
    answer::{Answer, Refusal},
    clock::iso,
    entity::{Kind, Reference},
    params::{Params, positive, scalar},
    world::{Comment, What, World},
};

fn not_found() -> Refusal {
    Refusal::uncoded("Activity is not found")
}

pub(super) fn get(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let id = params.id("id")?;
    let activity = world.activities.iter().find(|activity| activity.id == id).ok_or_else(not_found)?;
    let activity = json!({
        "ID": activity.id.to_string(),
        "OWNER_ID": activity.owner.id.to_string(),
        "OWNER_TYPE_ID": activity.owner.kind.type_id().to_string(),
        "TYPE_ID": "2",
        "PROVIDER_ID": "VOXIMPLANT_CALL",
        "PROVIDER_TYPE_ID": "CALL",
        "SUBJECT": activity.subject,
        "DESCRIPTION": activity.description,
        "DESCRIPTION_TYPE": "1",
        "DIRECTION": activity.direction.to_string(),
        "COMPLETED": if activity.completed { "Y" } else { "N" },
        "RESPONSIBLE_ID": activity.responsible.to_string(),
        "CREATED": iso(activity.created),
        // As the portal marks the activity of a call.
        "ORIGIN_ID": format!("VI_{}", activity.call),
    });
    Ok(activity.into())
}

pub(super) fn update(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let id = params.id("id")?;
    let fields = params.fields()?;
    let activity = world.activities.iter_mut().find(|activity| activity.id == id).ok_or_else(not_found)?;
    for (name, value) in fields {
        match (name.as_str(), scalar(value)) {
            ("SUBJECT", Some(text)) => activity.subject = text,
            ("DESCRIPTION", Some(text)) => activity.description = text,
            ("COMPLETED", Some(text)) => activity.completed = text == "Y",
            ("SUBJECT" | "DESCRIPTION" | "COMPLETED", None) => {
                return Err(Refusal::uncoded(format!("field {name} should be a string")));
            }
            _ => params.note(format!("field {name} was ignored")),
        }
    }
    Ok(json!(true).into())
}

/// Codes [public: crm-timeline-comment-add.md].
pub(super) fn comment(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let refused = |code, text: &str| Refusal::new(400, code, text);
    let fields = params.fields()?;
    let missing = || refused("100", "Required fields ENTITY_ID, ENTITY_TYPE and COMMENT are not set");
    let id = fields.get("ENTITY_ID").and_then(positive).ok_or_else(missing)?;
    let kind = fields.get("ENTITY_TYPE").and_then(Value::as_str).ok_or_else(missing)?;
    let text = fields.get("COMMENT").and_then(Value::as_str).ok_or_else(missing)?.to_owned();
    if text.trim().is_empty() {
        return Err(refused("INVALID_ARG_VALUE", "Empty comment message."));
    }
    // The type is written in lower case here, unlike elsewhere.
    let kind = Kind::ALL.into_iter().find(|known| known.name().to_lowercase() == kind);
    let owner = kind.map(|kind| Reference { kind, id }).filter(|owner| world.entity(*owner).is_some());
    let owner = owner.ok_or_else(|| refused("OWNER_NOT_FOUND", "Owner is not found"))?;
    let id = world.new_id();
    let created = world.now();
    world.comments.push(Comment { id, owner, text, created });
    world.happened(What::Commented { id });
    Ok(json!(id).into())
}
