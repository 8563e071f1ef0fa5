use std::time::{Duration, Instant};

use bolero::check;

use super::{Refusal, inspect, recognise};

const MEMORY: usize = 128 << 20;

/// Components of every kind that the reader distinguishes; a fuzzer changes them.
fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"(component)"#,
        r#"(component (core module (memory 1 2) (table 3 funcref) (global i32 (i32.const 1)) (func) (start 0)
            (data (i32.const 0) "abc") (elem (i32.const 0) func 0) (export "f" (func 0))))"#,
        r#"(component (import "wasi:io/poll@0.2.0" (instance (export "pollable" (type (sub resource)))))
            (import "hookswitch:plugin/clock@0.1.0" (instance (export "now-ms" (func (result u64)))))
            (component $inner (core module $m) (core instance (instantiate $m)) (type (record (field "a" string))))
            (instance (instantiate $inner)) (alias outer 0 0 (component))
            (instance $plugin) (export "hookswitch:plugin/plugin@0.1.0" (instance $plugin)))"#,
        r#"(component (type (component (type (instance (export "x" (func (param "a" (list (tuple u8 f64)))))))
            (import "y" (instance (type 0))))) (type (resource (rep i32)))
            (core type (module (import "a" "b" (func)) (export "c" (memory 1)))))"#,
    ];
    texts.iter().map(|text| wat::parse_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
}

/// How long the fuzzer runs: two seconds, or `HOOKSWITCH_FUZZ_SECONDS`.
fn patience() -> Duration {
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn whatever_the_bytes_are_inspection_ends_soon_with_a_verdict() {
    let seeds = seeds();
    let slowest = std::sync::Mutex::new(Duration::ZERO);
    // Which component, and what is done to it: at a place (out of 65,536) a byte is set, or bytes go in or out.
    check!().with_type::<(u8, Vec<(u16, u8, u8)>)>().with_test_time(patience()).for_each(|(seed, changes)| {
        let mut bytes = seeds[usize::from(*seed) % seeds.len()].clone();
        for (place, how, byte) in changes {
            let at = usize::from(*place) * bytes.len() / 0x1_0000;
            match how % 4 {
                0 => bytes.insert(at, *byte),
                1 if bytes.len() > 9 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(9)),
                _ => bytes[at] = *byte,
            }
        }
        let began = Instant::now();
        let _ = recognise(&bytes, 1 << 20).and_then(|()| inspect(&bytes, MEMORY));
        let mut slowest = slowest.lock().expect("not poisoned");
        *slowest = began.elapsed().max(*slowest);
    });
    let slowest = *slowest.lock().expect("not poisoned");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[test]
fn arbitrary_bytes_behind_the_first_eight_are_judged_too() {
    check!().with_type::<Vec<u8>>().with_test_time(patience()).for_each(|rest| {
        let bytes = [b"\0asm\x0d\0\x01\0".as_slice(), rest].concat();
        let _ = recognise(&bytes, 1 << 20).and_then(|()| inspect(&bytes, MEMORY));
    });
}

fn refused(text: &str) -> (String, u64) {
    let bytes = wat::parse_str(text).expect("it is well-formed");
    match inspect(&bytes, MEMORY) {
        Err(Refusal::TooMany { what, count, .. }) => (what.into_owned(), count),
        other => panic!("{other:?}"),
    }
}

#[test]
fn instances_are_counted_as_often_as_they_are_made() {
    let ten = |what: &str| what.repeat(10);
    let text = format!(
        "(component (component $a (core module $m) {}) (component $b (alias outer 1 $a (component $a)) {}) {})",
        ten("(core instance (instantiate $m))"),
        ten("(instance (instantiate $a))"),
        "(instance (instantiate $b))",
    );
    assert_eq!(refused(&text), ("core instances".into(), 100));
    let text = format!(
        "(component (component $a) (component $b (alias outer 1 $a (component $a)) {}) (component $c (alias outer 1 $b (component $b)) {}) {})",
        ten("(instance (instantiate $a))"),
        ten("(instance (instantiate $b))"),
        ten("(instance (instantiate $c))"),
    );
    assert_eq!(refused(&text).0, "component instances");
}

#[test]
fn a_component_from_elsewhere_is_not_instantiated() {
    let text = "(component (component $a (component $b) (export \"b\" (component $b)))
        (instance $i (instantiate $a)) (alias export $i \"b\" (component $b)) (instance (instantiate $b)))";
    assert_eq!(refused(text).1, u64::MAX);
}
