//! Which calls go on, by `call/query`: after a gap of the connection, and where it is doubtful.

use std::collections::HashSet;

use hookswitch_call::{Chain, Millis, signal::Report};

use super::Exchange;
use crate::yeastar::{
    cdr::second,
    event::Members,
    talk::{Standing, Talk},
};

/// What the PBX's list of calls says.
#[derive(Debug, Default)]
pub struct Roll {
    /// Of the calls that are listed.
    pub reports: Vec<Report>,
    /// Calls that are not listed any more: their records are to be looked for.
    pub gone: Vec<Chain>,
    /// The calls that go on.
    pub(super) alive: Vec<Chain>,
    pub(super) at: Millis,
}

impl Roll {
    /// The Unix second from which records are to be looked for; none where nothing is to be.
    pub fn since(&self) -> Option<u64> {
        self.gone.iter().filter_map(second).min()
    }
}

impl Exchange {
    /// Takes in the list that the PBX was asked for at `asked` and gave at `at`. What was heard since it was asked is
    /// newer than the list.
    pub fn roll(&mut self, listed: Vec<Members>, asked: Millis, at: Millis) -> Roll {
        let mut roll = Roll { at, ..Roll::default() };
        for Members { call, members } in listed {
            roll.alive.push(call.clone());
            if self.talks.get(&call).is_some_and(|talk| talk.heard > asked) {
                continue;
            }
            let settle = self.settle;
            let reports = self.with(call, at, |talk, ground| talk.roll(members, at, settle, ground));
            roll.reports.extend(reports);
        }
        let listed: HashSet<Chain> = roll.alive.iter().cloned().collect();
        for talk in self.talks.values().filter(|talk| talk.is_open() && !listed.contains(&talk.chain)) {
            // Those that are over wait for their records only.
            let over = matches!(talk.standing, Standing::Over { .. });
            let kept = if over || talk.heard > asked { &mut roll.alive } else { &mut roll.gone };
            kept.push(talk.chain.clone());
        }
        roll.gone.sort();
        roll
    }

    /// Ends the calls that are gone and of which no record was found: at once where somebody was heard to hang up, else
    /// when the PBX has been asked twice. Their end is then told as that of calls that are not alive any more.
    pub(super) fn close(&mut self, mut roll: Roll, connected: bool) -> Vec<Report> {
        let mut silent = false;
        let due = Millis(roll.at.0 + self.settle);
        for chain in std::mem::take(&mut roll.gone) {
            let Some(talk) = self.talks.get_mut(&chain) else { continue };
            let missed = matches!(talk.standing, Standing::Doubtful { missed: true, .. });
            if talk.was_hung_up() {
                roll.reports.extend(self.end(&chain, roll.at));
            } else if missed {
                silent = true;
                talk.standing = Standing::Ended;
            } else {
                talk.doubt(due, true);
                roll.alive.push(chain);
            }
        }
        if silent || connected {
            roll.alive.extend(self.talks.values().filter(|talk| talk.is_open()).map(open).collect::<Vec<_>>());
            roll.alive.sort();
            roll.alive.dedup();
            roll.reports.push(Report::Resynced { alive: roll.alive, at: roll.at });
        }
        roll.reports
    }
}

fn open(talk: &Talk) -> Chain {
    talk.chain.clone()
}
