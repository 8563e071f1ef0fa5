use proptest::prelude::*;

use super::*;

fn read_plain(status: u16, body: &str) -> Result<Issued, Refusal> {
    read(status, body.as_bytes(), &Answer::default(), &[], &[])
}

fn shape(json: &str) -> Answer {
    serde_json::from_str(json).unwrap()
}

#[test]
fn an_answer_is_read_in_every_shape_that_providers_give_it() {
    let full = read_plain(
        200,
        r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y"}"#,
    )
    .unwrap_or_else(|refusal| panic!("{refusal:?}"));
    assert_eq!(full.access.expose_secret(), "a");
    assert_eq!(full.refresh.unwrap().expose_secret(), "r");
    assert_eq!(full.life, Some(Duration::from_secs(3600)));
    assert_eq!(full.scopes.unwrap(), ["x", "y"]);

    for (body, life) in [
        (r#"{"access_token":"a"}"#, None),
        (r#"{"access_token":"a","expires_in":"1800"}"#, Some(1800)),
        (r#"{"access_token":"a","expires_in":" 60 "}"#, Some(60)),
        (r#"{"access_token":"a","expires_in":0}"#, None),
        (r#"{"access_token":"a","expires_in":-5}"#, None),
        (r#"{"access_token":"a","expires_in":"soon"}"#, None),
        (r#"{"access_token":"a","expires_in":1e300}"#, Some(LONGEST_LIFE as u64)),
        (r#"{"access_token":"a","expires_in":{"x":1}}"#, None),
    ] {
        let issued = read_plain(200, body).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        assert_eq!(issued.life, life.map(Duration::from_secs), "{body}");
    }

    let nested = shape(r#"{"access-token":"data.0.token","expires-in":"data.0.ttl"}"#);
    let issued = read(201, b"\xef\xbb\xbf{\"data\":[{\"token\":\"t\",\"ttl\":9}]}", &nested, &[], &[]).ok().unwrap();
    assert_eq!((issued.access.expose_secret(), issued.life), ("t", Some(Duration::from_secs(9))));

    let scopes = |json: &str| read_plain(200, json).ok().unwrap().scopes;
    assert_eq!(scopes(r#"{"access_token":"a","scope":"x,y"}"#).unwrap(), ["x", "y"]);
    assert_eq!(scopes(r#"{"access_token":"a","scope":["x","y z"]}"#).unwrap(), ["x", "y", "z"]);
    assert_eq!(scopes(r#"{"access_token":"a"}"#), None);
}

#[test]
fn an_api_address_is_https_or_granted_or_left_out() {
    let named = shape(r#"{"base":"instance_url"}"#);
    let base = |address: &str, grants: &[Grant]| {
        let body = serde_json::json!({"access_token": "a", "instance_url": address}).to_string();
        read(200, body.as_bytes(), &named, grants, &[]).ok().unwrap().base.map(String::from)
    };
    assert_eq!(base("https://eu7.example", &[]).unwrap(), "https://eu7.example/");
    assert_eq!(base("https://acme.bitrix24.com/rest/", &[]).unwrap(), "https://acme.bitrix24.com/rest/");
    assert_eq!(base("acme.bitrix24.com", &[]).unwrap(), "https://acme.bitrix24.com/");
    let granted = ["http://10.0.0.7:8080".parse().unwrap()];
    assert_eq!(base("http://10.0.0.7:8080/api", &granted).unwrap(), "http://10.0.0.7:8080/api");
    for bad in
        ["http://10.0.0.7/api", "https://u:p@x.example", "https://x.example/?a=b", "https://x.example#f", "ftp://x", ""]
    {
        assert_eq!(base(bad, &granted), None, "{bad}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let over = shape(r#"{"over":["invalid_code"]}"#);
    let refused = |status, body: &str| read(status, body.as_bytes(), &over, &[], &[]).err().unwrap();
    assert!(matches!(refused(400, r#"{"error":"invalid_grant"}"#), Refusal::Offer(_)));
    assert!(matches!(refused(200, r#"{"error":"invalid_code"}"#), Refusal::Offer(_)));
    assert!(matches!(refused(401, r#"{"error":"invalid_client"}"#), Refusal::Client(_)));
    assert!(matches!(refused(400, r#"{"error":"unauthorized_client"}"#), Refusal::Client(_)));
    for (status, body) in [
        (500, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, "17"),
        (429, r#"{"error":"too_many"}"#),
        (400, r#"{"error":""}"#),
        (400, r#"{"error":{"code":"invalid_grant"}}"#),
        // A token in an answer that says failure is none.
        (400, r#"{"access_token":"a"}"#),
        (200, r#"{"access_token":""}"#),
        (200, "{\"access_token\":\"two\\nlines\"}"),
    ] {
        assert!(matches!(refused(status, body), Refusal::Other(_)), "{status} {body}");
    }
}

#[test]
fn an_explanation_is_shown_escaped_and_without_what_is_secret() {
    let known = ["s3cr3t".into()];
    let body = br#"{"error":"invalid_grant","error_description":"bad s3cr3t \u001b[31m of eyJhbGciOiJIUzI1NiIsInR5cCI6 here"}"#;
    let Err(Refusal::Offer(text)) = read(400, body, &Answer::default(), &[], &known) else { panic!() };
    assert_eq!(text, "the provider answered 400 invalid_grant (bad … \\u{1b}[31m of … here)");
}

/// JSON of any shape, with the names that matter at every level.
fn json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("access_token"),
        Just("refresh_token"),
        Just("expires_in"),
        Just("scope"),
        Just("error"),
        Just("error_description"),
        Just("api_domain"),
        Just("data"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "[a-z]{0,9}canary-4711[a-z ]{0,9}".prop_map(Value::from),
        "https?://[a-z./@?#:%]{0,20}".prop_map(Value::from),
        Just(Value::from("invalid_grant")),
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

fn judge(status: u16, body: &[u8]) -> Result<(), TestCaseError> {
    let shape = shape(r#"{"base":"api_domain"}"#);
    match read(status, body, &shape, &[], &["canary-4711".into()]) {
        Ok(issued) => {
            prop_assert!((200..300).contains(&status));
            prop_assert!(issued.access.expose_secret().bytes().all(|b| b.is_ascii_graphic()));
            prop_assert!(issued.base.is_none_or(|base| base.scheme() == "https"));
            prop_assert!(issued.life.is_none_or(|life| life >= Duration::from_secs(1)));
        }
        Err(refusal) => {
            let text = format!("{refusal:?}");
            prop_assert!(!text.contains("canary-4711"), "{text}");
            let (Refusal::Offer(text) | Refusal::Client(text) | Refusal::Other(text)) = refusal;
            prop_assert!(text.len() < 3000 && !text.contains(char::is_control), "{text:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_panics_and_no_refusal_shows_a_secret(status in prop_oneof![Just(200), 100..600_u16], json in json()) {
        judge(status, json.to_string().as_bytes())?;
    }

    #[test]
    fn neither_do_bytes_of_any_kind(status in prop_oneof![Just(200), 100..600_u16], body in prop::collection::vec(any::<u8>(), 0..300)) {
        judge(status, &body)?;
    }

    #[test]
    fn neither_do_answers_that_were_cut_off(json in json(), at in any::<prop::sample::Index>()) {
        let body = json.to_string();
        judge(200, &body.as_bytes()[..at.index(body.len() + 1)])?;
    }
}
