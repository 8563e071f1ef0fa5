//! Company contacts and phonebooks, by the vendor's developer guide.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// All that a PBX has of them. A contact may be in several phonebooks.
#[derive(Clone, Debug, Default)]
pub struct Phonebooks {
    last_id: u64,
    /// Name, how members are selected, and members.
    books: BTreeMap<u64, (String, String, Vec<u64>)>,
    contacts: BTreeMap<u64, Value>,
}

const NUMBERS: [(&str, &str); 4] = [
    ("business_number", "business"),
    ("business_number2", "business2"),
    ("mobile_number", "mobile"),
    ("other_number", "other"),
];

impl Phonebooks {
    /// What the admin makes by hand: a phonebook with one contact.
    pub fn make(&mut self, book: &str, name: &str, number: &str) {
        let made = self.answer("POST", "phonebook/create", &json!({ "name": book })).expect("a phonebook");
        let numbers = json!([{ "num_type": "business_number", "number": number }]);
        let contact = json!({ "first_name": name, "number_list": numbers, "phonebook_id_list": [made["id"]] });
        self.answer("POST", "company_contact/create", &contact).expect("a contact");
    }

    /// Names and numbers in a phonebook; none if there is no such one.
    pub fn names(&self, book: &str) -> Option<Vec<(String, String)>> {
        let (_, _, members) = self.books.values().find(|(name, ..)| name == book)?;
        let text = |id: &u64, key: &str| self.contacts[id][key].as_str().unwrap_or_default().to_owned();
        Some(members.iter().map(|id| (text(id, "contact_name"), text(id, "business"))).collect())
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        let book = |(id, (name, select, members)): (&u64, &(String, String, Vec<u64>))| json!({ "id": id, "name": name, "member_select": select, "total": members.len() });
        self.books.iter().map(book).collect()
    }

    pub(crate) fn answer(&mut self, method: &str, what: &str, said: &Value) -> Result<Value, String> {
        // A query's values are all texts.
        let id = || said["id"].as_u64().or_else(|| said["id"].as_str()?.parse().ok()).ok_or("id");
        match (method, what) {
            ("GET", "phonebook/get") => {
                let (name, select, members) = self.books.get(&id()?).ok_or("no such phonebook")?;
                let list: Vec<_> = members.iter().map(|id| self.contacts[id].clone()).collect();
                let total = list.len();
                Ok(json!({ "data": {
                    "id": id()?, "name": name, "member_select": select, "contacts_list": list, "total": total,
                } }))
            }
            ("POST", "phonebook/create") => {
                let name = said["name"].as_str().filter(|name| !name.is_empty()).ok_or("name")?;
                if self.books.values().any(|(known, ..)| known == name) {
                    return Err("the name is taken".to_owned());
                }
                let select = said["member_select"].as_str().unwrap_or("sel_specific");
                self.last_id += 1;
                self.books.insert(self.last_id, (name.to_owned(), select.to_owned(), Vec::new()));
                Ok(json!({ "id": self.last_id }))
            }
            ("POST", "company_contact/create") => {
                let name = said["first_name"].as_str().filter(|name| !name.is_empty()).ok_or("first_name")?;
                let last = said["last_name"].as_str().unwrap_or_default();
                let mut row = json!({
                    "contact_name": format!("{name} {last}").trim(), "remark": said["remark"].as_str().unwrap_or_default(),
                });
                let numbers = said["number_list"].as_array().filter(|list| !list.is_empty()).ok_or("number_list")?;
                for number in numbers {
                    let kind = NUMBERS.iter().find(|(kind, _)| number["num_type"] == *kind).ok_or("num_type")?;
                    row[kind.1] = number["number"].as_str().filter(|number| !number.is_empty()).ok_or("number")?.into();
                }
                let books: Vec<u64> =
                    said["phonebook_id_list"].as_array().into_iter().flatten().map_while(Value::as_u64).collect();
                if books.iter().any(|book| !self.books.contains_key(book)) {
                    return Err("phonebook_id_list".to_owned());
                }
                self.last_id += 1;
                row["id"] = self.last_id.into();
                self.contacts.insert(self.last_id, row);
                for book in books {
                    self.books.get_mut(&book).expect("a phonebook").2.push(self.last_id);
                }
                Ok(json!({ "id": self.last_id }))
            }
            ("POST", "company_contact/update") => {
                let row = self.contacts.get_mut(&id()?).ok_or("no such contact")?;
                if let Some(name) = said["first_name"].as_str() {
                    let last = said["last_name"].as_str().unwrap_or_default();
                    row["contact_name"] = format!("{name} {last}").trim().into();
                }
                Ok(json!({}))
            }
            ("GET", "company_contact/delete") => {
                let id = id()?;
                self.contacts.remove(&id).ok_or("no such contact")?;
                self.books.values_mut().for_each(|(_, _, members)| members.retain(|member| *member != id));
                Ok(json!({}))
            }
            _ => Err(format!("there is no {method} {what}")),
        }
    }
}
