//! Who on the floor can take a call: pure, from what the phone system said of its extensions and of its calls.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use hookswitch_call::{
    Call, Chain, Event, Extension, Millis, Site,
    event::What,
    signal::RingEnd,
    site::{Membership, PhoneState},
};

/// More extensions than this are not followed: no phone system has so many.
const MOST: usize = 20_000;

/// The extensions of one phone system, as their calls show them.
#[derive(Debug, Default)]
pub(crate) struct Floor {
    desks: HashMap<Extension, Phone>,
}

/// What is known of an extension from its calls.
#[derive(Debug, Default)]
struct Phone {
    /// The calls that it is in.
    calls: HashSet<Chain>,
    /// When it last hung up.
    idle_since: Option<Millis>,
    /// When it last let a call ring.
    missed: Option<Millis>,
}

/// Why an extension gets no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// Its phone is not registered.
    Unregistered,
    /// It is in a call, or rings.
    Busy,
    /// The person does not want to be disturbed, or is away.
    Away,
    /// It has let a call ring a moment ago.
    JustMissed,
    /// It takes no calls of this queue now.
    LoggedOut,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unregistered => "its phone is not registered",
            Self::Busy => "it is in a call",
            Self::Away => "the person is away",
            Self::JustMissed => "it has just missed a call",
            Self::LoggedOut => "it is logged out",
        })
    }
}

/// Words in which phone systems say that somebody takes no calls (sheets: Yeastar B.4, 3CX B.4).
const AWAY: [&str; 8] =
    ["away", "do_not_disturb", "dnd", "do not disturb", "lunch", "business_trip", "off_work", "out of office"];

impl Floor {
    /// Takes in what happened to a call, and how it stands now.
    pub(crate) fn hear(&mut self, call: &Call, events: &[Event]) {
        for event in events {
            match &event.what {
                What::RingStopped { extension, why: RingEnd::NoAnswer | RingEnd::Busy | RingEnd::Failed, .. } => {
                    if let Some(phone) = self.phone(extension) {
                        phone.missed = Some(event.at);
                    }
                }
                What::LegEnded { extension, .. } => {
                    if let Some(phone) = self.phone(extension) {
                        phone.idle_since = phone.idle_since.max(Some(event.at));
                    }
                }
                _ => {}
            }
        }
        let since = events.first().map(|event| event.at);
        for agent in &call.agents {
            let takes_part = call.is_open() && agent.is_present();
            let Some(phone) = self.phone(&agent.extension) else { continue };
            if takes_part {
                phone.calls.insert(call.chain.clone());
                continue;
            }
            // A whole call may come in one breath, after a pause of the connection.
            let took_part =
                phone.calls.remove(&call.chain) || since.is_some_and(|since| agent.first_talk >= Some(since));
            if took_part && agent.first_talk.is_some() {
                phone.idle_since = phone.idle_since.max(Some(call.changed));
            }
        }
    }

    fn phone(&mut self, extension: &Extension) -> Option<&mut Phone> {
        let full = self.desks.len() >= MOST && !self.desks.contains_key(extension);
        (!full).then(|| self.desks.entry(extension.clone()).or_default())
    }

    /// Why `extension` gets no call at `now`, if it is so. Who has let a call ring rests for `rest` milliseconds. What is
    /// not known does not count against it.
    pub(crate) fn why_not(&self, extension: &Extension, site: &Site, now: Millis, rest: u64) -> Option<Unavailable> {
        let station = site.station(extension);
        if let Some(station) = station {
            if station.registered == Some(false) {
                return Some(Unavailable::Unregistered);
            }
            if matches!(station.phone, Some(PhoneState::Busy | PhoneState::Ringing)) {
                return Some(Unavailable::Busy);
            }
            if station.presence.as_ref().is_some_and(|word| AWAY.contains(&word.to_lowercase().as_str())) {
                return Some(Unavailable::Away);
            }
            let out = |queue: &Membership| matches!(queue, Membership::LoggedOut | Membership::Paused);
            if !station.queues.is_empty() && station.queues.values().all(out) {
                return Some(Unavailable::LoggedOut);
            }
        }
        let phone = self.desks.get(extension)?;
        if !phone.calls.is_empty() {
            return Some(Unavailable::Busy);
        }
        phone.missed.filter(|missed| now.since(*missed) < rest).map(|_| Unavailable::JustMissed)
    }

    /// Of `extensions` those that can take a call, who has been idle longest first; who has not talked yet comes before
    /// all others.
    pub(crate) fn longest_idle(&self, extensions: &[Extension], site: &Site, now: Millis, rest: u64) -> Vec<Extension> {
        let can = |extension: &&Extension| self.why_not(extension, site, now, rest).is_none();
        let mut able: Vec<_> = extensions.iter().filter(can).cloned().collect();
        able.sort_by_key(|extension| self.desks.get(extension).and_then(|phone| phone.idle_since));
        able
    }
}

#[cfg(test)]
mod tests {
    use hookswitch_call::{
        PbxName, Tracker,
        signal::{Arrival, Direction, Fact, Party, Role, Side, Signal},
        site::{News, Trait},
    };

    use super::*;

    /// Tells a floor what a tracker makes of signals.
    struct Teller(Tracker, Floor);

    impl Teller {
        fn tell(&mut self, chain: &str, at: u64, fact: Fact) {
            self.tell_at_once(chain, at, vec![fact]);
        }

        fn tell_at_once(&mut self, chain: &str, at: u64, facts: Vec<Fact>) {
            let chain = Chain::from(chain);
            let signal = |fact| Signal { chain: chain.clone(), at: Millis(at), fact };
            let events: Vec<_> = facts.into_iter().flat_map(|fact| self.0.apply(signal(fact))).collect();
            self.1.hear(self.0.call(&chain).unwrap(), &events);
        }

        fn answered(&mut self, chain: &str, at: u64, extension: &str) {
            for fact in arrived_and_answered(extension) {
                self.tell(chain, at, fact);
            }
        }
    }

    fn arrived_and_answered(extension: &str) -> Vec<Fact> {
        let arrival = Arrival {
            direction: Direction::Inbound,
            external: Some("030123".into()),
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            crm_call: None,
            started: None,
        };
        vec![
            Fact::Arrived(arrival),
            Fact::Ringing { extension: extension.into(), role: Role::Called },
            Fact::Answered { by: Party::Extension(extension.into()), role: Role::Called },
        ]
    }

    #[test]
    fn who_talks_rings_or_rests_gets_no_call_and_who_waited_longest_gets_it() {
        let mut teller = Teller(Tracker::new(PbxName::from("pbx"), Vec::new()).told_ring_ends(), Floor::default());
        let mut site = Site::default();
        let all: Vec<Extension> = ["201", "202", "203", "204"].map(Extension::from).to_vec();
        let ended = || Fact::Ended { hint: None, cause: None, by: Side::External };
        teller.answered("1", 1_000, "201");
        teller.answered("2", 2_000, "202");
        let idle = |teller: &Teller, site: &Site, now| {
            teller.1.longest_idle(&all, site, Millis(now), 60_000).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(idle(&teller, &site, 3_000), ["203", "204"]);
        teller.tell("2", 4_000, ended());
        teller.tell("1", 5_000, ended());
        assert_eq!(idle(&teller, &site, 6_000), ["203", "204", "202", "201"]);
        teller.answered("3", 7_000, "204");
        teller.tell("3", 7_100, Fact::Ringing { extension: "203".into(), role: Role::Called });
        let why = RingEnd::NoAnswer;
        teller.tell("3", 7_200, Fact::RingStopped { extension: "203".into(), why, cause: None });
        assert_eq!(idle(&teller, &site, 8_000), ["202", "201"]);
        assert_eq!(teller.1.why_not(&all[2], &site, Millis(8_000), 60_000), Some(Unavailable::JustMissed));
        assert_eq!(teller.1.why_not(&all[2], &site, Millis(70_000), 60_000), None);
        site.apply(&News::Extension { extension: "202".into(), now: Trait::Registered(false) });
        site.apply(&News::Extension { extension: "201".into(), now: Trait::Presence("Lunch".into()) });
        assert_eq!(idle(&teller, &site, 70_000), ["203"]);
    }

    #[test]
    fn a_call_that_comes_in_one_breath_counts_as_well() {
        let mut teller = Teller(Tracker::new(PbxName::from("pbx"), Vec::new()), Floor::default());
        let mut whole = arrived_and_answered("201");
        whole.push(Fact::Ended { hint: None, cause: None, by: Side::External });
        teller.tell_at_once("1", 1_000, whole);
        let both = ["201", "202"].map(Extension::from);
        assert_eq!(
            teller.1.longest_idle(&both, &Site::default(), Millis(3_000), 0),
            ["202", "201"].map(Extension::from)
        );
    }
}
