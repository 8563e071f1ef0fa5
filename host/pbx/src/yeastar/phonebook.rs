//! A phonebook of company contacts (vendor's developer guide, *Company Contacts* and *Phonebooks*). The group is a
//! phonebook by that name; that an entry is the host's is told by its remark.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::Handset;
use crate::phonebook::{Entry, Group, Phonebook};

/// The remark of the host's entries.
const OURS: &str = "Hookswitch";
/// The kind of number that is written; lists call it `business`.
const KIND: &str = "business_number";

/// A phonebook, as lists tell it.
#[derive(Deserialize)]
struct Book {
    id: u64,
    #[serde(default)]
    name: String,
}

/// What a phonebook holds.
#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    member_select: String,
    #[serde(default)]
    contacts_list: Vec<Contact>,
}

/// A contact, as far as it is used.
#[derive(Deserialize)]
struct Contact {
    id: u64,
    #[serde(default)]
    contact_name: String,
    #[serde(default)]
    business: String,
    #[serde(default)]
    remark: String,
}

#[async_trait]
impl Phonebook for Handset {
    async fn open(&self, group: &str) -> Result<Group, String> {
        let client = &self.0.client;
        let books = client.list("phonebook/list", "data", &[]).await.map_err(|error| error.to_string())?;
        let books: Vec<Book> = read(Value::Array(books))?;
        let Some(book) = books.into_iter().find(|book| book.name == group) else {
            let body = json!({ "name": group, "member_select": "sel_specific" });
            let made: Book = read(client.post("phonebook/create", &body).await.map_err(|error| error.to_string())?)?;
            return Ok(Group { id: made.id.to_string(), entries: Vec::new() });
        };
        let id = book.id.to_string();
        let mut answer = client.get("phonebook/get", &[("id", &id)]).await.map_err(|error| error.to_string())?;
        let detail: Detail = read(answer.get_mut("data").map(Value::take).unwrap_or_default())?;
        let foreign = detail.contacts_list.iter().filter(|contact| contact.remark != OURS).count();
        if detail.member_select == "sel_all" || foreign > 0 {
            return Err(format!(
                "the phonebook {group:?} of the PBX holds contacts that are not Hookswitch's: give `phonebook.group` the \
                 name of one that is empty, or that there is not yet"
            ));
        }
        let entry = |Contact { id, contact_name, business, .. }: Contact| Entry {
            id: id.to_string(),
            number: business,
            name: contact_name,
        };
        Ok(Group { id, entries: detail.contacts_list.into_iter().map(entry).collect() })
    }

    async fn add(&self, group: &Group, number: &str, name: &str) -> Result<(), String> {
        let body = json!({
            "first_name": name,
            "remark": OURS,
            "phonebook_id_list": [id(&group.id)?],
            "number_list": [{ "num_type": KIND, "number": number }],
        });
        self.0.client.post("company_contact/create", &body).await.map(drop).map_err(|error| error.to_string())
    }

    async fn rename(&self, entry: &Entry, name: &str) -> Result<(), String> {
        let body = json!({ "id": id(&entry.id)?, "first_name": name, "last_name": "" });
        self.0.client.post("company_contact/update", &body).await.map(drop).map_err(|error| error.to_string())
    }

    async fn remove(&self, entry: &Entry) -> Result<(), String> {
        let answer = self.0.client.get("company_contact/delete", &[("id", &entry.id)]).await;
        answer.map(drop).map_err(|error| error.to_string())
    }
}

fn id(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("the PBX numbers contacts and phonebooks, and this is no number: {text:?}"))
}

fn read<T: for<'a> Deserialize<'a>>(told: Value) -> Result<T, String> {
    serde_json::from_value(told)
        .map_err(|error| format!("what the PBX says of its phonebooks is not understood: {error}"))
}
