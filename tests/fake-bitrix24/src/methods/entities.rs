//! Reading, listing and writing records of the CRM, sheet §5.3.

use serde_json::{Value, json};

use super::listing::{self, Row};
use crate::{
    answer::{Answer, Refusal},
    entity::{Entity, Kind, Reference},
    params::Params,
    world::{What, World},
};

pub(super) fn get_contact(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    get(world, params, Kind::Contact)
}

pub(super) fn get_company(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    get(world, params, Kind::Company)
}

pub(super) fn get_deal(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    get(world, params, Kind::Deal)
}

pub(super) fn get_lead(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    get(world, params, Kind::Lead)
}

pub(super) fn add_contact(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    add(world, params, Kind::Contact, "crm.contact.add")
}

pub(super) fn add_lead(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    refuse_leads_in_simple_crm(world)?;
    add(world, params, Kind::Lead, "crm.lead.add")
}

pub(super) fn update_lead(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    refuse_leads_in_simple_crm(world)?;
    let reference = Reference { kind: Kind::Lead, id: params.id("id")? };
    let fields = params.fields()?;
    params.raw("params");
    let mut entity = world.entity(reference).ok_or_else(|| Refusal::uncoded("Not found"))?.clone();
    fill(world, params, &mut entity, fields)?;
    if let Some(stored) = world.entity_mut(reference) {
        *stored = entity;
    }
    Ok(json!(true).into())
}

pub(super) fn list_contacts(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    list(world, params, Kind::Contact)
}

pub(super) fn list_companies(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    list(world, params, Kind::Company)
}

pub(super) fn list_leads(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    list(world, params, Kind::Lead)
}

/// `crm.item.get`, with codes of its own [public: crm-item-get.md].
pub(super) fn get_item(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let not_found = |text| Refusal::new(400, "NOT_FOUND", text);
    let type_id = params.int("entityTypeId")?.and_then(|id| u64::try_from(id).ok());
    let kind = type_id.and_then(Kind::from_type_id).ok_or_else(|| not_found("Smart process not found"))?;
    params.raw("useOriginalUfNames");
    let id = params.int("id")?.and_then(|id| u64::try_from(id).ok());
    let entity =
        id.and_then(|id| world.entity(Reference { kind, id })).ok_or_else(|| not_found("Element not found"))?;
    Ok(json!({"item": entity.item()}).into())
}

fn get(world: &World, params: &Params, kind: Kind) -> Result<Answer, Refusal> {
    let id = params.id("id")?;
    let entity = world.entity(Reference { kind, id }).ok_or_else(|| Refusal::uncoded("Not found"))?;
    Ok(Value::Object(entity.wire()).into())
}

/// `crm.<kind>.list` [public: crm-lead-list.md]. It reads the records themselves, so it knows a new one at once
/// [inferred: a filter by fields needs no search index].
fn list(world: &World, params: &Params, kind: Kind) -> Result<Answer, Refusal> {
    let filter = listing::map(params, "filter")?;
    let selected = listing::selected(params)?;
    let mut rows = Vec::new();
    for entity in world.of_kind(kind) {
        let row = entity.wire();
        let values_of = |field: &str| match field {
            "PHONE" => Some(entity.phones.iter().map(|phone| phone.value.clone()).collect()),
            "EMAIL" => Some(entity.emails.iter().map(|email| email.value.clone()).collect()),
            _ => Some(vec![listing::text_of(&row, field)?]),
        };
        if listing::matches(&filter, params, values_of)? {
            rows.push(row);
        }
    }
    listing::sort(&mut rows, &listing::map(params, "order")?, &["ID", "DATE_CREATE"])?;
    let rows = rows.into_iter().map(|row| Value::Object(select(row, &selected, params)));
    listing::page(rows, params)
}

/// The fields that a list shows of a record: `*` (or no selection) means all but numbers, addresses and fields of the
/// portal's own, `UF_*` the latter; numbers and addresses come only by name.
fn select(row: Row, selected: &[String], params: &Params) -> Row {
    let is_selected = |name: &str| selected.iter().any(|wanted| wanted == name);
    for name in selected.iter().filter(|name| !name.ends_with('*') && !row.contains_key(*name)) {
        if !["PHONE", "EMAIL"].contains(&name.as_str()) {
            params.note(format!("the selection of {name} was ignored"));
        }
    }
    let shown = |name: &str| match name {
        "PHONE" | "EMAIL" => is_selected(name),
        _ if name.starts_with("UF_") => is_selected(name) || is_selected("UF_*"),
        _ => is_selected(name) || selected.is_empty() || is_selected("*"),
    };
    row.into_iter().filter(|(name, _)| shown(name)).collect()
}

fn add(world: &mut World, params: &Params, kind: Kind, method: &str) -> Result<Answer, Refusal> {
    let fields = params.fields()?;
    params.raw("params");
    let mut entity = Entity::new(kind, world.new_id(), world.now(), method);
    let owner = world.options.user_id;
    entity.fields.insert("ASSIGNED_BY_ID".to_owned(), json!(owner.to_string()));
    if kind == Kind::Lead {
        entity.fields.insert("STATUS_ID".to_owned(), json!("NEW"));
    }
    fill(world, params, &mut entity, fields)?;
    if kind == Kind::Contact && entity.field("NAME").is_empty() && entity.field("LAST_NAME").is_empty() {
        // A contact needs a name [inferred from the portal's own form].
        return Err(Refusal::uncoded("Required fields: 'First name' or 'Last name'"));
    }
    let (id, reference) = (entity.id, entity.reference());
    world.entities.push(entity);
    world.happened(What::Created(reference));
    Ok(json!(id).into())
}

/// Sets fields; unknown ones are ignored and noted, as is usual there. That the responsible user must exist and a status
/// be in the list is inferred.
fn fill(
    world: &mut World,
    params: &Params,
    entity: &mut Entity,
    fields: &serde_json::Map<String, Value>,
) -> Result<(), Refusal> {
    for name in world.fill(entity, fields).map_err(Refusal::uncoded)? {
        params.note(format!("field {name} was ignored"));
    }
    if world.active_user(entity.assigned_by()).is_none() {
        return Err(Refusal::uncoded("ASSIGNED_BY_ID: user is not found or is not active"));
    }
    if entity.kind == Kind::Lead && !super::settings::is_lead_status(entity.field("STATUS_ID")) {
        return Err(Refusal::uncoded("STATUS_ID is not in the list of statuses"));
    }
    Ok(())
}

/// Portals in simple CRM mode have no leads (sheet §5.3); the text is inferred.
fn refuse_leads_in_simple_crm(world: &World) -> Result<(), Refusal> {
    if world.options.simple_crm { Err(Refusal::uncoded("Access denied. Leads are disabled.")) } else { Ok(()) }
}
