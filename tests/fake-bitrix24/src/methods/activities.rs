//! The timeline: `crm.activity.get/update` and `crm.timeline.comment.add/list`, sheet §5.3.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::listing::{self, Row};
use crate::{
    answer::{Answer, Refusal},
    clock::iso,
    entity::{Kind, Reference},
    file::File,
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
    for name in fields.keys().filter(|name| !["ENTITY_ID", "ENTITY_TYPE", "COMMENT", "FILES"].contains(&name.as_str()))
    {
        params.note(format!("field {name} was ignored"));
    }
    let owner = owner(world, kind, id).ok_or_else(|| refused("OWNER_NOT_FOUND", "Owner is not found"))?;
    let files = files(world, fields.get("FILES"))?;
    let id = world.new_id();
    let created = world.now();
    world.comments.push(Comment { id, owner, text, files, created });
    world.happened(What::Commented { id });
    Ok(json!(id).into())
}

/// Files of a comment: names and contents in base64 [public: how-to-upload-files.md]. What the portal says to wrong ones is
/// inferred; the real one may leave them out without a word.
fn files(world: &mut World, given: Option<&Value>) -> Result<Vec<File>, Refusal> {
    let wrong = |text: &str| Refusal::new(400, "INVALID_ARG_VALUE", text);
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(Vec::new()) };
    let list = given.as_array().ok_or_else(|| wrong("FILES should be an array"))?;
    let mut files = Vec::new();
    for entry in list {
        let pair = entry.as_array().map(Vec::as_slice).unwrap_or_default();
        let [Value::String(name), Value::String(content)] = pair else {
            return Err(wrong("A file should be a name and its content"));
        };
        let content = BASE64_STANDARD.decode(content).map_err(|_| wrong("A file's content should be base64"))?;
        if name.is_empty() || content.is_empty() {
            return Err(wrong("A file has neither name nor content"));
        }
        files.push(File::new(world.new_id(), name.clone(), content.into()));
    }
    Ok(files)
}

/// The record with the timeline. Its kind is written in lower case here, unlike elsewhere.
fn owner(world: &World, kind: &str, id: u64) -> Option<Reference> {
    let kind = Kind::ALL.into_iter().find(|known| known.name().to_lowercase() == kind)?;
    Some(Reference { kind, id }).filter(|owner| world.entity(*owner).is_some())
}

/// [public: crm-timeline-comment-list.md]. The filter knows the two fields that it must have and no other; that further
/// ones are ignored is inferred, and so is what the portal says when one of the two is missing.
pub(super) fn comments(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let mut filter = listing::map(params, "filter")?;
    let id = filter.remove("ENTITY_ID").and_then(|id| positive(&id));
    let kind = filter.remove("ENTITY_TYPE").and_then(|kind| scalar(&kind));
    let (Some(id), Some(kind)) = (id, kind) else {
        return Err(Refusal::new(400, "100", "Required filter fields ENTITY_ID and ENTITY_TYPE are not set"));
    };
    let owner = owner(world, &kind, id).ok_or_else(|| Refusal::uncoded("Access denied."))?;
    for name in filter.keys() {
        params.note(format!("the filter by {name} was ignored"));
    }
    let selected = listing::selected(params)?;
    let comments = world.comments.iter().filter(|comment| comment.owner == owner);
    let mut rows: Vec<Row> = comments
        .map(|comment| {
            Row::from_iter([
                ("ID".to_owned(), json!(comment.id.to_string())),
                ("ENTITY_ID".to_owned(), json!(owner.id.to_string())),
                ("ENTITY_TYPE".to_owned(), json!(kind)),
                ("CREATED".to_owned(), json!(iso(comment.created))),
                ("COMMENT".to_owned(), json!(comment.text)),
                // The webhook's owner writes all of them.
                ("AUTHOR_ID".to_owned(), json!(world.options.user_id.to_string())),
                ("FILES".to_owned(), json!({})),
            ])
        })
        .collect();
    listing::sort(&mut rows, &listing::map(params, "order")?, &["ID", "CREATED", "AUTHOR_ID"])?;
    let shown = |name: &String| selected.is_empty() || selected.contains(name);
    listing::page(rows.into_iter().map(|row| row.into_iter().filter(|(name, _)| shown(name)).collect()), params)
}
