//! What is not taken as a plugin, and what the admin reads then.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod guest;

use guest::{Guest, OK, componentize, engine};
use hookswitch_runtime::{CallError, Engine, LoadError, Options, Refusal};

async fn refusal(engine: &Engine, bytes: impl Into<Vec<u8>>) -> LoadError {
    engine.load(bytes.into()).await.expect_err("it must not be loaded")
}

#[tokio::test]
async fn a_file_that_is_no_component_is_named_for_what_it_is() {
    let engine = engine();
    let component = Guest::default().component();
    let module = wat::parse_str("(module)").unwrap();
    let cases: [(&[u8], &str); 14] = [
        (b"", "empty"),
        (&module, "wasm-tools component new"),
        (b"(component)", "wasm-tools parse"),
        (b"\x7fELF\x02\x01\x01", "ELF"),
        (b"MZ\x90\0", "Windows program"),
        (b"PK\x03\x04", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"<!doctype html>", "HTML"),
        (b"export function lookup() {}", "text file"),
        (b"\xff\xfe\xfd", "unknown kind"),
        (b"\0as", "cut off"),
        (b"\0asm\x0d", "cut off"),
        (b"\0asm\x63\0\0\0", "unknown version"),
        (&component[..component.len() / 2], "cut off"),
    ];
    for (bytes, expected) in cases {
        let error = refusal(&engine, bytes).await;
        assert!(matches!(error, LoadError::Refused(_)), "{expected}: {error:?}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[tokio::test]
async fn every_cut_and_every_flipped_byte_of_a_component_is_survived() {
    let engine = engine();
    let component = Guest::default().component();
    for cut in (0..component.len()).step_by(97) {
        assert!(matches!(refusal(&engine, &component[..cut]).await, LoadError::Refused(_)), "cut at {cut}");
    }
    // A flipped byte may hit a name or a comment, and then the component is as good as before.
    for at in (0..component.len()).step_by(61) {
        let mut damaged = component.clone();
        damaged[at] ^= 0x55;
        let _ = engine.load(damaged).await;
    }
    engine.load(component).await.expect("the engine is as it was");
}

#[tokio::test]
async fn a_file_beyond_the_size_limit_is_refused_before_it_is_read() {
    let engine = Engine::new(Options { component_bytes: 1_000, ..Options::default() }).unwrap();
    let error = refusal(&engine, vec![0; 1_001]).await;
    assert!(matches!(error, LoadError::Refused(Refusal::TooLarge { bytes: 1_001, max: 1_000 })), "{error:?}");
}

#[tokio::test]
async fn a_foreign_import_is_refused_by_its_name() {
    let engine = engine();
    for (import, name) in [
        ("acme:db/query", "acme:db/query"),
        ("wasi:keyvalue/store@0.2.0", "wasi:keyvalue/store@0.2.0"),
        ("wasi:cli/environment@0.3.0", "wasi:cli/environment@0.3.0"),
        ("env", "env"),
    ] {
        let text = format!(r#"(component (import "{import}" (instance (export "f" (func)))))"#);
        let error = refusal(&engine, wat::parse_str(text).unwrap()).await;
        assert!(
            matches!(&error, LoadError::Refused(Refusal::ForeignImport { name: found }) if found == name),
            "{error}"
        );
    }
}

#[tokio::test]
async fn another_version_of_the_contract_is_told_from_a_foreign_import() {
    let text = r#"(component (import "hookswitch:plugin/http@0.2.0" (instance)))"#;
    let error = refusal(&engine(), wat::parse_str(text).unwrap()).await;
    assert!(matches!(&error, LoadError::Refused(Refusal::OtherVersion { .. })), "{error}");
    assert!(error.to_string().contains("0.1.0"), "{error}");
}

#[tokio::test]
async fn a_component_without_the_plugin_interface_is_refused() {
    let error = refusal(&engine(), wat::parse_str("(component)").unwrap()).await;
    assert!(matches!(error, LoadError::Refused(Refusal::NoPlugin)), "{error}");
}

#[tokio::test]
async fn an_import_of_the_contract_in_another_form_is_refused_with_the_function_named() {
    let engine = engine();
    let missing = r#"(component (import "hookswitch:plugin/clock@0.1.9" (instance (export "leap" (func))))
        (instance $plugin) (export "hookswitch:plugin/plugin@0.1.0" (instance $plugin)))"#;
    let error = refusal(&engine, wat::parse_str(missing).unwrap()).await;
    assert!(matches!(error, LoadError::Contract(_)), "{error:?}");
    assert!(error.to_string().contains("leap"), "{error}");

    let other_type = r#"(component
        (import "hookswitch:plugin/clock@0.1.0" (instance (export "now-ms" (func (result string)))))
        (instance $plugin) (export "hookswitch:plugin/plugin@0.1.0" (instance $plugin)))"#;
    let error = refusal(&engine, wat::parse_str(other_type).unwrap()).await;
    assert!(matches!(error, LoadError::Contract(_)), "{error:?}");
    assert!(error.to_string().contains("now-ms"), "{error}");
}

#[tokio::test]
async fn an_export_of_the_contract_in_another_form_is_an_error_and_not_an_absence() {
    let engine = engine();
    let missing = r#"(component (instance $plugin) (export "hookswitch:plugin/plugin@0.1.0" (instance $plugin)))"#;
    let error = refusal(&engine, wat::parse_str(missing).unwrap()).await;
    assert!(error.to_string().contains("plugin/plugin") && error.to_string().contains("manifest"), "{error}");

    // `feed.deliver` without its argument: the guest of a contract that somebody has made up.
    let world = "package hookswitcx:plugin@0.1.0;
        interface feed { deliver: func(); }
        world guest { export feed; export hookswitch:plugin/plugin@0.1.0; }";
    let guest =
        Guest { module: r#"(func (export "hookswitcx:plugin/feed@0.1.0#deliver"))"#.into(), ..Guest::default() };
    let mut component = componentize(world, |_, _| wat::parse_str(guest.core()).unwrap());
    let name = b"hookswitcx";
    for at in 0..component.len() - name.len() {
        if &component[at..at + name.len()] == name {
            component[at + name.len() - 1] = b'h';
        }
    }
    let error = refusal(&engine, component).await;
    assert!(matches!(error, LoadError::Contract(_)), "{error:?}");
    assert!(error.to_string().contains("plugin/feed"), "{error}");
}

#[tokio::test]
async fn a_component_that_asks_for_too_much_is_refused_with_the_number() {
    let engine = engine();
    let many_memories = "(memory 1)".repeat(40);
    let many_instances = format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(100));
    for (text, expected) in [
        ("(component (core module (memory 65536)))".to_owned(), "memory from the start"),
        (format!("(component (core module {many_memories}))"), "linear memories"),
        ("(component (core module (table 1000000000 funcref)))".to_owned(), "elements in a table"),
        (format!("(component {many_instances})"), "core instances"),
    ] {
        let error = refusal(&engine, wat::parse_str(&text).unwrap()).await;
        assert!(matches!(error, LoadError::Refused(Refusal::TooMany { .. })), "{expected}: {error:?}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    for proposal in ["(memory i64 1)", "(memory 1 1 shared)", "(type (struct))"] {
        let error = refusal(&engine, wat::parse_str(format!("(component (core module {proposal}))")).unwrap()).await;
        assert!(matches!(error, LoadError::Refused(Refusal::Invalid { .. })), "{proposal}: {error:?}");
    }
}

#[tokio::test]
async fn instances_that_multiply_by_nesting_are_refused() {
    // Ten times ten core instances, of which only ten are written down.
    let inner = "(core instance (instantiate $m))".repeat(10);
    let outer = "(instance (instantiate $c))".repeat(10);
    let text = format!(
        r#"(component (component $c (core module $m) {inner}) {outer}
            (instance $plugin) (export "hookswitch:plugin/plugin@0.1.0" (instance $plugin)))"#
    );
    let error = refusal(&engine(), wat::parse_str(text).unwrap()).await;
    assert!(error.to_string().contains("100 core instances"), "{error}");
}

#[tokio::test]
async fn invalid_code_is_refused_by_the_compiler_with_its_reason() {
    let broken = Guest { module: "(func unreachable)".into(), ..Guest::default() }.component();
    // The body of that function: `unreachable end` becomes `i32.add end`.
    let at = broken.windows(4).position(|bytes| bytes == [0x03, 0x00, 0x00, 0x0b]).expect("the body is there");
    let mut broken = broken;
    broken[at + 2] = 0x6a;
    let error = refusal(&engine(), broken).await;
    assert!(matches!(error, LoadError::Compile(_)), "{error:?}");
    assert!(error.to_string().contains("type mismatch"), "{error}");
}

#[tokio::test]
async fn a_component_that_spins_or_crashes_at_its_start_is_refused() {
    let engine =
        Engine::new(Options { guest_cpu: std::time::Duration::from_millis(50), ..Options::default() }).unwrap();
    let spinning = Guest { module: "(func $spin (loop (br 0))) (start $spin)".into(), ..Guest::default() };
    let error = refusal(&engine, spinning.component()).await;
    assert!(matches!(error, LoadError::Start(CallError::CpuBudget { .. })), "{error:?}");
    let crashing = Guest { module: "(func $crash unreachable) (start $crash)".into(), ..Guest::default() };
    let error = refusal(&engine, crashing.component()).await;
    assert!(matches!(error, LoadError::Start(CallError::Trap { .. })), "{error:?}");
    engine.load(Guest { prepare: OK.into(), ..Guest::default() }.component()).await.expect("others load");
}
