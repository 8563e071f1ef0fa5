//! Everything the portal knows. One lock guards it; methods are plain functions on it.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde_json::Value;

use crate::{
    clock::{Clock, Millis},
    entity::{Entity, Kind, Reference},
    fault::{Effect, Faults},
    file::File,
    limits::{Level, OperatingTimes},
    options::Options,
    telephony::Call,
};

/// What made the records that a portal knows before anybody calls.
pub(crate) const SEED: &str = "seed";

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) secret: String,
    /// `https://localhost:PORT`, without a slash at the end.
    pub(crate) origin: String,
    pub(crate) webhook_expired: bool,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) bucket: Level,
    pub(crate) operating: OperatingTimes,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) entities: Vec<Entity>,
    /// In order of registration.
    pub(crate) calls: Vec<Call>,
    pub(crate) lines: Vec<Line>,
    pub(crate) activities: Vec<Activity>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) requests: Vec<Exchange>,
    /// What a person at the portal would have noticed, in order.
    pub(crate) happenings: Vec<Happening>,
    /// What was downloaded for the request being carried out: the bytes, or the status that came in their place.
    pub(crate) download: Option<Result<Bytes, u16>>,
    /// The effect that strikes the request being carried out, if it strikes inside a method.
    pub(crate) inner_effect: Option<Effect>,
    last_id: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) active: bool,
    pub(crate) name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) work_phone: String,
    pub(crate) personal_phone: String,
    pub(crate) personal_mobile: String,
    pub(crate) extension: String,
    pub(crate) departments: Vec<u64>,
    pub(crate) timeman_status: String,
}

impl User {
    pub(crate) fn display_name(&self) -> String {
        let name = format!("{} {}", self.name, self.last_name).trim().to_owned();
        if name.is_empty() { format!("User {}", self.id) } else { name }
    }
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) crm_auto_create: bool,
}

/// A call's entry in the timeline of a record.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) id: u64,
    pub(crate) call: String,
    pub(crate) owner: Reference,
    pub(crate) subject: String,
    pub(crate) description: String,
    pub(crate) responsible: u64,
    pub(crate) direction: u8,
    pub(crate) completed: bool,
    pub(crate) created: Millis,
}

#[derive(Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) owner: Reference,
    pub(crate) text: String,
    pub(crate) files: Vec<File>,
    pub(crate) created: Millis,
}

/// An upload address that was given out and not used yet.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) token: String,
    pub(crate) call: String,
    pub(crate) filename: String,
    pub(crate) given: Millis,
}

/// One request and what was answered.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) at: Millis,
    /// In lower case.
    pub(crate) method: String,
    /// `GET`, `form` or `json`.
    pub(crate) via: &'static str,
    pub(crate) params: Value,
    /// `None` when the connection was closed without an answer.
    pub(crate) status: Option<u16>,
    pub(crate) answer: Value,
    pub(crate) fault: Option<String>,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Happening {
    pub(crate) at: Millis,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Card { user: u64, call: String },
    CardGone { user: u64, call: String },
    Finished { call: String },
    Created(Reference),
    Recorded { call: String },
    Transcribed { call: String },
    Commented { id: u64 },
    Refused { method: String, reason: String },
}

impl World {
    pub(crate) fn new(options: Options, secret: String, origin: String) -> Self {
        let webhook_owner = User {
            id: options.user_id,
            active: true,
            name: "Webhook".to_owned(),
            last_name: "Owner".to_owned(),
            email: "owner@example.com".to_owned(),
            work_phone: String::new(),
            personal_phone: String::new(),
            personal_mobile: String::new(),
            extension: String::new(),
            departments: vec![1],
            timeman_status: "OPENED".to_owned(),
        };
        Self {
            users: BTreeMap::from([(options.user_id, webhook_owner)]),
            options,
            secret,
            origin,
            webhook_expired: false,
            clock: Clock::default(),
            faults: Faults::default(),
            bucket: Level::default(),
            operating: OperatingTimes::default(),
            entities: Vec::new(),
            calls: Vec::new(),
            lines: Vec::new(),
            activities: Vec::new(),
            comments: Vec::new(),
            uploads: Vec::new(),
            requests: Vec::new(),
            happenings: Vec::new(),
            download: None,
            inner_effect: None,
            last_id: 400,
        }
    }

    /// Back to what `new` and the options' seed made. The clock is set back too; addresses stay.
    pub(crate) fn reset(&mut self) -> anyhow::Result<()> {
        *self = Self::new(self.options.clone(), self.secret.clone(), self.origin.clone());
        let seed = self.options.seed.clone();
        self.plant(&seed)
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
    }

    /// A new id. One sequence serves records of all kinds, so that a mix-up of kinds never happens to work.
    pub(crate) fn new_id(&mut self) -> u64 {
        loop {
            self.last_id += 1;
            if !self.entities.iter().any(|entity| entity.id == self.last_id) && !self.users.contains_key(&self.last_id)
            {
                return self.last_id;
            }
        }
    }

    pub(crate) fn happened(&mut self, what: What) {
        let at = self.now();
        self.happenings.push(Happening { at, what });
    }

    pub(crate) fn active_user(&self, id: u64) -> Option<&User> {
        self.users.get(&id).filter(|user| user.active)
    }

    pub(crate) fn call(&self, id: &str) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    /// A call that is registered and not finished. A finished one is only in the statistics; for `show`, `hide` and
    /// `finish` it no longer exists.
    pub(crate) fn open_call(&mut self, id: &str) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id && call.finished.is_none())
    }

    pub(crate) fn finished_call(&mut self, id: &str) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id && call.finished.is_some())
    }

    pub(crate) fn entity(&self, reference: Reference) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.reference() == reference)
    }

    pub(crate) fn entity_mut(&mut self, reference: Reference) -> Option<&mut Entity> {
        self.entities.iter_mut().find(|entity| entity.reference() == reference)
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Entity> {
        self.entities.iter().filter(move |entity| entity.kind == kind)
    }

    /// Records that the search over numbers and addresses knows by now ([`Options::search_lag`]).
    pub(crate) fn searchable(&self, kind: Kind) -> impl Iterator<Item = &Entity> {
        let (now, lag) = (self.now(), self.options.search_lag.as_millis() as Millis);
        self.of_kind(kind).filter(move |entity| entity.made_by == SEED || now - entity.created >= lag)
    }

    /// Records with this number: contacts first, then leads, then companies (sheet §3.6).
    pub(crate) fn with_phone(&self, number: &str) -> impl Iterator<Item = &Entity> {
        let kinds = [Kind::Contact, Kind::Lead, Kind::Company];
        let number = number.to_owned();
        kinds.into_iter().flat_map(move |kind| {
            let number = number.clone();
            self.searchable(kind).filter(move |entity| entity.has_phone(&number))
        })
    }

    /// Sets fields of a record and returns what was noteworthy: ignored names, or the first wrong value.
    pub(crate) fn fill(
        &mut self,
        entity: &mut Entity,
        fields: &serde_json::Map<String, Value>,
    ) -> Result<Vec<String>, String> {
        let mut ignored = Vec::new();
        for (name, value) in fields {
            match entity.set(name, value, &mut self.last_id) {
                Ok(()) => {}
                Err(crate::entity::FieldFault::Unknown) => ignored.push(name.clone()),
                Err(crate::entity::FieldFault::Form(wanted)) => return Err(format!("field {name} {wanted}")),
            }
        }
        Ok(ignored)
    }
}
