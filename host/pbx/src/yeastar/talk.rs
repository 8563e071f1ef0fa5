//! One call: what its members do, and what follows from that.

mod arrival;
mod ending;
mod moving;
mod parts;

use std::collections::BTreeSet;

use hookswitch_call::{
    Call, Chain, Extension, Millis, Signal,
    signal::{Arrival, Fact, Party, QueueExit, Reason, RingEnd, Role, Side},
};

pub(super) use self::ending::Standing;
use self::{
    moving::Moving,
    parts::{Part, Posture},
};
use super::{
    cdr::Outcome,
    event::{Member, Status, Who},
    ground::Ground,
};

/// Keys of one call that are told.
const MOST_DIGITS: usize = 256;
/// Queues of one call that are told.
const MOST_QUEUES: usize = 32;

/// A call that was asked for with `call/dial`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) extension: Extension,
    pub(super) number: String,
    pub(super) crm_call: Option<String>,
}

/// One call, as far as it was heard.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) chain: Chain,
    /// When it was last heard of.
    pub(super) heard: Millis,
    pub(super) standing: Standing,
    pub(super) own: Option<Own>,
    /// In order of appearance.
    parts: Vec<Part>,
    /// What was told of how it came into being.
    arrival: Option<Arrival>,
    /// Queues that were entered, and whether they were left.
    queues: Vec<(String, bool)>,
    moving: Option<Moving>,
    /// Who gave the call away so far.
    gave_away: BTreeSet<Extension>,
    /// A person answered.
    answered: bool,
    /// It was heard before the host started, so that more is known of it than its members show.
    restored: bool,
    /// Why it could not be put through.
    failure: Option<Reason>,
    /// What the newest record says.
    cdr: Option<Outcome>,
    /// Who hung up, as long as nobody else is talking.
    hung_up: Option<Side>,
    digits: BTreeSet<u64>,
    /// The leg that waited to be taken or refused.
    asked: Option<String>,
}

impl Talk {
    pub(super) fn new(chain: Chain, at: Millis) -> Self {
        Self {
            chain,
            heard: at,
            standing: Standing::Live,
            own: None,
            parts: Vec::new(),
            arrival: None,
            queues: Vec::new(),
            moving: None,
            gave_away: BTreeSet::new(),
            answered: false,
            restored: false,
            failure: None,
            cdr: None,
            hung_up: None,
            digits: BTreeSet::new(),
            asked: None,
        }
    }

    /// A call as the host knows it.
    pub(super) fn restored(call: &Call) -> Self {
        let arrival = Arrival {
            direction: call.direction,
            external: call.external.clone(),
            external_name: call.external_name.clone(),
            line: call.line.clone(),
            trunk: call.trunk.clone(),
            from: call.from.clone(),
            crm_call: call.crm_call.clone(),
            started: None,
        };
        let answered = call.answered.is_some();
        Self {
            standing: if call.is_open() { Standing::Live } else { Standing::Ended },
            arrival: Some(arrival),
            queues: call.queues.iter().take(MOST_QUEUES).map(|queue| (queue.clone(), answered)).collect(),
            answered,
            restored: true,
            ..Self::new(call.chain.clone(), call.changed)
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.standing, Standing::Ended)
    }

    /// Facts that were heard at `at`.
    pub(super) fn signals(&self, facts: Vec<Fact>, at: Millis) -> Vec<Signal> {
        facts.into_iter().map(|fact| Signal { chain: self.chain.clone(), at, fact }).collect()
    }

    /// Takes in what members do; what follows.
    pub(super) fn take(&mut self, members: Vec<Member>, at: Millis, settle: u64, ground: &Ground) -> Vec<Fact> {
        if !self.is_open() {
            return Vec::new();
        }
        self.heard = self.heard.max(at);
        let begins = self.parts.is_empty();
        let before = self.postures();
        let mut facts = Vec::new();
        for member in &members {
            self.path(&member.path, ground, &mut facts);
        }
        self.put(members);
        let now = self.postures();
        let first = self.arrived(begins, at, ground);
        facts.splice(0..0, first);
        let came = |extension: &&Extension| !before.contains_key(*extension);
        let new: Vec<Extension> = now.keys().filter(came).cloned().collect();
        for extension in &new {
            self.reached(extension, now.get(extension).copied(), &mut facts);
        }
        self.dial(ground, &mut facts);
        for (extension, posture) in &now {
            self.posture(extension, before.get(extension).copied(), *posture, &mut facts);
        }
        self.answered_outside(&mut facts);
        self.stand(at, settle);
        for (extension, posture) in before.iter().filter(|(extension, _)| !now.contains_key(extension)) {
            facts.push(self.gone(extension, *posture));
        }
        facts
    }

    /// Takes in who takes part, as the PBX was asked; what follows. The call goes on, whatever was heard of it.
    pub(super) fn roll(&mut self, members: Vec<Member>, at: Millis, settle: u64, ground: &Ground) -> Vec<Fact> {
        self.only(&members);
        let mut facts = self.take(members, at, settle, ground);
        self.lives();
        if self.is_open() {
            facts.push(Fact::Present { extensions: self.postures().into_keys().collect() });
        }
        facts
    }

    fn path(&mut self, path: &str, ground: &Ground, facts: &mut Vec<Fact>) {
        let mut through = false;
        for queue in ground.queues_of(path) {
            through = true;
            if self.queues.len() < MOST_QUEUES && !self.queues.iter().any(|(known, _)| known == queue) {
                self.queues.push((queue.to_owned(), false));
                facts.push(Fact::Queued { queue: queue.to_owned() });
            }
        }
        if !through && !path.is_empty() {
            facts.push(Fact::Noted { name: "call-path".to_owned(), value: path.to_owned() });
        }
    }

    /// An extension does something else than before.
    fn posture(&mut self, extension: &Extension, before: Option<Posture>, now: Posture, facts: &mut Vec<Fact>) {
        let role = self.role(extension);
        match (before, now) {
            (before, now) if before == Some(now) => {}
            (Some(Posture::Talking), Posture::Held) => facts.push(Fact::Held { extension: extension.clone() }),
            (Some(Posture::Held), Posture::Talking) => facts.push(Fact::Resumed { extension: extension.clone() }),
            (_, Posture::Ringing) => facts.push(Fact::Ringing { extension: extension.clone(), role }),
            (_, Posture::Talking | Posture::Held) if !self.calls(extension) => {
                if role != Role::Own {
                    self.leave_queues(QueueExit::Answered, facts);
                    self.answered = true;
                }
                facts.push(Fact::Answered { by: Party::Extension(extension.clone()), role });
                if now == Posture::Held {
                    facts.push(Fact::Held { extension: extension.clone() });
                }
            }
            _ => {}
        }
    }

    /// An extension that took part does so no more.
    fn gone(&self, extension: &Extension, posture: Posture) -> Fact {
        let extension = extension.clone();
        match posture {
            Posture::Ringing if matches!(self.standing, Standing::Over { .. }) && self.caller_hung_up() => {
                Fact::RingStopped { extension, why: RingEnd::CallerGaveUp, cause: None }
            }
            Posture::Ringing => Fact::RingStopped { extension, why: RingEnd::Unknown, cause: None },
            _ => Fact::Left { extension },
        }
    }

    /// Outside numbers that are dialled.
    fn dial(&mut self, ground: &Ground, facts: &mut Vec<Fact>) {
        let mut dialled = Vec::new();
        for part in self.parts.iter_mut().filter(|part| !part.told && !part.is_gone()) {
            if let Who::Outbound(outside) = &part.who {
                part.told = true;
                dialled.push(outside.clone());
            }
        }
        for outside in dialled {
            if self.moved_outside(&outside.to, facts) || !self.is_outbound() {
                continue;
            }
            let from = self.originator(ground).or_else(|| ground.extension(&outside.from));
            facts.extend(from.map(|extension| Fact::Dialing { extension, number: outside.to }));
        }
    }

    fn answered_outside(&mut self, facts: &mut Vec<Fact>) {
        let told_by_caller = self.is_outbound()
            && self.parts.iter().any(|part| part.is_extension() && part.status == Some(Status::Answered));
        for part in &mut self.parts {
            let Who::Outbound(outside) = &part.who else { continue };
            if !part.answered && !part.is_gone() && (part.is_up() || told_by_caller) {
                part.answered = true;
                self.answered = true;
                facts.push(Fact::Answered { by: Party::Outside(outside.to.clone()), role: Role::Called });
            }
        }
    }

    fn leave_queues(&mut self, exit: QueueExit, facts: &mut Vec<Fact>) {
        for (queue, left) in self.queues.iter_mut().filter(|(_, left)| !left) {
            *left = true;
            facts.push(Fact::LeftQueue { queue: queue.clone(), exit });
        }
    }

    fn role(&self, extension: &Extension) -> Role {
        let own = self.own.as_ref().is_some_and(|own| own.extension == *extension);
        if own && !self.answered { Role::Own } else { Role::Called }
    }

    /// The same signals, now that it is known that this call was asked for.
    pub(super) fn again(&mut self, signals: Vec<Signal>, ground: &Ground) -> Vec<Signal> {
        let at = self.heard;
        let arrived = self.arrived(false, at, ground);
        let role = |fact| match fact {
            Fact::Ringing { extension, .. } => Fact::Ringing { extension, role: Role::Own },
            other => other,
        };
        let rest = signals.into_iter().map(|signal| signal.fact).filter(|fact| !matches!(fact, Fact::Arrived(_)));
        let facts = arrived.into_iter().chain(rest.map(role)).collect();
        self.signals(facts, at)
    }

    /// A key that the outside party pressed, the `place`-th.
    pub(super) fn digit(&mut self, key: String, place: u64) -> Option<Fact> {
        let new = self.is_open() && self.digits.len() < MOST_DIGITS && self.digits.insert(place);
        new.then_some(Fact::Digits { digits: key })
    }

    /// Whether the question if this leg shall be taken is new: posts are repeated.
    pub(super) fn asks(&mut self, channel: &str) -> bool {
        let new = self.is_open() && self.asked.as_deref() != Some(channel);
        self.asked = Some(channel.to_owned());
        new
    }

    /// The call was not taken.
    pub(super) fn refused(&mut self) {
        self.failure = Some(Reason::Busy);
        self.hung_up = Some(Side::Internal);
    }

    /// The call cannot be put through, in the PBX's words: `486 Busy here` (30015).
    pub(super) fn failed(&mut self, why: &str) {
        let why = why.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
        self.failure = Some(match () {
            () if says(&["busy", "dnd", "486", "600"]) => Reason::Busy,
            () if says(&["unreachable", "unregistered"]) => Reason::Unreachable,
            // 603 is what the PBX says of a call that has rung for its time.
            () if says(&["408", "480", "603"]) => Reason::NoAnswer,
            () => Reason::Failed,
        });
    }
}
