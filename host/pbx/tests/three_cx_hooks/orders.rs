//! Posts in any order, repeated and lost.

use std::collections::BTreeMap;

use hookswitch_call::record::AgentState;
use proptest::{prelude::*, sample::subsequence};

use crate::office::{Office, agents, ending};

const CHAIN: &str = "240305091500_77";

/// A call that goes from 101 by 102 to 103, and its end.
const STORY: [&str; 10] = [
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"101","usertype":"ext","id":"240305091500_77-0"}"#,
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"109","usertype":"ext","id":"240305091500_77-0"}"#,
    r#"{"event":"hangupincoming","callerid":"+4420000001","user":"101","did":"Main line","trtype":"NotDef","id":"240305091500_77-1"}"#,
    r#"{"event":"incoming","callerid":"+4420000001","user":"101","did":"Main line","finishtype":"Ok","transfer":"true","id":"240305091500_77-1"}"#,
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"102","usertype":"ext","id":"240305091500_77-1"}"#,
    r#"{"event":"hangupincoming","callerid":"+4420000001","user":"102","did":"Main line","trtype":"Blind","id":"240305091500_77-2"}"#,
    r#"{"event":"incoming","callerid":"+4420000001","user":"102","did":"Main line","finishtype":"Ok","transfer":"true","id":"240305091500_77-2"}"#,
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"103","usertype":"ext","id":"240305091500_77-2"}"#,
    r#"{"event":"hangupincoming","callerid":"+4420000001","user":"103","did":"Main line","trtype":"Accomp","id":"240305091500_77-3"}"#,
    r#"{"event":"incoming","callerid":"+4420000001","user":"103","did":"Main line","finishtype":"Ok","transfer":"false","id":"240305091500_77-3"}"#,
];
const END: &str = STORY[9];

/// Every post but the end at least once, some twice or three times, in any order.
fn disorder() -> impl Strategy<Value = Vec<&'static str>> {
    let before_the_end = STORY[..9].to_vec();
    let again = (subsequence(before_the_end.clone(), 0..=9), subsequence(before_the_end.clone(), 0..=9));
    again.prop_flat_map(move |(second, third)| {
        let mut all = before_the_end.clone();
        all.extend(second);
        all.extend(third);
        Just(all).prop_shuffle()
    })
}

fn states(office: &Office) -> BTreeMap<String, AgentState> {
    agents(office.call(CHAIN)).into_iter().map(|(extension, state)| (extension.to_owned(), state)).collect()
}

proptest! {
    #[test]
    fn the_order_of_posts_and_their_repetition_change_nothing_that_a_crm_sees(posts in disorder()) {
        let (mut right, mut office) = (Office::new(), Office::new());
        right.play(STORY[..9].iter().copied());
        office.play(posts);
        prop_assert_eq!(states(&office), states(&right));
        right.post(END);
        office.post(END);
        let (call, known) = (office.call(CHAIN), right.call(CHAIN));
        prop_assert_eq!(ending(call), ending(known));
        prop_assert_eq!((call.leg, call.direction, call.started), (known.leg, known.direction, known.started));
        prop_assert_eq!((&call.external, &call.line), (&known.external, &known.line));
        prop_assert_eq!(states(&office), states(&right));
        prop_assert_eq!(office.count("ended"), 1);
        // Nobody answers or leaves more often than he did.
        prop_assert_eq!(office.count("answered"), right.count("answered"));
        prop_assert_eq!(office.count("leg-ended"), right.count("leg-ended"));
    }

    #[test]
    fn whatever_is_lost_the_end_says_who_had_the_call(
        posts in subsequence(STORY[..9].to_vec(), 0..=9).prop_shuffle(),
        late in subsequence(STORY[..9].to_vec(), 0..=9).prop_shuffle(),
    ) {
        let mut office = Office::new();
        office.play(posts);
        office.post(END);
        let before = office.story();
        office.play(late);
        let call = office.call(CHAIN);
        prop_assert_eq!(ending(call), (true, hookswitch_call::signal::Reason::Normal, Some("103")));
        let open = |state: &AgentState| matches!(state, AgentState::Ringing | AgentState::Talking);
        prop_assert!(!states(&office).values().any(open));
        prop_assert_eq!(office.story(), before);
    }
}
