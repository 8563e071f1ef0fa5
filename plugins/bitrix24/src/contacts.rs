//! Creates leads and contacts.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Contact, Contacts, Failure, Number, job, phone, search_then_create, warn};
use serde_json::{Map, Value, json};

use crate::entity::{Entity, Kind, value_type};
use crate::memory::CrmMode;
use crate::options::{CreateAs, Options};
use crate::{Bitrix24, lookup, portal, setup, value};

/// Says in the portal which system a record came from; `ORIGIN_ID` says which job made it.
const ORIGINATOR: &str = "hookswitch";

impl Contacts for Bitrix24 {
    fn create(draft: Contact, call: Option<Call>) -> Result<Contact, Failure> {
        let options = Options::read()?;
        let number = number(&draft, call.as_ref());
        let kind = kind(&draft.kind, CreateAs::read()?, setup::crm_mode)?;
        let owner = draft.owner.as_deref().and_then(|owner| owner.parse().ok()).or_else(|| agent(call.as_ref()));
        let owner = owner.or(options.fallback_user);
        let origin = job::key("contact");
        let fields = fields(&draft, kind, number.as_ref(), owner, &options.source, &origin);
        search_then_create(
            || match find(kind, &origin)? {
                Some(entity) => Ok(Some(contact(entity, draft.clone(), &options))),
                // Not made by this job, but perhaps by somebody else since the look-up.
                None => Ok(number.as_ref().map_or(Ok(Vec::new()), lookup::find)?.into_iter().next()),
            },
            || Ok(contact(add(kind, &fields)?, draft.clone(), &options)),
        )
    }
}

/// Finds the record that an earlier try of this job made. The search over numbers may not know it yet, this one does.
fn find(kind: Kind, origin: &str) -> Result<Option<Entity>, Failure> {
    let parameters = json!({
        "filter": {"ORIGINATOR_ID": ORIGINATOR, "ORIGIN_ID": origin}, "select": ["ID", "ORIGIN_ID"], "start": -1,
    });
    match portal::call(kind.list_method(), &parameters, Effect::Read) {
        Ok(found) => Ok(of_origin(kind, &found.result, origin)),
        Err(refusal) if refusal.is_not_offered() => {
            warn!("portal does not list records for the webhook, the number must do", kind = kind.name());
            Ok(None)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A portal that does not understand the filter answers with records of all origins.
fn of_origin(kind: Kind, found: &Value, origin: &str) -> Option<Entity> {
    let record = value::list(Some(found)).iter().find(|record| value::field(record, "ORIGIN_ID") == origin)?;
    Some(Entity { kind, id: record.get("ID").and_then(value::id)? })
}

fn add(kind: Kind, fields: &Map<String, Value>) -> Result<Entity, Failure> {
    let method = kind.add_method();
    let parameters = json!({"fields": fields, "params": {"REGISTER_SONET_EVENT": "Y"}});
    let added = portal::call(method, &parameters, Effect::Once)?;
    let id = value::id(&added.result)
        .ok_or_else(|| Failure::InDoubt(format!("the portal's answer to {method} names no record")))?;
    Ok(Entity { kind, id })
}

fn contact(entity: Entity, draft: Contact, options: &Options) -> Contact {
    let url = entity.url(options.portal_url.as_deref());
    Contact { id: entity.id.to_string(), kind: entity.kind.name().into(), url, ..draft }
}

/// The caller's number: of the call, or the first of the draft.
fn number(draft: &Contact, call: Option<&Call>) -> Option<Number> {
    let of_call = call.and_then(|call| call.external.clone());
    of_call.or_else(|| draft.phones.first().and_then(|entry| phone::parse(&entry.value, None).ok()))
}

/// The agent who takes care of the call, so far.
fn agent(call: Option<&Call>) -> Option<u64> {
    let call = call?;
    call.credited.iter().chain(&call.agents).find_map(|agent| agent.user.as_ref()?.parse().ok())
}

fn kind(
    wanted: &str,
    create_as: CreateAs,
    crm_mode: impl FnOnce() -> Result<CrmMode, Failure>,
) -> Result<Kind, Failure> {
    Ok(match (wanted, create_as) {
        ("lead", _) => Kind::Lead,
        ("contact", _) => Kind::Contact,
        (_, CreateAs::Kind(kind)) => kind,
        (_, CreateAs::Auto) => match crm_mode()? {
            CrmMode::Classic => Kind::Lead,
            CrmMode::Simple => Kind::Contact,
        },
    })
}

fn fields(
    draft: &Contact,
    kind: Kind,
    number: Option<&Number>,
    owner: Option<u64>,
    source: &str,
    origin: &str,
) -> Map<String, Value> {
    let number = number.map(|number| number.e164.as_ref().unwrap_or(&number.raw).as_str());
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| {
        if value != "" {
            fields.insert(name.into(), value);
        }
    };
    set("OPENED", "Y".into());
    set("SOURCE_ID", source.into());
    set("ORIGINATOR_ID", ORIGINATOR.into());
    set("ORIGIN_ID", origin.into());
    set("LAST_NAME", draft.last_name.as_str().into());
    if kind == Kind::Lead {
        let title = draft.extra.iter().find(|(name, _)| name == "title").map(|(_, title)| title.clone());
        set("TITLE", title.unwrap_or_else(|| format!("Call from {}", number.unwrap_or("an unknown number"))).into());
        set("STATUS_ID", "NEW".into());
        set("COMPANY_TITLE", draft.company.as_str().into());
        set("NAME", draft.first_name.as_str().into());
    } else if draft.first_name.is_empty() && draft.last_name.is_empty() {
        // A contact has no title, and one without any name cannot be told from others.
        set("NAME", if draft.company.is_empty() { number.unwrap_or_default() } else { &draft.company }.into());
    } else {
        set("NAME", draft.first_name.as_str().into());
    }
    if let Some(owner) = owner {
        set("ASSIGNED_BY_ID", owner.into());
    }
    let mut phones: Vec<Value> =
        draft.phones.iter().map(|entry| multi(&entry.value, value_type(&entry.kind))).collect();
    if phones.is_empty() {
        phones.extend(number.map(|number| multi(number, "WORK")));
    }
    if !phones.is_empty() {
        set("PHONE", phones.into());
    }
    if !draft.emails.is_empty() {
        set("EMAIL", draft.emails.iter().map(|email| multi(email, "WORK")).collect());
    }
    fields
}

/// One of several numbers or addresses of a record.
fn multi(value: &str, value_type: &str) -> Value {
    json!({"VALUE": value, "VALUE_TYPE": value_type})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::call;
    use hookswitch_sdk::PhoneEntry;

    #[test]
    fn a_lead_has_all_that_the_portal_wants() {
        let draft = Contact {
            first_name: "Ana".into(),
            last_name: "Lima".into(),
            phones: vec![PhoneEntry { kind: "mobile".into(), value: "+491515550100".into() }],
            emails: vec!["ana@example.com".into()],
            ..Contact::default()
        };
        let fields = fields(&draft, Kind::Lead, call().external.as_ref(), Some(7), "CALL", "k1");
        assert_eq!(
            Value::from(fields),
            json!({
                "TITLE": "Call from +491515550100", "NAME": "Ana", "LAST_NAME": "Lima", "STATUS_ID": "NEW",
                "OPENED": "Y", "ASSIGNED_BY_ID": 7, "SOURCE_ID": "CALL",
                "PHONE": [{"VALUE": "+491515550100", "VALUE_TYPE": "MOBILE"}],
                "EMAIL": [{"VALUE": "ana@example.com", "VALUE_TYPE": "WORK"}],
                "ORIGINATOR_ID": "hookswitch", "ORIGIN_ID": "k1",
            })
        );
    }

    #[test]
    fn a_contact_without_a_name_is_called_by_its_number() {
        let fields = fields(&Contact::default(), Kind::Contact, call().external.as_ref(), None, "CALL", "k1");
        assert_eq!(
            Value::from(fields),
            json!({
                "NAME": "+491515550100", "OPENED": "Y", "SOURCE_ID": "CALL", "ORIGINATOR_ID": "hookswitch",
                "ORIGIN_ID": "k1", "PHONE": [{"VALUE": "+491515550100", "VALUE_TYPE": "WORK"}],
            })
        );
    }

    #[test]
    fn only_the_record_of_this_job_is_an_earlier_try() {
        let found = json!([{"ID": "411", "ORIGIN_ID": "k0"}, {"ID": "412", "ORIGIN_ID": "k1"}]);
        assert_eq!(of_origin(Kind::Lead, &found, "k1"), Some(Entity { kind: Kind::Lead, id: 412 }));
        assert_eq!(of_origin(Kind::Lead, &found, "k2"), None);
        assert_eq!(of_origin(Kind::Lead, &json!([]), "k1"), None);
    }

    #[test]
    fn the_kind_is_the_drafts_then_the_settings_then_what_fits_the_portal() {
        let classic = || Ok(CrmMode::Classic);
        let simple = || Ok(CrmMode::Simple);
        assert_eq!(kind("contact", CreateAs::Kind(Kind::Lead), classic), Ok(Kind::Contact));
        assert_eq!(kind("", CreateAs::Kind(Kind::Lead), simple), Ok(Kind::Lead));
        assert_eq!(kind("", CreateAs::Auto, classic), Ok(Kind::Lead));
        assert_eq!(kind("customer", CreateAs::Auto, simple), Ok(Kind::Contact));
    }
}
