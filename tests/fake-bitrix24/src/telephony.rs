//! Calls as the portal keeps them: who registered them, on whose screens their card is, how they ended.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{clock::Millis, entity::Reference, file::File};

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: String,
    /// The user given at registration.
    pub(crate) user: u64,
    pub(crate) phone: String,
    /// `TYPE` of the sheet, 1 to 5.
    pub(crate) kind: u8,
    pub(crate) line: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) start_date: String,
    /// The other party is a colleague: no CRM.
    pub(crate) internal: bool,
    pub(crate) crm_create: bool,
    pub(crate) crm_source: Option<String>,
    pub(crate) entity: Option<Reference>,
    pub(crate) created: Vec<Reference>,
    pub(crate) creation_error: Option<String>,
    pub(crate) registered_at: Millis,
    /// How often `register` was called for it, repetitions counted.
    pub(crate) registrations: u32,
    /// Who sees the card now, and since when.
    pub(crate) visible: BTreeMap<u64, Millis>,
    pub(crate) history: Vec<CardChange>,
    pub(crate) finished: Option<Finished>,
    /// Every recording that was attached. The last one is the call's: each takes the place of the one before.
    pub(crate) records: Vec<Record>,
    /// The same of transcripts.
    pub(crate) transcripts: Vec<Transcript>,
}

/// One request that put cards on screens or took them away. Only users whose screen changed are listed as changed.
#[derive(Debug)]
pub(crate) struct CardChange {
    pub(crate) at: Millis,
    /// `show` or `hide`.
    pub(crate) action: &'static str,
    pub(crate) method: &'static str,
    /// The users named.
    pub(crate) users: Vec<u64>,
    /// Those of them whose screen changed.
    pub(crate) changed: Vec<u64>,
}

#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) at: Millis,
    pub(crate) user: u64,
    pub(crate) duration: u64,
    pub(crate) status_code: String,
    pub(crate) failed_reason: String,
    pub(crate) vote: Option<i64>,
    pub(crate) cost: Option<f64>,
    pub(crate) cost_currency: String,
    pub(crate) add_to_chat: Option<bool>,
    pub(crate) activity: Option<u64>,
    pub(crate) statistics_id: u64,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) file: File,
    /// `FILE_CONTENT`, `uploadUrl` or `RECORD_URL`.
    pub(crate) via: &'static str,
}

impl Record {
    fn json(&self) -> Value {
        let mut json = self.file.json();
        json["via"] = self.via.into();
        json
    }
}

#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) id: u64,
    pub(crate) messages: Value,
}

impl Transcript {
    fn json(&self) -> Value {
        json!({"id": self.id, "messages": self.messages})
    }
}

impl Call {
    pub(crate) fn show(&mut self, users: &[u64], method: &'static str, now: Millis) -> Vec<u64> {
        let changed: Vec<u64> = users.iter().copied().filter(|user| !self.visible.contains_key(user)).collect();
        self.visible.extend(changed.iter().map(|user| (*user, now)));
        self.history.push(CardChange {
            at: now,
            action: "show",
            method,
            users: users.into(),
            changed: changed.clone(),
        });
        changed
    }

    pub(crate) fn hide(&mut self, users: &[u64], method: &'static str, now: Millis) -> Vec<u64> {
        let changed: Vec<u64> = users.iter().copied().filter(|user| self.visible.remove(user).is_some()).collect();
        self.history.push(CardChange {
            at: now,
            action: "hide",
            method,
            users: users.into(),
            changed: changed.clone(),
        });
        changed
    }

    /// `inbound`, `outbound`, `callback` or `informational`.
    pub(crate) fn direction(&self) -> &'static str {
        match self.kind {
            1 => "outbound",
            4 => "callback",
            5 => "informational",
            _ => "inbound",
        }
    }

    pub(crate) fn snapshot(&self) -> Value {
        let reference = |entity: &Reference| json!({"type": entity.kind.name(), "id": entity.id});
        json!({
            "CALL_ID": self.id,
            "registered_by": self.user,
            "registered_at": self.registered_at,
            "registrations": self.registrations,
            "phone": self.phone,
            "type": self.kind,
            "direction": self.direction(),
            "line": self.line,
            "external_call_id": self.external_id,
            "start_date": self.start_date,
            "internal": self.internal,
            "crm_create": self.crm_create,
            "crm_source": self.crm_source,
            "crm_entity": self.entity.as_ref().map(reference),
            "crm_created": self.created.iter().map(reference).collect::<Vec<_>>(),
            "lead_creation_error": self.creation_error,
            "visible": self.visible.keys().collect::<Vec<_>>(),
            "history": self.history.iter().map(|change| json!({
                "at": change.at, "action": change.action, "method": change.method, "users": change.users,
                "changed": change.changed,
            })).collect::<Vec<_>>(),
            "finished": self.finished.as_ref().map(|end| json!({
                "at": end.at, "user": end.user, "duration": end.duration, "status_code": end.status_code,
                "failed_reason": end.failed_reason, "vote": end.vote, "cost": end.cost,
                "cost_currency": end.cost_currency, "add_to_chat": end.add_to_chat, "activity": end.activity,
                "statistics_id": end.statistics_id,
            })),
            "record": self.records.last().map(Record::json),
            "records": self.records.iter().map(Record::json).collect::<Vec<_>>(),
            "transcript": self.transcripts.last().map(Transcript::json),
            "transcripts": self.transcripts.iter().map(Transcript::json).collect::<Vec<_>>(),
        })
    }
}
