//! Shows and hides the card of a call (sheet 3.2 and 6).

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::{Call, Cards, Contact, Failure, Reference, info, warn};
use serde_json::{Value, json};

use crate::batch::Command;
use crate::options::CardUsers;
use crate::refusal::{Reason, Refusal};
use crate::{Bitrix24, memory, portal};

const SHOW: &str = "telephony.externalcall.show";
const HIDE: &str = "telephony.externalcall.hide";

impl Cards for Bitrix24 {
    fn sync(
        call: Call,
        begun: Option<Reference>,
        _contact: Option<Contact>,
        visible: Vec<String>,
        gone: Vec<String>,
    ) -> Result<(), Failure> {
        let Some(call_id) = memory::call_id(&call, begun.as_ref())? else {
            // Without a registered call there was never a card to hide.
            return if visible.is_empty() { Ok(()) } else { Err(not_registered()) };
        };
        let (visible, gone) = (users(&visible), users(&gone));
        let shown = memory::SHOWN.load()?.unwrap_or_default();
        let change = Change::new(&shown, &visible, &gone);
        // Forgotten before they are hidden: if this ends half-way, a card shown twice does less harm than one not
        // shown.
        remember(&shown, &change.stays)?;
        change.send(&call_id)?;
        remember(&change.stays, &visible)
    }
}

fn remember(before: &[u64], now: &[u64]) -> Result<(), Failure> {
    if before == now { Ok(()) } else { memory::SHOWN.save(&now.to_vec()) }
}

fn users(ids: &[String]) -> Vec<u64> {
    let parse = |id: &String| id.parse().map_err(|_| warn!("not the id of a portal user, left out", user = id)).ok();
    let mut users: Vec<u64> = ids.iter().filter_map(parse).collect();
    users.sort_unstable();
    users.dedup();
    users
}

fn not_registered() -> Failure {
    Failure::rejected("not-registered", "the call is not registered in the portal, so there is no card to show")
}

fn unknown_call() -> Failure {
    Failure::rejected("call-unknown", "the portal does not know the call: it was finished, or never registered there")
}

/// What has to be sent.
#[derive(Debug, PartialEq)]
struct Change {
    /// Everyone who must not see the card, whatever is remembered: the card that stays is the worse mistake.
    hide: Vec<u64>,
    /// Only those who do not see it yet: a card that an agent has closed shall not come back at every change.
    show: Vec<u64>,
    stays: Vec<u64>,
}

impl Change {
    fn new(shown: &[u64], visible: &[u64], gone: &[u64]) -> Self {
        let only =
            |users: &[u64], keep: &dyn Fn(&u64) -> bool| users.iter().copied().filter(|user| keep(user)).collect();
        Self {
            hide: only(gone, &|user| !visible.contains(user)),
            show: only(visible, &|user| !shown.contains(user)),
            stays: only(shown, &|user| !gone.contains(user)),
        }
    }

    fn send(&self, call_id: &str) -> Result<(), Failure> {
        let choice = CardUsers::read()?;
        let singly = match choice {
            CardUsers::List => false,
            CardUsers::Single => true,
            CardUsers::Auto => memory::REFUSES_LISTS.load()?.unwrap_or(false),
        };
        if singly {
            return self.send_singly(call_id);
        }
        // Hiding first: the card that annoys is the one that stays.
        for (method, users) in [(HIDE, &self.hide), (SHOW, &self.show)] {
            match send(method, call_id, users) {
                Err(refusal)
                    if choice == CardUsers::Auto && users.len() > 1 && refusal.reason == Reason::BadParameter =>
                {
                    self.send_singly(call_id)?;
                    info!("portal takes one user at a time for cards, remembered");
                    return memory::REFUSES_LISTS.save(&true);
                }
                Err(refusal) => return Err(refusal.into()),
                Ok(false) => return Err(unknown_call()),
                Ok(true) => {}
            }
        }
        Ok(())
    }

    /// For old self-hosted portals: one user a command, all commands in as few requests as possible.
    fn send_singly(&self, call_id: &str) -> Result<(), Failure> {
        let commands: Vec<Command> = [(HIDE, &self.hide), (SHOW, &self.show)]
            .into_iter()
            .flat_map(|(method, users)| users.iter().map(move |user| (method, user.to_string())))
            .map(|(method, user)| Command::new(method, &[("CALL_ID", call_id), ("USER_ID", &user)]))
            .collect();
        for result in portal::batch(&commands, Effect::Idempotent)? {
            if !is_known(&result?) {
                return Err(unknown_call());
            }
        }
        Ok(())
    }
}

/// Sends one command for a list of users. False: the portal does not know the call.
fn send(method: &str, call_id: &str, users: &[u64]) -> Result<bool, Refusal> {
    let users = match users {
        [] => return Ok(true),
        // Every portal takes a single user, old ones nothing else.
        [user] => json!(user),
        several => json!(several),
    };
    let envelope = portal::call(method, &json!({"CALL_ID": call_id, "USER_ID": users}), Effect::Idempotent)?;
    Ok(is_known(&envelope.result))
}

fn is_known(result: &Value) -> bool {
    *result != Value::Bool(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_appear_once_and_vanish_surely() {
        type Case = (&'static str, &'static [u64], &'static [u64], &'static [u64], &'static [u64], &'static [u64]);
        const CASES: &[Case] = &[
            ("two ring", &[], &[7, 9], &[], &[], &[7, 9]),
            ("one answers", &[7, 9], &[9], &[7], &[7], &[]),
            ("transferred", &[9], &[9, 12], &[7], &[7], &[12]),
            ("ends", &[9], &[], &[7, 9], &[7, 9], &[]),
            ("nothing is remembered", &[], &[9], &[7], &[7], &[9]),
            ("gone and visible is visible", &[7], &[7], &[7], &[], &[]),
            ("the same state again", &[9], &[9], &[], &[], &[]),
        ];
        for (what, shown, visible, gone, hide, show) in CASES {
            let change = Change::new(shown, visible, gone);
            assert_eq!((change.hide.as_slice(), change.show.as_slice()), (*hide, *show), "{what}");
        }
    }

    #[test]
    fn a_user_who_was_hidden_and_rings_again_sees_the_card_again() {
        let hidden = Change::new(&[7, 9], &[9], &[7]);
        assert_eq!(hidden.stays, vec![9]);
        assert_eq!(Change::new(&hidden.stays, &[7, 9], &[]).show, vec![7]);
    }
}
