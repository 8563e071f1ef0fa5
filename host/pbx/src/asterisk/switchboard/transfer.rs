//! A call changes hands: transfers, forwards, pick-ups, parking.

use hookswitch_call::{
    Extension,
    signal::{Fact, Party, Role, TransferKind},
};

use super::{
    Switchboard,
    channel::{Channel, Id, Snapshot},
};
use crate::asterisk::{
    message::Message,
    site::{Endpoint, dialled_number, is_dialable},
};

impl Switchboard {
    /// A party gave the call away without asking the target ("Blind transfer").
    pub(super) fn transferred_blind(&mut self, message: &Message<'_>) {
        if message.get("Result").is_some_and(|result| result != "Success") {
            return;
        }
        let from = self.phone_of(message, "Transferer");
        let Some((conversation, _)) =
            self.party_of(message, "Transferee").or_else(|| self.party_of(message, "Transferer"))
        else {
            return;
        };
        let to = self.site.party(message.get("Extension").unwrap_or_default());
        self.hand_over(&conversation, TransferKind::Blind, from, to);
    }

    /// A party gave the call away after, or during, a consultation.
    pub(super) fn transferred_attended(&mut self, message: &Message<'_>) {
        if message.get("Result").is_some_and(|result| result != "Success") {
            return;
        }
        let from = self.phone_of(message, "OrigTransferer").or_else(|| self.phone_of(message, "SecondTransferer"));
        let Some((first, _)) =
            self.party_of(message, "Transferee").or_else(|| self.party_of(message, "OrigTransferer"))
        else {
            return;
        };
        // The consultation had a Linkedid of its own if the phone made it on a second line.
        let second = self.party_of(message, "SecondTransferer").map_or_else(|| first.clone(), |(id, _)| id);
        let to = self.transfer_target(message, &first, &second);
        let conversation = self.merge(&second, &first);
        for id in self.members(&conversation).map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            if let Some(leg) = self.channels.get_mut(&id) {
                leg.role = Role::Called;
            }
        }
        self.hand_over(&conversation, TransferKind::Attended, from, to.clone());
        if let (Party::Extension(extension), Some(known)) = (to, self.conversations.get_mut(&conversation)) {
            known.attended_by = Some(extension);
        }
    }

    /// Who gets the call at the end of a consultation, which has a conversation of its own if `second` is not `first`.
    fn transfer_target(&self, message: &Message<'_>, first: &Id, second: &Id) -> Party {
        let named = self.party_of(message, "TransferTarget").map(|(_, leg)| leg).filter(|leg| leg.is_real());
        // Seen from the consultation, the "target" can be the outside party of the main call.
        let named = match named {
            Some(target) if target.is_trunk() => {
                self.party_of(message, "Transferee").map(|(_, leg)| leg).filter(|leg| leg.phone().is_some()).or(named)
            }
            _ => named,
        };
        let asked = || self.members(second).map(|(_, leg)| leg).find(|leg| leg.is_real() && leg.role == Role::Consult);
        let transferer = message.of("SecondTransferer", "Uniqueid");
        let dialled = || {
            let of_line = |leg: &&Channel| leg.is_real() && leg.dialler.as_deref() == transferer && !leg.called_in;
            self.members(second).map(|(_, leg)| leg).filter(|_| first != second).find(of_line)
        };
        match named.or_else(asked).or_else(dialled).map(|leg| (&leg.endpoint, &leg.number)) {
            Some((Endpoint::Phone(extension), _)) => return Party::Extension(extension.clone()),
            Some((_, Some(number))) => return Party::Outside(number.clone()),
            _ => {}
        }
        // Where the target's leg is out of sight, only the transferring leg knows whom it asked.
        let number = ["ConnectedLineNum", "Exten"]
            .iter()
            .filter_map(|name| message.of("SecondTransferer", name))
            .find(|number| is_dialable(number));
        self.site.party(number.unwrap_or_default())
    }

    fn hand_over(&mut self, conversation: &Id, how: TransferKind, from: Option<Extension>, to: Party) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        let from = from.or_else(|| known.attended_by.clone());
        known.handed_over = true;
        known.attended_by = None;
        self.say(conversation, Fact::Transferred { how, from, to });
    }

    /// A new leg appears for a party that had been talking to somebody, who is gone without having hung up: the PBX
    /// moved the call. No message says so ("Redirect action").
    pub(super) fn notice_redirect(&mut self, leg: &Id) {
        let Some(channel) = self.channels.get(leg) else { return };
        let conversation = channel.conversation.clone();
        let Some(known) = self.conversations.get(&conversation) else { return };
        let Some(from) = known.attended_by.clone().filter(|_| known.bridged && known.is_outside()) else { return };
        let talks = self.members(&conversation).any(|(_, leg)| leg.is_real() && leg.bridge.is_some());
        let hung_up = self.members(&conversation).any(|(_, leg)| leg.is_real() && leg.hung_up);
        let queued = self.members(&conversation).any(|(_, leg)| leg.queue.is_some());
        if talks || hung_up || queued {
            return;
        }
        let to = match (&channel.endpoint, &channel.number) {
            (Endpoint::Phone(extension), _) => Party::Extension(extension.clone()),
            (_, Some(number)) => Party::Outside(number.clone()),
            _ => return,
        };
        self.hand_over(&conversation, TransferKind::Redirect, Some(from), to);
    }

    /// The extension whose calls the dial plan sends elsewhere, if the caller stands at one that has a phone.
    pub(super) fn forwarder(&self, caller: &Id) -> Option<Extension> {
        let caller = self.channels.get(caller)?;
        let caller = match (&caller.endpoint, &caller.half) {
            // The dial plan may have gone through a Local pair already: who entered it counts.
            (Endpoint::Local(_), Some(half)) => {
                let first = self.channels.get(half)?;
                self.channels.get(first.dialler.as_ref()?).filter(|leg| leg.is_real())?
            }
            _ => caller,
        };
        let exten = Extension::from(caller.exten.as_str());
        (caller.queue.is_none() && self.phones.contains(&exten)).then_some(exten)
    }

    /// The caller, who stands at an extension, is sent to another number: a forward made by the dial plan.
    pub(super) fn notice_forward(&mut self, caller: &Id, number: &str) {
        let Some(from) = self.forwarder(caller) else { return };
        let Some(conversation) = self.channels.get(caller).map(|leg| leg.conversation.clone()) else { return };
        let taken =
            self.conversations.get(&conversation).is_none_or(|known| known.handed_over || known.attended_by.is_some());
        // A phone that is rung together with other numbers forwards nothing.
        let rung_too = self.members(&conversation).any(|(_, leg)| leg.phone() == Some(&from) && !leg.forwards);
        if !taken && !rung_too && is_dialable(number) {
            self.forwarded(&conversation, from, number);
        }
    }

    /// The phone itself sends the caller to another number (a 302 answer).
    pub(super) fn deflected(&mut self, leg: &Id, target: &str) {
        let Some(channel) = self.channels.get_mut(leg) else { return };
        channel.forwards = true;
        let conversation = channel.conversation.clone();
        let Some(from) = channel.phone().cloned() else { return };
        self.forwarded(&conversation, from, dialled_number(target).unwrap_or(target));
    }

    fn forwarded(&mut self, conversation: &Id, from: Extension, number: &str) {
        let to = self.site.party(number);
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        if to == Party::Extension(from.clone()) || known.forwards.contains(&from) {
            return;
        }
        known.forwards.push(from.clone());
        self.say(conversation, Fact::Forwarded { from, to });
    }

    /// A phone takes a call that rings at another one.
    pub(super) fn picked_up(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((picker, _)) = self.leg(own) else { return };
        let Some((target, rang)) = message.of("Target", "Uniqueid").and_then(|id| self.channels.get_key_value(id))
        else {
            return;
        };
        let (target, into, from) = (target.clone(), rang.conversation.clone(), rang.phone().cloned());
        if let Some(leg) = self.channels.get_mut(&target) {
            leg.taken = true;
        }
        let Some(picking) = self.channels.get(&picker).map(|leg| leg.conversation.clone()) else { return };
        let conversation = self.merge(&picking, &into);
        self.answered(&picker);
        if let Some(by) = self.channels.get(&picker).and_then(Channel::phone).cloned() {
            self.say(&conversation, Fact::PickedUp { from, by });
        }
    }

    pub(super) fn parked(&mut self, message: &Message<'_>) {
        let Some((conversation, _)) = self.party_of(message, "Parkee") else { return };
        let dial_string = message.get("ParkerDialString").unwrap_or_default();
        let extension = self.site.extension(dial_string).or_else(|| self.phone_of(message, "Parker"));
        let space = message.get("ParkingSpace").unwrap_or_default().to_owned();
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.attended_by = None;
        }
        self.say(&conversation, Fact::Parked { extension, space });
    }

    /// Somebody fetches a parked caller, from a conversation of his own.
    pub(super) fn unparked(&mut self, message: &Message<'_>) {
        let Some((conversation, _)) = self.party_of(message, "Parkee") else { return };
        let retriever = Snapshot::read(message, "Retriever").map(|snapshot| self.meet(&snapshot));
        let mut extension = None;
        let mut conversation = conversation;
        if let Some(leg) = retriever.and_then(|id| self.channels.get_mut(&id)) {
            leg.answered = true;
            extension = leg.phone().cloned();
            let fetching = leg.conversation.clone();
            conversation = self.merge(&fetching, &conversation);
        }
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.answered = true;
            known.attended_by.clone_from(&extension);
            known.bridged = false;
        }
        self.say(&conversation, Fact::Unparked { extension });
    }

    /// The conversation and the leg of the channel whose headers begin with `prefix`.
    fn party_of(&self, message: &Message<'_>, prefix: &str) -> Option<(Id, &Channel)> {
        let leg = self.channels.get(message.of(prefix, "Uniqueid")?)?;
        Some((leg.conversation.clone(), leg))
    }

    fn phone_of(&self, message: &Message<'_>, prefix: &str) -> Option<Extension> {
        let known = self.party_of(message, prefix).and_then(|(_, leg)| leg.phone().cloned());
        known.or_else(|| match self.site.endpoint(message.of(prefix, "Channel")?, None) {
            Endpoint::Phone(extension) => Some(extension),
            _ => None,
        })
    }
}
