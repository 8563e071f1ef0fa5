//! What an extension's phone does in a call.

use crate::three_cx::participant::{Kind, Participant, Status};

/// What a phone does; the most involved of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phone {
    /// It rings.
    Ringing,
    /// It is up, and nobody is at the other side yet: a menu, a prompt, a click-to-call before the number is dialled.
    Up,
    /// It waits for the other side to pick up.
    Dialing,
    /// It talks to a person.
    Talking,
}

impl Phone {
    /// As the participant says; none for a word that is not in the sheet.
    pub(super) fn of(participant: &Participant) -> Option<Self> {
        match participant.status {
            Status::Ringing => Some(Self::Ringing),
            Status::Dialing => Some(Self::Dialing),
            Status::Connected if matches!(participant.party_dn_type, Kind::Outside | Kind::Extension) => {
                Some(Self::Talking)
            }
            Status::Connected => Some(Self::Up),
            Status::Other => None,
        }
    }
}
