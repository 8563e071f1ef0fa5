//! Plays a recording to the clients: when each message leaves, and where its bytes are cut.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::message::Message;
use crate::trace::{Kind, Recorded, Trace};
use crate::world::{Client, Out, Shared, World};

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playback {
    /// 1 keeps the recorded pace, 2 is twice as fast, 0 as fast as possible.
    pub speed: f64,
    /// Where writes end.
    pub boundaries: Boundaries,
    /// Every id and time moves to now, so that the same recording can be played again as new calls.
    pub fresh_ids: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Self { speed: 0.0, boundaries: Boundaries::Recorded, fresh_ids: false }
    }
}

/// Where the writes of a playing end; messages and writes need not line up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundaries {
    /// Where the reads of the recording client ended.
    Recorded,
    /// Behind every message.
    Whole,
    /// After every so many bytes.
    Every(usize),
    /// After a random number of bytes, mostly few, drawn from this seed.
    Random(u64),
}

/// What was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// Messages sent to clients that may see everything.
    pub messages: usize,
    /// Bytes of these messages.
    pub bytes: usize,
    /// How long it took.
    pub took: Duration,
}

/// A recording made ready: its ids are fixed, and what its listings told of the time before is known to the server.
#[must_use = "a cue does nothing until it is played"]
pub struct Cue {
    shared: Arc<Shared>,
    trace: Trace,
    playback: Playback,
}

impl Cue {
    pub(crate) fn new(shared: Arc<Shared>, trace: &Trace, playback: Playback) -> Self {
        let trace = {
            let mut world = shared.world();
            let now = jiff::Timestamp::now().as_second();
            let trace = if playback.fresh_ids { world.fresh.renew(trace, now) } else { trace.clone() };
            for row in opening_listings(&trace) {
                world.board.seed(&row, Instant::now());
            }
            trace
        };
        Self { shared, trace, playback }
    }

    /// The bytes that will be sent to a client which may see everything.
    pub fn bytes(&self) -> Vec<u8> {
        self.trace.broadcast_bytes()
    }

    /// Plays to whoever is logged in at each moment, and returns when everything was handed to the operating system.
    pub async fn play(self) -> Played {
        let began = tokio::time::Instant::now();
        // Moves on while the PBX is held.
        let mut started = began;
        let messages: Vec<Recorded> = self.trace.messages().filter(|m| m.kind == Kind::Broadcast).collect();
        let cuts = cuts(&self.trace, &messages, self.playback.boundaries);
        let mut batch_begin = 0;
        while batch_begin < messages.len() {
            let due = self.trace.due(messages[batch_begin].range.start);
            let same_read = messages[batch_begin..].iter().take_while(|m| self.trace.due(m.range.start) == due).count();
            let batch = &messages[batch_begin..batch_begin + same_read];
            batch_begin += same_read;
            if self.playback.speed > 0.0 {
                tokio::time::sleep_until(started + due.div_f64(self.playback.speed)).await;
            } else {
                tokio::task::yield_now().await;
            }
            let arrived = tokio::time::Instant::now();
            self.shared.not_held().await;
            started += arrived.elapsed();
            send(&mut self.shared.world(), &self.trace.bytes, batch, &cuts);
        }
        self.everything_written().await;
        if self.trace.ends_with_close {
            for client in &self.shared.world().clients {
                let _ = client.outbox.send(Out::Close);
            }
        }
        let bytes = messages.iter().map(|m| m.range.len()).sum();
        Played { messages: messages.len(), bytes, took: began.elapsed() }
    }

    async fn everything_written(&self) {
        let (reached, mut all_reached) = mpsc::channel::<()>(1);
        for client in &self.shared.world().clients {
            let _ = client.outbox.send(Out::Reached(reached.clone()));
        }
        drop(reached);
        all_reached.recv().await;
    }
}

/// Rows of the listings that the recording client asked for before the first event of a call.
fn opening_listings(trace: &Trace) -> Vec<Message> {
    trace
        .messages()
        .take_while(|m| m.kind == Kind::Answer || matches!(m.message.broadcast_class(), Some("system" | "security")))
        .filter(|m| m.kind == Kind::Answer)
        .map(|m| m.message)
        .collect()
}

/// The offsets at which a write ends and the next begins, in ascending order.
fn cuts(trace: &Trace, messages: &[Recorded], boundaries: Boundaries) -> Vec<usize> {
    let every = |next: &mut dyn FnMut() -> usize| {
        let mut cuts = Vec::new();
        let mut room = next();
        for message in messages {
            let mut at = message.range.start;
            while message.range.end - at >= room {
                at += room;
                cuts.push(at);
                room = next();
            }
            room -= message.range.end - at;
        }
        cuts
    };
    match boundaries {
        Boundaries::Recorded => trace.reads.iter().map(|(start, _)| *start).collect(),
        Boundaries::Whole => messages.iter().map(|m| m.range.start).collect(),
        Boundaries::Every(bytes) => every(&mut || bytes.max(1)),
        Boundaries::Random(seed) => {
            let mut random = fastrand::Rng::with_seed(seed);
            every(&mut || {
                let longest = 1 << random.u32(0..12);
                random.usize(1..=longest)
            })
        }
    }
}

/// Lets the events happen: the switchboard changes, and every client that may see them gets them queued.
fn send(world: &mut World, bytes: &[u8], batch: &[Recorded], cuts: &[usize]) {
    for message in batch {
        world.board.apply(&message.message, Instant::now());
    }
    if world.silent {
        return;
    }
    for client in &mut world.clients {
        send_to(client, bytes, batch, cuts);
    }
}

fn send_to(client: &mut Client, bytes: &[u8], batch: &[Recorded], cuts: &[usize]) {
    let Some(view) = &client.view else { return };
    let mut piece = Vec::new();
    for Recorded { range, message, .. } in batch {
        let text = &bytes[range.clone()];
        // A class is the first word of the privilege; events of no class go to everybody.
        if !message.broadcast_class().is_none_or(|class| view.shows(class, text)) {
            continue;
        }
        if client.break_next {
            client.break_next = false;
            piece.extend_from_slice(&text[..text.len() / 2]);
            client.send(piece);
            let _ = client.outbox.send(Out::CloseAfter(0));
            let _ = client.outbox.send(Out::Bytes(Vec::new()));
            return;
        }
        let first = cuts.partition_point(|cut| *cut < range.start);
        let inside = cuts[first..].iter().take_while(|cut| **cut < range.end);
        let mut at = range.start;
        for &cut in inside {
            piece.extend_from_slice(&bytes[at..cut]);
            at = cut;
            if !piece.is_empty() {
                client.send(std::mem::take(&mut piece));
            }
        }
        piece.extend_from_slice(&bytes[at..range.end]);
    }
    if !piece.is_empty() {
        client.send(piece);
    }
}
