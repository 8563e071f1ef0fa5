//! Comments on the timeline of a record: for calls whose activity is not known, and for what has no place at a call.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Entry, Failure, Recording, warn};
use serde_json::{Value, json};

use crate::entity::Entity;
use crate::memory::{self, Comment};
use crate::portal::{self, started_at};
use crate::{record, text, value};

/// Comments cannot be replaced: the first says everything, later ones only what was noted since.
pub(crate) fn comment(tied_to: Option<Entity>, entry: &Entry) -> Result<(), Failure> {
    let (before, went_out) = match memory::COMMENT.load()? {
        None => (None, false),
        Some(Comment::Sent { before }) => (before, true),
        Some(Comment::Done { notes }) => (Some(notes), false),
    };
    let text = match before {
        None => text::description(entry),
        Some(notes) => text::notes(entry.notes.get(notes..).unwrap_or_default()),
    };
    let entity = match tied_to.or_else(|| entry.contacts.first().and_then(Entity::of_contact)) {
        _ if text.is_empty() => return Ok(()),
        Some(entity) => entity,
        // A text that the host has made is not worth a person's time; what a person has noted is.
        None if entry.notes.is_empty() => return Ok(()),
        None => {
            let advice = "the call belongs to no record of the CRM whose timeline could take the note";
            return Err(Failure::rejected("no-record", advice));
        }
    };
    if !went_out || !is_there(entity, &text, Some(&started_at(&entry.call)?))? {
        memory::COMMENT.save(&Comment::Sent { before })?;
        add(entity, &text, None)?;
    }
    memory::COMMENT.save(&Comment::Done { notes: entry.notes.len() })
}

/// Writes what is to be remarked of a file, once; `job` tells this remark from others of the call. With `file` the file
/// itself hangs on the comment.
pub(crate) fn remark(entity: Entity, text: &str, file: Option<&Recording>, job: &str) -> Result<(), Failure> {
    let slot = memory::remark(job);
    let went_out = match slot.load()? {
        Some(true) => return Ok(()),
        Some(false) => true,
        None => false,
    };
    if !went_out || !is_there(entity, text, None)? {
        slot.save(&false)?;
        add(entity, text, file)?;
    }
    slot.save(&true)
}

fn add(entity: Entity, text: &str, file: Option<&Recording>) -> Result<(), Failure> {
    const METHOD: &str = "crm.timeline.comment.add";
    let fields = json!({"ENTITY_ID": entity.id, "ENTITY_TYPE": entity.kind.name(), "COMMENT": text});
    let added = match file {
        None => portal::call(METHOD, &json!({"fields": fields}), Effect::Once)?,
        Some(file) => portal::call_with_file(METHOD, record::in_comment(fields, file), Effect::Once)?,
    };
    match value::id(&added.result) {
        Some(_) => Ok(()),
        None => Err(Failure::InDoubt(format!("the portal's answer to {METHOD} names no comment"))),
    }
}

/// Whether a comment with this text was made, since the call began if that is known (`crm.timeline.comment.list` of the
/// public REST documentation). Where the portal does not show it, an earlier try is believed: one text too few does less
/// harm than the same one twice.
fn is_there(entity: Entity, text: &str, since: Option<&str>) -> Result<bool, Failure> {
    let mut filter = json!({"ENTITY_ID": entity.id, "ENTITY_TYPE": entity.kind.name()});
    if let (Some(since), Some(filter)) = (since, filter.as_object_mut()) {
        filter.insert(">=CREATED".into(), since.into());
    }
    let parameters = json!({"filter": filter, "order": {"ID": "DESC"}, "select": ["ID", "COMMENT"]});
    match portal::call("crm.timeline.comment.list", &parameters, Effect::Read) {
        Ok(comments) => Ok(contains(&comments.result, text)),
        Err(refusal) if refusal.is_not_offered() => {
            warn!("portal does not show comments to the webhook, the one that was sent is taken as written");
            Ok(true)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn contains(comments: &Value, text: &str) -> bool {
    value::list(Some(comments)).iter().any(|comment| same(&value::field(comment, "COMMENT"), text))
}

/// The portal may break lines in its own way.
fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_recognised_by_its_whole_text() {
        let comments = json!([
            {"ID": "7", "COMMENT": "Talked 62 s\r\n\r\n101: sold"},
            {"ID": "6", "COMMENT": "Talked 62 s, and more"},
        ]);
        assert!(contains(&comments, "Talked 62 s\n\n101: sold"));
        assert!(!contains(&comments, "Talked 62 s"));
        assert!(!contains(&json!([]), "Talked 62 s"));
    }
}
