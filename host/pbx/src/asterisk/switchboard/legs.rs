//! Legs come, change and go.

use hookswitch_call::signal::{Direction, Fact, Reason, RingEnd, Role, Side};

use super::{
    Switchboard,
    channel::{Channel, Id, Snapshot, State},
    conversation::{Conversation, Course, failure_of_cause},
    id,
};
use crate::asterisk::{
    message::Message,
    site::{Endpoint, is_dialable},
};

impl Switchboard {
    /// A channel that was not known before.
    pub(super) fn begin_leg(&mut self, snapshot: &Snapshot<'_>) -> Id {
        let uniqueid = id(snapshot.uniqueid);
        let endpoint = self.site.endpoint(snapshot.name, snapshot.context);
        let first = snapshot.uniqueid == snapshot.linkedid;
        let conversation = match self.linked(snapshot.linkedid) {
            Some(known) => known.clone(),
            None => self.begin_conversation(snapshot),
        };
        if let Endpoint::Phone(extension) = &endpoint {
            self.phones.insert(extension.clone());
        }
        let leg = Channel {
            // What is up already when it is first heard of, and is the oldest of its kind, called in as well.
            called_in: snapshot.state == State::Ring || (first && snapshot.state == State::Up),
            state: snapshot.state,
            exten: snapshot.exten.to_owned(),
            shown: snapshot.connected.map(str::to_owned),
            conversation: conversation.clone(),
            number: None,
            dialler: None,
            dialled: false,
            dialled_by_queue: false,
            role: Role::Called,
            rang: false,
            rings_since: None,
            answered: false,
            answered_by: None,
            dial_status: None,
            forwards: false,
            taken: false,
            hung_up: false,
            dial_over: None,
            half: None,
            bridge: None,
            held: false,
            queue: None,
            recordings: Vec::new(),
            name: snapshot.name.to_owned(),
            endpoint,
        };
        let is_caller = first && leg.called_in;
        let is_new_target = !leg.called_in && leg.phone().is_some();
        self.channels.insert(uniqueid.clone(), leg);
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.members.push(uniqueid.clone());
        }
        if is_caller {
            self.call_began(&uniqueid, snapshot);
        } else if is_new_target {
            self.notice_redirect(&uniqueid);
        }
        uniqueid
    }

    fn begin_conversation(&mut self, snapshot: &Snapshot<'_>) -> Id {
        let conversation = id(snapshot.linkedid);
        let mut new = Conversation::new(self.at, Course::Open);
        // The PBX calls out of itself: an action asked for it ("Click to call").
        new.own_leg_pending =
            snapshot.uniqueid == snapshot.linkedid && matches!(snapshot.state, State::Down | State::Ringing);
        self.conversations.insert(conversation.clone(), new);
        self.link(snapshot.linkedid, &conversation);
        conversation
    }

    /// The first leg of a call: somebody called in.
    fn call_began(&mut self, leg: &Id, snapshot: &Snapshot<'_>) {
        let Some(channel) = self.channels.get(leg) else { return };
        let (endpoint, conversation) = (channel.endpoint.clone(), channel.conversation.clone());
        let Some(known) = self.conversations.get_mut(&conversation) else { return };
        match endpoint {
            Endpoint::Trunk(trunk) => {
                known.trunk = trunk;
                known.external = snapshot.caller.map(str::to_owned);
                known.external_name = snapshot.caller_name.to_owned();
                known.line = Some(snapshot.exten).filter(|exten| is_dialable(exten)).unwrap_or_default().to_owned();
                self.decide(&conversation, Direction::Inbound);
            }
            Endpoint::Phone(extension) => {
                known.from = Some(extension);
                if self.site.is_feature_code(snapshot.exten) {
                    known.course = Course::Command;
                }
            }
            Endpoint::Local(_) | Endpoint::Machinery => {}
        }
    }

    /// What a message says by the way about a channel that is known.
    pub(super) fn update(&mut self, snapshot: &Snapshot<'_>) {
        let Some(leg) = self.channels.get_mut(snapshot.uniqueid) else { return };
        leg.state = leg.state.max(snapshot.state);
        if leg.name != snapshot.name {
            snapshot.name.clone_into(&mut leg.name);
        }
        if leg.exten != snapshot.exten {
            snapshot.exten.clone_into(&mut leg.exten);
        }
        if snapshot.connected.is_some() {
            leg.shown = snapshot.connected.map(str::to_owned);
        }
        let conversation = leg.conversation.clone();
        match self.linked(snapshot.linkedid).cloned() {
            Some(linked) => {
                if linked != conversation {
                    self.merge(&conversation, &linked);
                }
            }
            // The leg joined something older that was never heard of: the conversation goes on under its own name.
            None => self.link(snapshot.linkedid, &conversation),
        }
        self.notice_wanted(snapshot.uniqueid, snapshot.exten);
    }

    /// The dial plan looks for an extension on behalf of the outside caller.
    pub(super) fn notice_wanted(&mut self, uniqueid: &str, exten: &str) {
        let Some(leg) = self.channels.get(uniqueid).filter(|leg| leg.called_in && leg.is_trunk()) else { return };
        if let Some(known) = self.conversations.get_mut(&leg.conversation)
            && !known.answered
            && known.line != exten
            && self.site.is_internal(exten)
            && known.wanted.as_ref().is_none_or(|wanted| wanted.as_str() != exten)
        {
            known.wanted = Some(exten.into());
        }
    }

    pub(super) fn state_changed(&mut self, own: Option<&Snapshot<'_>>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        if channel.state == State::Ringing && channel.phone().is_some() {
            self.rings(&leg);
        }
    }

    /// Somebody at the far end wants to hang up, or the far end was told a refusal of the PBX.
    pub(super) fn hangup_requested(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        let refused = channel.called_in && channel.state != State::Up && is_refusal(channel, message);
        if refused || !channel.is_real() {
            return;
        }
        let side = if channel.is_trunk() { Side::External } else { Side::Internal };
        let (called_in, conversation, extension) =
            (channel.called_in, channel.conversation.clone(), channel.phone().cloned());
        let rings = self
            .members(&conversation)
            .any(|(_, other)| !other.answered && (other.rang || (other.is_trunk() && !other.called_in)));
        if let Some(leg) = self.channels.get_mut(&leg) {
            leg.hung_up = true;
        }
        let Some(known) = self.conversations.get_mut(&conversation) else { return };
        known.ended_by = side;
        if extension.is_some() && known.attended_by == extension {
            known.attended_by = None;
        }
        if called_in && !known.answered {
            known.gave_up.get_or_insert(rings);
        }
    }

    pub(super) fn hung_up(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        let conversation = channel.conversation.clone();
        let cause = message.get("Cause").and_then(|cause| cause.parse().ok());
        if message.get("TechCause") == Some("487") && channel.called_in && channel.state != State::Up {
            self.hangup_requested(own, message);
        }
        self.recordings_ended(&leg);
        let Some(channel) = self.channels.get(&leg) else { return };
        if let Some(extension) = channel.phone().cloned() {
            let elsewhere = self.members(&conversation).any(|(id, other)| {
                *id != leg && other.phone() == Some(&extension) && (other.rang || other.answered || other.called_in)
            });
            let known = self.conversations.get(&conversation);
            let talked = channel.answered || (channel.called_in && known.is_some_and(|known| known.answered));
            let others = self.members(&conversation).any(|(id, other)| *id != leg && other.is_real());
            if elsewhere {
                // Another device of the same extension goes on.
            } else if channel.rang && !channel.answered {
                let why = self.ring_end(channel, cause);
                self.say(&conversation, Fact::RingStopped { extension, why, cause });
            } else if talked && others {
                self.say(&conversation, Fact::Left { extension });
            }
        }
        self.note_failure(&leg, cause, message.get("TechCause"));
        self.channels.remove(&leg);
        self.remember(&leg, &conversation);
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.members.retain(|member| *member != leg);
        }
        self.end_if_empty(&conversation, cause);
    }

    /// Why a phone stopped ringing.
    pub(super) fn ring_end(&self, leg: &Channel, cause: Option<u16>) -> RingEnd {
        if leg.forwards {
            return RingEnd::Forwarded;
        }
        if leg.taken {
            return RingEnd::AnsweredElsewhere;
        }
        if let Some(why) = leg.dial_over {
            return why;
        }
        match leg.dial_status.as_deref() {
            Some("BUSY") => return RingEnd::Busy,
            Some("NOANSWER") => return RingEnd::NoAnswer,
            Some("CONGESTION" | "CHANUNAVAIL") => return RingEnd::Failed,
            _ => {}
        }
        let dialler = leg.dialler.as_ref().map(|id| self.channels.get(id));
        match (cause, dialler) {
            (Some(26), _) => RingEnd::AnsweredElsewhere,
            (Some(17 | 21), _) => RingEnd::Busy,
            (_, Some(Some(dialler))) if dialler.dial_over.is_some() => dialler.dial_over.unwrap_or(RingEnd::Unknown),
            (_, Some(Some(dialler))) if dialler.answered_by.is_some() => RingEnd::AnsweredElsewhere,
            (_, Some(Some(dialler))) if dialler.hung_up => RingEnd::CallerGaveUp,
            // A queue that gives up tells its members no more than CANCEL.
            (_, Some(Some(_))) if leg.dialled_by_queue => RingEnd::NoAnswer,
            (Some(18 | 19), _) => RingEnd::NoAnswer,
            (_, Some(None)) => RingEnd::CallerGaveUp,
            _ => RingEnd::Unknown,
        }
    }

    /// Remembers how the attempt to reach this leg failed, for the reason of the call's end.
    fn note_failure(&mut self, leg: &Id, cause: Option<u16>, tech_cause: Option<&str>) {
        let Some(channel) = self.channels.get(leg) else { return };
        let is_attempt = !channel.called_in && !channel.answered && channel.is_real();
        if !is_attempt || channel.forwards || channel.role == Role::Consult {
            return;
        }
        let outside = channel.is_trunk();
        let failure = match (channel.dial_status.as_deref(), tech_cause) {
            (Some("BUSY"), _) => Reason::Busy,
            // The status says NOANSWER for a number that does not exist; only the causes tell ("404").
            (_, Some("404" | "410" | "484" | "604")) => Reason::Failed,
            (Some("CONGESTION"), _) => failure_of_cause(cause, outside).unwrap_or(Reason::Failed),
            (Some("CHANUNAVAIL"), _) if !outside => Reason::Unreachable,
            (Some("CHANUNAVAIL"), _) => Reason::Failed,
            _ => failure_of_cause(cause, outside).unwrap_or(Reason::NoAnswer),
        };
        let conversation = channel.conversation.clone();
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.failure = Some(failure);
        }
    }

    /// The living legs of a conversation.
    pub(super) fn members(&self, conversation: &Id) -> impl Iterator<Item = (&Id, &Channel)> {
        let members = self.conversations.get(conversation).map(|known| known.members.as_slice()).unwrap_or_default();
        members.iter().filter_map(|id| Some((id, self.channels.get(id)?)))
    }
}

/// The PBX refused the caller, and the message is only the echo of that: busy, or a final answer other than the
/// caller's own cancellation (487).
fn is_refusal(channel: &Channel, message: &Message<'_>) -> bool {
    channel.state == State::Busy
        || message.get("TechCause").is_some_and(|tech| tech != "487" && tech.starts_with(['4', '5', '6']))
}
