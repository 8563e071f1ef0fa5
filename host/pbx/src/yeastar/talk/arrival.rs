//! How a call came into being.

use hookswitch_call::{
    Extension, Millis,
    signal::{Arrival, Direction, Fact},
};

use super::Talk;
use crate::yeastar::{
    cdr::{Cdr, second},
    event::{Outside, Who},
    ground::Ground,
};

/// A beginning that lies further back comes from a clock that is wrong.
const LONGEST_CALL: u64 = 24 * 3600 * 1000;

impl Talk {
    pub(super) fn is_outbound(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| arrival.direction == Direction::Outbound)
    }

    pub(super) fn direction(&self) -> Option<Direction> {
        self.arrival.as_ref().map(|arrival| arrival.direction)
    }

    /// The extension that began the call.
    pub(super) fn originator(&self, ground: &Ground) -> Option<Extension> {
        let own = self.own.as_ref().map(|own| own.extension.clone());
        let calling = || self.parts.iter().find(|part| part.calls).and_then(|part| part.extension().cloned());
        let named = || self.outbound().and_then(|outside| ground.extension(&outside.from));
        own.or_else(calling).or_else(named)
    }

    fn inbound(&self) -> Option<&Outside> {
        self.parts.iter().find_map(|part| if let Who::Inbound(outside) = &part.who { Some(outside) } else { None })
    }

    fn outbound(&self) -> Option<&Outside> {
        self.parts.iter().find_map(|part| if let Who::Outbound(outside) = &part.who { Some(outside) } else { None })
    }

    /// What is to be told of how the call came into being, after its members have changed. `begins`: these are the first
    /// that are heard of.
    pub(super) fn arrived(&mut self, begins: bool, at: Millis, ground: &Ground) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut arrival = self.by_members(ground);
        if begins && !self.restored && self.parts.iter().any(super::Part::is_up) {
            arrival.started = self.began(at);
        }
        if self.differs(&arrival) {
            self.arrival = Some(arrival.clone());
            facts.push(Fact::Arrived(arrival));
        }
        if begins && let Some(wanted) = self.inbound().and_then(|inbound| ground.extension(&inbound.to)) {
            facts.push(Fact::Target { extension: wanted });
        }
        facts
    }

    fn by_members(&self, ground: &Ground) -> Arrival {
        let began_outbound = self.is_outbound();
        let public = |number: &str| if ground.is_internal(number) { String::new() } else { number.to_owned() };
        let blank = Arrival {
            direction: Direction::Internal,
            external: None,
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: None,
            crm_call: None,
            started: None,
        };
        match (&self.own, self.inbound(), self.outbound()) {
            (Some(own), _, outbound) => Arrival {
                direction: Direction::Outbound,
                external: Some(own.number.clone()),
                line: outbound.map(|outbound| public(&outbound.from)).unwrap_or_default(),
                trunk: outbound.map(|outbound| outbound.trunk.clone()).unwrap_or_default(),
                from: Some(own.extension.clone()),
                crm_call: own.crm_call.clone(),
                ..blank
            },
            (None, Some(inbound), _) if !began_outbound => Arrival {
                direction: Direction::Inbound,
                external: number(&inbound.from),
                line: public(&inbound.to),
                trunk: inbound.trunk.clone(),
                ..blank
            },
            (None, _, Some(outbound)) => Arrival {
                direction: Direction::Outbound,
                external: number(&outbound.to),
                line: public(&outbound.from),
                trunk: outbound.trunk.clone(),
                from: self.originator(ground),
                ..blank
            },
            _ => Arrival { from: self.originator(ground), ..blank },
        }
    }

    /// Whether an arrival says more than what was told.
    fn differs(&self, arrival: &Arrival) -> bool {
        self.arrival.as_ref().is_none_or(|told| {
            // An inbound call that is sent on to an outside number stays an inbound call.
            let other_way = told.direction == Direction::Internal && arrival.direction != told.direction;
            let same_way = arrival.direction == told.direction;
            let more = (told.external.is_none() && arrival.external.is_some())
                || (told.external_name.is_empty() && !arrival.external_name.is_empty())
                || (told.from.is_none() && arrival.from.is_some())
                || (told.crm_call.is_none() && arrival.crm_call.is_some())
                || (told.line.is_empty() && !arrival.line.is_empty())
                || (told.trunk.is_empty() && !arrival.trunk.is_empty());
            other_way || (same_way && more)
        })
    }

    /// When a call began that was under way when it was first heard of.
    fn began(&self, at: Millis) -> Option<Millis> {
        let began = Millis(second(&self.chain)? * 1000);
        (began <= at && at.since(began) <= LONGEST_CALL).then_some(began)
    }

    /// What a record adds.
    pub(super) fn arrived_by(&mut self, cdr: &Cdr, ground: &Ground) -> Option<Fact> {
        let direction = cdr.direction.or(self.direction()).unwrap_or(Direction::Internal);
        let outside = cdr.outside();
        let from = (direction != Direction::Inbound).then(|| ground.extension(&cdr.from.number)).flatten();
        let arrival = Arrival {
            direction,
            external: outside.and_then(|party| number(&party.number)),
            external_name: outside.map(|party| party.name.clone()).unwrap_or_default(),
            line: cdr.did.clone(),
            trunk: cdr.trunk.clone(),
            from,
            crm_call: None,
            // Of a call that was heard the host knows better when it began.
            started: (self.parts.is_empty() && !self.restored)
                .then(|| cdr.started.map(|second| Millis(second.saturating_mul(1000))))
                .flatten(),
        };
        self.differs(&arrival).then(|| {
            let told = self.arrival.get_or_insert_with(|| arrival.clone());
            told.direction = if told.direction == Direction::Internal { direction } else { told.direction };
            told.external = told.external.take().or_else(|| arrival.external.clone());
            told.from = told.from.take().or_else(|| arrival.from.clone());
            for (told, more) in [
                (&mut told.line, &arrival.line),
                (&mut told.trunk, &arrival.trunk),
                (&mut told.external_name, &arrival.external_name),
            ] {
                if told.is_empty() {
                    told.clone_from(more);
                }
            }
            Fact::Arrived(arrival)
        })
    }

    /// Whether a record may be one of this call, where it does not say so itself: by who takes part.
    pub(in crate::yeastar) fn may_be(&self, cdr: &Cdr) -> bool {
        let Some(arrival) = &self.arrival else { return true };
        let sides = [cdr.from.number.as_str(), cdr.to.number.as_str()];
        match (&arrival.external, arrival.direction, cdr.outside()) {
            (Some(external), _, Some(outside)) => alike(external, &outside.number),
            (Some(external), _, None) => sides.contains(&external.as_str()),
            (None, Direction::Inbound, outside) => outside.is_none_or(|outside| number(&outside.number).is_none()),
            // One that began inside may have been heard of before it was dialled; nobody calls into it from outside.
            (None, _, _) if cdr.direction == Some(Direction::Inbound) => false,
            // What ended inside, a consultation for instance, was not dialled afterwards.
            (None, Direction::Internal, _) if cdr.direction == Some(Direction::Outbound) && !self.is_open() => false,
            (None, _, _) => {
                let mut inside = self.parts.iter().filter_map(super::Part::extension).chain(&arrival.from);
                inside.any(|extension| sides.contains(&extension.as_str()))
            }
        }
    }
}

/// Whether two spellings may be of one number, with and without prefixes: their last digits are the same.
fn alike(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.bytes().rev().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    let (one, other) = (digits(one), digits(other));
    let shorter = one.len().min(other.len());
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    shorter > 0 && same >= shorter.min(7)
}

/// A number; none for words like `anonymous`.
fn number(text: &str) -> Option<String> {
    text.bytes().any(|byte| byte.is_ascii_digit()).then(|| text.to_owned())
}
