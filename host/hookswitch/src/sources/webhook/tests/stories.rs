//! What real calls come to, as each maker tells them.

use hookswitch_call::{
    Call,
    event::Outcome,
    signal::{Direction, Reason},
};
use hookswitch_pbx::Route;
use proptest::prelude::*;

use super::{Door, example, request, traffic};

/// The example without what refuses the traffic of that day.
fn timeless(name: &str) -> String {
    example(name).replace("window = \"15m\"", "")
}

fn outcome(call: &Call) -> (Outcome, Option<&str>, Reason) {
    let ended = call.ended.as_ref().unwrap();
    (ended.outcome, ended.credited.as_ref().map(|extension| extension.as_str()), ended.reason)
}

#[tokio::test]
async fn every_example_is_a_configuration_that_opens() {
    for name in ["mango", "zadarma", "twilio", "freeswitch"] {
        Door::open(name, &example(name));
    }
    Door::open("other", &example("own-format"));
}

#[tokio::test]
async fn mango_tells_of_a_call_over_a_queue() {
    let door = Door::open("mango", &timeless("mango"));
    for request in traffic("mango") {
        assert_eq!(door.answer(request).await, (200, String::new()));
    }
    let events = [
        "new",
        "queued",
        "ringing",
        "ringing",
        "left-queue",
        "answered",
        "ring-stopped",
        "held",
        "resumed",
        "digits",
        "leg-ended",
        "recorded",
        "ended",
    ];
    assert_eq!(door.events(), events);
    let call = door.call("MTI3OTg2NTQyMQ==");
    assert_eq!((call.direction, call.external.as_deref()), (Direction::Inbound, Some("442000000001")));
    assert_eq!((call.line.as_str(), call.queues.as_slice()), ("442000000100", &["sales".to_owned()][..]));
    assert_eq!(outcome(&call), (Outcome::Answered, Some("105"), Reason::Normal));
    assert_eq!(call.recordings, ["MToxMDA6cmVj"]);
    let seconds = |millis: u64| millis / 1000 - 1_709_630_100;
    assert_eq!((seconds(call.started.0), seconds(call.answered.unwrap().0)), (0, 12));
    assert_eq!(seconds(call.ended.unwrap().at.0), 100);
    assert_eq!(call.agents.iter().find(|agent| agent.extension.as_str() == "105").unwrap().talked_ms, 88_000);
}

#[tokio::test]
async fn zadarma_tells_of_calls_in_and_out_and_of_one_that_nobody_took() {
    let door = Door::open("zadarma", &example("zadarma"));
    for request in traffic("zadarma") {
        assert_eq!(door.answer(request).await, (200, String::new()));
    }
    let inbound = door.call("in_7f00000000000000000000000000000000000001");
    assert_eq!(outcome(&inbound), (Outcome::Answered, Some("105"), Reason::Normal));
    assert_eq!((inbound.external.as_deref(), inbound.line.as_str()), (Some("+442000000001"), "442000000100"));
    assert_eq!(inbound.recordings, ["1709630100.100001"]);
    // In London clocks show what the world's do in March.
    assert_eq!(inbound.started.0, 1_709_630_100_000);
    let missed = door.call("in_7f00000000000000000000000000000000000003");
    assert_eq!(outcome(&missed), (Outcome::Missed, Some("105"), Reason::NoAnswer));
    let outbound = door.call("out_7f00000000000000000000000000000000000002");
    assert_eq!(outbound.direction, Direction::Outbound);
    assert_eq!(outcome(&outbound), (Outcome::Answered, Some("106"), Reason::Normal));
    let end = outbound.ended.as_ref().unwrap().at;
    assert_eq!(outbound.talk_ms(end), 42_000);
}

#[tokio::test]
async fn zadarma_says_who_answered_even_if_the_message_about_it_was_lost() {
    let door = Door::open("zadarma", &example("zadarma"));
    for (number, request) in traffic("zadarma").into_iter().enumerate().filter(|(number, _)| *number != 3) {
        assert_eq!(door.answer(request).await.0, 200, "{number}");
    }
    let call = door.call("in_7f00000000000000000000000000000000000001");
    assert_eq!(outcome(&call), (Outcome::Answered, Some("105"), Reason::Normal));
    assert_eq!(call.talk_ms(call.ended.as_ref().unwrap().at), 88_000);
}

#[tokio::test]
async fn twilio_tells_of_a_call_with_two_agents_in_the_wrong_order() {
    let door = Door::open("twilio", &timeless("twilio"));
    for (number, request) in traffic("twilio").into_iter().enumerate() {
        let (status, body) = door.answer(request).await;
        assert_eq!((status, body.contains(">reception</Client>")), (if number == 0 { 200 } else { 204 }, number == 0));
    }
    let call = door.call("CA00000000000000000000000000000001");
    assert_eq!(outcome(&call), (Outcome::Answered, Some("ann"), Reason::Normal));
    assert_eq!((call.external.as_deref(), call.line.as_str()), (Some("+442000000001"), "+442000000100"));
    assert!(call.recordings[0].ends_with("/Recordings/RE1"), "{call:?}");
    let rang: Vec<_> = call.agents.iter().map(|agent| agent.extension.as_str()).collect();
    assert_eq!(rang, ["106", "ann"]);
}

#[tokio::test]
async fn freeswitch_tells_by_events_and_by_the_record() {
    let door = Door::open("freeswitch", &example("freeswitch"));
    for request in traffic("freeswitch") {
        assert_eq!(door.answer(request).await, (200, String::new()));
    }
    let events = [
        "new",
        "ringing",
        "ringing",
        "answered",
        "ring-stopped",
        "held",
        "resumed",
        "digits",
        "recorded",
        "leg-ended",
        "ended",
        "noted",
        "noted",
    ];
    assert_eq!(door.events(), events);
    let call = door.call("5b0a5fe6-0001-4a53-9a3e-000000000001");
    assert_eq!(outcome(&call), (Outcome::Answered, Some("105"), Reason::Normal));
    assert_eq!((call.external_name.as_str(), call.ended.as_ref().unwrap().cause), ("Ann Example", Some(16)));
    assert_eq!(call.recordings, ["/var/lib/freeswitch/recordings/4711.wav"]);
    assert!(call.extra.contains(&("billsec".to_owned(), "88".to_owned())), "{:?}", call.extra);
}

#[tokio::test]
async fn the_record_alone_makes_the_call_known_with_its_own_times() {
    let door = Door::open("freeswitch", &example("freeswitch"));
    assert_eq!(door.answer(traffic("freeswitch").pop().unwrap()).await.0, 200);
    let call = door.call("5b0a5fe6-0001-4a53-9a3e-000000000001");
    assert_eq!((call.started.0, call.ended.unwrap().at.0), (1_709_630_100_000, 1_709_630_200_000));
    assert_eq!(door.events(), ["new", "ended", "noted", "noted", "recorded"]);
}

#[tokio::test]
async fn who_is_known_goes_where_the_admin_wants_him() {
    let both = Route { name: Some("Ann <\"&\" Co>".into()), target: Some("105".into()) };
    let name = Route { name: Some("Ann".into()), target: None };
    let post = |vendor| traffic(vendor).remove(0);
    let cases = [
        ("zadarma", Route::default(), "", ""),
        ("zadarma", both.clone(), "application/json", r#"{"caller_name":"Ann <\"&\" Co>","redirect":"105"}"#),
        ("zadarma", name.clone(), "application/json", r#"{"caller_name":"Ann"}"#),
    ];
    for (vendor, route, kind, body) in cases {
        let (status, text, headers) = Door::with_route(vendor, &example(vendor), route).whole(post(vendor)).await;
        let told = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        assert_eq!((status, text.as_str(), told), (200, body, kind));
    }
    let target = Route { name: None, target: Some("<ann&bob>{name}".into()) };
    let (_, text, headers) = Door::with_route("twilio", &example("twilio"), target).whole(post("twilio")).await;
    assert!(text.contains(">&lt;ann&amp;bob&gt;{name}</Client>"), "{text}");
    assert_eq!(headers["content-type"], "text/xml; charset=utf-8");
    // A name without a target is nothing that Twilio could be told.
    let (_, text) = Door::with_route("twilio", &example("twilio"), name).answer(post("twilio")).await;
    assert!(text.contains(">reception</Client>"), "{text}");
}

#[tokio::test]
async fn the_word_that_tries_the_address_is_said_back_to_anybody_and_nothing_else_is() {
    let door = Door::open("zadarma", &example("zadarma"));
    let get = |target: &str| request(&format!("GET {target}\n\n"));
    assert_eq!(door.answer(get("/?zd_echo=abc-123")).await, (200, "abc-123".to_owned()));
    assert_eq!(door.answer(get("/?zd_echo=%3Cscript%3E")).await.0, 400);
    assert_eq!(door.answer(get(&format!("/?zd_echo={}", "a".repeat(257)))).await.0, 400);
    assert_eq!(door.answer(get("/?other=abc")).await.0, 405);
    assert!(door.reports().is_empty());
}

/// All messages of a file in an order that chance decides, some of them twice.
fn shuffled(name: &'static str, last: usize) -> impl Strategy<Value = Vec<usize>> {
    let count = traffic(name).len() - last;
    let twice = proptest::collection::vec(0..count, 0..4);
    twice.prop_flat_map(move |twice| Just((0..count).chain(twice).collect::<Vec<_>>()).prop_shuffle())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Mango numbers its messages, so their order does not matter; only the summary ends the call.
    #[test]
    fn mango_comes_to_the_same_end_in_any_order(order in shuffled("mango", 1)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let door = runtime.block_on(async {
            let door = Door::open("mango", &timeless("mango"));
            let traffic = traffic("mango");
            for number in order.iter().copied().chain([traffic.len() - 1, traffic.len() - 1]) {
                if number == traffic.len() - 1 {
                    // Both phones were hung up, whatever was heard after that.
                    let call = door.call("MTI3OTg2NTQyMQ==");
                    assert!(!call.agents.iter().any(|agent| agent.is_present()), "{call:?}");
                }
                assert_eq!(door.answer(traffic[number].clone()).await.0, 200);
            }
            door
        });
        let call = door.call("MTI3OTg2NTQyMQ==");
        prop_assert_eq!(outcome(&call), (Outcome::Answered, Some("105"), Reason::Normal));
        prop_assert_eq!(call.direction, Direction::Inbound);
        let events = door.events();
        for (name, times) in [("ended", 1), ("queued", 1), ("digits", 1)] {
            prop_assert_eq!(events.iter().filter(|event| **event == name).count(), times, "{}: {:?}", name, events);
        }
    }
}
