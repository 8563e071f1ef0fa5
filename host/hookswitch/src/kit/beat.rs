//! The events of a scenario's calls, beat by beat.

use hookswitch_call::{Chain, signal::Fact};

use super::scenario::Scenario;

/// Between one call and the next, in milliseconds.
const BETWEEN: u64 = 60_000;

/// What happens at one moment.
pub(super) struct Beat {
    /// Milliseconds after the beat before.
    pub(super) after: u64,
    pub(super) signals: Vec<(Chain, Fact)>,
    /// Its last event, as the author of the scenario can find it.
    pub(super) name: String,
}

/// All beats of a scenario, in order.
///
/// # Errors
///
/// What is wrong with a call.
pub(super) fn of(scenario: &Scenario) -> Result<Vec<Beat>, String> {
    let mut beats: Vec<Beat> = Vec::new();
    for (number, telling) in scenario.calls.iter().enumerate() {
        let chain = chain(number);
        for (at, (after, fact)) in telling.facts()?.into_iter().enumerate() {
            let after = u64::try_from(after.as_millis()).unwrap_or_default();
            let name = format!("event {} of call {}", at + 1, number + 1);
            let first = at == 0;
            match beats.last_mut() {
                Some(beat) if after == 0 && !first => {
                    beat.signals.push((chain.clone(), fact));
                    beat.name = name;
                }
                _ => {
                    let after = if first && number > 0 { after + BETWEEN } else { after };
                    beats.push(Beat { after, signals: vec![(chain.clone(), fact)], name });
                }
            }
        }
    }
    Ok(beats)
}

/// What the phone system calls the call of this number, counted from 0.
pub(super) fn chain(number: usize) -> Chain {
    Chain::from(format!("call-{}", number + 1).as_str())
}
