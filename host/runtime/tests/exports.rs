//! What a component exports, and what its functions get and give.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod guest;

use std::time::Duration;

use guest::{Guest, OK, World, componentize, engine, load};
use hookswitch_runtime::{
    CallError, Limits,
    contract::{Failure, feed::Event},
};

#[tokio::test]
async fn a_component_with_the_required_interface_alone_loads_and_says_what_it_lacks() {
    let component = load(&engine(), &Guest::default()).await;
    let exports = component.exports();
    assert!(exports.plugin);
    assert!(!exports.lookup && !exports.journal && !exports.cards && !exports.feed && !exports.speech);
    let outcome = component.lookup_by_email(World::default().job(), "ana@example.com").await;
    assert!(matches!(outcome.result, Err(CallError::NotExported { interface: "lookup" })), "{:?}", outcome.result);
    let manifest = component.manifest(World::default().job(), &vec![("a.xml".into(), "<a/>".into())]).await;
    assert_eq!(manifest.result.expect("there is a manifest"), "{}");
    assert_eq!(component.check(World::default().job()).await.result.expect("it checks"), Vec::<String>::new());
}

#[tokio::test]
async fn an_optional_export_is_found_and_called() {
    let world = "package test:guest;
        world guest { export hookswitch:plugin/feed@0.1.0; export hookswitch:plugin/plugin@0.1.0; }";
    // Accepts exactly two events, and fails otherwise as a guest does.
    let guest = Guest {
        module: format!(
            r#"(func (export "hookswitch:plugin/feed@0.1.0#deliver") (param i32 i32) (result i32)
                (if (i32.ne (local.get 1) (i32.const 2)) (then unreachable)) {OK})"#
        ),
        ..Guest::default()
    };
    let bytes = componentize(world, |_, _| wat::parse_str(guest.core()).unwrap());
    let component = engine().load(bytes).await.expect("it loads");
    assert!(component.exports().feed && !component.exports().lookup);
    let event = Event { id: "1".into(), seq: 1, kind: "ring".into(), json: "{}".into() };
    let two = component.feed_deliver(World::default().job(), &[event.clone(), event.clone()]).await;
    two.result.expect("two events are taken");
    let one = component.feed_deliver(World::default().job(), &[event]).await;
    assert!(matches!(one.result, Err(CallError::Trap { .. })), "{:?}", one.result);
}

#[tokio::test]
async fn a_failure_comes_back_as_the_guest_meant_it() {
    // result: error; failure: not-configured, the third case of six counted from 0; its text.
    let guest = Guest {
        module: r#"(data (i32.const 512) "\01\00\00\00\00\00\00\00\03\00\00\00\00\00\00\00\58\02\00\00\04\00\00\00")
            (data (i32.const 600) "url?")"#
            .into(),
        prepare: "(i32.const 512)".into(),
        ..Guest::default()
    };
    let outcome = load(&engine(), &guest).await.prepare(World::default().job()).await;
    let Err(CallError::Failure(failure)) = outcome.result else { panic!("{:?}", outcome.result) };
    assert_eq!(failure, Failure::NotConfigured("url?".into()));
}

#[tokio::test]
async fn a_result_that_makes_no_sense_is_a_crash_of_the_guest() {
    for (what, result) in [
        ("a case that does not exist", r#"(data (i32.const 512) "\07")"#),
        (
            "an address outside of its memory",
            r#"(data (i32.const 512) "\00\00\00\00\00\00\00\00\ff\ff\ff\7f\ff\00\00\00")"#,
        ),
        (
            "a text that is no UTF-8",
            r#"(data (i32.const 512) "\00\00\00\00\00\00\00\00\58\02\00\00\04\00\00\00") (data (i32.const 600) "\ff\fe\fd\fc")"#,
        ),
    ] {
        let guest = Guest { module: result.into(), manifest: "(i32.const 512)".into(), ..Guest::default() };
        let outcome = load(&engine(), &guest).await.manifest(World::default().job(), &Vec::new()).await;
        assert!(matches!(outcome.result, Err(CallError::Trap { .. })), "{what}: {:?}", outcome.result);
    }
}

#[tokio::test]
async fn the_hash_tells_components_apart() {
    let engine = engine();
    let one = load(&engine, &Guest::default()).await;
    let same = load(&engine, &Guest::default()).await;
    let other = load(&engine, &Guest { pages: 2, ..Guest::default() }).await;
    assert_eq!(one.hash(), same.hash());
    assert_ne!(one.hash(), other.hash());
    assert_eq!(one.hash().to_string().len(), 64);
}

#[tokio::test]
async fn limits_at_the_edges_of_their_numbers_are_no_danger() {
    let component = load(&engine(), &Guest::logging("x", "(call $log (i32.const 1))")).await;
    let endless = Limits {
        wall: Duration::MAX,
        guest_cpu: Some(Duration::MAX),
        memory_bytes: usize::MAX,
        host_calls: u32::MAX,
        log_lines: u32::MAX,
        log_bytes: usize::MAX,
        request_bytes: usize::MAX,
    };
    component.prepare(World::default().job_within(endless)).await.result.expect("no limit is no harm");
    let nothing = Limits {
        wall: Duration::ZERO,
        guest_cpu: Some(Duration::ZERO),
        memory_bytes: 0,
        host_calls: 0,
        log_lines: 0,
        log_bytes: 0,
        request_bytes: 0,
    };
    component.prepare(World::default().job_within(nothing)).await.result.expect_err("nothing can be done with nothing");
}
