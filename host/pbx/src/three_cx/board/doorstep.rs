//! Callers at route points, who wait to be told where to go.

use std::collections::HashMap;

use hookswitch_call::Chain;

use crate::three_cx::{message::Seat, participant::Participant};

/// A caller at a route point: where, in which call, and what is known of him.
pub(super) type Asking = (Seat, Chain, Participant);

/// Callers at route points.
#[derive(Debug, Default)]
pub(super) struct Doorstep {
    /// Whoever stands there, and whether he was sent on.
    callers: HashMap<Seat, bool>,
    asking: Vec<Asking>,
}

impl Doorstep {
    /// Somebody stands there; he is asked for once.
    pub(super) fn stands(&mut self, seat: &Seat, chain: &Chain, now: &Participant) {
        if !self.callers.contains_key(seat) {
            self.callers.insert(seat.clone(), false);
            self.asking.push((seat.clone(), chain.clone(), now.clone()));
        }
    }

    /// He is gone.
    pub(super) fn left(&mut self, seat: &Seat) {
        self.callers.remove(seat);
    }

    /// He was sent on, and stands there only until somebody answers.
    pub(super) fn sent_on(&mut self, seat: &Seat) {
        if let Some(sent) = self.callers.get_mut(seat) {
            *sent = true;
        }
    }

    /// The connection was lost, and maybe orders with it: whoever was not sent on is asked for again. Those who are not
    /// `there` any more are forgotten, because the PBX may give their ids to others.
    pub(super) fn again(&mut self, there: impl Fn(&Seat) -> bool) {
        self.asking.clear();
        self.callers.retain(|seat, sent| *sent && there(seat));
    }

    /// Who has not been asked for yet.
    pub(super) fn take(&mut self) -> Vec<Asking> {
        std::mem::take(&mut self.asking)
    }
}
