//! Records of the portal's CRM: which kinds there are, and how they become contacts (sheet 5.3).

use hookswitch_sdk::{Contact, PhoneEntry};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Kind {
    Contact,
    Company,
    Lead,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Contact, Self::Company, Self::Lead];

    /// As telephony and duplicate search call it: "CONTACT".
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT",
            Self::Company => "COMPANY",
            Self::Lead => "LEAD",
        }
    }

    /// As the contract, the timeline and the portal's pages call it: "contact".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Lead => "lead",
        }
    }

    pub(crate) fn get_method(self) -> &'static str {
        match self {
            Self::Contact => "crm.contact.get",
            Self::Company => "crm.company.get",
            Self::Lead => "crm.lead.get",
        }
    }

    pub(crate) fn add_method(self) -> &'static str {
        match self {
            Self::Contact => "crm.contact.add",
            Self::Company => "crm.company.add",
            Self::Lead => "crm.lead.add",
        }
    }

    pub(crate) fn list_method(self) -> &'static str {
        match self {
            Self::Contact => "crm.contact.list",
            Self::Company => "crm.company.list",
            Self::Lead => "crm.lead.list",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code().eq_ignore_ascii_case(text.trim()))
    }
}

/// One record of the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
}

impl Entity {
    /// The record that a contact stands for; none for kinds that calls cannot be tied to.
    pub(crate) fn of_contact(contact: &Contact) -> Option<Self> {
        Some(Self { kind: Kind::parse(&contact.kind)?, id: contact.id.trim().parse().ok()? })
    }

    /// Reads `CRM_ENTITY_TYPE` and `CRM_ENTITY_ID`, which may be empty, null, or a kind that is not ours.
    pub(crate) fn of_fields(fields: &Value) -> Option<Self> {
        let kind = Kind::parse(&value::field(fields, "CRM_ENTITY_TYPE"))?;
        Some(Self { kind, id: value::id(fields.get("CRM_ENTITY_ID")?)? })
    }

    /// The record's page. Empty if the admin has not said where the portal is: its address is part of a secret.
    pub(crate) fn url(self, portal: Option<&str>) -> String {
        let page =
            |portal: &str| format!("{}/crm/{}/details/{}/", portal.trim_end_matches('/'), self.kind.name(), self.id);
        portal.map(page).unwrap_or_default()
    }

    /// Reads the record that a `get` method returned.
    pub(crate) fn contact(self, record: &Value, portal: Option<&str>) -> Contact {
        let field = |name| value::field(record, name);
        let (first_name, mut last_name) = (field("NAME"), field("LAST_NAME"));
        let company = field(if self.kind == Kind::Company { "TITLE" } else { "COMPANY_TITLE" });
        // A lead may have nothing but its title, and the card should not be empty.
        if first_name.is_empty() && last_name.is_empty() && company.is_empty() {
            last_name = field("TITLE");
        }
        let extra =
            [("second-name", field("SECOND_NAME")), ("title", field("TITLE")), ("company-id", field("COMPANY_ID"))];
        Contact {
            id: self.id.to_string(),
            kind: self.kind.name().into(),
            first_name,
            last_name,
            company,
            url: self.url(portal),
            emails: value::list(record.get("EMAIL")).iter().map(|email| value::field(email, "VALUE")).collect(),
            phones: value::list(record.get("PHONE"))
                .iter()
                .map(|phone| PhoneEntry {
                    kind: phone_kind(&value::field(phone, "VALUE_TYPE")).into(),
                    value: value::field(phone, "VALUE"),
                })
                .collect(),
            owner: record.get("ASSIGNED_BY_ID").and_then(value::id).map(|id| id.to_string()),
            extra: extra
                .into_iter()
                .filter(|(_, value)| !value.is_empty() && value != "0")
                .map(|(name, value)| (name.to_string(), value))
                .collect(),
            ..Contact::default()
        }
    }
}

fn phone_kind(value_type: &str) -> &'static str {
    match value_type {
        "WORK" => "business",
        "MOBILE" => "mobile",
        "HOME" => "home",
        "FAX" => "fax",
        "PAGER" => "pager",
        _ => "other",
    }
}

/// The portal's word for a kind of number.
pub(crate) fn value_type(phone_kind: &str) -> &'static str {
    match phone_kind {
        "mobile" => "MOBILE",
        "home" => "HOME",
        "fax" => "FAX",
        "pager" => "PAGER",
        "other" => "OTHER",
        _ => "WORK",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_becomes_a_contact() {
        let record = json!({
            "ID": "88", "NAME": "Ana", "SECOND_NAME": null, "LAST_NAME": "Lima", "COMPANY_ID": "3",
            "ASSIGNED_BY_ID": "7", "PHONE": [{"VALUE_TYPE": "WORK", "VALUE": "+15550100"}],
            "EMAIL": [{"VALUE": "ana@example.com"}],
        });
        let contact = Entity { kind: Kind::Contact, id: 88 }.contact(&record, Some("https://acme.bitrix24.com/"));
        assert_eq!((contact.first_name.as_str(), contact.last_name.as_str()), ("Ana", "Lima"));
        assert_eq!(contact.url, "https://acme.bitrix24.com/crm/contact/details/88/");
        assert_eq!(contact.owner.as_deref(), Some("7"));
        assert_eq!(contact.phones, vec![PhoneEntry { kind: "business".into(), value: "+15550100".into() }]);
        assert_eq!(contact.emails, vec!["ana@example.com"]);
        assert_eq!(contact.extra, vec![("company-id".to_string(), "3".to_string())]);
    }

    #[test]
    fn a_lead_without_names_is_known_by_its_title() {
        let record = json!({"TITLE": "Call from +15550100", "NAME": "", "LAST_NAME": null});
        let contact = Entity { kind: Kind::Lead, id: 412 }.contact(&record, None);
        assert_eq!((contact.last_name.as_str(), contact.url.as_str()), ("Call from +15550100", ""));
        assert_eq!(Entity::of_contact(&contact), Some(Entity { kind: Kind::Lead, id: 412 }));
    }

    #[test]
    fn an_entity_may_be_empty_in_every_way() {
        let read = |kind: Value, id: Value| Entity::of_fields(&json!({"CRM_ENTITY_TYPE": kind, "CRM_ENTITY_ID": id}));
        assert_eq!(read(json!("LEAD"), json!(412)), Some(Entity { kind: Kind::Lead, id: 412 }));
        assert_eq!(read(json!("CONTACT"), json!("88")), Some(Entity { kind: Kind::Contact, id: 88 }));
        for (kind, id) in
            [(json!(""), json!(null)), (json!(null), json!(0)), (json!("LEAD"), json!("0")), (json!("X"), json!(1))]
        {
            assert_eq!(read(kind.clone(), id.clone()), None, "{kind} {id}");
        }
        assert_eq!(Entity::of_fields(&json!({})), None);
    }
}
