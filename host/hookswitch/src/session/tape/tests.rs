//! A plugin that makes some host calls, a CRM that counts, and a process that dies at every point.

use hookswitch_call::Millis;
use hookswitch_journal::runs::{Answer, Begun, Ended};
use proptest::prelude::*;

use super::*;

/// One host call of the plugin.
#[derive(Clone, Debug)]
struct Ask {
    effect: Effect,
    /// Requests of the same path are equal.
    path: u8,
    /// What the CRM answers.
    status: u16,
}

fn ask() -> impl Strategy<Value = Ask> {
    let effect = prop_oneof![Just(Effect::Read), Just(Effect::Idempotent), Just(Effect::Once)];
    let status = prop_oneof![5 => Just(200_u16), 1 => Just(503_u16)];
    (effect, 0..3_u8, status).prop_map(|(effect, path, status)| Ask { effect, path, status })
}

fn intent(run: i64, ordinal: usize, ask: &Ask) -> Intent {
    Intent {
        run: RunId(run),
        ordinal: u32::try_from(ordinal).unwrap(),
        at: Millis::default(),
        kind: HTTP.to_owned(),
        effect: ask.effect,
        method: "POST".to_owned(),
        url: format!("/{}/{:?}", ask.path, ask.effect),
        key: None,
        headers: Vec::new(),
        body: Body::of(b"{}"),
        rule: None,
    }
}

fn answer(status: u16, nth: usize) -> Answer {
    let body = Body::of(nth.to_string().as_bytes());
    let reply = Reply::Response { status, headers: Vec::new(), body };
    Answer { at: Millis::default(), reply, timings: serde_json::Value::Null }
}

fn run(id: i64, attempt: u32, outcome: Option<&str>) -> Run {
    let ended = outcome.map(|outcome| Ended {
        wall_us: 0,
        cpu_us: 0,
        memory_bytes: 0,
        outcome: outcome.to_owned(),
        problem: None,
    });
    let begun = Begun {
        id: RunId(id),
        job: None,
        call: None,
        plugin: "crm".into(),
        function: "journal.write".into(),
        attempt,
        input: None,
        build: None,
        started: Millis::default(),
    };
    Run { begun, resumed: 0, ended }
}

/// Where the process dies, in the middle of a host call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    BeforeTheIntent,
    AfterTheIntent,
    AfterItLeft,
    AfterTheAnswer,
}

/// What the plugin was told of one host call.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Answer(Reply),
    InDoubt,
}

#[derive(Default)]
struct World {
    /// What was carried out: the place of the host call in the plugin.
    done: Vec<usize>,
    /// What is written down.
    requests: Vec<Request>,
    answers: usize,
}

impl World {
    /// Runs the plugin with `tape`; none if the process died.
    fn play(&mut self, run: i64, asks: &[Ask], mut tape: Tape, death: Option<(usize, Death)>) -> Option<Vec<Told>> {
        let mut told = Vec::new();
        for (index, ask) in asks.iter().enumerate() {
            let dies = |at: Death| death == Some((index, at));
            let wanted = intent(run, index + 1, ask);
            let ordinal = wanted.ordinal;
            match tape.cue(&wanted) {
                Cue::Give(reply) => {
                    told.push(Told::Answer(reply));
                    continue;
                }
                Cue::Keep(_, reply) => {
                    let answer = Answer { reply: reply.clone(), ..answer(200, 0) };
                    self.requests.push(Request { intent: wanted, answer: Some(answer) });
                    told.push(Told::Answer(reply));
                    continue;
                }
                Cue::InDoubt | Cue::KeepInDoubt => {
                    told.push(Told::InDoubt);
                    continue;
                }
                Cue::Diverged(text) => panic!("{text}"),
                Cue::MakeAgain => {}
                Cue::Make => {
                    if dies(Death::BeforeTheIntent) {
                        return None;
                    }
                    self.requests.push(Request { intent: wanted, answer: None });
                }
            }
            if dies(Death::AfterTheIntent) {
                return None;
            }
            self.done.push(index);
            if dies(Death::AfterItLeft) {
                return None;
            }
            self.answers += 1;
            let answer = answer(ask.status, self.answers);
            told.push(Told::Answer(answer.reply.clone()));
            let kept = |request: &&mut Request| request.intent.ordinal == ordinal && request.intent.run == RunId(run);
            self.requests.iter_mut().find(kept).unwrap().answer = Some(answer);
            if dies(Death::AfterTheAnswer) {
                return None;
            }
        }
        assert_eq!(tape.ended(true).1, None);
        Some(told)
    }

    fn times(&self, index: usize) -> usize {
        self.done.iter().filter(|done| **done == index).count()
    }
}

fn death() -> impl Strategy<Value = Death> {
    prop_oneof![
        Just(Death::BeforeTheIntent),
        Just(Death::AfterTheIntent),
        Just(Death::AfterItLeft),
        Just(Death::AfterTheAnswer),
    ]
}

proptest! {
    #[test]
    fn a_resumed_run_hears_the_same_and_sends_nothing_once_again(
        asks in prop::collection::vec(ask(), 1..8), at in 0..8_usize, death in death(), again in prop::option::of(death())
    ) {
        let at = at % asks.len();
        let mut world = World::default();
        let Some(_) = world.play(1, &asks, Tape::default(), Some((at, death))).map_or(Some(()), |_| None) else {
            return Ok(());
        };
        let before: Vec<Option<Reply>> =
            world.requests.iter().map(|request| request.answer.as_ref().map(|answer| answer.reply.clone())).collect();
        if let Some(death) = again {
            let later = (at + 1) % asks.len();
            let tape = Tape::resumed(world.requests.clone(), Vec::new());
            if world.play(1, &asks, tape, Some((later, death))).is_some() {
                return Ok(());
            }
        }
        let tape = Tape::resumed(world.requests.clone(), Vec::new());
        let told = world.play(1, &asks, tape, None).unwrap();
        prop_assert_eq!(told.len(), asks.len());
        for (told, before) in told.iter().zip(&before) {
            if let Some(before) = before {
                prop_assert_eq!(told, &Told::Answer(before.clone()));
            }
        }
        for (index, ask) in asks.iter().enumerate() {
            let times = world.times(index);
            match told[index] {
                // Whether it was carried out is for the plugin to find out.
                Told::InDoubt => prop_assert!(ask.effect == Effect::Once && times <= 1),
                Told::Answer(_) if ask.effect == Effect::Once => prop_assert_eq!(times, 1),
                Told::Answer(_) => prop_assert!(times >= 1),
            }
        }
    }

    #[test]
    fn a_new_try_repeats_no_write_that_succeeded(
        asks in prop::collection::vec(ask(), 1..8), at in 0..8_usize, outcome in prop_oneof![Just("trap"), Just("temporary")]
    ) {
        // The plugin gets as far as `at` and fails there.
        let made = at % asks.len() + 1;
        let mut world = World::default();
        world.play(1, &asks[..made], Tape::default(), None);
        let first = world.requests.clone();
        let tape = Tape::retried(vec![(run(1, 1, Some(outcome)), first)]);
        world.play(2, &asks, tape, None).unwrap();
        for (index, ask) in asks.iter().enumerate().take(made) {
            let reason = outcome == "temporary" && index + 1 == made;
            let succeeded = ask.status == 200 && !reason;
            let expected = if ask.effect != Effect::Read && succeeded { 1 } else { 2 };
            prop_assert_eq!(world.times(index), expected, "host call {} of {:?}", index, asks);
        }
    }
}

#[test]
fn something_else_than_before_is_named() {
    let asks = |path| Ask { effect: Effect::Once, path, status: 200 };
    let mut world = World::default();
    world.play(1, &[asks(1)], Tape::default(), None);
    let mut tape = Tape::resumed(world.requests.clone(), Vec::new());
    let Cue::Diverged(text) = tape.cue(&intent(1, 1, &asks(2))) else { panic!("not seen") };
    assert!(text.contains("/2/") && text.contains("/1/"), "{text}");
    // And whatever comes after it is not made either.
    assert!(matches!(tape.cue(&intent(1, 2, &asks(1))), Cue::Diverged(_)));
    let mut tape = Tape::resumed(world.requests, Vec::new());
    assert!(tape.ended(true).1.is_some_and(|text| text.contains("/1/")));
}

#[test]
fn what_was_cut_off_is_in_doubt_for_another_build_too() {
    let once = Ask { effect: Effect::Once, path: 1, status: 200 };
    let mut world = World::default();
    assert!(world.play(1, std::slice::from_ref(&once), Tape::default(), Some((0, Death::AfterItLeft))).is_none());
    let mut tape = Tape::retried(vec![(run(1, 1, Some("cut-off")), world.requests)]);
    assert!(matches!(tape.cue(&intent(2, 1, &once)), Cue::KeepInDoubt));
    // The second of two equal requests was never made.
    assert!(matches!(tape.cue(&intent(2, 2, &once)), Cue::Make));
}
