//! The queues of the PBX: who serves them and who waits in them.

use std::time::{Duration, Instant};

use crate::message::Message;
use crate::switchboard::put;

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    /// The recorded values of a `QueueParams` row, if one was seen.
    pub(crate) params: Option<Message>,
    /// Interface, and the last message about the member.
    pub(crate) members: Vec<(String, Message)>,
    pub(crate) waiting: Vec<Waiting>,
}

/// A caller in a queue.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The message that told of the caller.
    pub(crate) joined: Message,
    since: Instant,
}

impl Waiting {
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Queues {
    list: Vec<Queue>,
}

impl Queues {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Queue> {
        self.list.iter()
    }

    pub(crate) fn apply(&mut self, event: &Message, now: Instant) {
        match event.event() {
            "QueueCallerJoin" => self.queue(event).waiting.push(Waiting { joined: event.clone(), since: now }),
            "QueueCallerLeave" => {
                let id = event.value("Uniqueid");
                self.queue(event).waiting.retain(|caller| caller.joined.value("Uniqueid") != id);
            }
            "QueueMemberAdded"
            | "QueueMemberStatus"
            | "QueueMemberPause"
            | "QueueMemberPenalty"
            | "QueueMemberRinginuse" => {
                put(&mut self.queue(event).members, event.value("Interface").into(), event.clone());
            }
            "QueueMemberRemoved" => self.queue(event).members.retain(|(name, _)| name != event.value("Interface")),
            _ => {}
        }
    }

    /// Takes over a row of a recorded `QueueStatus`.
    pub(crate) fn seed(&mut self, row: &Message, now: Instant) {
        match row.event() {
            "QueueParams" => self.queue(row).params = Some(row.clone()),
            "QueueMember" => put(&mut self.queue(row).members, row.value("Location").into(), row.clone()),
            "QueueEntry" => {
                let waited = Duration::from_secs(row.value("Wait").parse().unwrap_or(0));
                let since = now.checked_sub(waited).unwrap_or(now);
                self.queue(row).waiting.push(Waiting { joined: row.clone(), since });
            }
            _ => {}
        }
    }

    /// A caller whose channel is gone waits no more, whether or not an event said so.
    pub(crate) fn caller_left(&mut self, id: &str) {
        for queue in &mut self.list {
            queue.waiting.retain(|caller| caller.joined.value("Uniqueid") != id);
        }
    }

    fn queue(&mut self, message: &Message) -> &mut Queue {
        let name = message.value("Queue");
        let at = self.list.iter().position(|queue| queue.name == name).unwrap_or_else(|| {
            self.list.push(Queue { name: name.to_owned(), params: None, members: Vec::new(), waiting: Vec::new() });
            self.list.len() - 1
        });
        &mut self.list[at]
    }
}
