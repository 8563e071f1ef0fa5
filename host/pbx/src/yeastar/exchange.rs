//! From events to signals: all calls of one PBX. Pure: no I/O and no clock.

mod past;
mod roll;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use hookswitch_call::{
    Call, Chain, Extension, Millis, Signal,
    signal::{Fact, Report, RingEnd},
    site::{News, Trait},
};

pub use self::{past::Gap, roll::Roll};
use super::{
    cdr::{Cdr, Leg, Outcome},
    event::{Digit, Event, Members, Who},
    ground::Ground,
    news::{Change, Directory},
    talk::{Own, Standing, Talk},
};
use crate::Dial;

/// Calls that are kept. When there are more, those that ended first are forgotten.
const MOST_CALLS: usize = 20_000;
/// Calls that are over are remembered so long, for records that come late.
const REMEMBER: u64 = 3600 * 1000;
/// Legs that wait for the record of their call, and for how long.
const MOST_LEGS: usize = 256;
const LEG_WAITS: u64 = 60 * 1000;
/// A call that was asked for rings within this time, or not at all.
const DIAL_RINGS: u64 = 30 * 1000;
/// Legs of one call that are told.
const MOST_TOLD: u64 = 32;

/// All calls of a PBX.
#[derive(Debug)]
pub struct Exchange {
    ground: Ground,
    /// How long the end of a call waits for its record, in milliseconds.
    settle: u64,
    talks: HashMap<Chain, Talk>,
    /// The call that a record belongs to, by the record's id.
    uids: HashMap<String, Chain>,
    legs: Vec<(Millis, Leg)>,
    /// Calls that were asked for and have not been heard of.
    dialled: Vec<(Millis, Own)>,
}

/// What an event leads to.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    /// In order.
    pub reports: Vec<Report>,
    /// A call that waits to be taken or refused.
    pub asked: Option<Asked>,
    /// The lists of extensions and queues have changed.
    pub directory: bool,
}

/// A call that waits to be taken or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The call.
    pub call: Chain,
    /// The leg to take or to refuse.
    pub channel: String,
    /// The caller's number; none where suppressed.
    pub external: Option<String>,
    /// What was called; a public number, or what the PBX made of it.
    pub line: String,
}

impl Exchange {
    /// Goes on with calls as the host knows them. The end of a call waits so many milliseconds for its record.
    pub fn new(ground: Ground, settle: u64, recent: &[Call]) -> Self {
        let talks = recent.iter().map(|call| (call.chain.clone(), Talk::restored(call))).collect();
        Self { ground, settle, talks, uids: HashMap::new(), legs: Vec::new(), dialled: Vec::new() }
    }

    /// Takes in what the PBX tells at `at`.
    pub fn apply(&mut self, event: Event, at: Millis) -> Heard {
        self.forget(at);
        let mut heard = Heard::default();
        let settle = self.settle;
        heard.reports = match event {
            Event::State(Members { call, members }) => {
                self.with(call, at, |talk, ground| talk.take(members, at, settle, ground))
            }
            Event::Transferred(Members { call, members }) => {
                self.with(call, at, |talk, ground| talk.transferred(members, at, settle, ground))
            }
            Event::Forwarded(Members { call, members }) => {
                self.with(call, at, |talk, ground| talk.forwarded(members, at, settle, ground))
            }
            Event::Failed(Members { call, members }, why) => self.with(call, at, |talk, ground| {
                talk.failed(&why);
                let facts = talk.take(members, at, settle, ground);
                talk.doubt(Millis(at.0 + settle), false);
                facts
            }),
            Event::Asked(members) => {
                let asked = asked(&members);
                self.with(members.call, at, |talk, ground| {
                    heard.asked = asked.filter(|asked| talk.asks(&asked.channel));
                    talk.take(members.members, at, settle, ground)
                })
            }
            Event::Digit(Digit { call, outside, key, place }) if outside && self.talks.contains_key(&call) => {
                self.with(call, at, |talk, _| talk.digit(key, place).into_iter().collect())
            }
            Event::RungOut { call, agent } if self.talks.contains_key(&call) => {
                let stopped = Fact::RingStopped { extension: agent, why: RingEnd::NoAnswer, cause: None };
                self.with(call, at, |talk, _| if talk.is_open() { vec![stopped] } else { Vec::new() })
            }
            Event::Cdr(cdr) => match cdr.call.clone() {
                Some(call) => self.record(call, &cdr, at),
                None => Vec::new(),
            },
            Event::Leg(leg) => self.leg(leg, at),
            Event::Site(change) => self.site(change, &mut heard.directory),
            // Alone they do not tell whose call it is.
            Event::Digit(_) | Event::RungOut { .. } | Event::Other(_) => Vec::new(),
        };
        heard
    }

    /// Ends the calls whose records have not come in time.
    pub fn tick(&mut self, now: Millis) -> Vec<Report> {
        let mut due: Vec<_> = self
            .talks
            .values()
            .filter_map(|talk| match talk.standing {
                Standing::Over { since, due } if due <= now => Some((since, talk.chain.clone())),
                _ => None,
            })
            .collect();
        due.sort();
        due.into_iter().flat_map(|(_, chain)| self.end(&chain, now)).collect()
    }

    /// When [`Exchange::tick`], or a question to the PBX about doubtful calls, is due next.
    pub fn due(&self) -> Option<Millis> {
        let due = |talk: &Talk| match talk.standing {
            Standing::Over { due, .. } | Standing::Doubtful { due, .. } => Some(due),
            Standing::Live | Standing::Ended => None,
        };
        self.talks.values().filter_map(due).min()
    }

    /// Whether the PBX is to be asked which calls go on, because it is doubtful of some.
    pub fn doubts(&self, now: Millis) -> bool {
        self.talks.values().any(|talk| matches!(talk.standing, Standing::Doubtful { due, .. } if due <= now))
    }

    /// Whether any call goes on.
    pub fn is_busy(&self) -> bool {
        self.talks.values().any(Talk::is_open)
    }

    /// Takes in the lists of extensions and queues; what is new.
    pub fn look_up(&mut self, directory: Directory) -> Vec<Report> {
        let news = directory.since(&self.ground.directory);
        self.ground.directory = directory;
        news.into_iter().map(Report::Site).collect()
    }

    /// A call is about to be asked for.
    pub fn expect(&mut self, dial: &Dial, at: Millis) {
        let Dial { from, number, crm_call } = dial.clone();
        self.dialled.push((at, Own { extension: from, number, crm_call }));
    }

    /// The call that was asked for last for this phone is not to be.
    pub fn expect_not(&mut self, from: &Extension) {
        if let Some(last) = self.dialled.iter().rposition(|(_, own)| own.extension == *from) {
            self.dialled.remove(last);
        }
    }

    /// The call that was asked for last for this phone is this one; what follows.
    pub fn dialled(&mut self, from: &Extension, call: Chain, at: Millis) -> Vec<Report> {
        let Some(last) = self.dialled.iter().rposition(|(_, own)| own.extension == *from) else { return Vec::new() };
        let (_, own) = self.dialled.remove(last);
        let settle = self.settle;
        self.with(call, at, |talk, ground| {
            talk.own.get_or_insert(own);
            talk.take(Vec::new(), at, settle, ground)
        })
    }

    /// A call was refused: it rings nowhere, and perhaps nothing more is told of it.
    pub fn refused(&mut self, call: &Chain, at: Millis) {
        if let Some(talk) = self.talks.get_mut(call) {
            talk.refused();
            talk.doubt(Millis(at.0 + self.settle), false);
        }
    }

    /// Channels of a call to hang up, the best one first.
    pub fn channels(&self, call: &Chain) -> Vec<String> {
        self.talks.get(call).map(Talk::channels).unwrap_or_default()
    }

    /// Lets `work` take place at a call, which is made if it is not known.
    fn with(&mut self, call: Chain, at: Millis, work: impl FnOnce(&mut Talk, &Ground) -> Vec<Fact>) -> Vec<Report> {
        let new = !self.talks.contains_key(&call);
        let talk = self.talks.entry(call.clone()).or_insert_with(|| Talk::new(call.clone(), at));
        talk.heard = talk.heard.max(at);
        let facts = work(talk, &self.ground);
        let mut signals = talk.signals(facts, at);
        // A phone that rings alone may be that of a call that was asked for, whose id has not been answered yet.
        if new && let Some(own) = own(&mut self.dialled, &signals) {
            talk.own = Some(own);
            signals = talk.again(signals, &self.ground);
        }
        let over = matches!(talk.standing, Standing::Over { due, .. } if due <= at);
        let mut reports: Vec<_> = signals.into_iter().map(Report::Call).collect();
        if over {
            reports.extend(self.end(&call, at));
        }
        reports
    }

    fn record(&mut self, call: Chain, cdr: &Cdr, at: Millis) -> Vec<Report> {
        // It may have been found before it was told, without the id of its call.
        let found = Chain::from(cdr.uid.as_str());
        let call = if self.talks.contains_key(&found) { found } else { call };
        let talk = self.talks.entry(call.clone()).or_insert_with(|| Talk::new(call.clone(), at));
        let mut reports = talk.record(cdr, at, self.settle, &self.ground);
        if !cdr.uid.is_empty() {
            self.uids.insert(cdr.uid.clone(), call.clone());
            let (known, rest) = std::mem::take(&mut self.legs).into_iter().partition(|(_, leg)| leg.uid == cdr.uid);
            self.legs = rest;
            let known: Vec<(Millis, Leg)> = known;
            reports.extend(known.into_iter().flat_map(|(_, leg)| self.leg(leg, at)));
        }
        let over = self.talks.get(&call).map(|talk| talk.standing);
        if matches!(over, Some(Standing::Over { due, .. }) if due <= at) {
            reports.extend(self.end(&call, at));
        }
        reports
    }

    fn leg(&mut self, leg: Leg, at: Millis) -> Vec<Report> {
        let talk = self.uids.get(&leg.uid).and_then(|chain| self.talks.get_mut(chain));
        let Some(talk) = talk else {
            if self.legs.len() < MOST_LEGS {
                self.legs.push((at, leg));
            }
            return Vec::new();
        };
        if leg.status == Outcome::Abandoned {
            talk.abandoned();
        }
        if leg.number > MOST_TOLD {
            return Vec::new();
        }
        let noted = Fact::Noted { name: format!("leg-{}", leg.number), value: leg.told };
        talk.signals(vec![noted], at).into_iter().map(Report::Call).collect()
    }

    fn site(&mut self, change: Change, directory: &mut bool) -> Vec<Report> {
        let news = match change {
            Change::Directory => {
                *directory = true;
                return Vec::new();
            }
            Change::News(news) => {
                self.ground.directory.hear(&news);
                news
            }
            Change::Device { extension, kind, registered } => {
                let entry = self.ground.directory.extensions.get_mut(&extension);
                let devices = entry.map(|entry| entry.devices.get_or_insert_default());
                let any = devices.map(|devices| {
                    if registered {
                        devices.insert(kind)
                    } else {
                        devices.remove(&kind)
                    };
                    !devices.is_empty()
                });
                News::Extension { extension, now: Trait::Registered(any.unwrap_or(registered)) }
            }
        };
        vec![Report::Site(news)]
    }

    fn end(&mut self, call: &Chain, at: Millis) -> Vec<Report> {
        let Some(talk) = self.talks.get_mut(call) else { return Vec::new() };
        let unheard = !talk.has_members();
        let (facts, since) = talk.end(at);
        let report = if unheard { Report::Past } else { Report::Call };
        talk.signals(facts, since).into_iter().map(report).collect()
    }

    fn forget(&mut self, at: Millis) {
        self.legs.retain(|(came, _)| at.since(*came) < LEG_WAITS);
        self.dialled.retain(|(asked, _)| at.since(*asked) < DIAL_RINGS);
        if self.talks.len() < MOST_CALLS / 2 && self.uids.len() < MOST_CALLS {
            return;
        }
        let old = |talk: &Talk| !talk.is_open() && at.since(talk.heard) > REMEMBER;
        self.talks.retain(|_, talk| !old(talk));
        if self.talks.len() >= MOST_CALLS {
            let mut heard: Vec<_> =
                self.talks.values().map(|talk| (talk.is_open(), talk.heard, talk.chain.clone())).collect();
            heard.sort();
            for (_, _, chain) in heard.into_iter().take(MOST_CALLS / 4) {
                self.talks.remove(&chain);
            }
        }
        let talks = &self.talks;
        self.uids.retain(|_, chain| talks.contains_key(chain));
    }
}

/// The call that was asked for, if `signals` are the first of it: its phone rings or answers, and nobody else has a part.
fn own(dialled: &mut Vec<(Millis, Own)>, signals: &[Signal]) -> Option<Own> {
    let mut phones = signals.iter().filter_map(|signal| match &signal.fact {
        Fact::Ringing { extension, .. } => Some(extension),
        _ => None,
    });
    let phone = phones.next().filter(|_| phones.next().is_none())?;
    let alone = signals.iter().all(|signal| match &signal.fact {
        Fact::Arrived(arrival) => arrival.external.is_none() && arrival.from.is_none(),
        _ => true,
    });
    let asked = dialled.iter().position(|(_, own)| alone && own.extension == *phone)?;
    Some(dialled.remove(asked).1)
}

/// The question of an event 30016.
fn asked(Members { call, members }: &Members) -> Option<Asked> {
    let mut inbound = members.iter().filter_map(|member| match &member.who {
        Who::Inbound(outside) => Some((outside, &member.channel)),
        _ => None,
    });
    let (outside, channel) = inbound.next().filter(|(_, channel)| !channel.is_empty())?;
    let external = Some(outside.from.clone()).filter(|from| from.bytes().any(|byte| byte.is_ascii_digit()));
    Some(Asked { call: call.clone(), channel: channel.clone(), external, line: outside.to.clone() })
}
