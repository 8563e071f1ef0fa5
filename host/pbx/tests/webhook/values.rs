//! Where values stand, and what is made of them.

use hookswitch_call::signal::{Fact, Report};

use super::{FORM, described, request, told};

/// What `place` finds, written as a note; none where there is nothing.
fn noted(place: &str, body: &str, json: &str) -> Option<String> {
    let description =
        format!("body = {body}\ncall = {{ is = \"c\" }}\n[[event]]\nnoted = {{ notes = {{ value = {place} }} }}\n");
    let description = described(&description).unwrap_or_else(|error| panic!("{place}: {error}"));
    let headers = [FORM, ("x-one", " 1 "), ("x-two", "2"), ("x-two", "3")];
    let request = request("/", "q=5&q=6&empty=", &headers, json);
    let told = told(&description, &request).unwrap();
    told.into_iter().flat_map(|told| told.reports).find_map(|report| match report {
        Report::Call(signal) => match signal.fact {
            Fact::Noted { value, .. } => Some(value),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn places_find_what_stands_there_and_nothing_else() {
    let json = r#"{"a":{"b":"x","c.d":"y","n":12,"f":1.50,"t":true,"z":null,"o":{},"s":"  "},"l":["p",{"q":"r"},{"q":"s"}],"":"e"}"#;
    for (place, found) in [
        ("\"a.b\"", Some("x")),
        ("'a.\"c.d\"'", Some("y")),
        ("\"a.n\"", Some("12")),
        ("\"a.f\"", Some("1.5")),
        ("\"a.t\"", Some("true")),
        ("\"l.0\"", Some("p")),
        ("\"l.2.q\"", Some("s")),
        ("\"l.*.q\"", Some("r")),
        ("\"query:q\"", Some("5")),
        ("\"header:X-One\"", Some("1")),
        ("\"header:X-Two\"", Some("2")),
        ("[\"a.z\", \"query:empty\", \"a.b\"]", Some("x")),
        ("\"a\"", None),
        ("\"a.z\"", None),
        ("\"a.o\"", None),
        ("\"a.s\"", None),
        ("\"a.c.d\"", None),
        ("\"l\"", None),
        ("\"l.3\"", None),
        ("\"l.-1\"", None),
        ("\"a.*\"", None),
        ("\"a.b.c\"", None),
        ("\"query:empty\"", None),
        ("\"query:none\"", None),
        ("\"header:x-none\"", None),
        ("\"form:a\"", None),
    ] {
        assert_eq!(noted(place, "\"json\"", json).as_deref(), found, "{place}");
    }
    let form = "a.b=x&a.b=y&data%5Bn%5D=%2B49+30&json=%7B%22k%22%3A%22v%22%7D";
    for (place, found) in [("\"a.b\"", "x"), ("\"data[n]\"", "+49 30"), ("\"form:a.b\"", "x")] {
        assert_eq!(noted(place, "\"form\"", form).as_deref(), Some(found), "{place}");
    }
    for (place, found) in [("\"k\"", "v"), ("\"form:a.b\"", "x")] {
        assert_eq!(noted(place, "{ json-in = \"json\" }", form).as_deref(), Some(found), "{place}");
    }
}

#[test]
fn values_are_cut_and_have_other_words() {
    for (value, to, found) in [
        (r#"{ in = "v", after = "client:" }"#, "client:ann", Some("ann")),
        (r#"{ in = "v", after = "client:" }"#, "sip:ann", None),
        (r#"{ in = "v", after = "/", before = "-" }"#, "SIP/101-0000a", Some("101")),
        (r#"{ in = "v", after = "/", before = "-" }"#, "SIP/-0000a", None),
        (r#"{ in = "v", before = "-" }"#, "101", None),
        (r#"{ in = "v", map = { a = "one", b = "two" } }"#, "b", Some("two")),
        (r#"{ in = "v", map = { a = "one" } }"#, "c", None),
        (r#"{ in = "v", map = { a = "one" }, else = "other" }"#, "c", Some("other")),
        (r#"[{ in = "v", map = { a = "one" } }, { is = "always" }]"#, "c", Some("always")),
    ] {
        assert_eq!(noted(value, "\"json\"", &format!("{{\"v\":\"{to}\"}}")).as_deref(), found, "{value} of {to}");
    }
}

#[test]
fn numbers_lose_what_sip_wraps_around_them() {
    let description = "call = { is = \"c\" }\n[[event]]\narrived = { direction = \"inbound\", external = \"n\", line = \"n\" }\nanswered = { extension = \"n\", number = \"n\" }\n";
    let description = described(description).unwrap();
    for (written, external, is_extension) in [
        ("+4420000001", "+4420000001", false),
        ("sip:201@pbx.example;user=phone", "201", true),
        ("SIPS:ann@pbx.example", "ann", true),
        ("\\\"Ann\\\" <sip:+4420000001@carrier.example>", "+4420000001", false),
        ("<sip:201@pbx.example>", "201", true),
        ("tel:+44-20-000001;ext=12", "+44-20-000001", false),
        ("7", "7", false),
        ("1234567", "1234567", false),
    ] {
        let request = request("/", "", &[], &format!("{{\"n\":\"{written}\"}}"));
        let reports = told(&description, &request).unwrap().remove(0).reports;
        let text = format!("{reports:?}");
        assert!(text.contains(&format!("external: Some(\"{external}\")")), "{written}: {text}");
        let party = if is_extension {
            format!("Extension(Extension(\"{external}\"))")
        } else {
            format!("Outside(\"{external}\")")
        };
        assert!(text.contains(&format!("by: {party}")), "{written}: {text}");
    }
}

#[test]
fn what_is_longer_than_any_real_one_is_none() {
    let description = "call = \"id\"\n[[event]]\narrived = { direction = \"inbound\", external = \"n\", name = \"n\" }\nnoted = { notes = { long = \"n\" } }\n";
    let description = described(description).unwrap();
    let tell = |length: usize| {
        let request = request("/", "", &[], &format!("{{\"id\":\"c\",\"n\":\"{}\"}}", "5".repeat(length)));
        format!("{:?}", told(&description, &request).unwrap().remove(0).reports)
    };
    assert!(tell(255).contains("external: Some(") && !tell(256).contains("external: Some("));
    assert!(tell(4096).contains("Noted") && !tell(4097).contains("Noted"));
}

#[test]
fn the_first_event_that_fits_is_meant_and_facts_have_conditions_of_their_own() {
    let description = "
        call = { is = \"c\" }
        [[event]]
        path = \"/a/b/\"
        when = { k = [\"1\", \"2\"], gone = false, there = true }
        ended = {}
        [[event]]
        when = { k = 2 }
        held = { extension = \"e\" }
        resumed = { when = { r = true }, extension = \"e\" }
        [[event]]
        when = { \"query:x\" = \"y\", \"header:x-h\" = \"z\" }
        digits = { digits = \"e\" }";
    let description = described(description).unwrap();
    for (path, query, body, expected) in [
        ("/a/b", "", r#"{"k":1,"there":"x"}"#, Some("Ended")),
        ("/a/b", "", r#"{"k":"2","there":"x","e":"201"}"#, Some("Ended")),
        ("/a", "", r#"{"k":"2","there":"x","e":"201"}"#, Some("Held")),
        ("/a/b", "", r#"{"k":2,"there":"x","gone":0,"e":"201"}"#, Some("Held")),
        ("/a/b", "", r#"{"k":2,"e":"201","r":"1"}"#, Some("Resumed")),
        ("/", "x=y", r#"{"e":"5"}"#, Some("Digits")),
        ("/", "x=n", r#"{"e":"5"}"#, None),
        ("/", "", r#"{"k":3}"#, None),
    ] {
        let told = told(&description, &request(path, query, &[("x-h", "z")], body)).unwrap();
        let last = told.iter().flat_map(|told| &told.reports).last().map(|report| format!("{report:?}"));
        match expected {
            Some(fact) => assert!(last.as_ref().is_some_and(|last| last.contains(fact)), "{body}: {last:?}"),
            None => assert_eq!(last, None, "{body}"),
        }
    }
}
