//! Users of Zendesk as contacts (sheet 1, "User").

use hookswitch_sdk::{Contact, Number, PhoneEntry};
use serde_json::Value;

/// The only kind of contact that Zendesk has.
pub(crate) const KIND: &str = "user";

/// Reads a user; `url` is the user's page.
pub(crate) fn contact(user: &Value, url: String) -> Option<Contact> {
    let id = user.get("id").and_then(Value::as_u64)?;
    let (first_name, last_name) = names(text(user, "name"));
    let extra = [("role", text(user, "role")), ("external-id", text(user, "external_id"))];
    Some(Contact {
        id: id.to_string(),
        kind: KIND.into(),
        first_name,
        last_name,
        url,
        photo_url: user.get("photo").map(|photo| text(photo, "content_url").to_owned()).unwrap_or_default(),
        emails: filled(text(user, "email")).into_iter().map(str::to_owned).collect(),
        phones: filled(text(user, "phone")).into_iter().map(phone).collect(),
        extra: extra.into_iter().filter(|(_, value)| !value.is_empty()).map(|(k, v)| (k.into(), v.into())).collect(),
        ..Contact::default()
    })
}

/// The numbers among a user's identities; the user's first number is one of them as a rule.
pub(crate) fn numbers(identities: &[Value]) -> Vec<PhoneEntry> {
    let numbers = identities.iter().filter(|identity| text(identity, "type") == "phone_number");
    numbers.filter_map(|identity| filled(text(identity, "value"))).map(phone).collect()
}

/// Zendesk keeps a name in one piece.
fn names(name: &str) -> (String, String) {
    let name = name.trim();
    name.rsplit_once(' ')
        .map_or_else(|| (String::new(), name.to_owned()), |(first, last)| (first.trim().to_owned(), last.to_owned()))
}

/// No country's code is longer.
const LONGEST_COUNTRY_CODE: usize = 3;

/// Whether one of these numbers is the wanted one, and does not only end like it. `parse` gives E.164. A number that is
/// none by itself must be a spelling of the wanted one that lacks no more than the country.
pub(crate) fn has_number(phones: &[PhoneEntry], wanted: &Number, parse: &dyn Fn(&str) -> Option<String>) -> bool {
    let least = wanted.e164.as_ref().map_or(1, |e164| digits(e164).len().saturating_sub(LONGEST_COUNTRY_CODE));
    phones.iter().any(|phone| match (parse(&phone.value), &wanted.e164) {
        (Some(found), Some(wanted)) => found == *wanted,
        _ => {
            let found = digits(&phone.value);
            found.len() >= least && wanted.search.iter().any(|spelling| digits(spelling) == found)
        }
    })
}

/// The digits to search for with any beginning: the shortest spelling that all the others end in, but no shorter than six
/// digits. None where there are no digits.
pub(crate) fn ending(number: &Number) -> Option<String> {
    let spellings: Vec<String> = number.search.iter().map(|spelling| digits(spelling)).collect();
    let longest = spellings.iter().max_by_key(|digits| digits.len())?;
    let all_end_in = |digits: &&String| digits.len() >= 6 && longest.ends_with(digits.as_str());
    let shortest = spellings.iter().filter(all_end_in).min_by_key(|digits| digits.len()).unwrap_or(longest);
    (!shortest.is_empty()).then(|| shortest.clone())
}

pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

pub(crate) fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn phone(value: &str) -> PhoneEntry {
    PhoneEntry { kind: "other".into(), value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::call;
    use serde_json::json;

    #[test]
    fn a_user_is_read_though_most_fields_are_null() {
        let user = json!({"id": 901, "name": "Ana Maria Lima", "phone": "+15555550100", "email": null, "role": "end-user",
            "photo": null, "external_id": null});
        let contact = contact(&user, "https://acme.zendesk.com/agent/users/901".into()).unwrap();
        assert_eq!((contact.id.as_str(), contact.first_name.as_str()), ("901", "Ana Maria"));
        assert_eq!((contact.last_name.as_str(), contact.emails.len(), contact.phones.len()), ("Lima", 0, 1));
        assert_eq!(contact.extra, vec![("role".to_string(), "end-user".to_string())]);
        assert_eq!(names("Lima"), (String::new(), "Lima".into()));
    }

    #[test]
    fn numbers_are_searched_by_an_ending_that_every_spelling_has() {
        let number = call().external.unwrap();
        assert_eq!(ending(&number).as_deref(), Some("1515550100"));
        let of = |search: &[&str]| {
            let search = search.iter().map(|spelling| spelling.to_string()).collect();
            ending(&Number { raw: String::new(), e164: None, region: None, search })
        };
        assert_eq!(of(&["+4930123456", "030123456", "30123456", "123456"]).as_deref(), Some("123456"));
        assert_eq!(of(&["112"]).as_deref(), Some("112"));
        assert_eq!(of(&["+4930555", "030555", "30555"]).as_deref(), Some("4930555"));
        assert_eq!(of(&["alice"]), None);
    }

    #[test]
    fn a_subscriber_whose_number_only_ends_alike_is_not_the_caller() {
        let number = call().external.unwrap();
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
            (&["alice"], false),
            (&[], false),
        ] {
            let phones: Vec<_> = phones.iter().map(|value| phone(value)).collect();
            assert_eq!(has_number(&phones, &number, &parse), expected, "{phones:?}");
        }
    }

    #[test]
    fn an_ending_among_the_spellings_is_no_number() {
        let search = ["+491515550100", "01515550100", "1515550100", "5550100"].map(String::from).to_vec();
        let number = Number { search, ..call().external.unwrap() };
        let has = |value: &str| has_number(&[phone(value)], &number, &|_| None);
        assert!(has("1515550100") && !has("5550100") && !has("555-0100"));
    }

    #[test]
    fn only_numbers_are_taken_from_identities() {
        let identities =
            [json!({"type": "email", "value": "ana@example.com"}), json!({"type": "phone_number", "value": "+1555"})];
        assert_eq!(numbers(&identities).into_iter().map(|entry| entry.value).collect::<Vec<_>>(), vec!["+1555"]);
    }
}
