//! Events twice, in any order, or not at all.

use hookswitch_call::event::Outcome;
use proptest::prelude::*;
use serde_json::Value;

use crate::{Desk, inbound, info};

const LOG: &str = "0:el:79990001122;1:ct:admin;2:ct:bob;5:cc:admin;20:cd:admin;21:ct:bob;24:cc:bob;40:cd:bob;";

fn story() -> Vec<Value> {
    vec![
        inbound(0, "new", ""),
        inbound(1000, "calling", "102"),
        inbound(2000, "calling", "103"),
        inbound(5000, "connected", "102"),
        inbound(5100, "disconnected", "103"),
        inbound(20_000, "disconnected", "102"),
        inbound(21_000, "calling", "103"),
        inbound(24_000, "connected", "103"),
        inbound(40_000, "disconnected", "103"),
        inbound(40_000, "end", ""),
    ]
}

proptest! {
    /// Whatever is lost or repeated on the way: with the record the call ends once, answered, with who talked last.
    #[test]
    fn a_record_mends_what_was_lost_or_repeated(lost in prop::collection::vec(any::<bool>(), 9), twice in prop::collection::vec(any::<bool>(), 10)) {
        let mut desk = Desk::open();
        for (number, event) in story().iter().enumerate() {
            let heard = lost.get(number).is_none_or(|lost| !lost);
            for _ in 0..usize::from(heard) + usize::from(heard && twice[number]) {
                desk.hear(event);
            }
        }
        desk.answer(Some(&info(LOG, 40)));
        let call = desk.call("DEMOs1");
        prop_assert_eq!(call.ended.as_ref().unwrap().outcome, Outcome::Answered);
        prop_assert_eq!(call.leg, 2, "{:?}", desk.told());
        prop_assert_eq!(desk.told().iter().filter(|event| event.starts_with("ended")).count(), 1);
        for extension in ["102", "103"] {
            let agent = call.agent(&extension.into()).unwrap();
            prop_assert!(agent.first_talk.is_some(), "{} talked: {:?}", extension, desk.told());
        }
    }

    /// In any order nothing is told twice, and the call ends once.
    #[test]
    fn any_order_ends_the_call_once(order in Just((0..story().len()).collect::<Vec<_>>()).prop_shuffle()) {
        let (mut desk, events) = (Desk::open(), story());
        order.iter().for_each(|number| desk.hear(&events[*number]));
        desk.answer(Some(&info(LOG, 40)));
        // Whatever comes after is late.
        order.iter().for_each(|number| desk.hear(&events[*number]));
        let call = desk.call("DEMOs1");
        prop_assert_eq!(call.ended.as_ref().unwrap().outcome, Outcome::Answered);
        prop_assert_eq!(desk.told().iter().filter(|event| event.starts_with("ended")).count(), 1);
        prop_assert_eq!(desk.told().iter().filter(|event| *event == "new").count(), 1);
    }
}
