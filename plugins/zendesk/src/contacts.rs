//! Makes users of callers.

use hookswitch_sdk::{Call, Contact, Contacts, Delay, Failure, Number, job, phone, search_then_create, warn};
use serde_json::{Map, Value, json};

use crate::account::{self, Account};
use crate::answer::Reason;
use crate::{Zendesk, lookup, options, person};

/// The search of Zendesk knows a new user after so long, as a rule (sheet 1: "some seconds to minutes").
const INDEX_LAG_MS: u64 = 60_000;

impl Contacts for Zendesk {
    fn create(draft: Contact, call: Option<Call>) -> Result<Contact, Failure> {
        let account = Account::open()?;
        let number = number(&draft, call.as_ref());
        let key = job::key("contact");
        let (organization, tags) = (options::number("organization")?, options::tags("user-tags"));
        let user = fields(&draft, number.as_ref(), &key, organization, &tags);
        search_then_create(
            || match made(&account, &key)? {
                Some(user) => Ok(Some(user)),
                // Not made by this job, but perhaps by somebody else since the look-up.
                None => Ok(number.as_ref().map_or(Ok(Vec::new()), |number| lookup::find(&account, number))?.pop()),
            },
            || create(&account, &key, &user, number.as_ref()),
        )
    }
}

fn create(account: &Account, key: &str, user: &Value, number: Option<&Number>) -> Result<Contact, Failure> {
    let made_now = match account.create("users", key, &json!({"user": user})) {
        Ok(answer) => answer.get("user").and_then(|user| lookup::contact(account, user)),
        Err(refusal) if refusal.reason == Reason::Duplicate => {
            let known = number.map_or(Ok(Vec::new()), |number| lookup::find(account, number))?.pop();
            let Some(contact) = made(account, key)?.or(known) else {
                let reason = "Zendesk has a user with this number or address, whom its search does not know yet".into();
                return Err(Failure::Temporary(Delay { after_ms: Some(INDEX_LAG_MS), reason }));
            };
            return Ok(contact);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    made_now.ok_or_else(|| Failure::InDoubt("Zendesk's answer names no new user".into()))
}

/// The user whom an earlier try of this job has made. The list knows at once what the search does not know yet.
fn made(account: &Account, key: &str) -> Result<Option<Contact>, Failure> {
    let mut answer = account.get("users", &[("external_id", key)])?;
    let users = account::list(&mut answer, "users")?;
    let ours = users.iter().find(|user| person::text(user, "external_id") == key);
    Ok(ours.and_then(|user| lookup::contact(account, user)))
}

/// The caller's number: of the call, or the first of the draft.
fn number(draft: &Contact, call: Option<&Call>) -> Option<Number> {
    let of_call = call.and_then(|call| call.external.clone());
    of_call.or_else(|| draft.phones.first().and_then(|entry| phone::parse(&entry.value, None).ok()))
}

fn fields(draft: &Contact, number: Option<&Number>, key: &str, organization: Option<u64>, tags: &[String]) -> Value {
    let phone = draft.phones.first().map(|entry| entry.value.as_str());
    let phone = number.map(|number| number.e164.as_ref().unwrap_or(&number.raw).as_str()).or(phone);
    let name = format!("{} {}", draft.first_name.trim(), draft.last_name.trim());
    let names = [name.trim(), draft.company.trim(), phone.unwrap_or_default(), "Unknown caller"];
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let mut user = Map::new();
    user.insert("name".into(), name.into());
    user.insert("role".into(), "end-user".into());
    user.insert("skip_verify_email".into(), true.into());
    user.insert("external_id".into(), key.into());
    if let Some(phone) = phone {
        user.insert("phone".into(), phone.into());
    }
    if let Some(email) = draft.emails.first() {
        user.insert("email".into(), email.as_str().into());
    }
    if let Some(organization) = organization {
        user.insert("organization_id".into(), organization.into());
    }
    if !tags.is_empty() {
        user.insert("tags".into(), json!(tags));
    }
    if draft.phones.len() > 1 || draft.emails.len() > 1 {
        warn!("only the first number and address of a new user are written");
    }
    Value::Object(user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::call;
    use hookswitch_sdk::PhoneEntry;

    #[test]
    fn a_user_has_what_zendesk_wants_and_the_key_of_its_job() {
        let draft = Contact {
            first_name: "Ana".into(),
            last_name: "Lima".into(),
            phones: vec![PhoneEntry { kind: "mobile".into(), value: "0151 5550100".into() }],
            emails: vec!["ana@example.com".into()],
            ..Contact::default()
        };
        assert_eq!(
            fields(&draft, call().external.as_ref(), "k1", Some(360), &["caller".into()]),
            json!({"name": "Ana Lima", "role": "end-user", "skip_verify_email": true, "external_id": "k1",
                "phone": "+491515550100", "email": "ana@example.com", "organization_id": 360, "tags": ["caller"]})
        );
    }

    #[test]
    fn a_caller_without_a_name_is_called_by_the_number() {
        let name = |draft: &Contact, number: Option<&Number>| fields(draft, number, "k1", None, &[])["name"].clone();
        assert_eq!(name(&Contact::default(), call().external.as_ref()), "+491515550100");
        assert_eq!(name(&Contact { company: "Acme".into(), ..Contact::default() }, None), "Acme");
        assert_eq!(name(&Contact::default(), None), "Unknown caller");
    }
}
