//! Finds records by what a person typed. The portal has no search over all of a record's fields, so its lists are asked
//! with a filter each (`%` in front of a field: it holds the text), in one request.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Contact, Failure};

use crate::batch::Command;
use crate::entity::{Entity, Kind};
use crate::options::Options;
use crate::refusal::Reason;
use crate::{portal, value};

/// What is read of a record of any kind, and what else.
const ALWAYS: [&str; 4] = ["ID", "ASSIGNED_BY_ID", "PHONE", "EMAIL"];
const OF_CONTACTS: [&str; 4] = ["NAME", "SECOND_NAME", "LAST_NAME", "COMPANY_ID"];
const OF_COMPANIES: [&str; 1] = ["TITLE"];
const OF_LEADS: [&str; 5] = ["NAME", "SECOND_NAME", "LAST_NAME", "TITLE", "COMPANY_TITLE"];

/// Fields that hold these texts, all of them.
type Filter<'a> = Vec<(&'static str, &'a str)>;

/// Finds contacts, companies and leads whose name or title holds the text.
pub(crate) fn by_text(text: &str) -> Result<Vec<Contact>, Failure> {
    let filters = filters(text.trim());
    let commands: Vec<_> = filters.iter().map(|(kind, filter)| command(*kind, filter)).collect();
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let portal_url = Options::read()?.portal_url;
    let lists = portal::batch(&commands, Effect::Read)?;
    let mut found: Vec<(Entity, Contact)> = Vec::new();
    for ((kind, _), list) in filters.iter().zip(lists) {
        let list = match list {
            Ok(list) => list,
            // A portal without leads, or a kind that the webhook's user may not see.
            Err(refusal) if refusal.reason == Reason::Denied || refusal.is_not_offered() => continue,
            Err(refusal) => return Err(refusal.into()),
        };
        for record in value::list(Some(&list)) {
            let Some(id) = record.get("ID").and_then(value::id) else { continue };
            let entity = Entity { kind: *kind, id };
            if found.iter().all(|(known, _)| *known != entity) {
                found.push((entity, entity.contact(record, portal_url.as_deref())));
            }
        }
    }
    Ok(found.into_iter().map(|(_, contact)| contact).collect())
}

/// What is asked for: whole names in both orders first, then one word in each field.
fn filters(text: &str) -> Vec<(Kind, Filter<'_>)> {
    if text.is_empty() {
        return Vec::new();
    }
    let people = [Kind::Contact, Kind::Lead];
    let mut filters: Vec<(Kind, Filter<'_>)> = Vec::new();
    match text.split_once(char::is_whitespace).map(|(first, rest)| (first, rest.trim())) {
        Some((first, rest)) => {
            for kind in people {
                filters.push((kind, vec![("NAME", first), ("LAST_NAME", rest)]));
                filters.push((kind, vec![("NAME", rest), ("LAST_NAME", first)]));
            }
        }
        None => {
            for kind in people {
                filters.push((kind, vec![("LAST_NAME", text)]));
                filters.push((kind, vec![("NAME", text)]));
            }
        }
    }
    filters.push((Kind::Company, vec![("TITLE", text)]));
    filters.push((Kind::Lead, vec![("TITLE", text)]));
    filters
}

fn command(kind: Kind, filter: &[(&'static str, &str)]) -> Command {
    let filter = filter.iter().map(|(field, text)| (format!("filter[%25{field}]"), *text));
    let own: &[&str] = match kind {
        Kind::Contact => &OF_CONTACTS,
        Kind::Company => &OF_COMPANIES,
        Kind::Lead => &OF_LEADS,
    };
    let select = ALWAYS.iter().chain(own).enumerate().map(|(at, field)| (format!("select[{at}]"), *field));
    let parameters: Vec<_> = filter.chain(select).collect();
    let parameters: Vec<_> = parameters.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    Command::new(kind.list_method(), &parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_in_both_orders_and_a_word_in_each_field() {
        let asked = |text| {
            let filters = filters(text).into_iter();
            let filters = filters.filter(|(kind, _)| *kind == Kind::Contact).map(|(_, filter)| filter);
            filters.collect::<Vec<_>>()
        };
        assert_eq!(asked("lima"), [vec![("LAST_NAME", "lima")], vec![("NAME", "lima")]]);
        assert_eq!(
            asked("Ana  de Lima"),
            [vec![("NAME", "Ana"), ("LAST_NAME", "de Lima")], vec![("NAME", "de Lima"), ("LAST_NAME", "Ana")]]
        );
        assert!(filters("").is_empty());
    }

    #[test]
    fn what_stands_for_a_part_of_a_field_is_encoded() {
        let asked = format!("{:?}", command(Kind::Company, &[("TITLE", "A&B 100%")]));
        assert!(asked.contains("filter[%25TITLE]=A%26B%20100%25&select[0]=ID"), "{asked}");
    }
}
