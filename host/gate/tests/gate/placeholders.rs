//! Texts that stand for secrets: filled in on the wire, only where the secret may go.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookswitch_gate::{Credential, Denial, Error, Gate, Limits, NoPlaceholder, Options, Place, Request};

use crate::base_url::portal;
use crate::places::{gate_with, header, secret};
use crate::server::{Server, get, grant, ok, post, with};

const VALUE: &str = "p4ss/w\"ord+\\&ä";
const IN_URL: &str = "p4ss%2Fw%22ord%2B%5C%26%C3%A4";

fn pasted(server: &Server, value: &str) -> Gate {
    gate_with(server, Credential::secret(&secret(value), vec![grant(&server.url(""))]).unwrap())
}

#[tokio::test]
async fn placeholders_are_filled_in_at_any_place_in_the_encoding_that_was_asked_for() {
    let server = Server::start(|_| ok("")).await;
    let gate = pasted(&server, VALUE);
    let [plain, percent, base64, json] =
        ["plain", "percent", "base64", "json"].map(|encoding| gate.placeholder("api", encoding).unwrap());
    let request = Request {
        headers: vec![header("X-Auth", &format!("a {base64}:{plain} z"))],
        ..post(
            &server.url(&format!("/hook/{percent}/x?k={percent}&l={base64}")),
            &format!(r#"{{"k":"{json}","again":"{json}{plain}"}}"#),
        )
    };
    let sent = gate.send(request.clone()).await.unwrap().sent;
    let received = server.requests().remove(0);
    let encoded = STANDARD.encode(VALUE);
    assert!(received.starts_with(&format!("POST /hook/{IN_URL}/x?k={IN_URL}&l={encoded} HTTP/1.1\r\n")), "{received}");
    assert!(received.contains(&format!("x-auth: a {encoded}:{VALUE} z\r\n")), "{received}");
    let in_json = r#"p4ss/w\"ord+\\&ä"#;
    assert!(
        received.ends_with(&format!("\r\n\r\n{{\"k\":\"{in_json}\",\"again\":\"{in_json}{VALUE}\"}}")),
        "{received}"
    );
    assert_eq!(sent.url, request.url, "a trace shows what was written");
}

#[tokio::test]
async fn a_placeholder_goes_only_where_the_secret_may_go() {
    let (server, other) = (Server::start(|_| ok("")).await, Server::start(|_| ok("")).await);
    let http = vec![grant(&server.url("")), grant(&other.url(""))];
    let mut credentials = BTreeMap::from([
        ("api".into(), Credential::secret(&secret(VALUE), vec![grant(&server.url("/api"))]).unwrap()),
        ("own".into(), Credential::bearer(&secret("b3arer-of-other"), vec![grant(&other.url(""))]).unwrap()),
    ]);
    credentials.extend(portal(&other.url("/rest/1/k3yk3yk3yk3yk3y1")));
    let gate = Gate::new(Options { http, credentials, ..server.options() }).unwrap();
    let mask = gate.placeholder("api", "percent").unwrap();
    for request in [
        get(&other.url(&format!("/{mask}"))),
        get(&other.url(&format!("/?k={mask}"))),
        post(&other.url("/"), &mask),
        Request { headers: vec![header("x-auth", &mask)], ..get(&other.url("/")) },
        with("own", post(&other.url("/"), &mask)),
        with("portal", post("crm.x", &mask)),
        post(&server.url("/apis"), &mask),
        get(&server.url(&format!("/api/../{mask}"))),
    ] {
        let error = gate.send(request.clone()).await.unwrap_err();
        let Error::Denied { denial: Denial::CredentialOrigin { handle, .. }, cure } = &error else {
            panic!("{request:?}: {error}")
        };
        assert_eq!(handle, "api");
        assert!(cure.line.starts_with("credentials.api.origins = [\"http://127.0.0.1:"), "{cure}");
    }
    let error = gate.send(get(&format!("http://127.0.0.9/{mask}"))).await.unwrap_err();
    assert!(matches!(error, Error::Denied { denial: Denial::Url(_), .. }), "{error}");
    assert_eq!((server.connections(), other.connections()), (0, 0));
    gate.send(post(&server.url("/api/x"), &mask)).await.unwrap();
    gate.send(with("portal", post("crm.x", "nothing"))).await.unwrap();
}

#[tokio::test]
async fn what_is_filled_into_a_url_cannot_lead_it_elsewhere() {
    let server = Server::start(|_| ok("")).await;
    let url = |path: &str| server.url(path);
    for value in [
        "x/../../admin",
        "%2e%2e/%2e%2e/admin",
        "..;/..;/admin",
        "with space in it",
        "a#fragment",
        "back\\slash",
        "line\r\nbreak",
    ] {
        let credential = Credential::secret(&secret(value), vec![grant(&url(""))]).unwrap();
        let http = vec![grant(&url("/api"))];
        let credentials = BTreeMap::from([("api".into(), credential)]);
        let gate = Gate::new(Options { http, credentials, ..server.options() }).unwrap();
        let plain = gate.placeholder("api", "plain").unwrap();
        let error = gate.send(get(&url(&format!("/api/{plain}")))).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_) | Error::Denied { .. }), "{value}: {error}");
        assert!(!format!("{error}{error:?}").contains("admin"), "{error:?}");
    }
    let gate = pasted(&server, "evil.example");
    let plain = gate.placeholder("api", "plain").unwrap();
    for host in [
        format!("http://{plain}/"),
        format!("http://{}/", plain.to_uppercase()),
        format!("http://x.{plain}:80/"),
        format!("http://{plain}@127.0.0.1/"),
        format!("{plain}://127.0.0.1/"),
        format!("http://127.0.0.1:{plain}/"),
        format!("{plain}/x"),
    ] {
        let error = gate.send(get(&host)).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{host}: {error}");
    }
    let break_in = pasted(&server, "value\r\nhost: evil");
    let plain = break_in.placeholder("api", "plain").unwrap();
    let request = Request { headers: vec![header("x-auth", &plain)], ..get(&url("/")) };
    let error = break_in.send(request).await.unwrap_err();
    assert!(matches!(error, Error::BadRequest(_)) && !format!("{error:?}").contains("evil"), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_placeholder_below_a_secret_base_stays_below_it() {
    let server = Server::start(|_| ok("")).await;
    let mut credentials = portal(&server.url("/rest/7/k3yk3yk3yk3yk3y1"));
    credentials.insert("api".into(), Credential::secret(&secret("../../../x"), vec![grant(&server.url(""))]).unwrap());
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    let [plain, base64] = ["plain", "base64"].map(|encoding| gate.placeholder("api", encoding).unwrap());
    assert!(matches!(gate.send(with("portal", get(&plain))).await, Err(Error::BadRequest(_))));
    let sent = gate.send(with("portal", get(&format!("crm?k={base64}")))).await.unwrap().sent;
    assert_eq!(sent.url, format!("{{portal}}/crm?k={base64}"));
    let line = format!("GET /rest/7/k3yk3yk3yk3yk3y1/crm?k={} ", STANDARD.encode("../../../x"));
    assert!(server.requests()[0].starts_with(&line), "{:?}", server.requests());
}

#[tokio::test]
async fn a_placeholder_is_the_same_for_ever_and_nobody_guesses_it() {
    let server = Server::start(|_| ok("")).await;
    let made = |mask_key: [u8; 32], value: &str| {
        let credentials =
            ["api", "other"].map(|handle| (handle.to_owned(), Credential::secret(&secret(value), Vec::new()).unwrap()));
        let options = Options { mask_key, credentials: credentials.into(), ..server.options() };
        assert!(!format!("{options:?}").contains("7, 7, 7"), "{options:?}");
        let gate = Gate::new(options).unwrap();
        let all = ["api", "other"].map(|handle| {
            ["plain", "percent", "base64", "json"].map(|encoding| gate.placeholder(handle, encoding).unwrap())
        });
        all.concat()
    };
    let texts = made([7; 32], VALUE);
    assert_eq!(texts, made([7; 32], "another value"), "a job is resumed with the texts that it had");
    let mut all = [texts, made([8; 32], VALUE)].concat();
    assert!(all.iter().all(|text| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())), "{all:?}");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 16);
}

#[tokio::test]
async fn kinds_with_one_lasting_value_have_placeholders_and_can_be_compared() {
    let server = Server::start(|_| ok("")).await;
    let origins = || vec![grant(&server.url(""))];
    let scheme = serde_json::from_str(r#"{ "kind": "hmac", "header": "X-Sign" }"#).unwrap();
    let query = Place::Query { name: "k".into() };
    for (credential, value) in [
        (Credential::bearer(&secret("b3arer-token"), origins()), "b3arer-token"),
        (Credential::api_key(&secret("k3y of mine"), query, origins()), "k3y of mine"),
        (Credential::basic("user", &secret("p4ss:word"), origins()), "p4ss:word"),
        (Credential::basic_key(&secret("fr3shdesk"), "X", origins()), "fr3shdesk"),
        (Credential::signature(&scheme, &secret("s1gning-key"), None, origins()), "s1gning-key"),
        (Credential::secret(&secret("t3mplate-secret"), origins()), "t3mplate-secret"),
    ] {
        let gate = gate_with(&server, credential.unwrap());
        let plain = gate.placeholder("api", "plain").unwrap();
        gate.send(post(&server.url("/"), &plain)).await.unwrap();
        assert!(server.requests().last().unwrap().ends_with(&format!("\r\n\r\n{value}")));
        assert!(gate.matches("api", value));
        for wrong in ["", &value[1..], &format!("{value} "), &value.to_uppercase(), &plain] {
            assert!(!gate.matches("api", wrong), "{wrong}");
        }
        assert!(!gate.matches("other", value));
        assert_eq!(gate.placeholder("other", "plain"), Err(NoPlaceholder::Handle { handle: "other".into() }));
        let error = gate.placeholder("api", "rot13").unwrap_err();
        assert!(error.to_string().contains("\"rot13\" is no encoding"), "{error}");
    }
    let mut credentials = portal(&server.url("/rest/7/k3yk3yk3yk3yk3y1"));
    credentials.insert("none".into(), Credential::none());
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    for handle in ["portal", "none"] {
        assert_eq!(gate.placeholder(handle, "plain"), Err(NoPlaceholder::Kind { handle: handle.into() }));
    }
    assert!(!gate.matches("portal", "k3yk3yk3yk3yk3y1") && !gate.matches("none", ""));
}

#[tokio::test]
async fn the_bounds_hold_for_what_is_sent_and_not_for_what_was_written() {
    let server = Server::start(|_| ok("")).await;
    let value = "v".repeat(1000);
    let credential = Credential::secret(&secret(&value), vec![grant(&server.url(""))]).unwrap();
    let limits = Limits { request_body: 5000, ..Limits::default() };
    let credentials = BTreeMap::from([("api".into(), credential)]);
    let gate = Gate::new(Options { credentials, limits, ..server.options() }).unwrap();
    let mask = gate.placeholder("api", "plain").unwrap();
    let headers = |count: usize| (0..count).map(|n| header(&format!("x-{n}"), &mask)).collect();
    let url = server.url("/");
    gate.send(post(&url, &mask.repeat(5))).await.unwrap();
    gate.send(Request { headers: headers(16), ..get(&url) }).await.unwrap();
    gate.send(get(&format!("{url}{}", mask.repeat(16)))).await.unwrap();
    for (request, text) in [
        (post(&url, &mask.repeat(100)), "where 5000 may be sent"),
        (Request { headers: headers(17), ..get(&url) }, "headers of more than"),
        (Request { headers: vec![header("x", &mask.repeat(400))], ..get(&url) }, "headers of more than"),
        (get(&format!("{url}{}", mask.repeat(17))), "longer than 16384 bytes"),
    ] {
        let error = gate.send(request).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains(text), "{error}");
    }
    assert_eq!(server.requests().len(), 3);
}
