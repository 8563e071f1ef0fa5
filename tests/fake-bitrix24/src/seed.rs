//! What a portal knows before anybody calls: users, records and lines, read from JSON in the portal's own names.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    entity::{Entity, Kind},
    params::positive,
    world::{Line, SEED, User, World},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    users: Vec<SeedUser>,
    #[serde(default)]
    contacts: Vec<Map<String, Value>>,
    #[serde(default)]
    companies: Vec<Map<String, Value>>,
    #[serde(default)]
    leads: Vec<Map<String, Value>>,
    #[serde(default)]
    deals: Vec<Map<String, Value>>,
    #[serde(default)]
    lines: Vec<SeedLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
struct SeedUser {
    id: u64,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    work_phone: String,
    #[serde(default)]
    personal_phone: String,
    #[serde(default)]
    personal_mobile: String,
    #[serde(default)]
    uf_phone_inner: String,
    #[serde(default = "first_department")]
    uf_department: Vec<u64>,
    #[serde(default = "opened")]
    timeman_status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
struct SeedLine {
    number: String,
    #[serde(default)]
    name: String,
    #[serde(default = "yes")]
    crm_auto_create: bool,
}

fn yes() -> bool {
    true
}

fn first_department() -> Vec<u64> {
    vec![1]
}

fn opened() -> String {
    "OPENED".to_owned()
}

impl World {
    /// Adds what a seed names; a user or record with a known ID is replaced. Nothing is changed when the seed is wrong.
    pub(crate) fn plant(&mut self, seed: &Value) -> Result<()> {
        if seed.is_null() {
            return Ok(());
        }
        let seed = Seed::deserialize(seed).context(
            "wrong seed (it holds lists named users, contacts, companies, leads, deals and lines, with fields named as \
             in the portal)",
        )?;
        let mut records = Vec::new();
        let lists = [
            (Kind::Contact, seed.contacts),
            (Kind::Company, seed.companies),
            (Kind::Lead, seed.leads),
            (Kind::Deal, seed.deals),
        ];
        for (kind, list) in lists {
            for fields in list {
                records.push(self.seeded(kind, fields)?);
            }
        }
        for record in records {
            self.entities.retain(|known| known.reference() != record.reference());
            self.entities.push(record);
        }
        for user in seed.users {
            self.users.insert(user.id, user.into());
        }
        for line in seed.lines {
            let id = self.new_id();
            self.lines.retain(|known| known.number != line.number);
            self.lines.push(Line { id, number: line.number, name: line.name, crm_auto_create: line.crm_auto_create });
        }
        Ok(())
    }

    fn seeded(&mut self, kind: Kind, mut fields: Map<String, Value>) -> Result<Entity> {
        let id = match fields.remove("ID") {
            None => self.new_id(),
            Some(id) => positive(&id).with_context(|| format!("seed: {} with ID {id}", kind.name()))?,
        };
        for communication in ["PHONE", "EMAIL"] {
            if let Some(Value::Array(list)) = fields.get_mut(communication) {
                for entry in list.iter_mut().filter(|entry| entry.is_string()) {
                    *entry = json!({"VALUE": entry, "VALUE_TYPE": "WORK"});
                }
            }
        }
        let owner = self.options.user_id;
        fields.entry("ASSIGNED_BY_ID").or_insert_with(|| json!(owner));
        let mut entity = Entity::new(kind, id, self.now(), SEED);
        match self.fill(&mut entity, &fields) {
            Ok(ignored) if ignored.is_empty() => Ok(entity),
            Ok(ignored) => bail!("seed: a {} has no field {}", kind.name(), ignored.join(", ")),
            Err(wrong) => bail!("seed: {} {id}: {wrong}", kind.name()),
        }
    }
}

impl From<SeedUser> for User {
    fn from(seed: SeedUser) -> Self {
        Self {
            id: seed.id,
            active: seed.active,
            name: seed.name,
            last_name: seed.last_name,
            email: seed.email,
            work_phone: seed.work_phone,
            personal_phone: seed.personal_phone,
            personal_mobile: seed.personal_mobile,
            extension: seed.uf_phone_inner,
            departments: seed.uf_department,
            timeman_status: seed.timeman_status,
        }
    }
}
