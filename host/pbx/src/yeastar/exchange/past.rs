//! What happened while nobody listened, by `cdr/search`.

use std::collections::BTreeMap;

use hookswitch_call::{Chain, Millis, signal::Report};

use super::{Exchange, Roll};
use crate::yeastar::{
    cdr::{Cdr, second},
    event,
    talk::{Standing, Talk},
};

/// Times of records and ids of calls may differ by so many seconds.
const SLACK: u64 = 1;

impl Exchange {
    /// Takes in the records that were looked for. `gap` says that the PBX was asked after a time when nobody listened:
    /// what began after this Unix second was never heard of, if it is not known.
    pub fn past(&mut self, roll: Roll, rows: Vec<Cdr>, gap: Option<u64>) -> Vec<Report> {
        let mut reports = Vec::new();
        let mut found: BTreeMap<Chain, Vec<Cdr>> = BTreeMap::new();
        let mut unknown = 0_usize;
        for row in rows {
            match self.call_of(&row, &roll, gap) {
                Some(chain) => found.entry(chain).or_default().push(row),
                None => unknown += 1,
            }
        }
        for (chain, mut rows) in found {
            rows.sort_by_key(|row| row.started);
            reports.extend(self.over(chain, &rows, roll.at));
        }
        if unknown > 0 {
            tracing::debug!(records = unknown, "records that belong to no call of interest");
        }
        let mut roll = roll;
        roll.gone.retain(|chain| self.talks.get(chain).is_some_and(Talk::is_open));
        reports.extend(self.close(roll, gap.is_some()));
        reports
    }

    /// The call that a record is of, if it is of any that is to be told.
    fn call_of(&self, row: &Cdr, roll: &Roll, gap: Option<u64>) -> Option<Chain> {
        if let Some(chain) = &row.call {
            // Of a call that goes on only a part is over; its record is heard like any other.
            let wanted = match self.talks.get(chain) {
                Some(talk) if talk.is_open() => roll.gone.contains(chain),
                // It may have been recorded.
                Some(_) => gap.is_some(),
                None => gap.is_some_and(|since| row.started >= Some(since)) && !roll.alive.contains(chain),
            };
            return wanted.then(|| chain.clone());
        }
        let near = |chain: &Chain| {
            let both = second(chain).zip(row.started);
            both.is_some_and(|(one, other)| one.abs_diff(other) <= SLACK)
        };
        let mut known = self.talks.values().filter(|talk| near(&talk.chain) && talk.may_be(row));
        match (known.next(), known.next()) {
            (Some(only), None) => roll.gone.contains(&only.chain).then(|| only.chain.clone()),
            // Two calls began in the same second: one would be taken for the other.
            (Some(_), Some(_)) => None,
            (None, _) => match gap {
                Some(since) if row.started > Some(since + SLACK) => event::chain(row.uid.clone()).ok(),
                _ => None,
            },
        }
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
