//! Calls that change hands. The PBX says that a call is given away (30013) or sent on (30014), but not to whom: that is
//! who rings, answers or is dialled next, or who talks already.

use hookswitch_call::{
    Extension, Millis,
    signal::{Fact, Party, TransferKind},
};

use super::{Posture, Talk};
use crate::yeastar::{
    event::{Member, Who},
    ground::Ground,
};

/// A call on its way to somebody who is not known yet.
#[derive(Clone, Debug)]
pub(super) enum Moving {
    Transfer { from: Option<Extension> },
    Forward { from: Extension },
}

impl Talk {
    /// An extension gives the call away (30013).
    pub(in crate::yeastar) fn transferred(
        &mut self,
        members: Vec<Member>,
        at: Millis,
        settle: u64,
        ground: &Ground,
    ) -> Vec<Fact> {
        let talking = self.talking();
        // Those who talked, and are gone without anybody having said why: then this is told late.
        let late = self.parts.iter().any(|part| {
            let gone = part.extension().filter(|_| part.talked && part.is_gone());
            gone.is_some_and(|gone| !self.gave_away.contains(gone) && !talking.contains(gone))
        });
        if !self.is_open() || (late && !talking.is_empty()) {
            return self.take(members, at, settle, ground);
        }
        // Between two extensions it is not said which of them.
        let internal = self.outside().next().is_none();
        let from = talking.first().filter(|_| !internal).cloned().or_else(|| only_extension(&members));
        let second = talking.get(1).filter(|_| !internal).cloned();
        self.moving = Some(Moving::Transfer { from: from.clone() });
        let mut facts = self.take(members, at, settle, ground);
        let ringing = || {
            let mut ringing = self.postures().into_iter().filter(|(_, posture)| *posture == Posture::Ringing);
            ringing.find(|(extension, _)| Some(extension) != from.as_ref())
        };
        let target = second.map(|second| (second, Posture::Talking)).or_else(ringing);
        if let Some((target, posture)) = target {
            self.reached(&target, Some(posture), &mut facts);
        }
        facts
    }

    /// A call for an extension is sent on (30014).
    pub(in crate::yeastar) fn forwarded(
        &mut self,
        members: Vec<Member>,
        at: Millis,
        settle: u64,
        ground: &Ground,
    ) -> Vec<Fact> {
        let ringing = self.postures().into_iter().find(|(_, posture)| *posture == Posture::Ringing);
        let called = || {
            let mut inbound = members.iter().filter_map(|member| match &member.who {
                Who::Inbound(outside) => Some(outside),
                _ => None,
            });
            inbound.find_map(|outside| ground.extension(&outside.to))
        };
        let from = called().or(ringing.map(|(extension, _)| extension));
        if self.is_open() {
            self.moving = from.map(|from| Moving::Forward { from });
        }
        self.take(members, at, settle, ground)
    }

    /// Extensions in conversation, in order of appearance.
    fn talking(&self) -> Vec<Extension> {
        let postures = self.postures();
        let mut talking = Vec::new();
        for extension in self.parts.iter().filter_map(|part| part.extension()) {
            if postures.get(extension).is_some_and(|posture| *posture >= Posture::Talking)
                && !talking.contains(extension)
            {
                talking.push(extension.clone());
            }
        }
        talking
    }

    /// An extension takes part that did not: perhaps the call was on its way there.
    pub(super) fn reached(&mut self, extension: &Extension, posture: Option<Posture>, facts: &mut Vec<Fact>) {
        let to = Party::Extension(extension.clone());
        let how = if posture >= Some(Posture::Talking) { TransferKind::Attended } else { TransferKind::Blind };
        match self.moving.take() {
            Some(Moving::Transfer { from }) if from.as_ref() != Some(extension) => {
                self.gave_away.extend(from.clone());
                facts.push(Fact::Transferred { how, from, to });
            }
            Some(Moving::Forward { from }) if from != *extension => facts.push(Fact::Forwarded { from, to }),
            other => self.moving = other,
        }
    }

    /// An outside number is dialled: whether the call was on its way there.
    pub(super) fn moved_outside(&mut self, number: &str, facts: &mut Vec<Fact>) -> bool {
        let to = Party::Outside(number.to_owned());
        match self.moving.take() {
            Some(Moving::Transfer { from }) => {
                self.gave_away.extend(from.clone());
                facts.push(Fact::Transferred { how: TransferKind::Blind, from, to });
            }
            Some(Moving::Forward { from }) => facts.push(Fact::Forwarded { from, to }),
            None => return false,
        }
        true
    }
}

fn only_extension(members: &[Member]) -> Option<Extension> {
    let mut extensions = members.iter().filter_map(|member| match &member.who {
        Who::Extension(extension) => Some(extension),
        Who::Inbound(_) | Who::Outbound(_) => None,
    });
    extensions.next().filter(|_| extensions.next().is_none()).cloned()
}
