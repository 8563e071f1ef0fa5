//! What happens around the talking: queues, hold, mailboxes, keys, variables.

use hookswitch_call::signal::{Direction, Fact, QueueExit, Role};

use super::{
    Switchboard,
    channel::{Channel, Id, Snapshot},
    conversation::Course,
    recording::RECORDING_VARIABLE,
};
use crate::asterisk::{message::Message, site::Endpoint};

/// Whether a dial plan application is a mailbox that takes a message.
pub(super) fn is_mailbox(application: &[u8]) -> bool {
    [b"VoiceMail".as_slice(), b"MiniVM", b"MinivmRecord"].iter().any(|name| name.eq_ignore_ascii_case(application))
}

impl Switchboard {
    pub(super) fn queue_joined(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, _)) = self.leg(own) else { return };
        let queue = message.get("Queue").unwrap_or_default().to_owned();
        self.wait_in(&leg, queue);
    }

    pub(super) fn wait_in(&mut self, leg: &Id, queue: String) {
        let Some(channel) = self.channels.get_mut(leg) else { return };
        channel.queue = Some(queue.clone());
        let conversation = channel.conversation.clone();
        if self
            .conversations
            .get(&conversation)
            .is_some_and(|known| known.course == Course::Open && !known.own_leg_pending)
        {
            self.decide(&conversation, Direction::Internal);
        }
        self.say(&conversation, Fact::Queued { queue });
    }

    /// The message comes however the caller left; only what was not told before is news.
    pub(super) fn queue_left(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let served = self.leg(own).is_some_and(|(_, leg)| leg.answered_by.is_some());
        if served {
            self.take_queue(own);
        } else {
            self.leave_queue(own, message, QueueExit::Other);
        }
    }

    /// Also sent when the queue gives up: only a caller who hung up has abandoned it.
    pub(super) fn queue_abandoned(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let hung_up = self.leg(own).is_some_and(|(_, leg)| leg.hung_up);
        self.leave_queue(own, message, if hung_up { QueueExit::Abandoned } else { QueueExit::Timeout });
    }

    fn leave_queue(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>, exit: QueueExit) {
        let Some((_, conversation)) = self.take_queue(own) else { return };
        let queue = message.get("Queue").unwrap_or_default().to_owned();
        self.say(&conversation, Fact::LeftQueue { queue, exit });
    }

    fn take_queue(&mut self, own: Option<&Snapshot<'_>>) -> Option<(String, Id)> {
        let leg = self.leg(own)?.0;
        let leg = self.channels.get_mut(&leg)?;
        Some((leg.queue.take()?, leg.conversation.clone()))
    }

    pub(super) fn held(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        // PJSIP names the music that a phone's hold asks for. Where it names none, a transfer feature holds the caller
        // while the target is dialled, which is told by what follows.
        let by_feature = own.is_some_and(|own| own.name.starts_with("PJSIP/")) && message.text("MusicClass").is_none();
        let (extension, conversation) = (channel.phone().cloned(), channel.conversation.clone());
        let Some(extension) = extension.filter(|_| !by_feature) else { return };
        if let Some(leg) = self.channels.get_mut(&leg) {
            leg.held = true;
        }
        self.say(&conversation, Fact::Held { extension });
    }

    pub(super) fn resumed(&mut self, own: Option<&Snapshot<'_>>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        let (extension, conversation) = (channel.phone().cloned(), channel.conversation.clone());
        let Some(extension) = extension.filter(|_| channel.held) else { return };
        // A phone talks on one line at a time: while its second line is in use, this is a transfer being completed.
        let second_line = self.channels.iter().any(|(id, other)| {
            *id != leg && other.phone() == Some(&extension) && !other.held && other.bridge.is_some() && other.called_in
        });
        if let Some(leg) = self.channels.get_mut(&leg) {
            leg.held = false;
        }
        if !second_line {
            self.say(&conversation, Fact::Resumed { extension });
        }
    }

    /// The dial plan goes on: a mailbox takes the caller, or an extension is looked for.
    pub(super) fn dial_plan_moved(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        if is_mailbox(message.get("Application").unwrap_or_default().as_bytes()) {
            let conversation = channel.conversation.clone();
            let mailbox = message.get("AppData").unwrap_or_default();
            let mailbox = mailbox.split(['@', ',', '&']).next().unwrap_or_default().to_owned();
            return self.say(&conversation, Fact::Voicemail { mailbox });
        }
        self.notice_wanted(&leg, message.get("Extension").unwrap_or_default());
    }

    /// A message was left. Says it to managers that may not read the dial plan; the tracker drops repetitions.
    pub(super) fn message_left(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((_, channel)) = self.leg(own) else { return };
        let conversation = channel.conversation.clone();
        let mailbox =
            message.get("Mailbox").and_then(|mailbox| mailbox.split('@').next()).unwrap_or_default().to_owned();
        if self.conversations.get(&conversation).is_some_and(|known| !known.answered) {
            self.say(&conversation, Fact::Voicemail { mailbox });
        }
    }

    pub(super) fn variable_set(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((leg, _)) = self.leg(own) else { return };
        let value = message.text("Value").map(str::to_owned);
        if message.get("Variable") == Some(RECORDING_VARIABLE) {
            self.recording_announced(&leg, value);
        } else if let Some(value) = value {
            self.crm_call_found(&leg, &value);
        }
    }

    /// The CRM's own id of the call.
    pub(super) fn crm_call_found(&mut self, leg: &Id, value: &str) {
        let Some(conversation) = self.channels.get(leg).map(|leg| leg.conversation.clone()) else { return };
        if self.conversations.get(&conversation).is_some_and(|known| known.crm_call.is_none()) {
            self.amend(&conversation, |known| known.crm_call = Some(value.to_owned()));
        }
    }

    /// The outside party pressed a key. What a phone of ours presses are commands to the PBX, and what is sent on to the
    /// other side was received before.
    pub(super) fn digit_pressed(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((_, channel)) = self.leg(own).filter(|(_, leg)| leg.is_trunk()) else { return };
        let conversation = channel.conversation.clone();
        let key = message.get("Digit").unwrap_or_default();
        let is_key = matches!(key.as_bytes(), [b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D']);
        if is_key && message.get("Direction") == Some("Received") {
            self.say(&conversation, Fact::Digits { digits: key.to_owned() });
        }
    }

    /// The two halves of a pair ("Local channels").
    pub(super) fn local_pair(&mut self, message: &Message<'_>) {
        let Some(one) = Snapshot::read(message, "LocalOne").map(|one| self.meet(&one)) else { return };
        let Some(two) = Snapshot::read(message, "LocalTwo").map(|two| self.meet(&two)) else { return };
        if let Some(leg) = self.channels.get_mut(&one) {
            leg.half = Some(two.clone());
        }
        if let Some(leg) = self.channels.get_mut(&two) {
            leg.half = Some(one);
        }
    }

    /// A device has a state, so it exists: that tells extensions from other numbers.
    pub(super) fn device_seen(&mut self, message: &Message<'_>) {
        let device = message.get("Device").unwrap_or_default();
        if let Some(extension) =
            self.site.extension(device).filter(|extension| self.site.is_internal(extension.as_str()))
        {
            self.phones.insert(extension);
        }
    }

    /// Which phones take part in a conversation now.
    pub(super) fn present(&self, conversation: &Id) -> Vec<hookswitch_call::Extension> {
        let takes_part = |leg: &Channel| leg.rang || leg.answered || (leg.called_in && leg.role == Role::Called);
        let mut present: Vec<_> = Vec::new();
        for (_, leg) in self.members(conversation).filter(|(_, leg)| takes_part(leg)) {
            if let Endpoint::Phone(extension) = &leg.endpoint
                && !present.contains(extension)
            {
                present.push(extension.clone());
            }
        }
        present
    }
}
