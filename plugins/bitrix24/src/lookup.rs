//! Finds callers in the CRM.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Contact, ContactPage, Failure, Lookup, Number, phone, warn};
use serde_json::{Value, json};

use crate::batch::{Command, MOST_COMMANDS};
use crate::entity::{Entity, Kind};
use crate::options::Options;
use crate::refusal::Reason;
use crate::{Bitrix24, portal, search, value};

/// The portal takes no more values in one search (sheet 5.2).
const MOST_VALUES: usize = 20;

impl Lookup for Bitrix24 {
    fn by_number(number: Number, _call: Option<Call>) -> Result<Vec<Contact>, Failure> {
        find(&number)
    }

    fn by_email(email: String) -> Result<Vec<Contact>, Failure> {
        details(&duplicates("EMAIL", &[email])?)
    }

    /// One page: the portal gives the first 50 of each list.
    fn by_text(text: String, _after: Option<String>) -> Result<ContactPage, Failure> {
        let contacts = match text.contains('@') {
            true => details(&duplicates("EMAIL", &[text.trim().to_string()])?)?,
            false => search::by_text(&text)?,
        };
        Ok(ContactPage { contacts, next: None })
    }
}

/// Finds the records that truly have this number.
pub(crate) fn find(number: &Number) -> Result<Vec<Contact>, Failure> {
    let mut entities = duplicates("PHONE", &number.search)?;
    if entities.is_empty() {
        // Nobody is only nobody if the portal's own search, which knows more spellings, says so too.
        entities = own_search(number)?;
    }
    let parse = |text: &str| phone::parse(text, number.region.as_deref()).ok().and_then(|parsed| parsed.e164);
    Ok(details(&entities)?.into_iter().filter(|contact| has_number(contact, number, &parse)).collect())
}

/// The search over normalised numbers or addresses.
fn duplicates(kind: &str, values: &[String]) -> Result<Vec<Entity>, Failure> {
    let values: Vec<_> = values.iter().take(MOST_VALUES).collect();
    let found = portal::call("crm.duplicate.findbycomm", &json!({"type": kind, "values": values}), Effect::Read)?;
    Ok(found_by_kind(found.result))
}

fn own_search(number: &Number) -> Result<Vec<Entity>, Failure> {
    let text = number.e164.as_ref().unwrap_or(&number.raw);
    let parameters = json!({"PHONE_NUMBER": text});
    let found = portal::call("telephony.externalCall.searchCrmEntities", &parameters, Effect::Read)?;
    Ok(value::list(Some(&found.result)).iter().filter_map(Entity::of_fields).collect())
}

/// Fetches the records. One that was deleted meanwhile is left out; one that the webhook's user may not read is there,
/// but has no name.
fn details(entities: &[Entity]) -> Result<Vec<Contact>, Failure> {
    if entities.is_empty() {
        return Ok(Vec::new());
    }
    if entities.len() > MOST_COMMANDS {
        warn!("more records than can be looked at, the rest is left out", found = entities.len());
    }
    let portal_url = Options::read()?.portal_url;
    let entities: Vec<_> = entities.iter().take(MOST_COMMANDS).collect();
    let commands =
        entities.iter().map(|entity| Command::new(entity.kind.get_method(), &[("id", &entity.id.to_string())]));
    let records = portal::batch(&commands.collect::<Vec<_>>(), Effect::Read)?;
    let mut contacts = Vec::with_capacity(entities.len());
    for (entity, record) in entities.into_iter().zip(records) {
        match record {
            Ok(record) => contacts.push(entity.contact(&record, portal_url.as_deref())),
            Err(refusal) if refusal.reason == Reason::MissingRecord => {}
            Err(refusal) if refusal.reason == Reason::Denied => {
                warn!("record may not be read by the webhook's user", kind = entity.kind.name(), id = entity.id);
                contacts.push(entity.contact(&Value::Null, portal_url.as_deref()));
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(contacts)
}

/// Reads `{"CONTACT":[88],"LEAD":[412]}`, contacts first, or `[]`.
fn found_by_kind(result: Value) -> Vec<Entity> {
    let found = value::map(result);
    let of_kind = |kind: Kind| {
        let ids = value::list(found.get(kind.code())).iter().filter_map(value::id);
        ids.map(move |id| Entity { kind, id })
    };
    Kind::ALL.into_iter().flat_map(of_kind).collect()
}

/// Whether a record that the portal found has the number itself, and not only its ending. A record that shows no number
/// at all is taken at the portal's word.
fn has_number(contact: &Contact, number: &Number, parse: &dyn Fn(&str) -> Option<String>) -> bool {
    contact.phones.is_empty()
        || contact.phones.iter().any(|phone| match (parse(&phone.value), &number.e164) {
            (Some(found), Some(wanted)) => found == *wanted,
            _ => {
                let found = digits(&phone.value);
                number.search.iter().any(|spelling| digits(spelling) == found)
            }
        })
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::call;

    #[test]
    fn what_was_found_may_be_an_empty_list_or_lack_kinds() {
        assert_eq!(found_by_kind(json!([])), vec![]);
        assert_eq!(
            found_by_kind(json!({"LEAD": [412], "CONTACT": ["88", 89]})),
            vec![
                Entity { kind: Kind::Contact, id: 88 },
                Entity { kind: Kind::Contact, id: 89 },
                Entity { kind: Kind::Lead, id: 412 },
            ]
        );
    }

    #[test]
    fn a_subscriber_whose_number_only_ends_alike_is_not_the_caller() {
        let number = call().external.unwrap();
        let contact = |phones: &[&str]| {
            let phones: Vec<_> = phones.iter().map(|phone| json!({"VALUE": phone})).collect();
            Entity { kind: Kind::Contact, id: 1 }.contact(&json!({"PHONE": phones}), None)
        };
        let parse = |text: &str| match digits(text).as_str() {
            "491515550100" | "01515550100" => Some("+491515550100".to_string()),
            "4930515550100" => Some("+4930515550100".to_string()),
            _ => None,
        };
        for (phones, expected) in [
            (&["+49 (151) 555-0100"] as &[_], true),
            (&["0151 5550100"], true),
            (&["+49 30 515550100", "0151/5550100"], true),
            (&["+49 30 515550100"], false),
            (&["1515550100"], true),
            (&["5550100"], false),
            (&[], true),
        ] {
            assert_eq!(has_number(&contact(phones), &number, &parse), expected, "{phones:?}");
        }
    }
}
