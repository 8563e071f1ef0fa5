//! The company phonebook (XAPI `Contacts`). The sheet has only the lists of the XAPI; fields and methods are those of the
//! vendor's description of it (`Pbx.Contact`). What belongs to the host is told by its `Tag`.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::gateway::Gateway;
use crate::{
    api::Ask,
    phonebook::{Entry, Group, Phonebook},
};

/// A row of the phonebook, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: u64,
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    business: Option<String>,
}

#[async_trait]
impl Phonebook for Gateway {
    async fn open(&self, group: &str) -> Result<Group, String> {
        let query = format!("$filter=Tag eq '{group}'&$select=Id,Tag,FirstName,Business&$orderby=Id");
        let rows = self.list("Contacts", &query).await.map_err(|failure| failure.to_string())?.rows;
        let read = |row: Value| {
            let row: Row = serde_json::from_value(row).map_err(|error| format!("a contact of the PBX: {error}"))?;
            let entry = Entry {
                id: row.id.to_string(),
                number: row.business.unwrap_or_default(),
                name: row.first_name.unwrap_or_default(),
            };
            // A PBX that does not filter must not cost anybody an entry.
            Ok((row.tag.as_deref() == Some(group)).then_some(entry))
        };
        let entries = rows.into_iter().filter_map(|row| read(row).transpose()).collect::<Result<_, String>>()?;
        Ok(Group { id: group.to_owned(), entries })
    }

    async fn add(&self, group: &Group, number: &str, name: &str) -> Result<(), String> {
        let body = json!({ "FirstName": name, "LastName": "", "Business": number, "Tag": group.id });
        self.write(Method::POST, "/xapi/v1/Contacts", &body).await
    }

    async fn rename(&self, entry: &Entry, name: &str) -> Result<(), String> {
        self.write(Method::PATCH, &address(entry), &json!({ "FirstName": name })).await
    }

    async fn remove(&self, entry: &Entry) -> Result<(), String> {
        let ask = Ask { method: Method::DELETE, below: address(entry), ..Ask::default() };
        self.ask(ask, "the removal of a contact").await.map(drop).map_err(|failure| failure.to_string())
    }
}

impl Gateway {
    async fn write(&self, method: Method, below: &str, body: &Value) -> Result<(), String> {
        let ask = Ask { method, ..Ask::post(below, body) };
        self.ask(ask, "a change of the phonebook").await.map(drop).map_err(|failure| failure.to_string())
    }
}

fn address(entry: &Entry) -> String {
    format!("/xapi/v1/Contacts({})", entry.id)
}
