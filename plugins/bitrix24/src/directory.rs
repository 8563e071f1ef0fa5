//! The portal's users and their extensions (sheet 5.1).

use std::collections::BTreeMap;

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Directory, Failure, User, UserPage, warn};
use serde_json::{Value, json};

use crate::{Bitrix24, portal, value};

/// The portal gives 50 users a page. So many pages are read at once, to see which users claim the same extension, and
/// not more, to stay within the burst that the portal allows.
const PAGES_AT_ONCE: usize = 40;

impl Directory for Bitrix24 {
    fn users(after: Option<String>) -> Result<UserPage, Failure> {
        let mut start = after.and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut records = Vec::new();
        let mut next = None;
        for _ in 0..PAGES_AT_ONCE {
            let parameters = json!({"FILTER": {"ACTIVE": true}, "start": start});
            let mut page = portal::call("user.get", &parameters, Effect::Read)?;
            records.extend(page.result.as_array_mut().map(std::mem::take).unwrap_or_default());
            // A page that does not lead on would be read for ever.
            next = page.next.filter(|next| *next > start);
            match next {
                Some(next) => start = next,
                None => break,
            }
        }
        if !records.is_empty() && records.iter().all(|record| record.get("UF_PHONE_INNER").is_none()) {
            warn!("portal shows no inner phone numbers: give the webhook the right `user` or `user_basic`");
        }
        let (users, conflicts) = users(&records);
        for (extension, kept) in conflicts {
            warn!(
                "several users have the same inner phone number, the lowest id gets it",
                extension = extension,
                user = kept
            );
        }
        Ok(UserPage { users, next: next.map(|next| next.to_string()) })
    }
}

/// Reads users. Of several with one extension the active one with the lowest id keeps it; the extensions claimed more
/// than once come beside, with the user who keeps each.
fn users(records: &[Value]) -> (Vec<User>, Vec<(String, u64)>) {
    let mut claims: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in records {
        if let (Some(id), Some(extension), true) = (id(record), extension(record), is_active(record)) {
            claims.entry(extension).or_default().push(id);
        }
    }
    let keeper = |claims: &[u64]| claims.iter().copied().min();
    let users = records.iter().filter_map(|record| {
        let id = id(record)?;
        let extension = extension(record);
        let keeps = |extension: &String| claims.get(extension).and_then(|claims| keeper(claims)) == Some(id);
        let phones = [("work-phone", "WORK_PHONE"), ("mobile", "PERSONAL_MOBILE")];
        let phones = phones.map(|(name, field)| (name.to_string(), value::field(record, field)));
        Some(User {
            id: id.to_string(),
            name: format!("{} {}", value::field(record, "NAME"), value::field(record, "LAST_NAME")).trim().to_string(),
            email: value::field(record, "EMAIL"),
            extensions: extension.into_iter().filter(keeps).collect(),
            active: is_active(record),
            extra: phones.into_iter().filter(|(_, phone)| !phone.is_empty()).collect(),
        })
    });
    let conflicts = claims.iter().filter(|(_, claims)| claims.len() > 1);
    let conflicts = conflicts.filter_map(|(extension, claims)| Some((extension.clone(), keeper(claims)?)));
    (users.collect(), conflicts.collect())
}

fn id(record: &Value) -> Option<u64> {
    record.get("ID").and_then(value::id)
}

fn extension(record: &Value) -> Option<String> {
    Some(value::field(record, "UF_PHONE_INNER")).filter(|extension| !extension.is_empty())
}

fn is_active(record: &Value) -> bool {
    match record.get("ACTIVE") {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(active)) => matches!(active.as_str(), "Y" | "1" | "true"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, active: bool, extension: Value) -> Value {
        json!({"ID": id, "ACTIVE": active, "NAME": "Ana", "LAST_NAME": "Lima", "EMAIL": "ana@example.com",
            "PERSONAL_MOBILE": "+15550100", "WORK_PHONE": "", "UF_PHONE_INNER": extension})
    }

    #[test]
    fn a_user_is_read() {
        let (users, conflicts) = users(&[record("7", true, json!("107"))]);
        let user = &users[0];
        assert_eq!((user.id.as_str(), user.name.as_str(), user.active), ("7", "Ana Lima", true));
        assert_eq!(user.extensions, vec!["107"]);
        assert_eq!(user.extra, vec![("mobile".to_string(), "+15550100".to_string())]);
        assert!(conflicts.is_empty());
    }

    #[test]
    fn of_two_users_with_one_extension_the_lowest_active_id_keeps_it() {
        let records = [
            record("21", true, json!("107")),
            record("3", false, json!("107")),
            record("9", true, json!("107")),
            record("10", true, json!(null)),
        ];
        let (users, conflicts) = users(&records);
        let extensions: Vec<_> = users.iter().map(|user| (user.id.as_str(), user.extensions.len())).collect();
        assert_eq!(extensions, vec![("21", 0), ("3", 0), ("9", 1), ("10", 0)]);
        assert_eq!(conflicts, vec![("107".to_string(), 9)]);
    }
}
