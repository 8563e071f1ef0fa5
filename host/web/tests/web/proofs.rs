//! Proofs of posted messages, one kind after the other, and all together.

use std::net::IpAddr;

use hookswitch_signature::{Scheme, Signer};
use hookswitch_web::{
    Bytes, HeaderMap, HeaderName, HeaderValue, Method, Proof, Proven, Refused, Replays, Request, check,
};
use proptest::prelude::*;
use secrecy::SecretString;

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "s3cret of the hook";

fn secrets(handle: &str) -> Option<SecretString> {
    match handle {
        "hook" => Some(SECRET.into()),
        "standard" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
        "empty" => Some("".into()),
        _ => None,
    }
}

pub(crate) fn proofs(json: &str) -> Vec<Proof> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn request(query: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Request {
        source: IpAddr::from([192, 0, 2, 7]),
        secure: true,
        method: Method::POST,
        path: "/hook/bitrix24/x".to_owned(),
        query: query.to_owned(),
        headers: map,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn form(body: &str) -> Request {
    request("", &[("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")], body)
}

fn checked(json: &str, request: &Request) -> Result<Proven, Refused> {
    check(&proofs(json), request, &secrets, &Replays::default(), NOW)
}

fn missing(place: &str) -> Refused {
    Refused::Missing { place: place.to_owned() }
}

fn wrong(place: &str) -> Refused {
    Refused::Wrong { place: place.to_owned() }
}

fn repeated(place: &str) -> Refused {
    Refused::Repeated { place: place.to_owned() }
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const FORM: &str = r#"[{ "kind": "form-field", "field": "auth[application_token]", "secret": "hook" }]"#;

#[test]
fn a_form_field_proves_and_is_taken_out() {
    let body = "event=ONEXTERNALCALLSTART&data%5BPHONE_NUMBER%5D=%2B4930123&auth%5Bapplication_token%5D=s3cret+of%20the%20hook&data%5BX%5D=";
    let proven = checked(FORM, &form(body)).unwrap();
    assert_eq!(proven.names, ["token"]);
    let rest = [("event", "ONEXTERNALCALLSTART"), ("data[PHONE_NUMBER]", "+4930123"), ("data[X]", "")];
    assert_eq!(proven.form, pairs(&rest));
    assert_eq!(proven.body, "event=ONEXTERNALCALLSTART&data%5BPHONE_NUMBER%5D=%2B4930123&data%5BX%5D=");
    assert!(!format!("{proven:?}").contains("s3cret"), "{proven:?}");

    let place = "form field `auth[application_token]`";
    let field = "auth[application_token]";
    for (body, refused) in [
        (String::new(), missing(place)),
        ("auth=s3cret".into(), missing(place)),
        (format!("{field}="), wrong(place)),
        (format!("{field}=s3cret"), wrong(place)),
        (format!("{field}={SECRET}x"), wrong(place)),
        (format!("{field}=S3CRET of the hook"), wrong(place)),
        (format!("{field}={SECRET}&{field}={SECRET}"), repeated(place)),
        (format!("{field}=other&{field}={SECRET}"), repeated(place)),
    ] {
        assert_eq!(checked(FORM, &form(&body)).unwrap_err(), refused, "{body}");
    }
    // The right field in a body of another kind is no form.
    assert_eq!(checked(FORM, &request("", &[], &format!("{field}={SECRET}"))).unwrap_err(), Refused::NoForm);
    let many = "a=b&".repeat(1001);
    assert!(matches!(checked(FORM, &form(&many)).unwrap_err(), Refused::Fields(_)));
}

#[test]
fn a_json_field_proves_and_is_taken_out() {
    let json = r#"[{ "kind": "json-field", "path": "auth.token", "secret": "hook" }]"#;
    let proven =
        checked(json, &request("", &[], r#"{"b": 1, "auth": {"token": "s3cret of the hook", "x": [2]}, "a": null}"#))
            .unwrap();
    assert_eq!(
        (proven.names, &proven.body[..]),
        (vec!["token".to_owned()], &br#"{"b":1,"auth":{"x":[2]},"a":null}"#[..])
    );

    let place = "JSON field `auth.token`";
    for (body, refused) in [
        ("", Refused::NoJson),
        ("{", Refused::NoJson),
        ("null", missing(place)),
        (r#"{"auth": "s3cret of the hook"}"#, missing(place)),
        (r#"{"auth": {"token": ["s3cret of the hook"]}}"#, missing(place)),
        (r#"{"auth": [{"token": "s3cret of the hook"}]}"#, missing(place)),
        (r#"{"auth.token": "s3cret of the hook"}"#, missing(place)),
        (r#"{"auth": {"token": ""}}"#, wrong(place)),
        (r#"{"auth": {"token": "s3cret of the hook "}}"#, wrong(place)),
    ] {
        assert_eq!(checked(json, &request("", &[], body)).unwrap_err(), refused, "{body}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(checked(json, &request("", &[], &deep)).unwrap_err(), Refused::NoJson);
}

#[test]
fn a_token_stands_in_a_header_or_in_the_query_once() {
    let json = r#"[{ "kind": "token", "header": "X-Token", "prefix": "Token ", "secret": "hook" }]"#;
    let value = format!("Token {SECRET}");
    let proven = checked(json, &request("", &[("x-token", &value), ("X-Other", "y"), ("Cookie", "z")], "")).unwrap();
    assert_eq!(proven.names, ["token"]);
    assert_eq!(proven.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-other"]);
    let place = "header `x-token`";
    for (headers, refused) in [
        (vec![], missing(place)),
        (vec![("x-token", SECRET)], wrong(place)),
        (vec![("x-token", "Token ")], wrong(place)),
        (vec![("x-token", "token s3cret of the hook")], wrong(place)),
        (vec![("x-token", value.as_str()), ("x-token", value.as_str())], repeated(place)),
    ] {
        assert_eq!(checked(json, &request("", &headers, "")).unwrap_err(), refused, "{headers:?}");
    }

    let json = r#"[{ "kind": "token", "query": "key", "secret": "hook" }]"#;
    let proven = checked(json, &request("a=1&key=s3cret%20of%20the+hook&b", &[], "")).unwrap();
    assert_eq!(proven.query, pairs(&[("a", "1"), ("b", "")]));
    let place = "query parameter `key`";
    for (query, refused) in [
        ("", missing(place)),
        ("Key=s3cret+of+the+hook", missing(place)),
        ("key=s3cret", wrong(place)),
        ("key=s3cret+of+the+hook&key=", repeated(place)),
    ] {
        assert_eq!(checked(json, &request(query, &[], "")).unwrap_err(), refused, "{query}");
    }
}

#[test]
fn basic_authentication_proves_user_and_password_together() {
    let json = r#"[{ "kind": "basic", "user": "crm", "secret": "hook" }]"#;
    // crm:s3cret of the hook
    let right = "Basic Y3JtOnMzY3JldCBvZiB0aGUgaG9vaw==";
    let proven = checked(json, &request("", &[("Authorization", right)], "")).unwrap();
    assert_eq!(proven.names, ["basic"]);
    assert!(proven.headers.is_empty());
    checked(json, &request("", &[("Authorization", &right.replace("Basic", "basic"))], "")).unwrap();
    let place = "header `authorization`";
    for (value, refused) in [
        ("Basic", wrong(place)),
        ("Bearer Y3JtOnMzY3JldCBvZiB0aGUgaG9vaw==", wrong(place)),
        ("Basic Y3JtOnMzY3JldCBvZiB0aGUgaG9va", wrong(place)),
        ("Basic !!!", wrong(place)),
        // x:s3cret of the hook, crm:, s3cret of the hook
        ("Basic eDpzM2NyZXQgb2YgdGhlIGhvb2s=", wrong(place)),
        ("Basic Y3JtOg==", wrong(place)),
        ("Basic czNjcmV0IG9mIHRoZSBob29r", wrong(place)),
    ] {
        assert_eq!(checked(json, &request("", &[("Authorization", value)], "")).unwrap_err(), refused, "{value}");
    }
    assert_eq!(checked(json, &request("", &[], "")).unwrap_err(), missing(place));
}

#[test]
fn a_source_is_inside_a_network_or_not() {
    let json = r#"[{ "kind": "source", "networks": ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] }]"#;
    let from = |address: &str| checked(json, &Request { source: address.parse().unwrap(), ..request("", &[], "") });
    for address in ["10.1.2.3", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1::9"] {
        assert_eq!(from(address).unwrap().names, ["source-address"], "{address}");
    }
    for address in ["11.0.0.1", "192.0.2.8", "::ffff:192.0.2.8", "2001:db9::1", "::1"] {
        assert_eq!(from(address).unwrap_err(), Refused::Source { address: address.parse().unwrap() });
    }
    let nowhere = r#"[{ "kind": "source", "networks": [] }]"#;
    assert!(checked(nowhere, &request("", &[], "")).is_err());
}

const SIGNED: &str = r#"[{ "kind": "signature", "scheme": { "kind": "standard-webhooks" }, "secret": "standard" }]"#;

fn signed(proof: &Proof, body: &str, at: u64) -> Request {
    let Proof::Signature { scheme, secret, id } = proof else { panic!("{proof:?}") };
    let signer = Signer::new(scheme, &secrets(secret).unwrap(), id.as_deref()).unwrap();
    let mut request = request("", &[], body);
    for (name, value) in signer.sign(body.as_bytes(), at, "msg-1") {
        request.headers.insert(name, HeaderValue::from_str(&value).unwrap());
    }
    request
}

#[test]
fn signatures_of_every_scheme_prove_what_they_say() {
    for (json, names) in [
        (SIGNED, vec!["hmac-sha256", "timestamp"]),
        (
            r#"[{ "kind": "signature", "scheme": { "kind": "hmac", "header": "X-Signature", "encoding": "base64" },
                 "secret": "hook" }]"#,
            vec!["hmac-sha256"],
        ),
        (
            r#"[{ "kind": "signature", "scheme": { "kind": "concat-sha256" }, "secret": "hook", "id": "account" }]"#,
            vec!["sha256"],
        ),
    ] {
        let proofs = proofs(json);
        let request = signed(&proofs[0], "body", NOW);
        let proven = check(&proofs, &request, &secrets, &Replays::default(), NOW).unwrap();
        assert_eq!(proven.names, names, "{json}");
        assert_eq!(proven.body, "body");

        let other = Request { body: Bytes::from_static(b"bodY"), ..request };
        let refused = check(&proofs, &other, &secrets, &Replays::default(), NOW).unwrap_err();
        assert_eq!(refused, Refused::Signature(hookswitch_signature::Refused::Mismatch), "{json}");
    }
}

#[test]
fn a_signed_message_is_believed_once_as_long_as_it_is_fresh() {
    let (proofs, replays) = (proofs(SIGNED), Replays::default());
    let request = signed(&proofs[0], "body", NOW);
    let check = |request: &Request, now| check(&proofs, request, &secrets, &replays, now);
    check(&request, NOW - 300).unwrap();
    for now in [NOW - 300, NOW, NOW + 300] {
        assert_eq!(check(&request, now).unwrap_err(), Refused::Replayed);
    }
    // The same text, signed again, is another message.
    check(&signed(&proofs[0], "body", NOW + 1), NOW).unwrap();
    let late = hookswitch_signature::Refused::Late { seconds: 301 };
    assert_eq!(check(&request, NOW + 301).unwrap_err(), Refused::Signature(late));
    let early = hookswitch_signature::Refused::Early { seconds: 301 };
    assert_eq!(check(&request, NOW - 301).unwrap_err(), Refused::Signature(early));
}

#[test]
fn a_message_that_could_not_be_dealt_with_may_be_sent_again() {
    let (proofs, replays) = (proofs(SIGNED), Replays::default());
    let request = signed(&proofs[0], "body", NOW);
    check(&proofs, &request, &secrets, &replays, NOW).unwrap().take_back(&replays);
    check(&proofs, &request, &secrets, &replays, NOW).unwrap();
    assert_eq!(check(&proofs, &request, &secrets, &replays, NOW).unwrap_err(), Refused::Replayed);
}

#[test]
fn what_is_not_believed_is_not_remembered() {
    let (all, replays) = (proofs(&format!("{}, {}", &SIGNED[..SIGNED.len() - 1], &FORM[1..])), Replays::default());
    // The signature holds, the form field does not: an attacker who forwards a message must not make it void.
    let request = signed(&all[0], "body", NOW);
    assert_eq!(check(&all, &request, &secrets, &replays, NOW).unwrap_err(), Refused::NoForm);
    check(&proofs(SIGNED), &request, &secrets, &replays, NOW).unwrap();
}

#[test]
fn the_memory_of_messages_is_bounded_and_empties_itself() {
    let (proofs, replays) = (proofs(SIGNED), Replays::new(3));
    let check = |body: &str, at, now| check(&proofs, &signed(&proofs[0], body, at), &secrets, &replays, now);
    for (body, at) in [("1", NOW), ("2", NOW + 1), ("3", NOW + 2), ("4", NOW + 3)] {
        check(body, at, NOW).unwrap();
    }
    // Only the one whose time would have run out first is forgotten.
    for (body, at) in [("2", NOW + 1), ("3", NOW + 2), ("4", NOW + 3)] {
        assert_eq!(check(body, at, NOW).unwrap_err(), Refused::Replayed, "{body}");
    }
    // Old ones make room of themselves, so that none that counts is forgotten.
    check("5", NOW + 302, NOW + 302).unwrap();
    assert_eq!(check("4", NOW + 3, NOW + 302).unwrap_err(), Refused::Replayed);
}

#[test]
fn all_proofs_must_hold_and_there_must_be_one() {
    let json = format!(r#"{}, {{ "kind": "source", "networks": ["192.0.2.0/24"] }}]"#, &FORM[..FORM.len() - 1]);
    let request = form(&format!("auth[application_token]={SECRET}"));
    assert_eq!(checked(&json, &request).unwrap().names, ["token", "source-address"]);
    let elsewhere = Request { source: IpAddr::from([203, 0, 113, 1]), ..request };
    assert!(checked(&json, &elsewhere).is_err());
    assert!(checked(&json, &form("auth[application_token]=x")).is_err());
    assert_eq!(checked("[]", &elsewhere).unwrap_err(), Refused::Unproven);
}

#[test]
fn a_secret_that_is_not_there_or_empty_proves_nothing() {
    for handle in ["none", "empty"] {
        let no_secret = Refused::NoSecret { handle: handle.to_owned() };
        for (json, request) in [
            (r#"{ "kind": "form-field", "field": "t", "secret": "?" }"#, form("t=")),
            (r#"{ "kind": "json-field", "path": "t", "secret": "?" }"#, request("", &[], r#"{"t":""}"#)),
            (r#"{ "kind": "token", "query": "t", "secret": "?" }"#, request("t=", &[], "")),
            (r#"{ "kind": "token", "header": "t", "secret": "?" }"#, request("", &[("t", "")], "")),
            (r#"{ "kind": "basic", "user": "", "secret": "?" }"#, request("", &[("authorization", "Basic Og==")], "")),
            (
                r#"{ "kind": "signature", "scheme": { "kind": "standard-webhooks" }, "secret": "?" }"#,
                signed(&proofs(SIGNED)[0], "", NOW),
            ),
        ] {
            let json = format!("[{}]", json.replace('?', handle));
            assert_eq!(checked(&json, &request).unwrap_err(), no_secret, "{json}");
        }
    }
    let unusable = r#"[{ "kind": "signature", "scheme": { "kind": "concat-sha256" }, "secret": "hook" }]"#;
    assert!(matches!(checked(unusable, &request("", &[], "")).unwrap_err(), Refused::Scheme(_)));
}

#[test]
fn proofs_that_are_not_understood_are_refused_when_they_are_read() {
    for (json, reason) in [
        (r#"{ "kind": "magic" }"#, "unknown variant `magic`"),
        (r#"{ "kind": "form-field", "field": "x" }"#, "missing field `secret`"),
        (r#"{ "kind": "form-field", "field": "x", "secret": "s", "y": 1 }"#, "unknown field `y`"),
        (r#"{ "kind": "token", "secret": "s" }"#, "write either `header` or `query`"),
        (r#"{ "kind": "token", "header": "x", "query": "y", "secret": "s" }"#, "write either `header` or `query`"),
        (r#"{ "kind": "token", "header": "x y", "secret": "s" }"#, "no header name"),
        (r#"{ "kind": "token", "header": "x", "secret": "s", "y": 1 }"#, "unknown field `y`"),
        (r#"{ "kind": "source", "networks": ["example.com"] }"#, "\"example.com\" is no network"),
        (r#"{ "kind": "source", "networks": ["10.0.0.0/33"] }"#, "is no network"),
        (r#"{ "kind": "signature", "scheme": { "kind": "x" }, "secret": "s" }"#, "unknown variant `x`"),
    ] {
        let error = serde_json::from_str::<Proof>(json).unwrap_err().to_string();
        assert!(error.contains(reason), "{json}: {error}");
    }
    let toml = "kind = 'signature'\nsecret = 'key'\nscheme = { kind = 'hmac', header = 'X-S', algorithm = 'sha1' }";
    let proof: Proof = toml::from_str(toml).unwrap();
    assert!(matches!(proof, Proof::Signature { scheme: Scheme::Hmac { .. }, .. }));
}

proptest! {
    #[test]
    fn a_proof_refused_says_nothing_of_the_secret(body in ".*", query in "[ -~]*", value in "[ -~]*") {
        for json in [FORM, SIGNED, r#"[{ "kind": "json-field", "path": "a", "secret": "hook" }]"#,
            r#"[{ "kind": "token", "query": "a", "secret": "hook" }]"#, r#"[{ "kind": "basic", "user": "u", "secret": "hook" }]"#] {
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", value.as_str())];
            let error = checked(json, &request(&query, &headers, &body)).unwrap_err();
            let said = format!("{error} {error:?}");
            prop_assert!(!said.contains("s3cret"));
        }
    }
}
