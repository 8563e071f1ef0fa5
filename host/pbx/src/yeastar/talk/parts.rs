//! The legs of a call, and what they make of its extensions.

use std::collections::BTreeMap;

use hookswitch_call::{Extension, signal::Side};

use super::Talk;
use crate::yeastar::event::{Member, Status, Who};

/// Legs of one call that are kept.
const MOST_PARTS: usize = 256;

/// A leg.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) channel: String,
    pub(super) who: Who,
    pub(super) status: Option<Status>,
    /// It began the call, and was not called.
    pub(super) calls: bool,
    /// That it is dialled was told.
    pub(super) told: bool,
    /// That it answered was told.
    pub(super) answered: bool,
    /// It was in conversation at some time.
    pub(super) talked: bool,
}

/// What an extension does in a call, with all of its devices: the later ones outweigh the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Posture {
    Calling,
    Ringing,
    Talking,
    Held,
}

impl Status {
    /// How far a leg is; it never goes back.
    fn rank(self) -> u8 {
        match self {
            Self::Alert | Self::Ring | Self::EarlyMedia => 1,
            Self::Answered | Self::Answer | Self::Hold => 2,
            Self::Bye => 3,
        }
    }
}

impl Part {
    fn new(member: &Member) -> Self {
        Self {
            channel: member.channel.clone(),
            who: member.who.clone(),
            status: None,
            calls: false,
            told: false,
            answered: false,
            talked: false,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(Status::Bye)
    }

    /// Whether it is in conversation.
    pub(super) fn is_up(&self) -> bool {
        self.status.is_some_and(|status| status.rank() == 2)
    }

    pub(super) fn is_extension(&self) -> bool {
        self.extension().is_some()
    }

    pub(super) fn extension(&self) -> Option<&Extension> {
        match &self.who {
            Who::Extension(extension) => Some(extension),
            Who::Inbound(_) | Who::Outbound(_) => None,
        }
    }

    fn is_of(&self, member: &Member) -> bool {
        if !self.channel.is_empty() && !member.channel.is_empty() {
            return self.channel == member.channel;
        }
        match (&self.who, &member.who) {
            (Who::Inbound(one), Who::Inbound(other)) => one.from == other.from,
            (Who::Outbound(one), Who::Outbound(other)) => one.to == other.to,
            (one, other) => one == other,
        }
    }

    /// Takes a status, unless it comes late. Legs without a name may begin anew.
    fn advance(&mut self, status: Status) {
        let anew = self.is_gone() && self.channel.is_empty();
        if !anew && self.status.is_some_and(|now| now.rank() > status.rank()) {
            return;
        }
        self.calls |= matches!(status, Status::Alert | Status::Answered);
        self.talked |= status.rank() == 2;
        self.status = Some(status);
    }

    fn side(&self) -> Side {
        if self.is_extension() { Side::Internal } else { Side::External }
    }
}

impl Talk {
    pub(super) fn put(&mut self, members: Vec<Member>) {
        let mut left = Vec::new();
        for member in members {
            let known = self.parts.iter().position(|part| part.is_of(&member));
            let index = known.unwrap_or(self.parts.len());
            if known.is_none() && self.parts.len() < MOST_PARTS {
                self.parts.push(Part::new(&member));
            }
            let (Some(part), Some(status)) = (self.parts.get_mut(index), member.status) else { continue };
            let (was_gone, was_up) = (part.is_gone(), part.is_up());
            part.advance(status);
            if part.is_up() && !was_up {
                // The call goes on, whoever hung up before.
                self.hung_up = None;
            }
            // A phone that only rang hangs up nothing.
            if part.is_gone() && !was_gone && (part.talked || part.calls || !part.is_extension()) {
                left.push(part.side());
            }
        }
        if self.hung_up.is_none() {
            self.hung_up = match left.as_slice() {
                [] => None,
                [one] => Some(*one),
                // Both in one message: who was first is not said.
                _ => Some(Side::Unknown),
            };
        }
    }

    /// The PBX was asked who takes part: nobody else does.
    pub(super) fn only(&mut self, members: &[Member]) {
        for part in self.parts.iter_mut().filter(|part| !members.iter().any(|member| part.is_of(member))) {
            part.status = Some(Status::Bye);
        }
    }

    /// What each extension does that takes part.
    pub(super) fn postures(&self) -> BTreeMap<Extension, Posture> {
        let mut postures: BTreeMap<Extension, Posture> = BTreeMap::new();
        for part in &self.parts {
            let (Some(extension), Some(status)) = (part.extension(), part.status) else { continue };
            let posture = match status {
                Status::Alert => Posture::Calling,
                Status::Ring | Status::EarlyMedia => Posture::Ringing,
                Status::Answered | Status::Answer => Posture::Talking,
                Status::Hold => Posture::Held,
                Status::Bye => continue,
            };
            let known = postures.entry(extension.clone()).or_insert(posture);
            *known = posture.max(*known);
        }
        // An outside party that is on hold was put there by the one who talks to it.
        let waits = self.parts.iter().any(|part| !part.is_extension() && part.status == Some(Status::Hold));
        let mut talking = postures.values_mut().filter(|posture| **posture >= Posture::Talking);
        if let (true, Some(only), None) = (waits, talking.next(), talking.next()) {
            *only = Posture::Held;
        }
        postures
    }

    /// The legs of outside parties.
    pub(super) fn outside(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.is_extension())
    }

    /// Whether an extension began the call.
    pub(super) fn calls(&self, extension: &Extension) -> bool {
        self.parts.iter().any(|part| part.calls && part.extension() == Some(extension))
    }

    /// Channels to hang up, the best one first: an outside party's ends the call for everybody.
    pub(in crate::yeastar) fn channels(&self) -> Vec<String> {
        let mut live: Vec<&Part> =
            self.parts.iter().filter(|part| !part.is_gone() && !part.channel.is_empty()).collect();
        live.sort_by_key(|part| (part.is_extension(), !part.is_up()));
        live.into_iter().map(|part| part.channel.clone()).collect()
    }

    /// Whether members were ever heard of.
    pub(in crate::yeastar) fn has_members(&self) -> bool {
        !self.parts.is_empty()
    }
}
