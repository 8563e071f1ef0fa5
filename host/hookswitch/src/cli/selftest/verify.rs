//! Holds what is in the journal against what was acknowledged.

use std::collections::BTreeMap;

use hookswitch_journal::{
    CallRef, Error, View,
    calls::{Entry, Filter},
    jobs::State,
};
use serde_json::Value;

use super::load::Step;

/// Faults that are told in full; a lost file would make thousands.
const TOLD: usize = 20;

/// What was found in the journal.
#[derive(Debug)]
pub(super) struct Found {
    /// How many events of each producer are there.
    pub(super) held: Vec<u64>,
    /// What is not as it must be, for a person; none: all is well.
    pub(super) faults: Vec<String>,
}

/// Looks at every call, event and job. `acknowledged` says how many events of each producer must be there; one more may
/// be, whose acknowledgement was cut off.
///
/// # Errors
///
/// Those of the file.
pub(super) fn verify(view: &View<'_>, acknowledged: &[u64]) -> Result<Found, Error> {
    let everything = Filter { parts: true, limit: u32::MAX, ..Filter::default() };
    let mut calls: BTreeMap<CallRef, Entry> =
        view.find_calls(&everything)?.into_iter().map(|entry| (CallRef::from(&entry.call), entry)).collect();
    let mut found = Found { held: Vec::new(), faults: Vec::new() };
    for (producer, &acknowledged) in acknowledged.iter().enumerate() {
        let mut own = Vec::new();
        let mut last = Step { producer, number: 0 };
        while let Some(entry) = calls.remove(&last.next().call()) {
            let first = last.next();
            last = Step { number: last.number + entry.call.seq, ..last };
            own.push((first, last, entry));
        }
        if !(acknowledged..=acknowledged + 1).contains(&last.number) {
            let what = if last.number < acknowledged { "lost" } else { "invented" };
            found.faults.push(format!(
                "{what}: {acknowledged} events of producer {producer} were acknowledged, {} are there",
                last.number
            ));
        }
        for (first, end, entry) in own {
            found.faults.extend(faults_of_call(view, first, end, last, &entry)?);
        }
        found.held.push(last.number);
    }
    found.faults.extend(calls.keys().map(|call| format!("invented, or out of order: call {call}")));
    let more = found.faults.len().saturating_sub(TOLD);
    found.faults.truncate(TOLD);
    found.faults.extend((more > 0).then(|| format!("and {more} more faults")));
    Ok(found)
}

/// What is wrong with the call that has the events from `first` to `end`, if `last` is the last one of its producer.
fn faults_of_call(view: &View<'_>, first: Step, end: Step, last: Step, entry: &Entry) -> Result<Vec<String>, Error> {
    let call = first.call();
    let mut faults = Vec::new();
    let steps = || (first.number..=end.number).map(|number| Step { number, ..first });
    if end.call() != call || entry.call != end.record() {
        faults.push(format!("changed: the record of call {call}"));
    }
    let events = view.events_of(&call)?;
    if !events.iter().eq(&steps().map(Step::event).collect::<Vec<_>>()) {
        faults.push(format!(
            "lost, changed or out of order: events of call {call}; {} are there, {} belong there",
            events.len(),
            steps().count()
        ));
    }
    // A job is done in the commit that accepts the event after its own.
    let wanted = steps().map(|step| match step {
        step if step == last => (step.job_kind(), State::Waiting, None),
        step => (step.job_kind(), State::Done, Some(Value::from(step.number))),
    });
    let jobs: Vec<_> = view.jobs_of(&call)?.into_iter().map(|job| (job.kind, job.state, job.result)).collect();
    if !jobs.iter().eq(&wanted.collect::<Vec<_>>()) {
        let there: Vec<_> = jobs.iter().map(|(kind, state, _)| format!("{kind} {state}")).collect();
        faults.push(format!("lost, doubled or changed: jobs of call {call}; there are: {}", there.join(", ")));
    }
    Ok(faults)
}
