//! Which channels live: the answers to `CoreShowChannels`, `Status` and `QueueStatus`.
//!
//! After a login nothing is replayed ("After a reconnect"), so the source calls the roll: it lists, and meanwhile what
//! happens is kept in order and applied after the lists. Channels that the lists do not name, and that nothing was heard
//! of since, are gone. Lists that somebody else asked for add what was not known and change nothing else.

use std::collections::{HashMap, HashSet};

use hookswitch_call::{
    Chain, Millis, Signal,
    signal::{Direction, Fact},
};

use super::{
    Event, Switchboard,
    channel::{Id, Snapshot, State},
    conversation::Course,
    id,
    recording::RECORDING_VARIABLE,
};
use crate::asterisk::{
    message::{Message, peek},
    site::{Endpoint, is_dialable},
};

/// Most bytes of live messages kept while a roll is called.
pub(super) const MAX_BACKLOG: usize = 64 << 20;

/// What a finished roll call says.
#[derive(Debug)]
pub struct RollCall {
    /// What is new.
    pub signals: Vec<Signal>,
    /// The calls that live.
    pub alive: Vec<Chain>,
    /// What happened while the roll was called, in order.
    pub since: Vec<Signal>,
}

#[derive(Debug, Default)]
pub(super) struct Listing {
    listed: HashMap<Id, Listed>,
    order: Vec<Id>,
    /// A roll is being called: live messages wait here.
    calling: bool,
    waiting: Vec<(Vec<u8>, Millis)>,
    waiting_bytes: usize,
    overrun: bool,
}

/// A channel as the lists describe it; later lists fill what the earlier ones left out.
#[derive(Debug, Default)]
struct Listed {
    name: String,
    linkedid: String,
    state: State,
    caller: Option<String>,
    caller_name: String,
    connected: Option<String>,
    context: Option<String>,
    exten: String,
    /// The public number that was dialled.
    dnid: Option<String>,
    /// The PBX called the far end: AppDial, AppDial2 and AppQueue are what it shows for such legs.
    called_out: bool,
    bridge: Option<String>,
    seconds: u64,
    queue: Option<String>,
    /// Variables that `Status` was asked for.
    variables: Vec<(String, String)>,
}

impl Listed {
    fn fill(&mut self, message: &Message<'_>, snapshot: &Snapshot<'_>) {
        snapshot.name.clone_into(&mut self.name);
        snapshot.linkedid.clone_into(&mut self.linkedid);
        self.state = snapshot.state;
        self.caller = snapshot.caller.map(str::to_owned);
        snapshot.caller_name.clone_into(&mut self.caller_name);
        self.connected = snapshot.connected.map(str::to_owned);
        self.context = snapshot.context.map(str::to_owned);
        snapshot.exten.clone_into(&mut self.exten);
        self.dnid = message.text("DNID").map(str::to_owned).or(self.dnid.take());
        self.called_out = message.get("Application").is_some_and(|application| application.starts_with("App"));
        self.bridge = message.text("BridgeID").map(str::to_owned);
        let variables = message.all("Variable").filter_map(|variable| variable.split_once('='));
        self.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let age = message.get("Seconds").and_then(|text| text.parse().ok());
        self.seconds = age.or_else(|| message.get("Duration").and_then(duration)).unwrap_or(0);
    }

    fn snapshot<'m>(&'m self, uniqueid: &'m str) -> Snapshot<'m> {
        Snapshot {
            name: &self.name,
            uniqueid,
            linkedid: &self.linkedid,
            state: self.state,
            caller: self.caller.as_deref(),
            caller_name: &self.caller_name,
            connected: self.connected.as_deref(),
            context: self.context.as_deref(),
            exten: &self.exten,
        }
    }
}

/// `01:02:03`, in seconds.
fn duration(text: &str) -> Option<u64> {
    text.split(':').try_fold(0_u64, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))
}

impl Listing {
    /// Keeps a live message for after the roll call.
    pub(super) fn postpones(&mut self, event: Event, frame: &[u8], now: Millis) -> bool {
        if !self.calling || event.is_listing() {
            return false;
        }
        if self.waiting_bytes + frame.len() <= MAX_BACKLOG {
            self.waiting_bytes += frame.len();
            self.waiting.push((frame.to_vec(), now));
        } else {
            self.overrun = true;
        }
        true
    }
}

impl Switchboard {
    /// From now on live messages wait, and the lists tell who is there.
    pub fn begin_roll_call(&mut self) {
        self.listing = Listing { calling: true, ..Listing::default() };
    }

    /// The lists are complete: brings the model up to date, then applies what happened meanwhile.
    pub fn end_roll_call(&mut self, now: Millis) -> RollCall {
        self.listing.calling = false;
        self.at = now;
        let waiting = std::mem::take(&mut self.listing.waiting);
        let heard_of: HashSet<String> = waiting
            .iter()
            .flat_map(|(frame, _)| [peek(frame, "Uniqueid"), peek(frame, "DestUniqueid")])
            .flatten()
            .map(|id| String::from_utf8_lossy(id).into_owned())
            .collect();
        let gone: Vec<Id> = self
            .channels
            .keys()
            .filter(|id| !self.listing.listed.contains_key(*id) && !heard_of.contains(&***id))
            .cloned()
            .collect();
        for leg in gone {
            self.vanish(&leg);
        }
        self.take_listed();
        for conversation in self.known_conversations() {
            let extensions = self.present(&conversation);
            self.say(&conversation, Fact::Present { extensions });
        }
        let signals = std::mem::take(&mut self.signals);
        let alive = self.known_conversations().iter().map(|id| Chain::from(&**id)).collect();
        let since = waiting.iter().flat_map(|(frame, at)| self.apply(frame, *at)).collect();
        RollCall { signals, alive, since }
    }

    /// The lists are not to be had: what was known stays, and what happened meanwhile is told.
    pub fn give_up_roll_call(&mut self) -> Vec<Signal> {
        let waiting = std::mem::take(&mut self.listing).waiting;
        waiting.iter().flat_map(|(frame, at)| self.apply(frame, *at)).collect()
    }

    /// Whether live messages were lost because the roll call took too long.
    pub fn backlog_is_full(&self) -> bool {
        self.listing.overrun
    }

    fn known_conversations(&self) -> Vec<Id> {
        let mut known: Vec<_> = self
            .conversations
            .iter()
            .filter(|(_, known)| known.is_known())
            .map(|(id, known)| (known.started, id.clone()))
            .collect();
        known.sort();
        known.into_iter().map(|(_, id)| id).collect()
    }

    /// A leg that is not there any more; nobody saw it go.
    fn vanish(&mut self, leg: &Id) {
        let Some(channel) = self.channels.remove(leg) else { return };
        let conversation = channel.conversation;
        let Some(known) = self.conversations.get_mut(&conversation) else { return };
        known.members.retain(|member| member != leg);
        if known.members.is_empty() {
            self.forget(&conversation);
        }
    }

    pub(super) fn listed(&mut self, event: Event, message: &Message<'_>) {
        if event == Event::ListingComplete {
            if !self.listing.calling {
                self.take_listed();
            }
            return;
        }
        let Some(uniqueid) = message.text("Uniqueid") else { return };
        if !self.listing.listed.contains_key(uniqueid) {
            self.listing.order.push(id(uniqueid));
        }
        let listed = self.listing.listed.entry(id(uniqueid)).or_default();
        match Snapshot::read(message, "") {
            Some(_) if event == Event::QueueEntry => listed.queue = message.text("Queue").map(str::to_owned),
            Some(snapshot) => listed.fill(message, &snapshot),
            None => {}
        }
    }

    /// Brings what the lists say into the model.
    fn take_listed(&mut self) {
        let listing = std::mem::take(&mut self.listing);
        let mut listed = listing.listed;
        let mut entries: Vec<(Id, Listed)> =
            listing.order.into_iter().filter_map(|id| Some((id.clone(), listed.remove(&id)?))).collect();
        for (uniqueid, entry) in &mut entries {
            // Whoever was heard of before is known better than a list can tell.
            entry.called_out = self.channels.get(uniqueid).map_or(entry.called_out, |known| !known.called_in);
        }
        let mut news = Vec::new();
        for (uniqueid, entry) in entries.iter().filter(|(_, entry)| !entry.name.is_empty()) {
            match self.channels.get(uniqueid).map(|known| known.state < entry.state) {
                None => self.restore(uniqueid, entry),
                Some(true) => {
                    self.meet(&entry.snapshot(uniqueid));
                }
                Some(false) => continue,
            }
            news.push((uniqueid, entry));
        }
        // Who calls is settled before what the phones do.
        for (uniqueid, entry) in news.iter().filter(|(_, entry)| !entry.called_out) {
            self.resume_caller(uniqueid, entry);
        }
        for (uniqueid, entry) in &entries {
            self.resume_line(uniqueid, entry);
            self.resume_waiting(uniqueid, entry.queue.as_deref());
        }
        for (uniqueid, entry) in &news {
            self.resume_variables(uniqueid, entry);
        }
        for (uniqueid, entry) in news.iter().filter(|(_, entry)| entry.called_out) {
            self.resume_called(uniqueid, entry);
        }
        for (uniqueid, entry) in &entries {
            if let Some(leg) = self.channels.get_mut(uniqueid).filter(|_| !entry.name.is_empty()) {
                leg.bridge.clone_from(&entry.bridge);
            }
        }
    }

    /// A leg that was there before anybody listened.
    fn restore(&mut self, uniqueid: &Id, entry: &Listed) {
        let now = self.at;
        self.at = Millis(now.0.saturating_sub(entry.seconds.saturating_mul(1000)));
        // It enters as a leg that does nothing; what it does is said when all legs are there.
        let leg = self.begin_leg(&Snapshot { state: State::Down, ..entry.snapshot(uniqueid) });
        let started = std::mem::replace(&mut self.at, now);
        let Some(channel) = self.channels.get_mut(&leg) else { return };
        channel.state = entry.state;
        channel.called_in = !entry.called_out;
        channel.dialled = entry.called_out;
        if channel.is_trunk() && entry.called_out {
            channel.number.clone_from(&entry.caller);
        }
        let conversation = channel.conversation.clone();
        if let Some(known) = self.conversations.get_mut(&conversation) {
            known.started = known.started.min(started);
            if *leg == *entry.linkedid {
                known.own_leg_pending = entry.called_out && entry.state < State::Up;
            }
        }
    }

    /// A restored leg that called in: it decides what the conversation is.
    fn resume_caller(&mut self, uniqueid: &Id, entry: &Listed) {
        let Some(channel) = self.channels.get(uniqueid) else { return };
        let (conversation, endpoint) = (channel.conversation.clone(), channel.endpoint.clone());
        if self.conversations.get(&conversation).is_none_or(|known| known.course != Course::Open) {
            return;
        }
        let dialled = self.members(&conversation).find(|(_, leg)| leg.is_trunk() && !leg.called_in);
        let dialled = dialled.map(|(_, leg)| (leg.number.clone(), leg.endpoint.clone()));
        match endpoint {
            Endpoint::Trunk(trunk) => {
                self.amend(&conversation, |known| {
                    known.trunk = trunk;
                    known.external.clone_from(&entry.caller);
                    known.external_name.clone_from(&entry.caller_name);
                });
                self.decide(&conversation, Direction::Inbound);
            }
            Endpoint::Phone(extension) if *uniqueid == id(&entry.linkedid) => {
                self.amend(&conversation, |known| known.from = Some(extension));
                if let Some((number, Endpoint::Trunk(trunk))) = dialled {
                    self.amend(&conversation, |known| {
                        known.external = number;
                        known.trunk = trunk;
                    });
                    self.decide(&conversation, Direction::Outbound);
                }
            }
            _ => {}
        }
    }

    /// The public number that an inbound caller dialled: only `Status` has it.
    fn resume_line(&mut self, uniqueid: &Id, entry: &Listed) {
        let Some(channel) = self.channels.get(uniqueid).filter(|leg| leg.called_in && leg.is_trunk()) else { return };
        let exten = Some(&entry.exten).filter(|exten| is_dialable(exten) && !self.site.is_internal(exten));
        let (Some(line), conversation) = (entry.dnid.as_ref().or(exten), channel.conversation.clone()) else { return };
        if self.conversations.get(&conversation).is_some_and(|known| known.line.is_empty()) {
            self.amend(&conversation, |known| known.line.clone_from(line));
        }
    }

    /// What variables say that were set before anybody listened.
    fn resume_variables(&mut self, uniqueid: &Id, entry: &Listed) {
        for (name, value) in entry.variables.iter().filter(|(_, value)| !value.is_empty()) {
            if name == RECORDING_VARIABLE {
                self.recording_found(uniqueid, value);
            } else if self.site.is_crm_variable(name) {
                self.crm_call_found(uniqueid, value);
            }
        }
    }

    fn resume_waiting(&mut self, uniqueid: &Id, queue: Option<&str>) {
        let Some(channel) = self.channels.get(uniqueid) else { return };
        if let Some(queue) = queue.filter(|_| channel.queue.is_none()) {
            self.wait_in(uniqueid, queue.to_owned());
        }
    }

    /// A restored leg that was called, or one that went on since it was last heard of.
    fn resume_called(&mut self, uniqueid: &Id, entry: &Listed) {
        let Some(channel) = self.channels.get(uniqueid) else { return };
        let conversation = channel.conversation.clone();
        let dialler = self
            .members(&conversation)
            .find(|(_, leg)| leg.called_in)
            .map(|(id, leg)| (id.clone(), leg.queue.is_some()));
        if let (Some((dialler, queued)), Some(channel)) = (dialler, self.channels.get_mut(uniqueid)) {
            channel.dialler.get_or_insert(dialler);
            channel.dialled_by_queue |= queued;
        }
        let Some(channel) = self.channels.get(uniqueid) else { return };
        match (&channel.endpoint, entry.state) {
            (Endpoint::Phone(_), State::Ringing) => self.rings(uniqueid),
            (Endpoint::Phone(_), State::Up) => self.answered(uniqueid),
            (Endpoint::Trunk(_), state) => {
                let number = channel.number.clone().unwrap_or_default();
                self.outside_dialled(uniqueid, None, number);
                if state == State::Up && entry.bridge.is_some() {
                    self.answered(uniqueid);
                }
            }
            _ => {}
        }
    }
}
