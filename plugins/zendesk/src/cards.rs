//! Opens the caller's page, or the call's ticket, in the browsers of the agents (sheet 1, "Screen pop").

use std::collections::BTreeMap;

use hookswitch_sdk::{Call, Cards, Contact, Failure, Reference, info, warn};

use crate::account::Account;
use crate::answer::Reason;
use crate::memory::{Page, SHOWN, TICKET};
use crate::options::Show;
use crate::{Zendesk, person};

impl Cards for Zendesk {
    fn sync(
        _call: Call,
        _begun: Option<Reference>,
        contact: Option<Contact>,
        visible: Vec<String>,
        gone: Vec<String>,
    ) -> Result<(), Failure> {
        let show = Show::read();
        if show == Show::Nothing {
            return Ok(());
        }
        let before = SHOWN.load()?.unwrap_or_default();
        let (visible, gone) = (agents(&visible), agents(&gone));
        let page = page(show, TICKET.load()?, contact.as_ref());
        let (mut shown, open) = change(&before, &visible, &gone, page);
        for (agent, page) in open {
            open_at(&Account::open()?, agent, page)?;
            shown.insert(agent, page);
        }
        // What was opened stays open; it is only not remembered of those who are not in the call any more, so that they
        // see it again when they are.
        if shown == before { Ok(()) } else { SHOWN.save(&shown) }
    }
}

fn agents(ids: &[String]) -> Vec<u64> {
    let parse = |id: &String| id.parse().map_err(|_| warn!("not the id of a Zendesk agent, left out", user = id)).ok();
    ids.iter().filter_map(parse).collect()
}

/// What there is to be shown.
fn page(show: Show, ticket: Option<u64>, contact: Option<&Contact>) -> Option<Page> {
    let user = contact.filter(|contact| contact.kind == person::KIND).and_then(|contact| contact.id.parse().ok());
    let ticket = ticket.filter(|_| show == Show::Ticket).map(Page::Ticket);
    ticket.or(user.map(Page::User))
}

/// What stays open, and what has to be opened: each page once, and never the caller after the ticket.
fn change(
    before: &BTreeMap<u64, Page>,
    visible: &[u64],
    gone: &[u64],
    page: Option<Page>,
) -> (BTreeMap<u64, Page>, Vec<(u64, Page)>) {
    let stays = before.iter().filter(|(agent, _)| visible.contains(agent) || !gone.contains(agent));
    let stays: BTreeMap<_, _> = stays.map(|(agent, page)| (*agent, *page)).collect();
    let is_new = |agent: &&u64, page: Page| match (stays.get(agent), page) {
        (None, _) | (Some(Page::User(_)), Page::Ticket(_)) => true,
        (Some(_), _) => false,
    };
    let open =
        page.map(|page| visible.iter().filter(|agent| is_new(agent, page)).map(|agent| (*agent, page)).collect());
    (stays, open.unwrap_or_default())
}

/// An agent without an open browser, or without a licence for it, is shown nothing, and that harms nobody.
fn open_at(account: &Account, agent: u64, page: Page) -> Result<(), Failure> {
    let page = match page {
        Page::User(id) => format!("users/{id}"),
        Page::Ticket(id) => format!("tickets/{id}"),
    };
    match account.trigger(&format!("channels/voice/agents/{agent}/{page}/display")) {
        Err(refusal) if matches!(refusal.reason, Reason::Missing | Reason::Denied) => {
            info!("agent has no browser open, or no licence to be shown calls", agent = agent);
            Ok(())
        }
        answer => Ok(answer.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Page = Page::User(901);
    const TICKET_PAGE: Page = Page::Ticket(5501);

    #[test]
    fn a_page_opens_once_for_each_who_comes_into_the_call() {
        type Case =
            (&'static str, &'static [(u64, Page)], &'static [u64], &'static [u64], Option<Page>, &'static [u64]);
        const CASES: &[Case] = &[
            ("two ring", &[], &[7, 9], &[], Some(USER), &[7, 9]),
            ("one answers", &[(7, USER), (9, USER)], &[9], &[7], Some(USER), &[]),
            ("the same again", &[(9, USER)], &[9], &[], Some(USER), &[]),
            ("the ticket is there by now", &[(9, USER)], &[9], &[], Some(TICKET_PAGE), &[9]),
            ("it stays the ticket", &[(9, TICKET_PAGE)], &[9], &[], Some(USER), &[]),
            ("another one", &[(9, USER)], &[9, 12], &[], Some(USER), &[12]),
            ("comes back", &[(9, USER)], &[7, 9], &[7], Some(USER), &[7]),
            ("nobody knows the caller yet", &[], &[9], &[], None, &[]),
            ("ends", &[(9, USER)], &[], &[7, 9], Some(USER), &[]),
        ];
        for (what, before, visible, gone, page, opened) in CASES {
            let (stays, open) = change(&before.iter().copied().collect(), visible, gone, *page);
            assert_eq!(open.iter().map(|(agent, _)| *agent).collect::<Vec<_>>(), *opened, "{what}");
            assert!(stays.keys().all(|agent| visible.contains(agent)), "{what}");
        }
    }

    #[test]
    fn the_ticket_is_shown_where_it_is_wanted_and_else_the_caller() {
        let ana = Contact { id: "901".into(), kind: "user".into(), ..Contact::default() };
        let other = Contact { id: "901".into(), kind: "lead".into(), ..Contact::default() };
        assert_eq!(page(Show::Ticket, Some(5501), Some(&ana)), Some(TICKET_PAGE));
        assert_eq!(page(Show::User, Some(5501), Some(&ana)), Some(USER));
        assert_eq!(page(Show::Ticket, None, Some(&ana)), Some(USER));
        assert_eq!(page(Show::Ticket, None, Some(&other)), None);
    }
}
