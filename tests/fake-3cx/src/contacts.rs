//! `/xapi/v1/Contacts`: the company phonebook, by the vendor's description of `Pbx.Contact`.

use serde_json::{Map, Value, json};

use crate::{callcontrol::Answer, state::State};

const FIELDS: [&str; 16] = [
    "FirstName",
    "LastName",
    "CompanyName",
    "Department",
    "Title",
    "Email",
    "Tag",
    "PhoneNumber",
    "Business",
    "Business2",
    "BusinessFax",
    "Mobile2",
    "Home",
    "Other",
    "Pager",
    "ContactType",
];

/// The rows that a filter leaves, with what is selected of them.
pub(crate) fn rows(state: &State, filter: Option<&str>, select: Option<&str>) -> Option<Vec<Value>> {
    let tag = match filter {
        Some(filter) => Some(filter.strip_prefix("Tag eq '")?.strip_suffix('\'')?),
        None => None,
    };
    let select: Option<Vec<&str>> = select.map(|fields| fields.split(',').collect());
    if select.iter().flatten().any(|field| *field != "Id" && !FIELDS.contains(field)) {
        return None;
    }
    let wanted = state.contacts.iter().filter(|row| tag.is_none_or(|tag| row["Tag"] == tag));
    let part = |row: &Value| match &select {
        Some(fields) => {
            fields.iter().map(|field| ((*field).to_owned(), row[*field].clone())).collect::<Map<_, _>>().into()
        }
        None => row.clone(),
    };
    Some(wanted.map(part).collect())
}

/// `POST` of a contact; `PATCH` and `DELETE` of one.
pub(crate) fn change(state: &mut State, method: &str, list: &str, body: &str) -> Answer {
    let id = list.strip_prefix("Contacts(").and_then(|rest| rest.strip_suffix(')')?.parse::<u64>().ok());
    let at = id.and_then(|id| state.contacts.iter().position(|row| row["Id"] == id));
    if (method, at) == ("DELETE", None) || (method, at) == ("PATCH", None) {
        return (404, Value::Null);
    }
    if let ("DELETE", Some(at)) = (method, at) {
        state.contacts.remove(at);
        return (204, Value::Null);
    }
    let given: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    let odd =
        given.iter().find(|(key, value)| !FIELDS.contains(&key.as_str()) || !(value.is_string() || value.is_null()));
    if given.is_empty() || odd.is_some() {
        state.complaints.push(format!("{method} {list}: {body}"));
        return (400, json!({ "error": { "message": "the property is not valid" } }));
    }
    match (method, at) {
        ("PATCH", Some(at)) => {
            state.contacts[at].as_object_mut().expect("a row").extend(given);
            (204, Value::Null)
        }
        ("POST", _) if list == "Contacts" => {
            if given.get("FirstName").and_then(Value::as_str).is_none_or(str::is_empty) {
                return (400, json!({ "error": { "message": "FirstName is required" } }));
            }
            state.next_id += 1;
            let mut row = json!({ "Id": state.next_id, "ContactType": "Company" });
            row.as_object_mut().expect("a row").extend(given);
            state.contacts.push(row.clone());
            (201, row)
        }
        _ => (405, Value::Null),
    }
}
