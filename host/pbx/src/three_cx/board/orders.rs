//! Calls that were ordered of the PBX and have not shown up yet.

use hookswitch_call::{Extension, Millis};

use crate::three_cx::{message::Seat, number::same_number, participant::Participant};

/// Orders that wait for their call.
const MOST: usize = 256;

/// A call that was ordered of the PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whose phone rings first.
    pub from: Extension,
    /// What is dialled then.
    pub number: String,
    /// The CRM's own id of the call.
    pub crm_call: Option<String>,
}

/// Orders that wait for their call, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Orders {
    waiting: Vec<Waiting>,
    last: u64,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    order: Order,
    until: Millis,
}

impl Orders {
    /// Waits for the call until `until`; how the order is called.
    pub(super) fn expect(&mut self, order: Order, now: Millis, until: Millis) -> u64 {
        self.waiting.retain(|waiting| waiting.until > now);
        if self.waiting.len() >= MOST {
            self.waiting.remove(0);
        }
        self.last += 1;
        self.waiting.push(Waiting { id: self.last, order, until });
        self.last
    }

    /// This order, if it still waits.
    pub(super) fn take(&mut self, id: u64) -> Option<Order> {
        let found = self.waiting.iter().position(|waiting| waiting.id == id)?;
        Some(self.waiting.remove(found).order)
    }

    /// The order that brought this participant about.
    pub(super) fn behind(&mut self, seat: &Seat, now: &Participant, at: Millis) -> Option<Order> {
        let fits = |order: &Order| {
            order.from.as_str() == seat.dn && now.outside().is_none_or(|number| same_number(number, &order.number))
        };
        let found = self.waiting.iter().position(|waiting| waiting.until > at && fits(&waiting.order))?;
        Some(self.waiting.remove(found).order)
    }
}
