//! Messages that come twice, late, or not at all.

use hookswitch_call::{Millis, event::Outcome};
use proptest::prelude::*;
use serde_json::Value;

use super::world::*;

/// A queue call that is transferred, as it is told when nothing goes wrong.
fn whole() -> Vec<(u64, Value)> {
    vec![
        (30011, members(&[inbound("ALERT")])),
        (30011, members(&[inbound("ANSWERED"), agent("201", "RING"), agent("202", "RING")])),
        (30011, members(&[inbound("ANSWERED"), agent("202", "ANSWER")])),
        (30011, members(&[agent("201", "BYE")])),
        (30011, members(&[inbound("HOLD")])),
        (30011, members(&[inbound("ANSWERED")])),
        (30013, members(&[inbound("ANSWERED"), agent("202", "ANSWER")])),
        (30011, members(&[extension("203", "RING")])),
        (30011, members(&[agent("202", "BYE")])),
        (30011, members(&[extension("203", "ANSWER")])),
        (30011, members(&[inbound("BYE"), extension("203", "BYE")])),
        (30012, record("Inbound", CALLER, "203", "ANSWERED", 30, 20)),
    ]
}

/// Whatever was heard, the PBX is asked in the end.
fn close(world: &mut World) {
    for _ in 0..3 {
        world.wait(10);
        world.ask(&[], &[], None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_order_any_loss_and_any_repetition_end_a_call_exactly_once(
        picked in prop::collection::vec(0..12_usize, 1..30),
    ) {
        let mut world = World::new();
        for index in picked {
            let (kind, msg) = whole().swap_remove(index);
            world.say(kind, msg);
            let (now, reports) = (Millis(world.now), world.exchange.tick(Millis(world.now)));
            world.take(reports);
            prop_assert!(world.exchange.due().is_none_or(|due| due.0 >= now.0 || world.exchange.doubts(now)));
        }
        close(&mut world);
        prop_assert!(!world.exchange.is_busy());
        let ends = world.names().iter().filter(|name| *name == "ended").count();
        prop_assert_eq!(ends, 1, "{:#?}", world.names());
        prop_assert!(world.names().iter().skip_while(|name| *name != "ended").skip(1).all(|name| name == "recorded"));
    }

    #[test]
    fn every_message_twice_says_what_each_said_once(gaps in prop::collection::vec(0..3_usize, 12)) {
        let (mut once, mut twice) = (World::new(), World::new());
        let mut late: Vec<(usize, (u64, Value))> = Vec::new();
        for (index, (kind, msg)) in whole().into_iter().enumerate() {
            once.say(kind, msg.clone());
            twice.say(kind, msg.clone());
            late.push((index + gaps[index], (kind, msg)));
            for (_, (kind, msg)) in late.extract_if(.., |(due, _)| *due <= index) {
                let message = twice.wire(kind, &msg);
                twice.hear(&message);
            }
        }
        close(&mut once);
        close(&mut twice);
        prop_assert_eq!(once.ended(), twice.ended());
        prop_assert_eq!(once.call().leg, twice.call().leg);
        prop_assert_eq!(once.ended().0, Outcome::Answered);
    }
}
