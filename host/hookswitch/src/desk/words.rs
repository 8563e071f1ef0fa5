//! The admin's words: texts of entries and tickets, what a new contact is made of, and which of several is the caller.

use std::collections::BTreeSet;

use hookswitch_call::number::Number;
use hookswitch_runtime::contract::{Contact, PhoneEntry, Reference, Text};

use super::Desk;
use crate::{
    config::{Contacts, Templates},
    news::{self, News},
    rank::{By, Ranked},
    texts::{self, About},
};

/// `contacts.owner`: whoever takes part in the call.
const AGENT: &str = "agent";

impl Desk {
    /// Title and text for a call, as `templates` say them.
    ///
    /// # Errors
    ///
    /// Why a template cannot be rendered.
    pub(crate) fn text(
        &self,
        templates: Templates<'_>,
        news: &News,
        contact: Option<&Contact>,
        ticket: Option<&Reference>,
    ) -> Result<Text, String> {
        let users = self.users();
        let about = About { news, users: &users, contact, ticket, zone: &self.zone };
        let subject = texts::text(templates.subject, &about)?;
        Ok(Text { subject: one_line(&subject), body: texts::text(templates.body, &about)? })
    }

    /// What a caller is looked up by before the number: what the phone system says of the call under the admin's name for
    /// it.
    pub(crate) fn look_up_key<'a>(&self, news: &'a News) -> Option<&'a str> {
        let name = self.config.look_up.key.as_ref().filter(|_| self.served.lookup_by_text)?;
        let (_, value) = news.call.extra.iter().find(|(known, _)| known == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// Brings contacts into the admin's order.
    pub(crate) fn rank(&self, news: &News, contacts: Vec<Contact>) -> Vec<Ranked> {
        let users = self.users();
        let agents =
            news.call.agents.iter().filter_map(|agent| users.at(news.call.pbx.as_str(), agent.extension.as_str()));
        let users: BTreeSet<String> = agents.map(|user| user.id.clone()).collect();
        let numbering = news::numbering(&self.host, &news.call);
        let number = news.external.as_deref();
        By { policy: &self.config.look_up, number, numbering: &numbering, users: &users }.rank(contacts)
    }

    /// A contact made of what a call tells.
    ///
    /// # Errors
    ///
    /// Why a template cannot be rendered.
    pub(crate) fn draft(&self, news: &News, number: &Number) -> Result<Contact, String> {
        let Contacts { kind, first_name, last_name, company, owner, .. } = &self.config.contacts;
        let users = self.users();
        let about = About { news, users: &users, contact: None, ticket: None, zone: &self.zone };
        let name = |template| texts::text(template, &about).map(|text| one_line(&text));
        let agent = || {
            let mut agents = news.call.agents.iter();
            agents
                .find_map(|agent| users.at(news.call.pbx.as_str(), agent.extension.as_str()))
                .map(|user| user.id.clone())
        };
        let number = number.e164.as_ref().unwrap_or(&number.raw).clone();
        Ok(Contact {
            kind: kind.clone(),
            first_name: name(first_name)?,
            last_name: name(last_name)?,
            company: name(company)?,
            phones: vec![PhoneEntry { kind: "business".to_owned(), value: number }],
            owner: owner.as_ref().and_then(|owner| if owner == AGENT { agent() } else { Some(owner.clone()) }),
            ..texts::blank()
        })
    }
}

/// A title or a name has no line ends.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
