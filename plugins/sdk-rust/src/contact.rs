use crate::Contact;

/// Nothing is known: fill in what the CRM has, `Contact { id, last_name, ..Contact::default() }`.
impl Default for Contact {
    fn default() -> Self {
        Self {
            id: String::new(),
            kind: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            company: String::new(),
            url: String::new(),
            photo_url: String::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            owner: None,
            address: Vec::new(),
            extra: Vec::new(),
        }
    }
}
