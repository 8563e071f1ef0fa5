//! A search over all CRMs by what a person typed.

use std::{sync::Arc, time::Duration};

use hookswitch_call::number::{Kind, Number, Numbering, Region};
use hookswitch_runtime::{CallError, contract::Contact};
use serde::{Deserialize, Serialize};

use crate::{
    desk::{Desk, Lane, Visit},
    texts::full_name,
    view,
};

/// So long a CRM may take (contract, `lookup.by-text`).
const DEADLINE: Duration = Duration::from_secs(5);
/// Pages of one CRM; what is behind them is not what was looked for.
const PAGES: usize = 3;
/// Contacts of one CRM.
const MOST: usize = 200;
/// Longer than this is no search.
pub(crate) const LONGEST: usize = 200;
/// A text without letters, of so many digits and more, is a telephone number.
const DIGITS: usize = 5;

/// What one CRM found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Found {
    /// The `NAME` of `[plugin.NAME]`.
    pub(crate) plugin: String,
    /// The best match first.
    pub(crate) contacts: Vec<Hit>,
    /// There are more than these.
    pub(crate) more: bool,
    /// Why there may be others.
    pub(crate) problem: Option<String>,
}

/// A contact that was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Hit {
    pub(crate) id: String,
    /// The CRM's kind of record.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) company: String,
    pub(crate) phones: Vec<String>,
    pub(crate) emails: Vec<String>,
    /// Its page in the CRM; empty where the plugin cannot know it.
    pub(crate) url: String,
}

impl From<Contact> for Hit {
    fn from(contact: Contact) -> Self {
        Self {
            name: full_name(&contact),
            id: contact.id,
            kind: contact.kind,
            company: contact.company,
            phones: contact.phones.into_iter().map(|phone| phone.value).collect(),
            emails: contact.emails,
            url: contact.url,
        }
    }
}

/// Asks all of `desks` at once; one that is slow keeps nobody's answer back but its own.
pub(crate) async fn find(desks: Vec<Arc<Desk>>, text: &str) -> Vec<Found> {
    futures::future::join_all(desks.iter().map(|desk| of(desk, text))).await
}

async fn of(desk: &Arc<Desk>, text: &str) -> Found {
    let mut found = Found { plugin: desk.name.clone(), ..Found::default() };
    if !desk.served.lookup_by_text && !desk.served.lookup_by_number {
        found.problem = Some("the plugin cannot search".to_owned());
        return found;
    }
    let asked = tokio::time::timeout(DEADLINE, search(desk, text, &mut found)).await;
    found.problem = match asked {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("there was no answer within {} seconds", DEADLINE.as_secs())),
    };
    found
}

async fn search(desk: &Arc<Desk>, text: &str, found: &mut Found) -> Result<(), CallError> {
    let region = desk.host.server.region.as_deref();
    if let Some(number) = number(text, region).filter(|_| desk.served.lookup_by_number) {
        let (number, visit) = (view::number(&number), visit("lookup.by-number"));
        let contacts = desk.visit(visit, async |plugin, job| plugin.lookup_by_number(job, &number, None).await).await?;
        found.contacts.extend(contacts.into_iter().take(MOST).map(Hit::from));
        if !found.contacts.is_empty() {
            return Ok(());
        }
    }
    if !desk.served.lookup_by_text {
        return Ok(());
    }
    let mut after: Option<String> = None;
    for _ in 0..PAGES {
        let asked = visit("lookup.by-text");
        let page =
            desk.visit(asked, async |plugin, job| plugin.lookup_by_text(job, text, after.as_deref()).await).await?;
        let room = MOST.saturating_sub(found.contacts.len());
        found.more = page.next.is_some() || page.contacts.len() > room;
        found.contacts.extend(page.contacts.into_iter().take(room).map(Hit::from));
        after = page.next;
        if after.is_none() || found.contacts.len() >= MOST {
            break;
        }
    }
    Ok(())
}

fn visit(function: &'static str) -> Visit<'static> {
    Visit { function, lane: Lane::Screen, wall: DEADLINE, call: None, leave: None, seed: None }
}

/// What was typed, if it is a telephone number; a national one is read in the server's country.
fn number(text: &str, region: Option<&str>) -> Option<Number> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < DIGITS || text.chars().any(char::is_alphabetic) {
        return None;
    }
    let numbering = Numbering { region: region.and_then(Region::from_code), ..Numbering::default() };
    Some(Number::parse(text, &numbering)).filter(|number| matches!(number.kind, Kind::External | Kind::Invalid))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_told_from_a_name_with_a_number_in_it() {
        let e164 = |text| number(text, Some("DE")).and_then(|number| number.e164);
        assert_eq!(e164("030 / 23 125 000").as_deref(), Some("+493023125000"));
        assert_eq!(e164("+49 30 23125000").as_deref(), Some("+493023125000"));
        for text in ["Ann Example", "Route 66", "4711", "", "Studio 54321"] {
            assert!(number(text, Some("DE")).is_none(), "{text}");
        }
    }
}
