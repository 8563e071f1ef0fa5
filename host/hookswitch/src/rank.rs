//! Which of several contacts is the caller: pure, by the admin's ranking.

use std::collections::BTreeSet;

use hookswitch_call::number::{Number, Numbering};
use hookswitch_runtime::contract::Contact;

use crate::config::{LookUp, Rank};

/// What contacts are compared by.
pub(crate) struct By<'a> {
    /// The admin's ranking.
    pub(crate) policy: &'a LookUp,
    /// The caller's number.
    pub(crate) number: Option<&'a Number>,
    /// How numbers of the CRM are read.
    pub(crate) numbering: &'a Numbering,
    /// CRM users who take part in the call.
    pub(crate) users: &'a BTreeSet<String>,
}

/// A contact in its place, and why it stands there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) contact: Contact,
    pub(crate) why: String,
}

impl By<'_> {
    /// Brings contacts into order, the best first; those between which nothing decides stay in the CRM's order.
    pub(crate) fn rank(&self, contacts: Vec<Contact>) -> Vec<Ranked> {
        let mut all: Vec<_> = contacts.into_iter().map(|contact| (self.merits(&contact), contact)).collect();
        all.sort_by(|(left, _), (right, _)| left.cmp(right));
        all.into_iter().map(|(_, contact)| Ranked { why: self.why(&contact), contact }).collect()
    }

    /// Places by each of the ranking's points, the lower the better.
    fn merits(&self, contact: &Contact) -> Vec<usize> {
        let place = |rank: &Rank| match rank {
            Rank::Exact => usize::from(!self.is_exact(contact)),
            Rank::Kind => self.kind(contact).unwrap_or(self.policy.kinds.len()),
            Rank::Owner => usize::from(!self.is_owned(contact)),
        };
        self.policy.ranking.iter().map(place).collect()
    }

    fn is_exact(&self, contact: &Contact) -> bool {
        let Some(e164) = self.number.and_then(|number| number.e164.as_ref()) else { return false };
        contact.phones.iter().any(|phone| Number::parse(&phone.value, self.numbering).e164.as_ref() == Some(e164))
    }

    fn kind(&self, contact: &Contact) -> Option<usize> {
        self.policy.kinds.iter().position(|kind| kind.eq_ignore_ascii_case(&contact.kind))
    }

    fn is_owned(&self, contact: &Contact) -> bool {
        contact.owner.as_ref().is_some_and(|owner| self.users.contains(owner))
    }

    fn why(&self, contact: &Contact) -> String {
        let say = |rank: &Rank| match rank {
            Rank::Exact if self.is_exact(contact) => "the very number".to_owned(),
            Rank::Exact => "another spelling of the number".to_owned(),
            Rank::Kind => match self.kind(contact) {
                Some(place) => format!("kind {} is number {} of `kinds`", contact.kind, place + 1),
                None => format!("kind {} is not in `kinds`", contact.kind),
            },
            Rank::Owner if self.is_owned(contact) => "its owner takes part".to_owned(),
            Rank::Owner => "its owner takes no part".to_owned(),
        };
        let kinds = !self.policy.kinds.is_empty();
        let said = self.policy.ranking.iter().filter(|rank| **rank != Rank::Kind || kinds);
        let said = said.map(say).collect::<Vec<_>>().join(", ");
        format!("{} {}: {said}", contact.kind, contact.id).trim_start().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use hookswitch_call::number::Region;
    use hookswitch_runtime::contract::PhoneEntry;

    use super::*;
    use crate::texts::blank;

    fn contact(id: &str, kind: &str, phone: &str, owner: Option<&str>) -> Contact {
        Contact {
            id: id.into(),
            kind: kind.into(),
            phones: vec![PhoneEntry { kind: "business".into(), value: phone.into() }],
            owner: owner.map(str::to_owned),
            ..blank()
        }
    }

    #[test]
    fn the_order_of_the_ranking_decides_and_then_the_crms() {
        let numbering = Numbering { region: Region::from_code("DE"), ..Numbering::default() };
        let number = Number::parse("+49301234567", &numbering);
        let users = BTreeSet::from(["7".to_owned()]);
        let contacts = || {
            vec![
                contact("1", "lead", "1234567", Some("7")),
                contact("2", "lead", "030 1234567", None),
                contact("3", "Contact", "+49 30 1234567", Some("9")),
                contact("4", "company", "+49 30 1234567", Some("7")),
                contact("5", "company", "+49 30 1234567", None),
            ]
        };
        let order = |ranking: &[Rank], kinds: &[&str]| {
            let kinds = kinds.iter().map(|&kind| kind.to_owned()).collect();
            let policy = LookUp { ranking: ranking.to_vec(), kinds, key: None };
            let by = By { policy: &policy, number: Some(&number), numbering: &numbering, users: &users };
            by.rank(contacts()).into_iter().map(|ranked| ranked.contact.id).collect::<String>()
        };
        assert_eq!(order(&[], &[]), "12345");
        assert_eq!(order(&[Rank::Exact], &[]), "23451");
        assert_eq!(order(&[Rank::Exact, Rank::Kind], &["contact", "lead"]), "32451");
        assert_eq!(order(&[Rank::Owner, Rank::Exact], &[]), "41235");
        assert_eq!(order(&[Rank::Kind, Rank::Owner], &["company"]), "45123");
    }
}
