//! What happened while nobody listened, by `cdr/search`.

use std::collections::BTreeMap;

use hookswitch_call::{
    Chain, Millis,
    signal::{Direction, Report},
};

use super::{Exchange, Roll};
use crate::yeastar::{
    cdr::{Cdr, second},
    event,
    talk::{Standing, Talk},
};

/// Times of records and ids of calls may differ by so many seconds.
const SLACK: u64 = 1;

/// A time when nobody listened.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// Calls that began in this Unix second or later are news, if they are not known. None: none are, because it is not
    /// known when the gap began.
    pub since: Option<u64>,
    /// Whether there was one: where events are posted there may have been.
    pub sure: bool,
}

impl Gap {
    fn covers(self, row: &Cdr) -> bool {
        self.since.zip(row.started).is_some_and(|(since, began)| began >= since)
    }
}

/// The time that a record is about. A call that changes hands has several records, each of which begins where another
/// one ended [inferred].
struct Span {
    direction: Option<Direction>,
    outside: String,
    from: u64,
    until: u64,
    /// The call, if it is to be told.
    call: Option<Chain>,
}

impl Span {
    fn of(row: &Cdr, call: Option<Chain>) -> Option<Self> {
        let outside = row.outside().map(|party| party.number.clone()).unwrap_or_default();
        let from = row.started?;
        Some(Self { direction: row.direction, outside, from, until: from.saturating_add(row.total_s), call })
    }

    /// Whether a record is one of the same call. Suppressed numbers, which are words, say nothing.
    fn goes_on_as(&self, row: &Cdr) -> bool {
        let number = self.outside.bytes().any(|byte| byte.is_ascii_digit());
        let same = row.outside().is_some_and(|party| party.number == self.outside) && row.direction == self.direction;
        number
            && same
            && row.started.is_some_and(|began| (self.from..=self.until.saturating_add(SLACK)).contains(&began))
    }
}

impl Exchange {
    /// Takes in the records that were looked for; `gap` if that was because of one.
    pub fn past(&mut self, mut roll: Roll, mut rows: Vec<Cdr>, gap: Option<Gap>) -> Vec<Report> {
        let mut reports = Vec::new();
        let mut found: BTreeMap<Chain, Vec<Cdr>> = BTreeMap::new();
        let mut spans = Vec::new();
        rows.sort_by_key(|row| row.started);
        for row in rows {
            let call = self.call_of(&row, &spans, &roll, gap);
            spans.extend(Span::of(&row, call.clone()));
            if let Some(call) = call {
                found.entry(call).or_default().push(row);
            }
        }
        let unknown = spans.iter().filter(|span| span.call.is_none()).count();
        if unknown > 0 {
            tracing::debug!(records = unknown, "records that belong to no call of interest");
        }
        for (chain, rows) in found {
            reports.extend(self.over(chain, &rows, roll.at));
        }
        roll.gone.retain(|chain| self.talks.get(chain).is_some_and(Talk::is_open));
        reports.extend(self.close(roll, gap.is_some_and(|gap| gap.sure)));
        reports
    }

    /// The call that a record is of, if it is of any that is to be told. `spans` are those of earlier records.
    fn call_of(&self, row: &Cdr, spans: &[Span], roll: &Roll, gap: Option<Gap>) -> Option<Chain> {
        // A call that is known from its record alone is named after that.
        let named = || event::chain(row.uid.clone()).ok().filter(|chain| self.talks.contains_key(chain));
        let known = row.call.clone().or_else(|| self.uids.get(&row.uid).cloned()).or_else(named);
        if let Some(chain) = known {
            // Of a call that goes on only a part is over; its record is heard like any other.
            let wanted = match self.talks.get(&chain) {
                Some(talk) if talk.is_open() => roll.gone.contains(&chain),
                // It may have been recorded.
                Some(_) => gap.is_some(),
                None => gap.is_some_and(|gap| gap.covers(row)) && !roll.alive.contains(&chain),
            };
            return wanted.then_some(chain);
        }
        let near = |chain: &Chain| {
            let both = second(chain).zip(row.started);
            both.is_some_and(|(one, other)| one.abs_diff(other) <= SLACK)
        };
        let mut known = self.talks.values().filter(|talk| near(&talk.chain) && talk.may_be(row));
        match (known.next(), known.next()) {
            (Some(only), None) => return roll.gone.contains(&only.chain).then(|| only.chain.clone()),
            // Two calls began in the same second: one would be taken for the other.
            (Some(_), Some(_)) => return None,
            (None, _) => {}
        }
        if let Some(earlier) = spans.iter().rev().find(|span| span.goes_on_as(row)) {
            return earlier.call.clone();
        }
        gap.is_some_and(|gap| gap.covers(row)).then(|| event::chain(row.uid.clone()).ok()).flatten()
    }

    /// Tells a call that is over from its records.
    fn over(&mut self, chain: Chain, rows: &[Cdr], at: Millis) -> Vec<Report> {
        let talk = self.talks.entry(chain.clone()).or_insert_with(|| Talk::new(chain.clone(), at));
        let mut reports: Vec<_> = rows.iter().flat_map(|row| talk.record(row, at, 0, &self.ground)).collect();
        if !talk.is_open() {
            return reports;
        }
        let since = rows.iter().filter_map(Cdr::ended).max().unwrap_or(at);
        talk.standing = Standing::Over { since, due: at };
        let (facts, since) = talk.end(at);
        reports.extend(talk.signals(facts, since).into_iter().map(Report::Past));
        reports
    }
}
