//! The agents and their extensions (sheet 1, "Agents").

use std::collections::BTreeMap;

use hookswitch_sdk::{Directory, Failure, User, UserPage, settings, warn};
use serde_json::Value;

use crate::Zendesk;
use crate::account::{self, Account};
use crate::case::next_page;
use crate::person::text;

/// Pages of a hundred agents. So many are read at once, to see who claims the same extension.
const PAGES_AT_ONCE: usize = 10;
/// No extension is longer.
const LONGEST_EXTENSION: usize = 8;

impl Directory for Zendesk {
    fn users(after: Option<String>) -> Result<UserPage, Failure> {
        let account = Account::open()?;
        let field = settings::get("extension-field");
        let (mut records, mut next) = (Vec::new(), after);
        for _ in 0..PAGES_AT_ONCE {
            let mut query = vec![("role[]", "agent"), ("role[]", "admin"), ("page[size]", "100")];
            query.extend(next.as_deref().map(|after| ("page[after]", after)));
            let mut page = account.get("users", &query)?;
            let following = next_page(&page);
            records.extend(account::list(&mut page, "users")?);
            // A page that leads to itself would be read for ever.
            next = following.filter(|following| Some(following) != next.as_ref());
            if next.is_none() {
                break;
            }
        }
        let (users, conflicts) = users(&records, field.as_deref());
        for (extension, kept) in conflicts {
            warn!("several agents have the same extension, the lowest id gets it", extension = extension, user = kept);
        }
        Ok(UserPage { users, next })
    }
}

/// Reads agents. Of several with one extension the active one with the lowest id keeps it; the extensions claimed more than
/// once come beside, with the agent who keeps each.
fn users(records: &[Value], field: Option<&str>) -> (Vec<User>, Vec<(String, u64)>) {
    let mut claims: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in records.iter().filter(|record| is_active(record)) {
        if let (Some(id), Some(extension)) = (account::id(record), extension(record, field)) {
            claims.entry(extension).or_default().push(id);
        }
    }
    let keeper = |claims: &Vec<u64>| claims.iter().copied().min();
    let users = records.iter().filter_map(|record| {
        let id = account::id(record)?;
        let keeps = |extension: &String| claims.get(extension).and_then(keeper) == Some(id);
        Some(User {
            id: id.to_string(),
            name: text(record, "name").to_owned(),
            email: text(record, "email").to_owned(),
            extensions: extension(record, field).into_iter().filter(keeps).collect(),
            active: is_active(record),
            extra: vec![("role".into(), text(record, "role").to_owned())],
        })
    });
    let conflicts = claims.iter().filter(|(_, claims)| claims.len() > 1);
    let conflicts = conflicts.filter_map(|(extension, claims)| Some((extension.clone(), keeper(claims)?)));
    (users.collect(), conflicts.collect())
}

fn is_active(record: &Value) -> bool {
    let is = |key: &str| record.get(key) == Some(&Value::Bool(true));
    is("active") && !is("suspended")
}

/// The extension of an agent: in the field that the admin names, else what the telephone number is or ends in.
fn extension(record: &Value, field: Option<&str>) -> Option<String> {
    let Some(field) = field else { return of_number(text(record, "phone")) };
    let value = record.get("user_fields")?.get(field)?;
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(value.trim().to_owned()).filter(|value| is_extension(value))
}

fn of_number(phone: &str) -> Option<String> {
    let lower = phone.trim().to_ascii_lowercase();
    let marks = ["ext.", "ext=", "ext", "x", "#"];
    let behind = marks.into_iter().find_map(|mark| Some(lower.rsplit_once(mark)?.1.trim()));
    Some(behind.unwrap_or(&lower).to_owned()).filter(|extension| is_extension(extension))
}

fn is_extension(text: &str) -> bool {
    (2..=LONGEST_EXTENSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn agent(id: u64, active: bool, phone: &str) -> Value {
        json!({"id": id, "name": "Ana Lima", "email": "ana@example.com", "role": "agent", "active": active,
            "suspended": false, "phone": phone, "user_fields": {"extension": "301", "desk": 302}})
    }

    #[test]
    fn an_extension_is_a_short_number_or_the_end_of_a_long_one() {
        for (phone, expected) in [
            ("201", Some("201")),
            ("+49 30 555010 ext. 201", Some("201")),
            ("+49305550 x 4711", Some("4711")),
            ("+4930555010;ext=201", Some("201")),
            ("+4930555010#201", Some("201")),
            ("+4930555010", None),
            ("030555010123", None),
            ("ext.", None),
            ("7", None),
            ("", None),
        ] {
            assert_eq!(of_number(phone).as_deref(), expected, "{phone}");
        }
    }

    #[test]
    fn the_field_that_the_admin_names_holds_the_extension() {
        let record = agent(7, true, "201");
        assert_eq!(extension(&record, Some("extension")).as_deref(), Some("301"));
        assert_eq!(extension(&record, Some("desk")).as_deref(), Some("302"));
        assert_eq!(extension(&record, Some("other")), None);
        assert_eq!(extension(&record, None).as_deref(), Some("201"));
    }

    #[test]
    fn of_two_agents_with_one_extension_the_lowest_active_id_keeps_it() {
        let records = [agent(21, true, "201"), agent(3, false, "201"), agent(9, true, "201"), agent(10, true, "")];
        let (users, conflicts) = users(&records, None);
        let extensions: Vec<_> = users.iter().map(|user| (user.id.as_str(), user.extensions.len())).collect();
        assert_eq!(extensions, vec![("21", 0), ("3", 0), ("9", 1), ("10", 0)]);
        assert_eq!(conflicts, vec![("201".to_string(), 9)]);
        assert!(!users[1].active);
    }

    #[test]
    fn a_suspended_agent_is_not_active() {
        let mut suspended = agent(7, true, "201");
        suspended["suspended"] = json!(true);
        assert!(!users(&[suspended], None).0[0].active);
    }
}
