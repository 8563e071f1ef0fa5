//! Messages that are not believed, and schemes that cannot be used.

use hookswitch_signature::{InvalidScheme, Refused, Scheme, Signer};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;

fn signer(scheme: &str) -> Signer {
    Signer::new(&serde_json::from_str(scheme).unwrap(), &"bWFya2V0IGtleQ==".into(), Some("account")).unwrap()
}

fn signed(signer: &Signer, body: &[u8], now: u64) -> HeaderMap {
    let headers = signer.sign(body, now, "msg-1");
    headers.into_iter().map(|(name, value)| (name, HeaderValue::from_str(&value).unwrap())).collect()
}

const TIMED: &str = r#"{ "kind": "hmac", "header": "X-Signature", "prefix": "sha256=", "signed": "{timestamp}.{body}",
                         "timestamp-header": "X-Timestamp", "window": "5m" }"#;
const STANDARD: &str = r#"{ "kind": "standard-webhooks" }"#;
const CONCAT: &str = r#"{ "kind": "concat-sha256" }"#;
const SCHEMES: [&str; 4] = [
    TIMED,
    STANDARD,
    CONCAT,
    r#"{ "kind": "hmac", "algorithm": "sha512", "header": "X-Signature", "encoding": "base64", "signed": "{id}/{body}",
         "id-header": "X-Id" }"#,
];

#[test]
fn a_header_that_is_missing_or_there_twice_is_named() {
    for scheme in SCHEMES {
        let signer = signer(scheme);
        let whole = signed(&signer, b"body", NOW);
        for name in whole.keys() {
            let mut headers = whole.clone();
            headers.remove(name);
            assert_eq!(signer.verify(&headers, b"body", NOW), Err(Refused::Missing { header: name.clone() }));
            let mut headers = whole.clone();
            headers.append(name, whole[name].clone());
            assert_eq!(signer.verify(&headers, b"body", NOW), Err(Refused::Repeated { header: name.clone() }));
        }
    }
}

#[test]
fn the_window_is_open_on_both_sides_and_closes_to_the_second() {
    for scheme in [TIMED, STANDARD] {
        let signer = signer(scheme);
        let headers = signed(&signer, b"body", NOW);
        for now in [NOW - 300, NOW, NOW + 300] {
            assert_eq!(signer.verify(&headers, b"body", now).unwrap().until, Some(NOW + 300));
        }
        assert_eq!(signer.verify(&headers, b"body", NOW + 301), Err(Refused::Late { seconds: 301 }));
        assert_eq!(signer.verify(&headers, b"body", NOW - 301), Err(Refused::Early { seconds: 301 }));
    }
}

#[test]
fn a_time_that_is_no_number_of_seconds_is_refused_even_if_it_is_signed() {
    // The same parts, so anything can be signed.
    let forger = signer(
        r#"{ "kind": "hmac", "header": "X-Signature", "prefix": "sha256=", "signed": "{id}.{body}",
             "id-header": "X-Timestamp" }"#,
    );
    let signer = signer(TIMED);
    for time in ["", "+1800000000", "1800000000.5", "-1", "99999999999999999999999", "18446744073709551615"] {
        let signed = forger.sign(b"body", NOW, time);
        let headers = signed.into_iter().map(|(name, value)| (name, HeaderValue::from_str(&value).unwrap())).collect();
        let header = HeaderName::from_static("x-timestamp");
        assert_eq!(signer.verify(&headers, b"body", NOW), Err(Refused::Malformed { header }), "{time:?}");
    }
}

#[test]
fn one_of_several_signatures_is_enough_and_those_of_other_kinds_are_passed_over() {
    let signer = signer(STANDARD);
    let mut headers = signed(&signer, b"body", NOW);
    let right = headers["webhook-signature"].to_str().unwrap().to_owned();
    let other = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let mut verify = |value: &str| {
        headers.insert("webhook-signature", HeaderValue::from_str(value).unwrap());
        signer.verify(&headers, b"body", NOW).map(|_| ())
    };
    let header = HeaderName::from_static("webhook-signature");
    assert_eq!(verify(&format!("{other} v1a,cHVibGlj {right}")), Ok(()));
    assert_eq!(verify(&format!("{right} {other}")), Ok(()));
    assert_eq!(verify(other), Err(Refused::Mismatch));
    assert_eq!(verify("v1a,cHVibGlj"), Err(Refused::Malformed { header: header.clone() }));
    assert_eq!(verify(&right.replace("v1,", "v2,")), Err(Refused::Malformed { header: header.clone() }));
    assert_eq!(verify(""), Err(Refused::Malformed { header }));
}

#[test]
fn an_upper_case_hex_signature_is_read() {
    let signer = signer(CONCAT);
    let mut headers = signed(&signer, b"body", NOW);
    let upper = headers["x-client-sign"].to_str().unwrap().to_uppercase();
    headers.insert("x-client-sign", HeaderValue::from_str(&upper).unwrap());
    signer.verify(&headers, b"body", NOW).unwrap();
}

#[test]
fn another_account_is_a_stranger() {
    let signer = signer(CONCAT);
    let mut headers = signed(&signer, b"body", NOW);
    headers.insert("x-client-id", HeaderValue::from_static("somebody"));
    let header = HeaderName::from_static("x-client-id");
    assert_eq!(signer.verify(&headers, b"body", NOW), Err(Refused::Stranger { header }));
}

#[test]
fn schemes_that_prove_less_than_they_say_cannot_be_made() {
    let cases = [
        (r#"{ "kind": "hmac", "header": "X-S", "signed": "{timestamp}.{body}" }"#, "timestamp-header"),
        (r#"{ "kind": "hmac", "header": "X-S", "timestamp-header": "X-T" }"#, "timestamp-header"),
        (r#"{ "kind": "hmac", "header": "X-S", "id-header": "X-I" }"#, "id-header"),
        (r#"{ "kind": "hmac", "header": "X-S", "prefix": "v1\r\n" }"#, "prefix"),
        (
            r#"{ "kind": "hmac", "header": "X-S", "signed": "{timestamp}{body}", "timestamp-header": "x-s" }"#,
            "same name",
        ),
        (r#"{ "kind": "concat-sha256", "id-header": "X-S", "header": "x-s" }"#, "same name"),
    ];
    for (scheme, reason) in cases {
        let scheme: Scheme = serde_json::from_str(scheme).unwrap();
        let error = Signer::new(&scheme, &"key".into(), Some("account")).unwrap_err().to_string();
        assert!(error.contains(reason), "{scheme:?}: {error}");
    }
    let unreadable = [
        (r#"{ "kind": "hmac", "header": "X-S", "signed": "{timestamp}" }"#, "0 times {body}"),
        (r#"{ "kind": "hmac", "header": "X-S", "signed": "{body}{body}" }"#, "2 times {body}"),
        (r#"{ "kind": "hmac", "header": "X-S", "signed": "{body}{key}" }"#, "no place `{key}`"),
        (r#"{ "kind": "hmac", "header": "X-S", "signed": "{body" }"#, "without its `}`"),
        (r#"{ "kind": "hmac", "header": "X S" }"#, "no header name"),
        (r#"{ "kind": "hmac" }"#, "missing field `header`"),
        (r#"{ "kind": "hmac", "header": "X-S", "windw": "5m" }"#, "unknown field"),
        (r#"{ "kind": "standard-webhooks", "window": "2h" }"#, "between 1s and 1h"),
        (r#"{ "kind": "standard-webhooks", "header": "X-S" }"#, "unknown field"),
        (r#"{ "kind": "md5" }"#, "unknown variant"),
    ];
    for (scheme, reason) in unreadable {
        let error = serde_json::from_str::<Scheme>(scheme).unwrap_err().to_string();
        assert!(error.contains(reason), "{scheme}: {error}");
    }
}

#[test]
fn keys_and_ids_that_do_not_fit_are_refused() {
    let new = |scheme: &str, key: &str, id: Option<&str>| {
        Signer::new(&serde_json::from_str(scheme).unwrap(), &key.into(), id).unwrap_err()
    };
    assert_eq!(new(TIMED, "", None), InvalidScheme::EmptyKey);
    assert_eq!(new(CONCAT, "", Some("account")), InvalidScheme::EmptyKey);
    assert_eq!(new(CONCAT, "key", None), InvalidScheme::NoId);
    assert_eq!(new(CONCAT, "key", Some("two words")), InvalidScheme::Id);
    for key in ["", "whsec_", "whsec_not base64!"] {
        assert_eq!(new(STANDARD, key, None), InvalidScheme::KeyEncoding);
    }
}

#[test]
fn schemes_are_written_in_toml_as_in_json() {
    let toml: Scheme = toml::from_str(
        "kind = 'hmac'\nheader = 'X-Signature'\nprefix = 'sha256='\nsigned = '{timestamp}.{body}'\n\
         timestamp-header = 'X-Timestamp'\nwindow = '5m'",
    )
    .unwrap();
    assert_eq!(toml, serde_json::from_str(TIMED).unwrap());
}

#[test]
fn nothing_that_is_printed_holds_the_key() {
    for scheme in SCHEMES {
        let signer = signer(scheme);
        let mut printed = format!("{signer:?}");
        printed += &signer.verify(&HeaderMap::new(), b"body", NOW).unwrap_err().to_string();
        assert!(!printed.contains("bWFya2V0") && !printed.contains("market key"), "{printed}");
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_is_refused(
        scheme in 0..SCHEMES.len(),
        body in proptest::collection::vec(any::<u8>(), 1..200),
        place in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let signer = signer(SCHEMES[scheme]);
        let headers = signed(&signer, &body, NOW);
        let first = signer.verify(&headers, &body, NOW).unwrap();

        let mut other = body.clone();
        other[place.index(body.len())] ^= 1 << bit;
        prop_assert_eq!(signer.verify(&headers, &other, NOW), Err(Refused::Mismatch));

        // In the headers too, but for the case of hex digits.
        for name in headers.keys() {
            let mut value = headers[name].as_bytes().to_vec();
            let at = place.index(value.len());
            value[at] ^= 1 << bit;
            if value.eq_ignore_ascii_case(headers[name].as_bytes()) {
                continue;
            }
            let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
            let mut changed = headers.clone();
            changed.insert(name, value);
            let result = signer.verify(&changed, &body, NOW);
            prop_assert!(result.is_err(), "{}: {:?}", name, result);
        }
        prop_assert_ne!(signer.verify(&signed(&signer, &other, NOW), &other, NOW).unwrap().digest, first.digest);
    }

    #[test]
    fn another_key_signs_something_else(scheme in 0..SCHEMES.len(), body: Vec<u8>) {
        let scheme: Scheme = serde_json::from_str(SCHEMES[scheme]).unwrap();
        let one = Signer::new(&scheme, &"bWFya2V0IGtleQ==".into(), Some("account")).unwrap();
        let other = Signer::new(&scheme, &"bWFya2V0IGtleR==".into(), Some("account"))
            .or_else(|_| Signer::new(&scheme, &"bWFya2V0IGtleg==".into(), Some("account"))).unwrap();
        prop_assert_eq!(one.verify(&signed(&other, &body, NOW), &body, NOW), Err(Refused::Mismatch));
    }

    #[test]
    fn no_header_is_too_strange_to_be_refused(scheme in 0..SCHEMES.len(), values: Vec<Vec<u8>>, body: Vec<u8>) {
        let signer = signer(SCHEMES[scheme]);
        let names: Vec<_> = signer.sign(b"", NOW, "").into_iter().map(|(name, _)| name).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in names.iter().zip(values) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(name.clone(), value);
            }
        }
        prop_assert!(signer.verify(&headers, &body, NOW).is_err());
    }
}
