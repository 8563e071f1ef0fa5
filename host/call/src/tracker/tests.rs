//! What the tracker promises, over every order of signals.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::{
    Extension,
    event::{Confidence, Outcome, What},
    record::{AgentState, State},
    signal::{Arrival, Direction, Party, QueueExit, Reason, RecordingState, RingEnd, Role, Side, TransferKind},
};

fn tracker() -> Tracker {
    Tracker::new("office".into(), [])
}

fn signal(at: u64, fact: Fact) -> Signal {
    on("1", at, fact)
}

fn on(chain: &str, at: u64, fact: Fact) -> Signal {
    Signal { chain: chain.into(), at: Millis(at), fact }
}

fn arrived(direction: Direction) -> Fact {
    Fact::Arrived(Arrival {
        direction,
        external: Some("+4940".into()),
        external_name: String::new(),
        line: "+4930".into(),
        trunk: "t".into(),
        from: (direction != Direction::Inbound).then(|| "201".into()),
        crm_call: None,
        started: None,
    })
}

fn rings(extension: &str) -> Fact {
    Fact::Ringing { extension: extension.into(), role: Role::Called }
}

fn answered(extension: &str) -> Fact {
    Fact::Answered { by: Party::Extension(extension.into()), role: Role::Called }
}

fn ended() -> Fact {
    Fact::Ended { hint: None, cause: Some(16), by: Side::External }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.what.name()).collect()
}

fn play(tracker: &mut Tracker, facts: impl IntoIterator<Item = Fact>) -> Vec<Event> {
    facts.into_iter().zip(1..).flat_map(|(fact, at)| tracker.apply(signal(at * 1000, fact))).collect()
}

#[test]
fn phones_that_lose_stop_at_once_unless_the_pbx_tells_why_itself() {
    let facts = || [arrived(Direction::Inbound), rings("201"), rings("202"), answered("202")];
    let derived = play(&mut tracker(), facts());
    assert_eq!(names(&derived), ["new", "ringing", "ringing", "answered", "ring-stopped"]);
    let last = derived.last().expect("an event");
    assert_eq!(last.confidence, Confidence::Derived);
    let mut told = tracker().told_ring_ends();
    assert_eq!(names(&play(&mut told, facts())), ["new", "ringing", "ringing", "answered"]);
    let why = Fact::RingStopped { extension: "201".into(), why: RingEnd::AnsweredElsewhere, cause: Some(26) };
    let events = told.apply(signal(5000, why));
    assert!(matches!(
        events.first().map(|event| &event.what),
        Some(What::RingStopped { cause: Some(26), why: RingEnd::AnsweredElsewhere, .. })
    ));
}

#[test]
fn after_a_gap_whoever_is_not_there_has_left() {
    let mut tracker = tracker().told_ring_ends();
    play(&mut tracker, [arrived(Direction::Inbound), rings("201"), rings("202"), rings("203"), answered("202")]);
    let events = tracker.apply(signal(9000, Fact::Present { extensions: vec!["203".into()] }));
    assert_eq!(names(&events), ["ring-stopped", "leg-ended"]);
    let call = tracker.call(&"1".into()).expect("a call");
    assert_eq!(call.agent(&"203".into()).map(|agent| agent.state), Some(AgentState::Ringing));
}

#[test]
fn whoever_fetches_a_parked_caller_talks_to_him() {
    let mut tracker = tracker();
    play(
        &mut tracker,
        [
            arrived(Direction::Inbound),
            rings("201"),
            answered("201"),
            Fact::Parked { extension: Some("201".into()), space: "701".into() },
            Fact::Left { extension: "201".into() },
            Fact::Unparked { extension: Some("202".into()) },
            ended(),
        ],
    );
    let call = tracker.call(&"1".into()).expect("a call");
    assert_eq!((call.leg, call.credited()), (2, Some(&Extension::from("202"))));
}

#[test]
fn the_target_of_a_consultation_has_answered_when_the_call_is_handed_over() {
    let mut tracker = tracker().told_ring_ends();
    play(&mut tracker, [arrived(Direction::Inbound), rings("201"), answered("201")]);
    let consultation = [
        arrived(Direction::Internal),
        Fact::Ringing { extension: "202".into(), role: Role::Consult },
        Fact::Answered { by: Party::Extension("202".into()), role: Role::Consult },
    ];
    for fact in consultation {
        tracker.apply(on("2", 5000, fact));
    }
    let merged = tracker.apply(on("2", 6000, Fact::Merged { into: "1".into() }));
    assert_eq!(names(&merged), ["merged"]);
    let to = Party::Extension("202".into());
    let moved =
        tracker.apply(signal(6000, Fact::Transferred { how: TransferKind::Attended, from: Some("201".into()), to }));
    assert_eq!(names(&moved), ["transferred", "answered", "leg-ended"]);
    assert_eq!(moved.iter().map(|event| event.confidence).collect::<Vec<_>>()[1], Confidence::Derived);
    tracker.apply(signal(9000, ended()));
    let call = tracker.call(&"1".into()).expect("a call");
    assert_eq!((call.leg, call.credited()), (2, Some(&Extension::from("202"))));
    assert!(call.ended.as_ref().is_some_and(|end| !end.last_leg_missed));
    assert_eq!(
        call.agent(&"202".into()).map(|agent| agent.talk_ms(Millis(9000))),
        Some(4000),
        "the consultation counts"
    );
}

#[test]
fn an_internal_call_that_began_as_a_consultation_is_answered_like_any_other() {
    let mut tracker = tracker();
    play(
        &mut tracker,
        [
            arrived(Direction::Internal),
            Fact::Ringing { extension: "202".into(), role: Role::Consult },
            Fact::Answered { by: Party::Extension("202".into()), role: Role::Consult },
            ended(),
        ],
    );
    let call = tracker.call(&"1".into()).expect("a call");
    assert_eq!(call.ended.as_ref().map(|end| end.outcome), Some(Outcome::Answered));
}

#[test]
fn the_number_that_is_dialled_corrects_the_one_that_was_announced() {
    let mut tracker = tracker();
    play(
        &mut tracker,
        [arrived(Direction::Outbound), Fact::Dialing { extension: "201".into(), number: "+4930231".into() }],
    );
    assert_eq!(tracker.call(&"1".into()).and_then(|call| call.external.clone()), Some("+4930231".into()));
}

#[test]
fn a_call_that_comes_back_to_whoever_gave_it_away_is_answered_again() {
    let mut tracker = tracker();
    let to = Party::Extension("203".into());
    let events = play(
        &mut tracker,
        [
            arrived(Direction::Inbound),
            rings("201"),
            answered("201"),
            Fact::Transferred { how: TransferKind::Blind, from: Some("201".into()), to },
            rings("203"),
            Fact::RingStopped { extension: "203".into(), why: RingEnd::NoAnswer, cause: None },
            rings("201"),
            answered("201"),
            ended(),
        ],
    );
    assert_eq!(names(&events).iter().filter(|name| **name == "answered").count(), 2);
    let call = tracker.call(&"1".into()).expect("a call");
    assert_eq!(call.agent(&"201".into()).map(|agent| agent.talk_ms(Millis(0))), Some(1000 + 1000));
    assert!(call.ended.as_ref().is_some_and(|end| !end.last_leg_missed));
}

#[test]
fn calls_that_are_not_alive_any_more_are_closed_once() {
    let mut tracker = tracker();
    play(&mut tracker, [arrived(Direction::Inbound), rings("201")]);
    let events = tracker.reconcile(&[], Millis(9000));
    assert_eq!(names(&events), ["ring-stopped", "ended"]);
    assert!(matches!(events.last().map(|event| &event.what), Some(What::Ended { outcome: Outcome::Lost, .. })));
    assert!(tracker.reconcile(&[], Millis(9000)).is_empty() && tracker.apply(signal(9500, rings("202"))).is_empty());
}

/// Few extensions and two calls, so that facts meet in every way.
fn any_fact() -> impl Strategy<Value = Fact> {
    let extension = || prop::sample::select(vec!["201", "202", "203"]).prop_map(Extension::from);
    let party = || prop_oneof![extension().prop_map(Party::Extension), Just(Party::Outside("+4940".into()))];
    let role = || prop::sample::select(vec![Role::Called, Role::Consult, Role::Own]);
    let direction = prop::sample::select(vec![Direction::Inbound, Direction::Outbound, Direction::Internal]);
    let how = prop::sample::select(vec![TransferKind::Blind, TransferKind::Attended, TransferKind::Redirect]);
    let state = prop::sample::select(vec![RecordingState::Started, RecordingState::Stopped]);
    let hint = prop::option::of(prop::sample::select(vec![Reason::NoAnswer, Reason::Busy, Reason::Cancelled]));
    prop_oneof![
        1 => direction.prop_map(arrived),
        4 => (extension(), role()).prop_map(|(extension, role)| Fact::Ringing { extension, role }),
        2 => extension().prop_map(|extension| Fact::RingStopped { extension, why: RingEnd::NoAnswer, cause: None }),
        4 => (party(), role()).prop_map(|(by, role)| Fact::Answered { by, role }),
        1 => extension().prop_map(|extension| Fact::Dialing { extension, number: "+4940".into() }),
        1 => extension().prop_map(|extension| Fact::Held { extension }),
        1 => extension().prop_map(|extension| Fact::Resumed { extension }),
        2 => (how, prop::option::of(extension()), party()).prop_map(|(how, from, to)| Fact::Transferred { how, from, to }),
        1 => (extension(), party()).prop_map(|(from, to)| Fact::Forwarded { from, to }),
        1 => (prop::option::of(extension()), extension()).prop_map(|(from, by)| Fact::PickedUp { from, by }),
        1 => prop::option::of(extension()).prop_map(|extension| Fact::Parked { extension, space: "1".into() }),
        1 => prop::option::of(extension()).prop_map(|extension| Fact::Unparked { extension }),
        1 => extension().prop_map(|extension| Fact::Left { extension }),
        1 => prop::collection::vec(extension(), 0..3).prop_map(|extensions| Fact::Present { extensions }),
        1 => Just(Fact::Queued { queue: "q".into() }),
        1 => Just(Fact::LeftQueue { queue: "q".into(), exit: QueueExit::Abandoned }),
        1 => Just(Fact::Voicemail { mailbox: "201".into() }),
        1 => extension().prop_map(|extension| Fact::Target { extension }),
        1 => state.prop_map(|state| Fact::Recording { state, file: Some("f".into()) }),
        1 => Just(Fact::Merged { into: "1".into() }),
        1 => hint.prop_map(|hint| Fact::Ended { hint, cause: None, by: Side::Unknown }),
    ]
}

fn any_signals() -> impl Strategy<Value = Vec<Signal>> {
    let signal = (prop::sample::select(vec!["1", "2"]), 0..100_000_u64, any_fact());
    prop::collection::vec(signal.prop_map(|(chain, at, fact)| on(chain, at, fact)), 0..60)
}

/// Checks what is promised of all events of a tracker whose calls are all over.
fn keeps_promises(events: &[Event], tracker: &Tracker) -> Result<(), TestCaseError> {
    let mut by_call: HashMap<&Chain, Vec<&Event>> = HashMap::new();
    events.iter().for_each(|event| by_call.entry(&event.chain).or_default().push(event));
    for (chain, events) in by_call {
        let call = tracker.call(chain).expect("a call that has events");
        let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
        prop_assert_eq!(&seqs, &(1..=events.len() as u64).collect::<Vec<_>>(), "seq counts from 1 without gaps");
        prop_assert!(events.windows(2).all(|pair| pair[0].leg <= pair[1].leg), "legs only go up");
        let first = matches!(events[0].what, What::New { .. } | What::Recording { .. });
        prop_assert!(first, "a call begins");
        let over = |event: &&&Event| matches!(event.what, What::Ended { .. } | What::Merged { .. });
        prop_assert_eq!(events.iter().filter(over).count(), 1, "exactly one end");
        let behind = events.iter().skip_while(|event| !over(event)).skip(1);
        prop_assert!(
            behind.clone().all(|event| matches!(event.what, What::Recording { .. } | What::Corrected { .. })),
            "recordings and a correction only: {:?}",
            behind.collect::<Vec<_>>()
        );
        prop_assert_eq!(call.state, State::Ended);
        let merged = call.merged_into.is_some();
        // A phone that rang in a call which became a part of this one rings on here, and is not told twice.
        let adopts = tracker.calls.values().any(|other| other.merged_into.as_ref() == Some(chain));
        let mut ringing = HashSet::new();
        let mut caller_is_up = false;
        for event in &events {
            match &event.what {
                What::Ringing { extension, .. } => {
                    let news = ringing.insert(extension) || (caller_is_up && call.from.as_ref() == Some(extension));
                    prop_assert!(news, "rings twice at once");
                }
                What::RingStopped { extension, .. } if caller_is_up && call.from.as_ref() == Some(extension) => {
                    ringing.remove(extension);
                }
                What::RingStopped { extension, .. } => {
                    prop_assert!(ringing.remove(extension) || adopts, "stops without ringing")
                }
                What::Answered { by: Party::Extension(extension), .. }
                | What::Unparked { extension: Some(extension) } => {
                    ringing.remove(extension);
                }
                What::Dialing { extension, .. } | What::PickedUp { by: extension, .. } => {
                    ringing.remove(extension);
                }
                // Click-to-call: the other side's answer can say that the agent's phone is up.
                What::Answered { by: Party::Outside(_), .. } => caller_is_up = true,
                _ => {}
            }
        }
        if let Some(from) = call.from.as_ref().filter(|_| caller_is_up) {
            ringing.remove(from);
        }
        prop_assert!(merged || ringing.is_empty(), "still rings: {:?}", ringing);
        prop_assert!(call.agents.iter().all(|agent| !agent.is_present() && agent.talking_since.is_none()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_signals_in_any_order_keep_the_promises(signals in any_signals(), told in any::<bool>()) {
        let mut tracker = if told { tracker().told_ring_ends() } else { tracker() };
        let mut events: Vec<Event> = signals.into_iter().flat_map(|signal| tracker.apply(signal)).collect();
        events.extend(tracker.reconcile(&[], Millis(200_000)));
        keeps_promises(&events, &tracker)?;
    }

    #[test]
    fn repeated_signals_change_no_outcome(signals in any_signals()) {
        // Facts that may truly happen again, such as a second round of ringing, are not said twice in a row.
        let mut once = tracker();
        let mut twice = tracker();
        for signal in signals {
            once.apply(signal.clone());
            twice.apply(signal.clone());
            twice.apply(signal);
        }
        for (chain, call) in &once.calls {
            let other = &twice.calls[chain];
            prop_assert_eq!(&call.agents, &other.agents);
            prop_assert_eq!((call.leg, call.state, call.answered, &call.ended), (other.leg, other.state, other.answered, &other.ended));
        }
    }

    #[test]
    fn a_tracker_that_goes_on_after_a_restart_ends_as_one_that_never_stopped(signals in any_signals(), cut in 0..60_usize) {
        let mut whole = tracker();
        let mut first = tracker();
        let cut = cut.min(signals.len());
        let mut events: Vec<Event> = Vec::new();
        for signal in &signals {
            events.extend(whole.apply(signal.clone()));
        }
        let mut told: Vec<Event> = signals[..cut].iter().flat_map(|signal| first.apply(signal.clone())).collect();
        let stored = serde_json::to_string(&first.calls.values().collect::<Vec<_>>()).expect("JSON");
        let calls: Vec<Call> = serde_json::from_str(&stored).expect("calls");
        let mut second = Tracker::new("office".into(), calls);
        told.extend(signals[cut..].iter().flat_map(|signal| second.apply(signal.clone())));
        prop_assert_eq!(events, told);
    }
}

#[test]
fn an_end_that_is_heard_after_the_call_was_given_up_corrects_it_once() {
    let chain = Chain::from("c");
    let mut tracker = Tracker::new("office".into(), []);
    let signal = |at, fact| Signal { chain: Chain::from("c"), at: Millis(at), fact };
    let answered = Fact::Answered { by: Party::Extension("201".into()), role: Role::Called };
    let ended = Fact::Ended { hint: None, cause: Some(16), by: Side::External };
    tracker.apply(signal(1_000, answered));
    let given_up = tracker.close(&chain, Millis(5_000));
    assert!(matches!(given_up.last().map(|event| &event.what), Some(What::Ended { reason: Reason::Unknown, .. })));
    let corrected = tracker.apply(signal(9_000, ended.clone()));
    assert!(matches!(corrected.as_slice(), [Event { what: What::Corrected { reason: Reason::Normal, .. }, .. }]));
    assert_eq!(tracker.call(&chain).map(|call| call.talk_ms(Millis(0))), Some(8_000));
    assert!(tracker.apply(signal(10_000, ended)).is_empty());
}
