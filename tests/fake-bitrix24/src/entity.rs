//! The CRM's records: leads, deals, contacts and companies, in the form the wire shows (string ids, upper-case names).

use serde_json::{Map, Value, json};

use crate::{
    clock::{Millis, iso},
    params::scalar,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Lead,
    Deal,
    Contact,
    Company,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Lead, Self::Deal, Self::Contact, Self::Company];

    /// `LEAD`, as telephony and duplicate search write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lead => "LEAD",
            Self::Deal => "DEAL",
            Self::Contact => "CONTACT",
            Self::Company => "COMPANY",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// `entityTypeId` of `crm.item.*`, `OWNER_TYPE_ID` of activities.
    pub(crate) fn type_id(self) -> u64 {
        match self {
            Self::Lead => 1,
            Self::Deal => 2,
            Self::Contact => 3,
            Self::Company => 4,
        }
    }

    pub(crate) fn from_type_id(id: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_id() == id)
    }

    /// The fields a record of this kind has, besides ids, dates and communications.
    fn field_names(self) -> &'static [&'static str] {
        match self {
            Self::Lead => &[
                "TITLE",
                "NAME",
                "SECOND_NAME",
                "LAST_NAME",
                "POST",
                "COMPANY_TITLE",
                "STATUS_ID",
                "COMPANY_ID",
                "CONTACT_ID",
                "SOURCE_ID",
                "SOURCE_DESCRIPTION",
                "OPPORTUNITY",
                "CURRENCY_ID",
                "COMMENTS",
                "OPENED",
                "ASSIGNED_BY_ID",
                "ORIGINATOR_ID",
                "ORIGIN_ID",
            ],
            Self::Deal => &[
                "TITLE",
                "STAGE_ID",
                "CONTACT_ID",
                "COMPANY_ID",
                "SOURCE_ID",
                "SOURCE_DESCRIPTION",
                "OPPORTUNITY",
                "CURRENCY_ID",
                "COMMENTS",
                "OPENED",
                "ASSIGNED_BY_ID",
                "ORIGINATOR_ID",
                "ORIGIN_ID",
            ],
            Self::Contact => &[
                "NAME",
                "SECOND_NAME",
                "LAST_NAME",
                "POST",
                "TYPE_ID",
                "COMPANY_ID",
                "LEAD_ID",
                "SOURCE_ID",
                "SOURCE_DESCRIPTION",
                "COMMENTS",
                "OPENED",
                "ASSIGNED_BY_ID",
                "ORIGINATOR_ID",
                "ORIGIN_ID",
            ],
            Self::Company => &[
                "TITLE",
                "COMPANY_TYPE",
                "INDUSTRY",
                "COMMENTS",
                "OPENED",
                "ASSIGNED_BY_ID",
                "ORIGINATOR_ID",
                "ORIGIN_ID",
            ],
        }
    }
}

/// A record of the CRM, by kind and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
}

/// A telephone number or e-mail address of a record.
#[derive(Clone, Debug)]
pub(crate) struct Communication {
    pub(crate) id: u64,
    pub(crate) value: String,
    pub(crate) value_type: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    /// The fields that were set, all as strings.
    pub(crate) fields: Map<String, Value>,
    pub(crate) phones: Vec<Communication>,
    pub(crate) emails: Vec<Communication>,
    pub(crate) created: Millis,
    /// The method that made it, or `seed`.
    pub(crate) made_by: String,
}

/// What is wrong with one field of a record.
#[derive(Debug)]
pub(crate) enum FieldFault {
    /// There is no such field; the portal ignores it.
    Unknown,
    /// The value has the wrong form.
    Form(&'static str),
}

impl Entity {
    pub(crate) fn new(kind: Kind, id: u64, created: Millis, made_by: &str) -> Self {
        let (fields, phones, emails) = (Map::new(), Vec::new(), Vec::new());
        Self { kind, id, fields, phones, emails, created, made_by: made_by.to_owned() }
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference { kind: self.kind, id: self.id }
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn assigned_by(&self) -> u64 {
        self.field("ASSIGNED_BY_ID").parse().unwrap_or_default()
    }

    /// Sets a field from the wire. `next_id` numbers new communications.
    pub(crate) fn set(&mut self, name: &str, value: &Value, next_id: &mut u64) -> Result<(), FieldFault> {
        match name {
            "PHONE" if self.kind != Kind::Deal => self.phones = communications(value, next_id)?,
            "EMAIL" if self.kind != Kind::Deal => self.emails = communications(value, next_id)?,
            _ if name.starts_with("UF_") => {
                self.fields.insert(name.to_owned(), value.clone());
            }
            _ if self.kind.field_names().contains(&name) => {
                let text = if value.is_null() { Some(String::new()) } else { scalar(value) };
                let text = text.ok_or(FieldFault::Form("should be a string or a number"))?;
                self.fields.insert(name.to_owned(), Value::String(text));
            }
            _ => return Err(FieldFault::Unknown),
        }
        Ok(())
    }

    /// What a person sees as this record's name.
    pub(crate) fn display_name(&self) -> String {
        let person = format!("{} {}", self.field("NAME"), self.field("LAST_NAME"));
        let name = if person.trim().is_empty() { self.field("TITLE") } else { person.trim() };
        if name.is_empty() { format!("{} #{}", self.kind.name(), self.id) } else { name.to_owned() }
    }

    pub(crate) fn has_phone(&self, number: &str) -> bool {
        let wanted = digits(number);
        !wanted.is_empty() && self.phones.iter().any(|phone| digits(&phone.value) == wanted)
    }

    pub(crate) fn has_email(&self, address: &str) -> bool {
        self.emails.iter().any(|email| email.value.eq_ignore_ascii_case(address.trim()))
    }

    /// The record as `crm.<kind>.get` answers: all values strings, unset fields `null`, empty communications left out.
    pub(crate) fn wire(&self) -> Map<String, Value> {
        let mut wire = Map::from_iter([("ID".to_owned(), json!(self.id.to_string()))]);
        for name in self.kind.field_names() {
            wire.insert((*name).to_owned(), self.fields.get(*name).cloned().unwrap_or(Value::Null));
        }
        wire.extend(
            self.fields.iter().filter(|(name, _)| name.starts_with("UF_")).map(|(n, v)| (n.clone(), v.clone())),
        );
        wire.insert("DATE_CREATE".to_owned(), json!(iso(self.created)));
        if self.kind != Kind::Deal {
            wire.insert("HAS_PHONE".to_owned(), yes_no(!self.phones.is_empty()));
            wire.insert("HAS_EMAIL".to_owned(), yes_no(!self.emails.is_empty()));
        }
        for (name, list) in [("PHONE", &self.phones), ("EMAIL", &self.emails)] {
            if !list.is_empty() {
                let list = list.iter().map(|entry| {
                    json!({"ID": entry.id.to_string(), "VALUE_TYPE": entry.value_type, "VALUE": entry.value,
                        "TYPE_ID": name})
                });
                wire.insert(name.to_owned(), list.collect());
            }
        }
        wire
    }

    /// The record as `crm.item.get` answers: camelCase, ids as numbers.
    pub(crate) fn item(&self) -> Value {
        let mut item = Map::from_iter([("id".to_owned(), json!(self.id))]);
        for name in self.kind.field_names() {
            let text = self.field(name);
            // Stages of leads and deals have one name here.
            let key = if *name == "STATUS_ID" { "stageId".to_owned() } else { camel_case(name) };
            let is_id = matches!(*name, "ASSIGNED_BY_ID" | "COMPANY_ID" | "CONTACT_ID" | "LEAD_ID");
            let value = if is_id { json!(text.parse::<u64>().unwrap_or_default()) } else { json!(text) };
            item.insert(key, if is_id || !text.is_empty() { value } else { Value::Null });
        }
        item.insert("createdTime".to_owned(), json!(iso(self.created)));
        let typed = |type_id: &'static str, list: &[Communication]| -> Vec<Value> {
            let entry = |entry: &Communication| {
                json!({"id": entry.id, "valueType": entry.value_type,
                "value": entry.value, "typeId": type_id})
            };
            list.iter().map(entry).collect()
        };
        let fm = [typed("PHONE", &self.phones), typed("EMAIL", &self.emails)].concat();
        item.insert("fm".to_owned(), Value::Array(fm));
        item.insert("entityTypeId".to_owned(), json!(self.kind.type_id()));
        Value::Object(item)
    }
}

/// `[{"VALUE": "+1…", "VALUE_TYPE": "WORK"}]`; the type defaults to `WORK`.
fn communications(value: &Value, next_id: &mut u64) -> Result<Vec<Communication>, FieldFault> {
    const FORM: FieldFault = FieldFault::Form("should be an array of {VALUE, VALUE_TYPE}");
    let list = value.as_array().ok_or(FORM)?;
    let mut read = Vec::new();
    for entry in list {
        let value = entry.get("VALUE").and_then(scalar).filter(|value| !value.is_empty()).ok_or(FORM)?;
        let value_type = entry.get("VALUE_TYPE").and_then(Value::as_str).unwrap_or("WORK").to_owned();
        *next_id += 1;
        read.push(Communication { id: *next_id, value, value_type });
    }
    Ok(read)
}

/// What numbers are compared by: their digits, without an extension behind `;`, `,`, `#` or `x`
/// [public: the duplicate search's page says that it ignores extensions].
pub(crate) fn digits(number: &str) -> String {
    let number = number.split([';', ',', '#', 'x']).next().unwrap_or_default();
    number.chars().filter(char::is_ascii_digit).collect()
}

fn yes_no(yes: bool) -> Value {
    json!(if yes { "Y" } else { "N" })
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_').map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |camel, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        camel + &head.to_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_names_are_camel_case() {
        assert_eq!(camel_case("ASSIGNED_BY_ID"), "assignedById");
        assert_eq!(camel_case("TITLE"), "title");
    }

    #[test]
    fn numbers_are_compared_by_their_digits_without_extension() {
        assert_eq!(digits("+49 (30) 1234-5;ext=7"), "493012345");
        assert_eq!(digits("anonymous"), "");
    }
}
