use super::*;

/// A contract with a bit of everything.
const BEFORE: &str = "
package acme:plugin@0.1.0;
interface types {
  enum direction { inbound, outbound }
  record call { chain: string, leg: u32, direction: direction }
  variant failure { temporary(u64), rejected(string), other }
  type fields = list<tuple<string, string>>;
}
interface clock { now-ms: func() -> u64; }
interface lookup {
  use types.{call, failure};
  record page { chains: list<string>, next: option<string> }
  by-number: func(number: string, call: option<call>) -> result<page, failure>;
}
world imports { import clock; }
world everything { include imports; export lookup; }
";

fn contract(text: &str) -> Contract {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", text).unwrap();
    Contract::of(&resolve, package).unwrap()
}

/// The changes from `BEFORE` to `BEFORE` with `old` replaced.
fn changed(old: &str, new: &str) -> Changes {
    assert!(BEFORE.contains(old), "{old}");
    compare(&contract(BEFORE), &contract(&BEFORE.replace(old, new)))
}

#[test]
fn each_kind_of_break_is_refused_and_named() {
    let cases = [
        ("now-ms: func() -> u64;", "", "function `clock.now-ms` is gone"),
        ("now-ms: func() -> u64;", "now-ms: func() -> u32;", "was `func() -> u64`, and is `func() -> u32`"),
        ("number: string, call", "phone: string, call", "function `lookup.by-number` was"),
        ("option<call>)", "call)", "call: types.call)"),
        ("result<page, failure>;", "result<page, failure>; by-email: func(email: string);", "`lookup.by-email` is new"),
        ("record page", "enum more { a } record page", "type `lookup.more` is new in an export"),
        ("{ inbound, outbound }", "{ inbound, outbound, internal }", "`types.direction` has gained `internal`"),
        ("{ inbound, outbound }", "{ outbound, inbound }", "in another order"),
        ("leg: u32,", "", "record `types.call` has lost `leg: u32`"),
        ("leg: u32,", "leg: u64,", "had `leg: u32`, and has `leg: u64`"),
        ("leg: u32,", "leg: u32, extra: fields,", "has gained `extra: types.fields`"),
        ("rejected(string), other", "rejected(string), gone, other", "variant `types.failure` has gained `gone`"),
        ("rejected(string)", "rejected(fields)", "`types.failure` had `rejected(string)`"),
        ("list<tuple<string, string>>", "list<string>", "list `types.fields` had"),
        ("enum direction { inbound, outbound }", "type direction = string;", "is a type now"),
        ("export lookup", "import lookup", "`lookup` was exported, and is imported"),
        (
            "world imports { import clock; }\nworld everything { include imports;",
            "world imports { }\nworld everything { import clock;",
            "the world `imports` no longer imports `clock`",
        ),
        ("plugin@0.1.0", "plugin@0.1.1", "the package was acme:plugin@0.1.0"),
    ];
    for (old, new, expected) in cases {
        let changes = changed(old, new);
        assert!(changes.breaks.iter().any(|what| what.contains(expected)), "{new}: {changes:?}");
    }
}

#[test]
fn an_interface_that_is_gone_is_a_break() {
    let text = BEFORE.replace("interface clock { now-ms: func() -> u64; }", "").replace("import clock;", "");
    let changes = compare(&contract(BEFORE), &contract(&text));
    assert!(changes.breaks.iter().any(|what| what == "the interface `clock` is gone"), "{changes:?}");
}

#[test]
fn an_import_gains_functions_and_a_world_gains_interfaces() {
    let cases = [
        ("now-ms: func() -> u64;", "now-ms: func() -> u64; zone: func() -> string;", "function `clock.zone` is new"),
        ("enum direction", "enum side { a, b } enum direction", "type `types.side` is new"),
        (
            "world imports { import clock; }",
            "interface random { uuid: func() -> string; } world imports { import clock; import random; }",
            "import interface `random` is new",
        ),
        (
            "world everything { include imports; export lookup; }",
            "interface lookup2 { by-email: func(email: string); } world everything { include imports; export lookup; export lookup2; }",
            "export interface `lookup2` is new",
        ),
    ];
    for (old, new, expected) in cases {
        let changes = changed(old, new);
        assert!(changes.breaks.is_empty(), "{changes:?}");
        assert!(changes.growth.iter().any(|what| what.contains(expected)), "{changes:?}");
    }
}

#[test]
fn words_of_explanation_are_no_change() {
    let changes = changed("interface clock {", "/// Tells the time.\ninterface clock {");
    assert!(changes.breaks.is_empty() && changes.growth.is_empty(), "{changes:?}");
}

#[test]
fn an_interface_outside_of_the_whole_is_refused() {
    let mut resolve = Resolve::default();
    let text = BEFORE.replace("import clock;", "");
    let package = resolve.push_str("test.wit", &text).unwrap();
    assert!(Contract::of(&resolve, package).is_err_and(|error| error.to_string().contains("`clock` lies not in")));
}

#[test]
fn the_contract_in_the_repository_is_what_was_recorded_or_more() {
    check(&Workspace::find().unwrap(), &Progress::new()).unwrap();
}
