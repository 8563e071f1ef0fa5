//! How the portal's CRM is set up: `crm.settings.mode.get` and `crm.status.list`.

use serde_json::{Value, json};

use crate::{
    answer::{Answer, Refusal},
    params::Params,
    world::World,
};

const SOURCES: [(&str, &str); 8] = [
    ("CALL", "Call"),
    ("EMAIL", "E-mail"),
    ("WEB", "Website"),
    ("ADVERTISING", "Advertising"),
    ("PARTNER", "Existing client"),
    ("RECOMMENDATION", "Recommendation"),
    ("CALLBACK", "Callback"),
    ("OTHER", "Other"),
];

const LEAD_STATUSES: [(&str, &str); 5] = [
    ("NEW", "Not processed"),
    ("IN_PROCESS", "In progress"),
    ("PROCESSED", "Processed"),
    ("CONVERTED", "Good lead"),
    ("JUNK", "Junk lead"),
];

pub(super) fn is_source(id: &str) -> bool {
    SOURCES.iter().any(|(known, _)| *known == id)
}

pub(super) fn is_lead_status(id: &str) -> bool {
    LEAD_STATUSES.iter().any(|(known, _)| *known == id)
}

/// 1 classic, 2 simple.
pub(super) fn mode(world: &mut World, _: &Params) -> Result<Answer, Refusal> {
    Ok(json!(if world.options.simple_crm { 2 } else { 1 }).into())
}

/// Filters by `ENTITY_ID` and `STATUS_ID`; `order` is accepted, and the list is always in order of `SORT`.
pub(super) fn statuses(_: &mut World, params: &Params) -> Result<Answer, Refusal> {
    params.raw("order");
    let filter = params.raw("filter").and_then(Value::as_object);
    let wanted = |name: &str, have: &str| {
        filter.and_then(|filter| filter.get(name)).and_then(Value::as_str).is_none_or(|wanted| wanted == have)
    };
    let tables = [("STATUS", &LEAD_STATUSES[..]), ("SOURCE", &SOURCES[..])];
    let mut list = Vec::new();
    for (entity, table) in tables {
        for (index, (id, name)) in table.iter().enumerate() {
            if wanted("ENTITY_ID", entity) && wanted("STATUS_ID", id) {
                list.push(json!({
                    "ID": (list.len() + 1).to_string(), "ENTITY_ID": entity, "STATUS_ID": id, "NAME": name,
                    "NAME_INIT": name, "SORT": ((index + 1) * 10).to_string(), "SYSTEM": "Y", "CATEGORY_ID": null,
                    "COLOR": null, "SEMANTICS": null,
                }));
            }
        }
    }
    Ok(Answer { total: Some(list.len()), next: None, result: Value::Array(list) })
}
