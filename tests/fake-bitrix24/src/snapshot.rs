//! The whole state as JSON, for verdicts. It holds no secret.

use serde_json::{Map, Value, json};

use crate::{
    entity::{Entity, Kind, Reference},
    file::File,
    world::{What, World},
};

impl World {
    /// The form is described at [`crate::Portal::state`].
    pub(crate) fn snapshot(&self) -> Value {
        json!({
            "mode": self.options.mode,
            "simple_crm": self.options.simple_crm,
            "now": self.now(),
            "users": self.users.values().map(|user| json!({
                "ID": user.id, "ACTIVE": user.active, "NAME": user.name, "LAST_NAME": user.last_name,
                "EMAIL": user.email, "UF_PHONE_INNER": user.extension,
                "cards": self.calls.iter().filter(|call| call.visible.contains_key(&user.id)).map(|call| &call.id)
                    .collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "contacts": self.records(Kind::Contact),
            "companies": self.records(Kind::Company),
            "leads": self.records(Kind::Lead),
            "deals": self.records(Kind::Deal),
            "lines": self.lines.iter().map(|line| json!({
                "ID": line.id, "NUMBER": line.number, "NAME": line.name, "CRM_AUTO_CREATE": line.crm_auto_create,
            })).collect::<Vec<_>>(),
            "calls": self.calls.iter().map(|call| call.snapshot()).collect::<Vec<_>>(),
            "activities": self.activities.iter().map(|activity| json!({
                "ID": activity.id, "CALL_ID": activity.call, "owner": reference(activity.owner),
                "SUBJECT": activity.subject, "DESCRIPTION": activity.description,
                "RESPONSIBLE_ID": activity.responsible, "COMPLETED": activity.completed, "at": activity.created,
            })).collect::<Vec<_>>(),
            "comments": self.comments.iter().map(|comment| json!({
                "ID": comment.id, "owner": reference(comment.owner), "COMMENT": comment.text,
                "files": comment.files.iter().map(File::json).collect::<Vec<_>>(), "at": comment.created,
            })).collect::<Vec<_>>(),
            "journal": self.requests.iter().map(|request| json!({
                "at": request.at, "method": request.method, "via": request.via, "params": request.params,
                "status": request.status, "answer": request.answer, "fault": request.fault, "notes": request.notes,
            })).collect::<Vec<_>>(),
            "happenings": self.happenings.iter().map(|happening| {
                let mut entry = happening.what.snapshot();
                entry.insert("at".to_owned(), json!(happening.at));
                Value::Object(entry)
            }).collect::<Vec<_>>(),
        })
    }

    fn records(&self, kind: Kind) -> Vec<Value> {
        self.of_kind(kind).map(record).collect()
    }
}

fn record(entity: &Entity) -> Value {
    let mut record = entity.wire();
    record.insert("made_by".to_owned(), json!(entity.made_by));
    Value::Object(record)
}

fn reference(reference: Reference) -> Value {
    json!({"type": reference.kind.name(), "id": reference.id})
}

impl What {
    fn snapshot(&self) -> Map<String, Value> {
        let entry = match self {
            Self::Card { user, call } => json!({"what": "card", "user": user, "call": call}),
            Self::CardGone { user, call } => json!({"what": "card-gone", "user": user, "call": call}),
            Self::Finished { call } => json!({"what": "finished", "call": call}),
            Self::Created(entity) => json!({"what": "created", "entity": reference(*entity)}),
            Self::Recorded { call } => json!({"what": "recorded", "call": call}),
            Self::Transcribed { call } => json!({"what": "transcribed", "call": call}),
            Self::Commented { id } => json!({"what": "commented", "id": id}),
            Self::Refused { method, reason } => json!({"what": "refused", "method": method, "reason": reason}),
        };
        match entry {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}
