//! Whom the CRMs know under which number, as they last said: for when a CRM is slow, or is not to be asked at every call.
//!
//! That nobody has a number is never kept: a contact that is made meanwhile must be found at the next call.

pub(crate) mod push;

use hookswitch_call::{
    Millis,
    number::{Kind, Number},
};
use hookswitch_journal::phonebook::Known;
use hookswitch_runtime::contract::Contact;

use crate::{config::Mask, desk::Desk, texts::full_name};

/// So many contacts of one number are kept.
const MOST: usize = 10;
/// More text than this is no contact.
const LARGEST: usize = 64 * 1024;
/// Characters of a name that are shown on a phone.
const LONGEST_NAME: usize = 80;
/// Digits that [`Mask::Digits`] leaves.
const LAST: usize = 4;

/// What the CRM of `desk` last said of a number, the best match first; none if it has said nothing, or too long ago.
pub(crate) async fn known(desk: &Desk, number: &Number) -> Option<Vec<Contact>> {
    let number = key(number)?;
    let (plugin, now) = (desk.name.clone(), desk.clock.now());
    let kept = desk.journal.read(move |view| view.known(&plugin, &number, now)).await;
    let kept = kept.inspect_err(|error| tracing::warn!(plugin = %desk.name, %error, "the phonebook cannot be read"));
    let contacts: Vec<Contact> = serde_json::from_value(kept.ok()??.contacts).ok()?;
    Some(contacts).filter(|contacts| !contacts.is_empty())
}

/// The same, where the admin does not want the CRM to be asked about a number that is known.
pub(crate) async fn in_place_of_asking(desk: &Desk, number: &Number) -> Option<Vec<Contact>> {
    if desk.config.phonebook.always_query {
        return None;
    }
    let kept = known(desk, number).await?;
    tracing::debug!(plugin = %desk.name, "the phonebook answers in place of the CRM");
    Some(kept)
}

/// Keeps what the CRM says of a number now.
pub(crate) async fn keep(desk: &Desk, number: &Number, contacts: &[Contact]) {
    let (Some(number), plugin, found) = (key(number), desk.name.clone(), desk.clock.now()) else { return };
    let lifetime = u64::try_from(desk.config.phonebook.keep.0.as_millis()).unwrap_or(u64::MAX);
    let most = contacts.get(..MOST).unwrap_or(contacts);
    let value = serde_json::to_value(most).ok().filter(|value| value.to_string().len() <= LARGEST);
    let known = value.filter(|_| !most.is_empty() && lifetime > 0).map(|contacts| Known {
        plugin: plugin.clone(),
        number: number.clone(),
        found,
        expires: Millis(found.0.saturating_add(lifetime).min(i64::MAX as u64)),
        contacts,
    });
    // What the CRM does not know any more is not known any more.
    let kept = desk.journal.later("phonebook", move |txn| match &known {
        Some(known) => txn.put_known(known),
        None => txn.forget_known(&plugin, &number),
    });
    desk.tell("phonebook", kept.await);
}

/// How a contact is shown on a desk phone; none if it has no name.
pub(crate) fn shown(mask: Mask, contact: &Contact, number: Option<&Number>) -> Option<String> {
    let name: String = full_name(contact).chars().filter(|c| !c.is_control()).collect();
    let name = name.trim();
    let text = match mask {
        Mask::None => name.chars().take(LONGEST_NAME).collect(),
        Mask::Initials => {
            let initials = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
            initials.take(3).map(|initial| format!("{initial}.")).collect::<Vec<_>>().join(" ")
        }
        Mask::Digits => {
            let digits: Vec<char> = number?.spellings().next()?.chars().filter(char::is_ascii_digit).collect();
            let last: String = digits.get(digits.len().checked_sub(LAST)?..)?.iter().collect();
            format!("…{last}")
        }
    };
    Some(text).filter(|text| !name.is_empty() && !text.is_empty())
}

/// What is kept of a number is found by it in E.164.
fn key(number: &Number) -> Option<String> {
    number.e164.clone().filter(|_| number.kind == Kind::External)
}

#[cfg(test)]
mod tests {
    use hookswitch_call::number::Numbering;

    use super::*;
    use crate::texts::blank;

    #[test]
    fn a_desk_phone_shows_what_the_mask_leaves() {
        let contact = |first: &str, last: &str, company: &str| Contact {
            first_name: first.into(),
            last_name: last.into(),
            company: company.into(),
            ..blank()
        };
        let number = Number::parse("+493012345678", &Numbering::default());
        let show = |mask, contact: &Contact| shown(mask, contact, Some(&number));
        let ann = contact("Ann", "van der Example", "ACME");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(show(Mask::None, &ann), text("Ann van der Example"));
        assert_eq!(show(Mask::Initials, &ann), text("A. v. d."));
        assert_eq!(show(Mask::Digits, &ann), text("…5678"));
        assert_eq!(show(Mask::None, &contact("", "", "ACME")), text("ACME"));
        assert_eq!(show(Mask::None, &contact("A\nB", "\u{7}", "")), text("AB"));
        for mask in [Mask::None, Mask::Initials, Mask::Digits] {
            assert_eq!(show(mask, &contact(" ", "", "")), None, "{mask:?}");
        }
        assert_eq!(show(Mask::None, &contact(&"x".repeat(500), "", "")).map(|name| name.len()), Some(80));
        assert_eq!(shown(Mask::Digits, &ann, None), None);
    }
}
