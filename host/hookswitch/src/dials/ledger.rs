//! Which call is the one that was asked for. A phone system may say so itself, by the CRM's id or by the id that it gave
//! when it took the order; where it cannot, the next call of that phone to that number is the one.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hookswitch_call::{
    Call, Chain, Millis,
    number::{Number, Numbering},
    record::Agent,
    signal::{Arrival, Direction, Fact, Role},
};
use hookswitch_journal::dials::{Dial, DialId};

use crate::view::ASKED_BY;

/// A phone system's clock may be this far behind ours, in milliseconds.
const SLACK: u64 = 5_000;
/// The last digits of a number are enough to know it by.
const TAIL: usize = 10;

/// The orders that phone systems have and that have not become calls yet.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Vec<Waiting>,
    /// The CRM's ids of orders of which it was told that they became no call.
    over: HashSet<String>,
}

#[derive(Clone, Debug)]
struct Waiting {
    id: DialId,
    pbx: String,
    origin: String,
    from: String,
    /// The last digits of the number.
    tail: String,
    crm_call: Option<String>,
    extra: Vec<(String, String)>,
    /// What the phone system says the call will be called.
    call: Option<Chain>,
    /// When the phone system was told.
    since: Millis,
}

/// A call is the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: DialId,
    /// What is known of the call by that.
    pub(crate) facts: Vec<Fact>,
}

impl Ledger {
    /// A phone system is about to be told, or was told before the program died.
    pub(crate) fn expect(&self, dial: &Dial) {
        let order = &dial.order;
        let waiting = Waiting {
            id: dial.id,
            pbx: dial.pbx.clone(),
            origin: dial.origin.clone(),
            from: order.from.clone(),
            tail: tail(dial.number.as_deref().unwrap_or_default(), &order.digits),
            crm_call: order.crm_call.clone(),
            extra: order.extra.clone(),
            call: dial.call.clone(),
            since: dial.changed,
        };
        let mut inner = self.inner();
        inner.waiting.retain(|known| known.id != dial.id);
        inner.waiting.push(waiting);
    }

    /// The phone system says what the call will be called.
    pub(crate) fn confirm(&self, id: DialId, call: &Chain) {
        if let Some(known) = self.inner().waiting.iter_mut().find(|known| known.id == id) {
            known.call = Some(call.clone());
        }
    }

    /// Nothing is to come of it any more. False: it is a call already.
    pub(crate) fn give_up(&self, id: DialId) -> bool {
        let mut inner = self.inner();
        let Some(at) = inner.waiting.iter().position(|known| known.id == id) else { return false };
        let gone = inner.waiting.swap_remove(at);
        inner.over.extend(gone.crm_call);
        true
    }

    /// A CRM was told of this dial that it became no call.
    pub(crate) fn note_over(&self, crm_call: String) {
        self.inner().over.insert(crm_call);
    }

    /// Whether somebody waits for it still.
    pub(crate) fn awaits(&self, id: DialId) -> bool {
        self.inner().waiting.iter().any(|known| known.id == id)
    }

    /// Takes the CRM's id off a call whose order was told to have become none: the CRM has closed what it opened under it,
    /// and gets this call as one of its own.
    pub(crate) fn judge(&self, fact: &mut Fact) {
        if let Fact::Arrived(Arrival { crm_call, .. }) = fact
            && crm_call.as_ref().is_some_and(|known| self.inner().over.contains(known))
        {
            *crm_call = None;
        }
    }

    /// Looks whether `call` is one that was asked for; it is so for one order only, and an order for one call only.
    pub(crate) fn claim(&self, call: &Call) -> Option<Claim> {
        let mut inner = self.inner();
        if inner.waiting.is_empty() || call.merged_into.is_some() {
            return None;
        }
        let own = |known: &&Waiting| known.pbx == call.pbx.as_str();
        let all = || inner.waiting.iter().filter(own);
        let found = all()
            .find(|known| known.call.as_ref() == Some(&call.chain))
            .or_else(|| all().find(|known| known.crm_call.is_some() && known.crm_call == call.crm_call))
            .or_else(|| all().find(|known| known.resembles(call)))
            .filter(|known| known.crm_call.is_none() || call.crm_call.is_none() || known.crm_call == call.crm_call)?
            .id;
        let at = inner.waiting.iter().position(|known| known.id == found)?;
        let known = inner.waiting.swap_remove(at);
        Some(Claim { id: known.id, facts: known.facts() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether a call of which the phone system says nothing looks like this one.
    fn resembles(&self, call: &Call) -> bool {
        let from = call.from.as_ref().is_some_and(|from| from.as_str() == self.from);
        let own_phone = |agent: &Agent| agent.role == Role::Own && agent.extension.as_str() == self.from;
        // A call that an agent makes by hand at the same moment must have the number; one that rings the agent's own phone
        // first was asked for.
        let number = match &call.external {
            Some(number) => same(&self.tail, number),
            None => call.agents.iter().any(own_phone),
        };
        let asked = from || call.agents.iter().any(own_phone);
        call.direction == Direction::Outbound
            && self.call.is_none()
            && asked
            && number
            && call.started.0.saturating_add(SLACK) >= self.since.0
    }

    fn facts(self) -> Vec<Fact> {
        let arrival = Arrival {
            direction: Direction::Outbound,
            external: None,
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            crm_call: self.crm_call,
            started: None,
        };
        let asked_by = Fact::Noted { name: ASKED_BY.to_owned(), value: self.origin };
        let extra = self.extra.into_iter().map(|(name, value)| Fact::Noted { name: format!("dial-{name}"), value });
        [Fact::Arrived(arrival), asked_by].into_iter().chain(extra).collect()
    }
}

/// The last digits of a number, of the part that is dialled everywhere.
fn tail(e164: &str, digits: &str) -> String {
    let pieces = Number::parse(e164, &Numbering::default()).pieces(None);
    let digits = pieces.map_or_else(|| digits.to_owned(), |pieces| pieces.subscriber);
    digits.get(digits.len().saturating_sub(TAIL)..).unwrap_or(&digits).to_owned()
}

fn same(tail: &str, number: &str) -> bool {
    let digits: String = number.chars().filter(|char| char.is_ascii_digit() || matches!(char, '*' | '#')).collect();
    !tail.is_empty() && digits.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use hookswitch_call::{Extension, PbxName, Signal, Tracker};
    use hookswitch_journal::dials::{Order, State};

    use super::*;

    fn dial(id: i64, crm_call: Option<&str>) -> Dial {
        let order = Order {
            from: "201".into(),
            digits: "003023125000".into(),
            crm_call: crm_call.map(str::to_owned),
            extra: vec![("text".into(), "hello".into())],
            ..Order::default()
        };
        Dial {
            id: DialId(id),
            origin: "crm".into(),
            pbx: "office".into(),
            number: Some("+493023125000".into()),
            state: State::Given,
            created: Millis(10_000),
            changed: Millis(20_000),
            order,
            call: None,
            never: None,
        }
    }

    fn call(from: &str, number: Option<&str>, started: u64) -> Call {
        let arrival = Arrival {
            direction: Direction::Outbound,
            external: number.map(str::to_owned),
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: Some(Extension::from(from)),
            crm_call: None,
            started: None,
        };
        let mut tracker = Tracker::new(PbxName::from("office"), []);
        let chain = Chain::from("c-1");
        tracker.apply(Signal { chain: chain.clone(), at: Millis(started), fact: Fact::Arrived(arrival) });
        tracker.call(&chain).unwrap().clone()
    }

    #[test]
    fn the_next_call_of_the_phone_to_the_number_is_the_one_and_no_other() {
        for (from, number, started, expected) in [
            ("201", Some("+493023125000"), 21_000, true),
            ("201", Some("003023125000"), 21_000, true),
            ("201", Some("03023125000"), 16_000, true),
            ("201", Some("03023125000"), 14_000, false),
            ("202", Some("03023125000"), 21_000, false),
            ("201", Some("03023125001"), 21_000, false),
            ("201", None, 21_000, false),
        ] {
            let ledger = Ledger::default();
            ledger.expect(&dial(7, Some("x-1")));
            let claim = ledger.claim(&call(from, number, started));
            assert_eq!(claim.is_some(), expected, "{from} {number:?} {started}");
            if let Some(claim) = claim {
                assert!(
                    matches!(&claim.facts[0], Fact::Arrived(arrival) if arrival.crm_call.as_deref() == Some("x-1"))
                );
                assert!(
                    matches!(&claim.facts[2], Fact::Noted { name, value } if name == "dial-text" && value == "hello")
                );
                assert!(ledger.claim(&call(from, number, started)).is_none(), "one order is one call");
            }
        }
    }

    #[test]
    fn what_the_phone_system_says_counts_more_than_what_looks_alike() {
        let ledger = Ledger::default();
        ledger.expect(&dial(7, Some("x-1")));
        ledger.expect(&dial(8, Some("x-2")));
        ledger.confirm(DialId(8), &Chain::from("c-1"));
        let mut said = call("201", Some("+493023125000"), 21_000);
        assert_eq!(ledger.claim(&said).map(|claim| claim.id), Some(DialId(8)));
        said.crm_call = Some("x-3".into());
        assert_eq!(ledger.claim(&said), None, "it was asked for by somebody else");
        said.crm_call = Some("x-1".into());
        assert_eq!(ledger.claim(&said).map(|claim| claim.id), Some(DialId(7)));
    }

    #[test]
    fn a_call_whose_order_was_told_to_be_over_is_nobodys_any_more() {
        let ledger = Ledger::default();
        ledger.expect(&dial(7, Some("x-1")));
        assert!(ledger.give_up(DialId(7)) && !ledger.give_up(DialId(7)));
        let arrival = |crm_call: &str| {
            let Fact::Arrived(arrival) = dial_fact() else { unreachable!() };
            Fact::Arrived(Arrival { crm_call: Some(crm_call.to_owned()), ..arrival })
        };
        let (mut late, mut other) = (arrival("x-1"), arrival("x-2"));
        ledger.judge(&mut late);
        ledger.judge(&mut other);
        assert!(matches!(late, Fact::Arrived(Arrival { crm_call: None, .. })));
        assert!(matches!(other, Fact::Arrived(Arrival { crm_call: Some(_), .. })));
        assert_eq!(ledger.claim(&call("201", Some("+493023125000"), 21_000)), None);
    }

    fn dial_fact() -> Fact {
        Fact::Arrived(Arrival {
            direction: Direction::Outbound,
            external: None,
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            crm_call: None,
            started: None,
        })
    }
}
