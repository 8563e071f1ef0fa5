//! Recordings: when they run, and which files they leave behind (Asterisk reference, "Recording").

use hookswitch_call::{
    Chain, Signal,
    signal::{Fact, RecordingState},
};

use super::{
    Switchboard,
    channel::{Id, Recording, Snapshot},
    id,
};
use crate::asterisk::message::Message;

/// Where the dial plan finds the file of a recording.
pub(super) const RECORDING_VARIABLE: &str = "MIXMONITOR_FILENAME";

/// Recordings kept of one leg.
const MOST: usize = 32;
/// Legs that are gone and remembered for the billing records that follow.
const LATELY: usize = 1024;

impl Switchboard {
    /// The variable with the file comes before the recording starts.
    pub(super) fn recording_announced(&mut self, leg: &Id, file: Option<String>) {
        let (Some(leg), Some(file)) = (self.channels.get_mut(leg), file) else { return };
        if leg.recordings.len() < MOST && !leg.recordings.iter().any(|known| known.file.as_ref() == Some(&file)) {
            leg.recordings.push(Recording { file: Some(file), running: false });
        }
    }

    /// A leg that was there before anybody listened is being recorded, or was.
    pub(super) fn recording_found(&mut self, leg: &Id, file: &str) {
        if let Some(leg) = self.channels.get_mut(leg).filter(|leg| leg.recordings.is_empty()) {
            leg.recordings.push(Recording { file: Some(file.to_owned()), running: true });
        }
    }

    pub(super) fn recording_started(&mut self, own: Option<&Snapshot<'_>>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        let conversation = channel.conversation.clone();
        let Some(leg) = self.channels.get_mut(&leg) else { return };
        let full = leg.recordings.len() >= MOST;
        match leg.recordings.iter_mut().rfind(|recording| !recording.running) {
            Some(recording) => recording.running = true,
            None if full => {}
            None => leg.recordings.push(Recording { file: None, running: true }),
        }
        self.say(&conversation, Fact::Recording { state: RecordingState::Started, file: None });
    }

    /// Only sent after an explicit stop; otherwise the leg's hangup is the end.
    pub(super) fn recording_stopped(&mut self, own: Option<&Snapshot<'_>>) {
        let Some((leg, channel)) = self.leg(own) else { return };
        let conversation = channel.conversation.clone();
        let Some(leg) = self.channels.get_mut(&leg) else { return };
        let running = leg.recordings.iter().rposition(|recording| recording.running);
        let recording = running.map(|place| leg.recordings.remove(place));
        self.say(&conversation, Fact::Recording { state: RecordingState::Stopped, file: None });
        self.recorded(&conversation, recording.and_then(|recording| recording.file));
    }

    pub(super) fn recording_muted(&mut self, own: Option<&Snapshot<'_>>, message: &Message<'_>) {
        let Some((_, channel)) = self.leg(own) else { return };
        let conversation = channel.conversation.clone();
        let state = if message.get("State") == Some("1") { RecordingState::Muted } else { RecordingState::Unmuted };
        self.say(&conversation, Fact::Recording { state, file: None });
    }

    /// A leg hangs up: so do its recorders.
    pub(super) fn recordings_ended(&mut self, leg: &Id) {
        let Some(channel) = self.channels.get_mut(leg) else { return };
        let conversation = channel.conversation.clone();
        for recording in std::mem::take(&mut channel.recordings).into_iter().filter(|recording| recording.running) {
            self.say(&conversation, Fact::Recording { state: RecordingState::Stopped, file: None });
            self.recorded(&conversation, recording.file);
        }
    }

    fn recorded(&mut self, conversation: &Id, file: Option<String>) {
        if let Some(file) = file.and_then(|file| self.located(&file)) {
            self.say(conversation, Fact::Recorded { file });
        }
    }

    fn located(&self, file: &str) -> Option<String> {
        let located = self.site.recordings.locate(file);
        if located.is_none() {
            tracing::warn!("a recording lies outside of the folder that `recordings` names; it is left out");
            tracing::debug!(file = %file.escape_debug(), "left out");
        }
        located
    }

    /// A leg is gone. Its billing record comes before that or after.
    pub(super) fn remember(&mut self, leg: &Id, conversation: &Id) {
        let told = self.conversations.get(conversation).is_some_and(super::conversation::Conversation::is_known);
        if told && self.site.recordings.cdr_field.is_some() {
            self.lately.truncate(LATELY - 1);
            self.lately.push_front((leg.clone(), conversation.clone()));
        }
    }

    /// A billing record: the dial plan may have put the file into it.
    pub(super) fn billed(&mut self, message: &Message<'_>) {
        let field = self.site.recordings.cdr_field.as_deref();
        let Some(file) = field.and_then(|field| message.text(field)).and_then(|file| self.located(file)) else {
            return;
        };
        let leg = id(message.get("UniqueID").unwrap_or_default());
        let lately =
            || self.lately.iter().find(|(known, _)| *known == leg).map(|(_, conversation)| conversation.clone());
        let Some(conversation) = self.channels.get(&leg).map(|leg| leg.conversation.clone()).or_else(lately) else {
            return;
        };
        // It may have become a part of another one since.
        let conversation = self.linked(&conversation).cloned().unwrap_or(conversation);
        if self.conversations.contains_key(&conversation) {
            self.say(&conversation, Fact::Recorded { file });
        } else {
            self.signals.push(Signal {
                chain: Chain::from(&*conversation),
                at: self.at,
                fact: Fact::Recorded { file },
            });
        }
    }
}
