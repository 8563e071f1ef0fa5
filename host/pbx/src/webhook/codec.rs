//! From messages to reports. Pure.

use hookswitch_call::{Chain, Millis, Signal, signal::Report};

use super::{
    description::Description,
    event::Event,
    facts::Saying,
    message::{Message, Post},
    reading::{Missing, Reading},
};

/// What one message tells.
#[derive(Clone, Debug)]
pub struct Told {
    /// Facts and news, in order.
    pub reports: Vec<Report>,
    /// When the message was made, if it says so.
    pub made: Option<Millis>,
    /// Its place among the messages of a leg, if it has one.
    pub(super) place: Option<(String, u64)>,
    /// Who asks where to go: the call, the caller's number and the line.
    pub(super) caller: Option<(Chain, Option<String>, String)>,
    /// Which event of the description it is, counted from 0.
    pub(super) event: usize,
}

/// Why a message cannot be used, although an event fits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not say which call it is about.
    #[error("event {event}: there is no call id in it, or it is longer than 255 characters")]
    NoCall {
        /// Counted from 1.
        event: usize,
    },
    /// It lacks what a fact needs.
    #[error("event {event}: {missing}")]
    Missing {
        /// Counted from 1.
        event: usize,
        /// What.
        missing: Missing,
    },
}

impl Description {
    /// What the messages of a post tell, which came at `now`. Messages that fit no event tell nothing.
    ///
    /// # Errors
    ///
    /// One of them lacks what its event needs: then none is taken.
    pub fn tell(&self, post: &Post<'_>, now: Millis) -> Result<Vec<Told>, Unfit> {
        let known = |message: &Message<'_>| {
            let (number, event) = self.event_of(message)?;
            Some(self.told(message, number, event, now))
        };
        post.messages().iter().filter_map(known).collect()
    }

    fn told(&self, message: &Message<'_>, number: usize, event: &Event, now: Millis) -> Result<Told, Unfit> {
        let made = event.at.as_ref().or(self.at.as_ref()).and_then(|at| at.of(message, &self.time, now));
        let told = made.unwrap_or(now);
        let reading = |fact| Reading { message, description: self, told, fact };
        let call = event.call.as_ref().or(self.call.as_ref());
        let chain = reading("call").maybe(call).map(Chain::from);
        let chain = match chain {
            None if event.is_about_a_call() => return Err(Unfit::NoCall { event: number + 1 }),
            chain => chain,
        };
        let mut reports = Vec::new();
        for fact in event.facts().filter(|fact| fact.when().hold(message)) {
            let at = fact.at().and_then(|at| at.of(message, &self.time, told)).unwrap_or(told);
            let sayings = fact.tell(&reading(fact.name()));
            let sayings = sayings.map_err(|missing| Unfit::Missing { event: number + 1, missing })?;
            reports.extend(sayings.into_iter().filter_map(|saying| match saying {
                Saying::News(news) => Some(Report::Site(news)),
                Saying::Fact(fact) => {
                    let signal = Signal { chain: chain.clone()?, at, fact };
                    Some(if event.afterwards { Report::Past(signal) } else { Report::Call(signal) })
                }
            }));
        }
        let caller = event.route.as_ref().and(event.arrived.as_ref()).zip(chain.as_ref()).map(|(arrived, chain)| {
            let (external, line) = arrived.caller(&reading("arrived"));
            (chain.clone(), external, line)
        });
        let place = self.place(&reading("sequence"), chain.as_ref());
        Ok(Told { reports, made, place, caller, event: number })
    }

    /// The leg and the number of a message.
    fn place(&self, reading: &Reading<'_>, chain: Option<&Chain>) -> Option<(String, u64)> {
        let number = reading.maybe(self.sequence.as_ref())?.parse().ok()?;
        let leg = match &self.leg {
            Some(leg) => reading.name(leg)?,
            None => String::new(),
        };
        // Legs of two calls may have the same id, and each kind of message numbers of its own.
        Some((format!("{}\n{}\n{leg}", reading.message.path(), chain?), number))
    }
}
