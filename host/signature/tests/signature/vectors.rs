//! Signatures that others have published, both ways.

use hookswitch_signature::{Scheme, Signer};
use http::{HeaderMap, HeaderValue};

/// Signs and checks, and returns what the signature's header holds.
fn both_ways(scheme: &str, key: &str, id: Option<&str>, body: &[u8], now: u64, message: &str) -> Vec<(String, String)> {
    let scheme: Scheme = serde_json::from_str(scheme).unwrap();
    let signer = Signer::new(&scheme, &key.into(), id).unwrap();
    let signed = signer.sign(body, now, message);
    let mut headers = HeaderMap::new();
    for (name, value) in &signed {
        headers.insert(name.clone(), HeaderValue::from_str(value).unwrap());
    }
    signer.verify(&headers, body, now).unwrap();
    signed.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn rostelecom_signs_id_body_and_key_in_a_row() {
    let id = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
    let key = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
    let body = br#"{"session_id":"DEMOsession0001"}"#;
    assert_eq!(
        both_ways(r#"{ "kind": "concat-sha256" }"#, key, Some(id), body, 0, ""),
        pairs(&[
            ("x-client-id", id),
            ("x-client-sign", "36833481b33d0476b0d12dfd263718132c6ec0bd6c3a7127e90facf06483bd13"),
        ])
    );
}

#[test]
fn standard_webhooks_as_its_reference_libraries_sign() {
    for key in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            both_ways(r#"{ "kind": "standard-webhooks" }"#, key, None, br#"{"test": 2432232314}"#, 1614265330, id),
            pairs(&[
                ("webhook-id", id),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ])
        );
    }
}

#[test]
fn hmac_of_the_rfcs_in_every_algorithm_and_encoding() {
    // RFC 2202 and RFC 4231, test case 2 of each.
    let cases = [
        ("sha1", "hex", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("sha256", "hex", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("sha256", "base64", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
        (
            "sha512",
            "hex",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b\
             636e070a38bce737",
        ),
    ];
    for (algorithm, encoding, signature) in cases {
        let scheme = format!(
            r#"{{ "kind": "hmac", "algorithm": "{algorithm}", "encoding": "{encoding}", "header": "X-Signature" }}"#
        );
        let headers = both_ways(&scheme, "Jefe", None, b"what do ya want for nothing?", 0, "");
        assert_eq!(headers, pairs(&[("x-signature", signature)]), "{algorithm}");
    }
}

#[test]
fn a_prefix_as_github_publishes_its_example() {
    let scheme = r#"{ "kind": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256=" }"#;
    assert_eq!(
        both_ways(scheme, "It's a Secret to Everybody", None, b"Hello, World!", 0, ""),
        pairs(&[("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")])
    );
}
