//! Finds callers among the users.

use hookswitch_sdk::{Call, Contact, ContactPage, Failure, Lookup, Number, PhoneEntry, pages, phone};
use serde_json::Value;

use crate::account::{self, Account};
use crate::{Zendesk, person};

/// Pages of a hundred users that one look-up reads at most.
const MOST_PAGES: usize = 5;
/// Users whose further numbers one look-up reads at most.
const MOST_ASKED: usize = 10;

impl Lookup for Zendesk {
    fn by_number(number: Number, _call: Option<Call>) -> Result<Vec<Contact>, Failure> {
        find(&Account::open()?, &number)
    }

    fn by_email(email: String) -> Result<Vec<Contact>, Failure> {
        let account = Account::open()?;
        let users = pages(MOST_PAGES, |page| search(&account, &format!("email:{email}"), page.copied().unwrap_or(1)))?;
        let of_address = |user: &&Value| person::text(user, "email").eq_ignore_ascii_case(&email);
        Ok(users.iter().filter(of_address).filter_map(|user| contact(&account, user)).collect())
    }

    fn by_text(text: String, after: Option<String>) -> Result<ContactPage, Failure> {
        let account = Account::open()?;
        let page = after.and_then(|after| after.parse().ok()).unwrap_or(1);
        let (users, next) = search(&account, text.trim(), page)?;
        let contacts = users.iter().filter_map(|user| contact(&account, user)).collect();
        Ok(ContactPage { contacts, next: next.map(|page| page.to_string()) })
    }
}

/// Finds the users who truly have this number, as their first or as another one.
pub(crate) fn find(account: &Account, number: &Number) -> Result<Vec<Contact>, Failure> {
    let Some(ending) = person::ending(number) else {
        // A name and no number: nobody in Zendesk has it as a number.
        return Ok(Vec::new());
    };
    let users = pages(MOST_PAGES, |page| search(account, &format!("phone:*{ending}"), page.copied().unwrap_or(1)))?;
    let parse = |text: &str| phone::parse(text, number.region.as_deref()).ok().and_then(|parsed| parsed.e164);
    let mut found = Vec::new();
    let mut asked = 0;
    for user in &users {
        let Some(mut contact) = contact(account, user) else { continue };
        if !person::has_number(&contact.phones, number, &parse) {
            asked += 1;
            if asked > MOST_ASKED {
                return Err(Failure::rejected(
                    "too-many-users",
                    format!(
                        "more than {MOST_ASKED} users have a number that ends in {ending}, and one of them may call"
                    ),
                ));
            }
            contact.phones = numbers(account, user)?;
        }
        if person::has_number(&contact.phones, number, &parse) {
            found.push(contact);
        }
    }
    Ok(found)
}

/// One page of users, and the next.
fn search(account: &Account, query: &str, page: u32) -> Result<(Vec<Value>, Option<u32>), Failure> {
    let number = page.to_string();
    let query = [("query", query), ("per_page", "100"), ("page", &number)];
    let mut answer = account.get("users/search", &query)?;
    let users = account::list(&mut answer, "users")?;
    let more = answer.get("next_page").is_some_and(|next| !next.is_null());
    Ok((users, more.then_some(page + 1)))
}

/// All numbers of a user.
fn numbers(account: &Account, user: &Value) -> Result<Vec<PhoneEntry>, Failure> {
    let Some(id) = account::id(user) else { return Ok(Vec::new()) };
    let mut answer = account.get(&format!("users/{id}/identities"), &[])?;
    Ok(person::numbers(&account::list(&mut answer, "identities")?))
}

pub(crate) fn contact(account: &Account, user: &Value) -> Option<Contact> {
    person::contact(user, account.user_page(account::id(user)?))
}
