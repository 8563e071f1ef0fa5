//! Signatures over parts of a request, as phone systems make them: signed traffic, and everything that is not it.

use hookswitch_signature::{InvalidScheme, Parts, Received, Refused, Scheme, Signer, Verifier};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

/// Lower-case hex of sha256(key + json + salt), in a field of the form.
const MANGO: &str = r#"{ "kind": "parts", "hash": "sha256", "signed": "{id}{field:json}{key}",
                         "id": { "field": "vpbx_api_key" }, "in": { "field": "sign" } }"#;
const MANGO_JSON: &str = r#"{"entry_id":"MDAxOjEyMw==","call_id":"MToxMDA","timestamp":1709630100,"seq":1,"call_state":"Appeared","location":"abonent","from":{"number":"442000000001"},"to":{"extension":"105","number":"sip:105@demo.mangosip.ru","line_number":"442000000100"}}"#;
/// Base64 of the hex text of HMAC-SHA1 over some fields, in a header.
const ZADARMA: &str = r#"{ "kind": "parts", "hash": "hmac-sha1", "encoding": "base64-of-hex",
                           "signed": "{field:caller_id}{field:called_did}{field:call_start}",
                           "in": { "header": "Signature" } }"#;
/// Base64 of HMAC-SHA1 over the address and all fields in the order of their names.
const TWILIO: &str = r#"{ "kind": "parts", "hash": "hmac-sha1", "encoding": "base64", "signed": "{url}{fields}",
                          "in": { "header": "X-Twilio-Signature" } }"#;

/// A request with its parts, to be changed.
#[derive(Clone, Default)]
struct Post {
    path: String,
    query: String,
    headers: HeaderMap,
    form: Option<Vec<(String, String)>>,
    body: Vec<u8>,
}

impl Post {
    fn form(fields: &[(&str, &str)]) -> Self {
        let form = fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { path: "/".to_owned(), form: Some(form), ..Self::default() }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        let field = self.form.as_mut().unwrap().iter_mut().find(|(other, _)| other == name).unwrap();
        field.1 = value.to_owned();
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.form.as_mut().unwrap().retain(|(other, _)| other != name);
        self
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        self.form.as_mut().unwrap().push((name.to_owned(), value.to_owned()));
        self
    }

    fn verified(&self, verifier: &Verifier) -> Result<(), Refused> {
        let Post { path, query, headers, form, body } = self;
        let received = Received { path, query, headers, form: form.as_deref(), body };
        verifier.verify(&received, 0).map(|verified| assert_eq!(verified.until, None))
    }
}

fn scheme(json: &str, base: &str) -> Scheme {
    match serde_json::from_str(json).unwrap() {
        Scheme::Parts(parts) => Scheme::Parts(parts.at(base)),
        other => other,
    }
}

fn mango() -> (Verifier, Post) {
    let post = Post::form(&[
        ("vpbx_api_key", "mango-api-key-demo"),
        ("sign", "0e120464dbfccfd473a2fbcfc59cdbcd5bd3683524ea05aa06dbb2ef9a900ddc"),
        ("json", MANGO_JSON),
    ]);
    (Verifier::new(&scheme(MANGO, ""), &"mango-salt-demo".into(), Some("mango-api-key-demo")).unwrap(), post)
}

fn zadarma() -> (Verifier, Post) {
    let post = Post::form(&[
        ("event", "NOTIFY_START"),
        ("caller_id", "+442000000001"),
        ("called_did", "442000000100"),
        ("call_start", "2024-03-05 09:15:00"),
    ]);
    let post = post.header("signature", "NjQ4NzVmYmNjOGRhNzBmNjU1OGVmNmM0ZmI0NDc0OGJiYjE3MjA1YQ==");
    (Verifier::new(&scheme(ZADARMA, ""), &"zadarma-secret-demo".into(), None).unwrap(), post)
}

/// The example that the vendor has published.
fn twilio() -> (Verifier, Post) {
    let post = Post::form(&[
        ("To", "+18005551212"),
        ("Digits", "1234"),
        ("Caller", "+14158675309"),
        ("From", "+14158675309"),
        ("CallSid", "CA1234567890ABCDE"),
    ]);
    let post = Post { path: "/myapp.php".into(), query: "foo=1&bar=2".into(), ..post }
        .header("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    (Verifier::new(&scheme(TWILIO, "https://mycompany.com"), &"12345".into(), None).unwrap(), post)
}

#[test]
fn traffic_of_three_vendors_holds() {
    for (verifier, post) in [mango(), zadarma(), twilio()] {
        post.verified(&verifier).unwrap();
    }
    assert_eq!(mango().0.proves(), ["sha256"]);
    assert_eq!(twilio().0.proves(), ["hmac-sha1"]);
}

#[test]
fn what_is_signed_cannot_be_changed_left_out_or_said_twice() {
    let (verifier, post) = mango();
    let field = |name: &str| name.to_owned();
    for (post, why) in [
        (post.clone().set("json", &MANGO_JSON.replace("105", "106")), Refused::Mismatch),
        (post.clone().without("json"), Refused::Mismatch),
        (post.clone().and("json", "{}"), Refused::FieldRepeated { field: field("json") }),
        (post.clone().set("vpbx_api_key", "somebody"), Refused::FieldStranger { field: field("vpbx_api_key") }),
        (post.clone().without("vpbx_api_key"), Refused::FieldMissing { field: field("vpbx_api_key") }),
        (post.clone().without("sign"), Refused::FieldMissing { field: field("sign") }),
        (post.clone().set("sign", "no hex"), Refused::FieldMalformed { field: field("sign") }),
        (post.clone().set("sign", ""), Refused::Mismatch),
        (post.clone().and("sign", ""), Refused::FieldRepeated { field: field("sign") }),
        (Post { form: None, ..post.clone() }, Refused::NoForm),
    ] {
        assert_eq!(post.verified(&verifier), Err(why));
    }
    // The same bytes in a row, cut at another place.
    let (head, tail) = MANGO_JSON.split_at(1);
    let shifted = post.set("vpbx_api_key", &format!("mango-api-key-demo{head}")).set("json", tail);
    assert_eq!(shifted.verified(&verifier), Err(Refused::FieldStranger { field: field("vpbx_api_key") }));

    let (verifier, post) = zadarma();
    let header = HeaderName::from_static("signature");
    assert_eq!(post.clone().set("caller_id", "+442000000002").verified(&verifier), Err(Refused::Mismatch));
    assert_eq!(post.clone().without("call_start").verified(&verifier), Err(Refused::Mismatch));
    let twice = post.clone().header("signature", "NjQ=");
    assert_eq!(twice.verified(&verifier), Err(Refused::Repeated { header: header.clone() }));
    let mut plain = post;
    plain.headers.clear();
    assert_eq!(plain.verified(&verifier), Err(Refused::Missing { header: header.clone() }));
    // Hex, where it should be base64 of it.
    let plain = plain.header("signature", "64875fbcc8da70f6558ef6c4fb44748bbb17205a");
    assert_eq!(plain.verified(&verifier), Err(Refused::Malformed { header }));

    let (verifier, post) = twilio();
    for post in [
        Post { path: "/other.php".into(), ..post.clone() },
        Post { query: "foo=1&bar=3".into(), ..post.clone() },
        Post { query: String::new(), ..post.clone() },
        post.clone().set("Digits", "1235"),
        post.clone().and("Extra", "1"),
        post.clone().without("Digits"),
    ] {
        assert_eq!(post.verified(&verifier), Err(Refused::Mismatch));
    }
    assert_eq!(Post { form: None, ..post }.verified(&verifier), Err(Refused::NoForm));
}

#[test]
fn the_order_of_fields_and_a_field_that_is_repeated_change_nothing_where_all_are_sorted() {
    let (verifier, mut post) = twilio();
    post.form.as_mut().unwrap().reverse();
    post.clone().and("Digits", "1234").verified(&verifier).unwrap();
    assert_eq!(post.and("Digits", "9").verified(&verifier), Err(Refused::Mismatch));
}

#[test]
fn schemes_that_prove_less_than_they_say_cannot_be_made() {
    let unreadable = [
        (r#"{ "kind": "parts", "hash": "md5", "signed": "{body}", "in": { "header": "X-S" } }"#, "unknown variant"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{url}{key}", "in": { "header": "X-S" } }"#, "{fields}"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{form:x}{key}", "in": { "header": "X-S" } }"#, "form:x"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{field:}{key}", "in": { "header": "X-S" } }"#, "field:"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{body", "in": { "header": "X-S" } }"#, "without its `}`"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{body}{key}", "in": { "query": "x" } }"#, "query"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{body}{key}", "in": { "header": "X S" } }"#, "header name"),
        (r#"{ "kind": "parts", "hash": "sha256", "signed": "{body}{key}" }"#, "missing field `in`"),
        (
            r#"{ "kind": "parts", "hash": "sha256", "signed": "{body}{key}", "in": { "header": "X" }, "window": "5m" }"#,
            "unknown field",
        ),
    ];
    for (json, reason) in unreadable {
        let error = serde_json::from_str::<Scheme>(json).unwrap_err().to_string();
        assert!(error.contains(reason), "{json}: {error}");
    }
    let parts = |hash: &str, signed: &str, id: bool| -> Parts {
        let id = if id { r#", "id": { "header": "X-Id" }"# } else { "" };
        let json = format!(r#"{{ "hash": "{hash}", "signed": "{signed}", "in": {{ "header": "X-S" }}{id} }}"#);
        serde_json::from_str(&json).unwrap()
    };
    let refused = |parts: Parts, key: &str, id| Verifier::new(&Scheme::Parts(parts), &key.into(), id).unwrap_err();
    assert_eq!(refused(parts("sha256", "{body}", false), "key", None), InvalidScheme::Key);
    assert_eq!(refused(parts("sha256", "{key}{body}", false), "key", None), InvalidScheme::Key);
    assert_eq!(refused(parts("sha256", "{key}{body}{key}", false), "key", None), InvalidScheme::Key);
    assert_eq!(refused(parts("hmac-sha1", "{body}{key}", false), "key", None), InvalidScheme::Key);
    assert_eq!(refused(parts("hmac-sha1", "{body}", false), "", None), InvalidScheme::EmptyKey);
    assert_eq!(refused(parts("hmac-sha1", "{id}{body}", false), "key", Some("x")), InvalidScheme::UnpairedId);
    assert_eq!(refused(parts("hmac-sha1", "{body}", true), "key", Some("x")), InvalidScheme::UnpairedId);
    assert_eq!(refused(parts("hmac-sha1", "{id}{body}", true), "key", None), InvalidScheme::NoId);
    assert_eq!(refused(parts("hmac-sha1", "{url}{body}", false), "key", None), InvalidScheme::NoUrl);
}

#[test]
fn nothing_is_signed_by_a_scheme_that_is_only_received() {
    let signer = Signer::new(&scheme(TWILIO, "https://mycompany.com"), &"12345".into(), None);
    assert_eq!(signer.unwrap_err(), InvalidScheme::OnlyReceived);
}

#[test]
fn schemes_that_are_sent_can_be_checked_too() {
    let scheme: Scheme = serde_json::from_str(
        r#"{ "kind": "hmac", "header": "X-Signature", "prefix": "sha256=", "signed": "{timestamp}.{body}",
             "timestamp-header": "X-Timestamp" }"#,
    )
    .unwrap();
    let signer = Signer::new(&scheme, &"key".into(), None).unwrap();
    let signed = signer.sign(b"body", 1_800_000_000, "");
    let headers: HeaderMap =
        signed.into_iter().map(|(name, value)| (name, HeaderValue::from_str(&value).unwrap())).collect();
    let verifier = Verifier::new(&scheme, &"key".into(), None).unwrap();
    let received = |body| Received { path: "/", query: "", headers: &headers, form: None, body };
    assert_eq!(verifier.verify(&received(b"body"), 1_800_000_010).unwrap().until, Some(1_800_000_300));
    assert_eq!(verifier.verify(&received(b"body"), 1_800_000_301), Err(Refused::Late { seconds: 301 }));
    assert_eq!(verifier.verify(&received(b"other"), 1_800_000_010), Err(Refused::Mismatch));
    assert_eq!(verifier.proves(), ["hmac-sha256", "timestamp"]);
}

#[test]
fn nothing_that_is_printed_holds_the_key() {
    for (verifier, post) in [mango(), zadarma(), twilio()] {
        let mut printed = format!("{verifier:?}");
        printed += &Post { headers: HeaderMap::new(), form: Some(vec![]), ..post }
            .verified(&verifier)
            .unwrap_err()
            .to_string();
        assert!(["mango-salt", "zadarma-secret", "12345"].iter().all(|key| !printed.contains(key)), "{printed}");
    }
}

proptest! {
    #[test]
    fn no_field_header_or_signature_is_too_strange_to_be_refused(
        vendor in 0..3usize,
        fields in proptest::collection::vec((".{0,12}", ".{0,40}"), 0..8),
        value in "[ -~]{0,60}",
        is_form: bool,
    ) {
        let (verifier, _) = [mango, zadarma, twilio][vendor]();
        let mut form = fields;
        form.extend([("vpbx_api_key".to_owned(), "mango-api-key-demo".to_owned()), ("sign".to_owned(), value.clone())]);
        let post = Post { path: "/".into(), form: is_form.then_some(form), ..Post::default() };
        let post = post.header("signature", &value).header("x-twilio-signature", &value);
        prop_assert!(post.verified(&verifier).is_err());
    }

    #[test]
    fn any_changed_field_is_refused(vendor in 0..3usize, which in any::<prop::sample::Index>(), value in ".{0,40}") {
        let (verifier, post) = [mango, zadarma, twilio][vendor]();
        let form = post.form.clone().unwrap();
        let (name, was) = &form[which.index(form.len())];
        // Zadarma does not sign which event it is.
        prop_assume!(*was != value && name != "event" && *was.to_lowercase() != value.to_lowercase());
        prop_assert!(post.set(name, &value).verified(&verifier).is_err());
    }
}
