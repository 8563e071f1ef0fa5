//! Who is calling? `telephony.externalCall.searchCrmEntities` (sheet §3.6) and `crm.duplicate.findbycomm` (sheet §5.2).

use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Refusal},
    entity::{Entity, Kind},
    params::{Params, scalar},
    php,
    world::World,
};

const MOST_VALUES: usize = 20;
/// With so many hits in one kind, the kinds after it are left out of the answer.
const MANY_HITS: usize = 20;

pub(super) fn crm_entities(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let number = params.text("PHONE_NUMBER")?.ok_or_else(|| Refusal::core("PHONE_NUMBER is empty"))?;
    let found = world.with_phone(&number).map(|entity| {
        let assigned = world.users.get(&entity.assigned_by());
        json!({
            "CRM_ENTITY_TYPE": entity.kind.name(),
            "CRM_ENTITY_ID": entity.id,
            "ASSIGNED_BY_ID": entity.assigned_by(),
            "NAME": entity.display_name(),
            "ASSIGNED_BY": assigned.map(|user| json!({
                "ID": user.id.to_string(), "TIMEMAN_STATUS": user.timeman_status,
                "USER_PHONE_INNER": user.extension, "WORK_PHONE": user.work_phone,
                "PERSONAL_PHONE": user.personal_phone, "PERSONAL_MOBILE": user.personal_mobile,
            })),
        })
    });
    Ok(found.collect::<Value>().into())
}

pub(super) fn duplicates(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    // Texts [public: crm-duplicate-find-by-comm.md].
    let kind = params.text("type")?.ok_or_else(|| Refusal::uncoded("Communication type is not defined"))?;
    let has: fn(&Entity, &str) -> bool = match kind.as_str() {
        "PHONE" => Entity::has_phone,
        "EMAIL" => Entity::has_email,
        other => {
            let text = format!("Communication type '{other}' is not supported in current context");
            return Err(Refusal::uncoded(text));
        }
    };
    let undefined = || Refusal::uncoded("Communication values is not defined");
    let values = params.raw("values").and_then(Value::as_array).ok_or_else(undefined)?;
    let values: Vec<String> = values.iter().filter_map(scalar).filter(|value| !value.is_empty()).collect();
    if values.is_empty() {
        return Err(undefined());
    }
    if values.len() > MOST_VALUES {
        // The limit is the sheet's, the text inferred.
        return Err(Refusal::uncoded("Communication values count exceeds 20"));
    }
    let kinds = match params.text("entity_type")? {
        None => vec![Kind::Lead, Kind::Contact, Kind::Company],
        Some(name) => {
            let kind = Kind::from_name(&name).filter(|kind| *kind != Kind::Deal);
            vec![kind.ok_or_else(|| Refusal::uncoded(format!("Entity type '{name}' is not supported")))?]
        }
    };
    let mut found = Map::new();
    for kind in kinds {
        let hits = world.searchable(kind).filter(|entity| values.iter().any(|value| has(entity, value)));
        let hits: Vec<u64> = hits.map(|entity| entity.id).collect();
        let many = hits.len() >= MANY_HITS;
        if !hits.is_empty() {
            found.insert(kind.name().to_owned(), json!(hits));
        }
        if many {
            break;
        }
    }
    // Nothing found is PHP's empty array.
    Ok(php::array(found).into())
}
