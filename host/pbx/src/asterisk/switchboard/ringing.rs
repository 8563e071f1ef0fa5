//! Dialling, ringing, answering.

use hookswitch_call::{
    Extension,
    signal::{Direction, Fact, Party, RingEnd, Role},
};

use super::{
    Switchboard,
    channel::{Channel, Id, Snapshot, State},
    conversation::Course,
};
use crate::asterisk::{
    message::Message,
    site::{Endpoint, dialled_number, is_dialable},
};

impl Switchboard {
    /// The PBX tries a destination. Without a channel of its own it is an action that dials ("Click to call").
    pub(super) fn dial_began(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some(destination) = Snapshot::read(message, "Dest") else { return };
        let leg = self.meet(&destination);
        let dialler = own.and_then(|own| self.id_of(own.uniqueid));
        let number = message.get("DialString").and_then(dialled_number).map(str::to_owned);
        let by_queue = dialler.as_ref().and_then(|id| self.channels.get(id)).is_some_and(|leg| leg.queue.is_some());
        let Some(channel) = self.channels.get_mut(&leg) else { return };
        channel.dialled = true;
        channel.dialled_by_queue = by_queue;
        channel.dialler = dialler.clone();
        let conversation = channel.conversation.clone();
        let is_outside = channel.is_trunk();
        match channel.endpoint {
            Endpoint::Trunk(_) => {
                let number = number
                    .or_else(|| own.map(|own| own.exten).filter(|exten| is_dialable(exten)).map(str::to_owned))
                    .or_else(|| destination.caller.map(str::to_owned))
                    .unwrap_or_default();
                channel.number = Some(number.clone());
                self.outside_dialled(&leg, own, number);
            }
            Endpoint::Phone(_) => {
                self.notice_redirect(&leg);
                self.rings_now(&leg);
            }
            Endpoint::Local(ref number) => {
                let number = number.clone();
                if let Some(dialler) = &dialler {
                    self.notice_forward(dialler, &number);
                }
            }
            Endpoint::Machinery => {}
        }
        if own.is_none() && !is_outside {
            let shown = destination.connected.or(destination.caller).filter(|number| is_dialable(number));
            if let Some(known) = self.conversations.get_mut(&conversation) {
                known.own_leg_pending |= !known.answered && !known.rang;
                if known.external.is_none() && !known.is_known() {
                    known.external = shown.map(str::to_owned);
                }
            }
        }
    }

    /// A number outside is dialled.
    pub(super) fn outside_dialled(&mut self, leg: &Id, own: Option<&Snapshot<'_>>, number: String) {
        let Some(channel) = self.channels.get(leg) else { return };
        let (conversation, dialler) = (channel.conversation.clone(), channel.dialler.clone());
        let trunk = match &channel.endpoint {
            Endpoint::Trunk(trunk) => trunk.clone(),
            _ => String::new(),
        };
        let asked = self.is_consultation(channel);
        if let Some(channel) = self.channels.get_mut(leg).filter(|_| asked) {
            channel.role = Role::Consult;
            return;
        }
        let forwarded_by = dialler.as_ref().and_then(|dialler| self.forwarder(dialler));
        let site_line =
            own.and_then(|own| own.caller).filter(|number| !self.site.is_internal(number)).map(str::to_owned);
        let Some(known) = self.conversations.get_mut(&conversation) else { return };
        let stays_internal = forwarded_by.is_some() && !known.handed_over;
        match known.course {
            Course::Known(Direction::Inbound) => {
                if let Some(dialler) = &dialler {
                    self.notice_forward(dialler, &number);
                }
                self.notice_redirect(leg);
                return;
            }
            Course::Open | Course::Command | Course::Known(Direction::Internal) if stays_internal => return,
            Course::Known(Direction::Outbound) => {}
            Course::Open | Course::Command | Course::Known(Direction::Internal) => {
                known.external = Some(number.clone());
                known.trunk = trunk;
                known.line = site_line.unwrap_or_default();
                if known.from.is_none() {
                    // An action dials the outside party first: there is no phone of ours to be picked up before.
                    known.own_leg_pending = false;
                }
                self.decide(&conversation, Direction::Outbound);
            }
        }
        let Some(known) = self.conversations.get_mut(&conversation) else { return };
        if known.dialled.contains(&number) {
            return;
        }
        known.dialled.push(number.clone());
        if let Some(extension) = known.from.clone() {
            self.say(&conversation, Fact::Dialing { extension, number });
        }
    }

    pub(super) fn dial_progressed(&mut self, message: &Message<'_>) {
        let Some(destination) = Snapshot::read(message, "Dest") else { return };
        self.update(&destination);
        let Some((leg, channel)) = self.leg(Some(&destination)) else { return };
        if message.get("DialStatus") == Some("RINGING") && channel.phone().is_some() {
            self.rings(&leg);
        }
    }

    /// A phone rings. Messages are in order per channel only: the dial that explains it can still be under way.
    pub(super) fn rings(&mut self, leg: &Id) {
        let at = self.at;
        let Some(channel) = self.channels.get(leg) else { return };
        if channel.rang || channel.answered || channel.called_in {
            return;
        }
        let explained = channel.dialled
            || self.conversations.get(&channel.conversation).is_none_or(|known| known.attended_by.is_none());
        if let Some(channel) = self.channels.get_mut(leg) {
            channel.rings_since.get_or_insert(at);
        }
        if explained {
            self.rings_now(leg);
        }
    }

    fn rings_now(&mut self, leg: &Id) {
        let state = |leg: &Channel| leg.rings_since.or((leg.state == State::Ringing).then_some(self.at));
        let Some(since) = self.channels.get(leg).filter(|leg| !leg.rang && !leg.answered).and_then(state) else {
            return;
        };
        let role = self.role_of(leg);
        let Some(channel) = self.channels.get_mut(leg) else { return };
        channel.rang = true;
        channel.role = role;
        let Some(extension) = channel.phone().cloned() else { return };
        let conversation = channel.conversation.clone();
        let shown = channel.shown.clone();
        self.explain(&conversation, &extension, role, shown.as_deref());
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.rang = true;
        }
        let now = std::mem::replace(&mut self.at, since);
        self.say(&conversation, Fact::Ringing { extension, role });
        self.at = now;
    }

    /// A phone rings or answers in a conversation whose course is still open.
    fn explain(&mut self, conversation: &Id, extension: &Extension, role: Role, shown: Option<&str>) {
        let Some(known) = self.conversations.get_mut(conversation).filter(|known| known.course == Course::Open) else {
            return;
        };
        if role != Role::Own {
            return self.decide(conversation, Direction::Internal);
        }
        let number = known.external.as_deref().or(shown.filter(|number| is_dialable(number)));
        let number = number.filter(|number| *number != extension.as_str()).map(str::to_owned);
        known.from.get_or_insert_with(|| extension.clone());
        known.external = number.clone();
        let wanted_by_crm = known.crm_call.is_some();
        match number {
            Some(number) if self.site.is_internal(&number) => {
                known.external = None;
                self.decide(conversation, Direction::Internal);
            }
            Some(_) => self.decide(conversation, Direction::Outbound),
            None if wanted_by_crm => self.decide(conversation, Direction::Outbound),
            // A wake-up call or the like; if a number is dialled after all, everything is told then.
            None => {}
        }
    }

    /// What the ringing of a leg means in its conversation.
    fn role_of(&self, leg: &Id) -> Role {
        let Some(channel) = self.channels.get(leg) else { return Role::Called };
        let Some(known) = self.conversations.get(&channel.conversation) else { return Role::Called };
        if known.own_leg_pending {
            return Role::Own;
        }
        let second_line = !known.is_outside()
            && known.from.as_ref().is_some_and(|from| self.has_on_hold(from, &channel.conversation));
        if second_line || self.is_consultation(channel) { Role::Consult } else { Role::Called }
    }

    /// Whether somebody who talks to the outside party asks the target of a transfer, within the same conversation.
    fn is_consultation(&self, leg: &Channel) -> bool {
        let attended = self.conversations.get(&leg.conversation).is_some_and(|known| known.attended_by.is_some());
        attended && self.is_dialled_by_feature(leg)
    }

    /// Whether the way to a leg begins at a Local pair that nobody dialled: a feature made it, for a consultation
    /// ("Attended transfer by feature code").
    fn is_dialled_by_feature(&self, leg: &Channel) -> bool {
        let mut dialler = leg.dialler.as_ref();
        // Local pairs can be nested, but not for ever.
        for _ in 0..8 {
            let Some(half) = dialler.and_then(|id| self.channels.get(id)?.half.as_ref()) else { return false };
            let Some(first) = self.channels.get(half) else { return false };
            match &first.dialler {
                Some(next) => dialler = Some(next),
                None => return !first.dialled,
            }
        }
        false
    }

    pub(super) fn dial_ended(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some(destination) = Snapshot::read(message, "Dest") else { return };
        self.update(&destination);
        let Some((leg, _)) = self.leg(Some(&destination)) else { return };
        let dialler = own.and_then(|own| self.id_of(own.uniqueid));
        let status = message.get("DialStatus").unwrap_or_default();
        if let Some(target) = message.text("Forward") {
            return self.deflected(&leg, target);
        }
        if status == "ANSWER" {
            if let Some(dialler) = dialler {
                self.answered_for(&leg, &dialler);
            }
            return self.answered(&leg);
        }
        let Some(channel) = self.channels.get_mut(&leg) else { return };
        // Queues say it twice, and the second time only CANCEL.
        channel.dial_status.get_or_insert_with(|| status.to_owned());
        let half = channel.half.clone();
        // Judged now, while the dialling leg is still there; a Local half passes it on to what its other half dials.
        let why = self.channels.get(&leg).map(|leg| self.ring_end(leg, None)).filter(|why| *why != RingEnd::Unknown);
        let Some(why) = why else { return };
        for id in [Some(leg), half].into_iter().flatten() {
            if let Some(leg) = self.channels.get_mut(&id) {
                leg.dial_over.get_or_insert(why);
            }
        }
    }

    /// `leg` took the dial of `dialler`; a phone that picks up comes from a conversation of its own.
    fn answered_for(&mut self, leg: &Id, dialler: &Id) {
        if let Some(dialler) = self.channels.get_mut(dialler) {
            dialler.answered_by = Some(leg.clone());
        }
        let of = |id: &Id| self.channels.get(id).map(|leg| leg.conversation.clone());
        if let (Some(part), Some(into)) = (of(leg), of(dialler)) {
            self.merge(&part, &into);
        }
    }

    /// A queue member did not answer in time.
    pub(super) fn member_missed(&mut self, message: &Message<'_>) {
        let leg = message.get("DestUniqueid").and_then(|id| self.id_of(id));
        if let Some(leg) = leg.and_then(|leg| self.channels.get_mut(&leg)) {
            leg.dial_status.get_or_insert_with(|| "NOANSWER".to_owned());
        }
    }

    /// Somebody at the far end of a dialled leg answered.
    pub(super) fn answered(&mut self, leg: &Id) {
        let role = match self.channels.get(leg) {
            Some(leg) if leg.rang || leg.role != Role::Called => leg.role,
            _ => self.role_of(leg),
        };
        let Some(channel) = self.channels.get_mut(leg).filter(|leg| !leg.answered && leg.is_real()) else { return };
        channel.answered = true;
        channel.role = role;
        let conversation = channel.conversation.clone();
        match channel.endpoint.clone() {
            Endpoint::Trunk(_) if role != Role::Consult => {
                let number = channel.number.clone();
                self.outside_answered(&conversation, number);
            }
            Endpoint::Phone(extension) => {
                let shown = channel.shown.clone();
                self.explain(&conversation, &extension, role, shown.as_deref());
                self.phone_answered(&conversation, extension, role);
            }
            _ => {}
        }
    }

    fn phone_answered(&mut self, conversation: &Id, extension: Extension, role: Role) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        known.rang = true;
        match role {
            Role::Own => known.own_leg_pending = false,
            Role::Called => {
                known.answered = true;
                known.handed_over = false;
                known.attended_by = Some(extension.clone());
                known.bridged = false;
            }
            Role::Consult => {}
        }
        self.say(conversation, Fact::Answered { by: Party::Extension(extension), role });
    }

    fn outside_answered(&mut self, conversation: &Id, number: Option<String>) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        known.answered = true;
        known.handed_over = false;
        known.own_leg_pending = false;
        if known.course == Course::Known(Direction::Outbound) && known.attended_by.is_none() {
            known.attended_by = known.from.clone();
            known.bridged = false;
        }
        let number = number.or_else(|| known.external.clone()).unwrap_or_default();
        self.say(conversation, Fact::Answered { by: Party::Outside(number), role: Role::Called });
    }

    /// Two real legs in one bridge talk, even if no message said that one of them answered.
    pub(super) fn bridge_entered(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        let bridge = message.text("BridgeUniqueid").map(str::to_owned);
        let conversation = channel.conversation.clone();
        let is_outside = channel.is_trunk();
        if let Some(channel) = self.channels.get_mut(&leg) {
            channel.bridge.clone_from(&bridge);
        }
        if let Some(known) = self.conversations.get_mut(&conversation).filter(|_| is_outside) {
            known.bridged = true;
        }
        let talking: Vec<Id> = self
            .members(&conversation)
            .filter(|(_, other)| other.is_real() && other.bridge.is_some() && other.bridge == bridge)
            .map(|(id, _)| id.clone())
            .collect();
        if talking.len() < 2 || !talking.iter().any(|id| self.channels.get(id).is_some_and(Channel::is_trunk)) {
            return;
        }
        for leg in talking {
            let joined = |leg: &Channel| !leg.answered && (!leg.called_in || self.is_guest(leg));
            if self.channels.get(&leg).is_some_and(joined) {
                self.answered(&leg);
            }
        }
    }

    /// Whether a phone that called in came to a conversation which somebody else began.
    fn is_guest(&self, leg: &Channel) -> bool {
        let Some(known) = self.conversations.get(&leg.conversation) else { return false };
        leg.phone().is_some_and(|extension| {
            known.course == Course::Known(Direction::Inbound) && known.from.as_ref() != Some(extension)
        })
    }

    pub(super) fn bridge_left(&mut self, own: Option<&Snapshot<'_>>) {
        if let Some(leg) = self.leg(own).map(|(leg, _)| leg).and_then(|leg| self.channels.get_mut(&leg)) {
            leg.bridge = None;
        }
    }
}
