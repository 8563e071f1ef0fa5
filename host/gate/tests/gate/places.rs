//! Where the host puts a credential's value, byte for byte.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookswitch_gate::{Bytes, Credential, Error, Gate, InvalidCredential, Options, Place, Request};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::server::{Server, get, grant, ok, post, with};

const KEY: &str = "k3y/with+signs=&42";
const KEY_IN_URL: &str = "k3y%2Fwith%2Bsigns%3D%2642";

pub(crate) fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn place(json: &str) -> Place {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

pub(crate) fn gate_with(server: &Server, credential: Credential) -> Gate {
    let credentials = BTreeMap::from([("api".into(), credential)]);
    Gate::new(Options { credentials, ..server.options() }).unwrap()
}

fn keyed(server: &Server, json: &str) -> Gate {
    gate_with(server, Credential::api_key(&secret(KEY), place(json), vec![grant(&server.url(""))]).unwrap())
}

pub(crate) fn header(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

fn typed(kind: &str, request: Request) -> Request {
    Request { headers: vec![header("Content-Type", kind)], ..request }
}

/// The request line, the headers and the body of what a server got last.
fn last(server: &Server) -> (String, String, String) {
    let request = server.requests().pop().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    (line.to_owned(), format!("{headers}\r\n"), body.to_owned())
}

#[tokio::test]
async fn a_key_stands_in_the_header_that_the_crm_reads() {
    let server = Server::start(|_| ok("")).await;
    for (json, expected) in [
        (r#"{ "header": { "name": "X-Api-Key" } }"#, format!("x-api-key: {KEY}\r\n")),
        (
            r#"{ "header": { "name": "Authorization", "prefix": "Zoho-oauthtoken " } }"#,
            format!("authorization: Zoho-oauthtoken {KEY}\r\n"),
        ),
        (
            r#"{ "header": { "name": "authorization", "prefix": "Token token=" } }"#,
            format!("authorization: Token token={KEY}\r\n"),
        ),
    ] {
        keyed(&server, json).send(with("api", get(&server.url("/")))).await.unwrap();
        assert!(last(&server).1.contains(&expected), "{json}: {:?}", server.requests());
    }
    assert_eq!(Place::default(), place(r#"{ "header": { "name": "Authorization", "prefix": "Bearer " } }"#));
}

#[tokio::test]
async fn a_key_in_the_query_is_encoded_and_joins_what_is_there() {
    let server = Server::start(|_| ok("")).await;
    let gate = keyed(&server, r#"{ "query": { "name": "api key" } }"#);
    for (path, line) in [
        ("/a", format!("/a?api%20key={KEY_IN_URL}")),
        ("/a?", format!("/a?api%20key={KEY_IN_URL}")),
        ("/a?b=c%2B|d", format!("/a?b=c%2B|d&api%20key={KEY_IN_URL}")),
    ] {
        let sent = gate.send(with("api", get(&server.url(path)))).await.unwrap().sent;
        assert_eq!(last(&server).0, format!("GET {line} HTTP/1.1"));
        assert_eq!(sent.url, server.url(path), "a trace shows the URL without the key");
    }
}

#[tokio::test]
async fn a_key_in_a_form_is_one_more_field() {
    let server = Server::start(|_| ok("")).await;
    let gate = keyed(&server, r#"{ "form": { "name": "auth" } }"#);
    let form = "application/x-www-form-urlencoded";
    for (request, body) in [
        (typed(form, post(&server.url("/"), "a=b&c")), format!("a=b&c&auth={KEY_IN_URL}")),
        (
            typed("Application/X-WWW-Form-Urlencoded; charset=UTF-8", post(&server.url("/"), "a=b")),
            format!("a=b&auth={KEY_IN_URL}"),
        ),
        (post(&server.url("/"), ""), format!("auth={KEY_IN_URL}")),
    ] {
        gate.send(with("api", request)).await.unwrap();
        let (_, headers, sent) = last(&server);
        assert_eq!(sent, body);
        assert!(headers.contains(&format!("content-length: {}\r\n", body.len())), "{headers}");
        assert!(headers.to_lowercase().contains(&format!("content-type: {form}")), "{headers}");
    }
}

#[tokio::test]
async fn a_key_in_json_is_one_more_member_and_the_rest_stays_as_it_was() {
    let server = Server::start(|_| ok("")).await;
    for (path, body, sent) in [
        ("key", "", r#"{"key":"KEY"}"#),
        ("key", "{ }", r#"{ "key":"KEY"}"#),
        (
            "key",
            r#"{"n":12345678901234567890123, "f": 1.10}"#,
            r#"{"n":12345678901234567890123, "f": 1.10,"key":"KEY"}"#,
        ),
        ("params.auth", r#"{"params":{"x":["}"]},"z":0}"#, r#"{"params":{"x":["}"],"auth":"KEY"},"z":0}"#),
        ("a.b.c", r#"{"a":{}}"#, r#"{"a":{"b":{"c":"KEY"}}}"#),
        ("a.b.c", "{\"\\u0061\":{\"b\":{}}}\n", "{\"\\u0061\":{\"b\":{\"c\":\"KEY\"}}}\n"),
    ] {
        let gate = keyed(&server, &format!(r#"{{ "json": {{ "path": "{path}" }} }}"#));
        let request = if body.is_empty() {
            post(&server.url("/"), "")
        } else {
            typed("application/json", post(&server.url("/"), body))
        };
        gate.send(with("api", request)).await.unwrap();
        let (_, headers, got) = last(&server);
        assert_eq!(got, sent.replace("KEY", KEY));
        assert!(headers.contains("content-type: application/json\r\n"), "{headers}");
    }
}

#[tokio::test]
async fn a_body_that_has_no_place_for_the_key_is_refused_with_the_reason() {
    let server = Server::start(|_| ok("")).await;
    let url = server.url("/");
    for (json, request, reason) in [
        (
            r#"{ "form": { "name": "k" } }"#,
            typed("application/json", post(&url, "{}")),
            "send one, as `application/x-www-form-urlencoded`",
        ),
        (r#"{ "form": { "name": "k" } }"#, post(&url, "a=b"), "send one, as `application/x-www-form-urlencoded`"),
        (r#"{ "form": { "name": "k" } }"#, get(&url), "GET and HEAD"),
        (r#"{ "json": { "path": "k" } }"#, typed("text/plain", post(&url, "{}")), "send one, as `application/json`"),
        (r#"{ "json": { "path": "k" } }"#, typed("application/json", post(&url, "{")), "no JSON"),
        (r#"{ "json": { "path": "k" } }"#, typed("application/json", post(&url, "[{}]")), "no JSON object"),
        (
            r#"{ "json": { "path": "a.k" } }"#,
            typed("application/json", post(&url, r#"{"a":[]}"#)),
            "on the way to it is no JSON object",
        ),
    ] {
        let error = keyed(&server, json).send(with("api", request)).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains(reason), "{json}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_the_credential_sets_the_plugin_cannot_set_too() {
    let server = Server::start(|_| ok("")).await;
    let form = "application/x-www-form-urlencoded";
    for (json, request, what) in [
        (
            r#"{ "header": { "name": "X-Key" } }"#,
            Request { headers: vec![header("x-kEY", "1")], ..get(&server.url("/")) },
            "the header `x-key`",
        ),
        (r#"{ "query": { "name": "key" } }"#, get(&server.url("/?a&%6Bey=1")), "the query parameter `key`"),
        (r#"{ "form": { "name": "key" } }"#, typed(form, post(&server.url("/"), "a=b&k%65y")), "the form field `key`"),
        (
            r#"{ "json": { "path": "a.key" } }"#,
            typed("application/json", post(&server.url("/"), r#"{"a":{"k\u0065y":null}}"#)),
            "the member `a.key`",
        ),
    ] {
        let gate = keyed(&server, json);
        let error = gate.send(with("api", request.clone())).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains(what), "{json}: {error}");
        assert_eq!(server.connections(), 0, "{json}");
    }
}

#[tokio::test]
async fn basic_is_user_and_password_in_utf_8() {
    let server = Server::start(|_| ok("")).await;
    let origins = || vec![grant(&server.url(""))];
    for (credential, pair) in [
        (Credential::basic("Jürgen", &secret("pässwörd: x\n"), origins()).unwrap(), "Jürgen:pässwörd: x"),
        (Credential::basic_key(&secret("fr3shd3skk3y"), "X", origins()).unwrap(), "fr3shd3skk3y:X"),
        (Credential::basic_key(&secret("fr3shd3skk3y"), "", origins()).unwrap(), "fr3shd3skk3y:"),
    ] {
        gate_with(&server, credential).send(with("api", get(&server.url("/")))).await.unwrap();
        let expected = format!("authorization: Basic {}\r\n", STANDARD.encode(pair));
        assert!(last(&server).1.contains(&expected), "{:?}", server.requests());
    }
}

#[tokio::test]
async fn a_signature_is_of_the_bytes_that_leave() {
    let server = Server::start(|_| ok("")).await;
    let scheme = serde_json::from_str(r#"{ "kind": "concat-sha256" }"#).unwrap();
    let origins = || vec![grant(&server.url(""))];
    let credential = Credential::signature(&scheme, &secret(KEY), Some("acme-7"), origins()).unwrap();
    let gate = gate_with(&server, credential);
    let placeholder = gate.placeholder("api", "json").unwrap();
    gate.send(with("api", post(&server.url("/"), &format!(r#"{{"key":"{placeholder}"}}"#)))).await.unwrap();
    let (_, headers, body) = last(&server);
    assert_eq!(body, format!(r#"{{"key":"{KEY}"}}"#));
    let digest: String =
        Sha256::digest(format!("acme-7{body}{KEY}")).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(headers.contains(&digest) && headers.contains(": acme-7\r\n"), "{headers}");

    let own = Request {
        headers: vec![
            header("X-Client-Sign", "0"),
            header("Client-Sign", "0"),
            header("X-Client-ID", "1"),
            header("Client-ID", "1"),
        ],
        ..post(&server.url("/"), "")
    };
    let error = gate.send(with("api", own)).await.unwrap_err();
    assert!(error.to_string().contains("the credential sets the header"), "{error}");
    assert_eq!(server.requests().len(), 1);

    let hooks = serde_json::from_str(r#"{ "kind": "standard-webhooks" }"#).unwrap();
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let gate = gate_with(&server, Credential::signature(&hooks, &secret(key), None, origins()).unwrap());
    let mut ids = Vec::new();
    for body in ["one", "one", "two"] {
        gate.send(with("api", post(&server.url("/"), body))).await.unwrap();
        let mut map = http::HeaderMap::new();
        for line in last(&server).1.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let signer = hookswitch_signature::Signer::new(&hooks, &secret(key), None).unwrap();
        signer.verify(&map, body.as_bytes(), now).unwrap();
        assert!(signer.verify(&map, b"three", now).is_err());
        ids.push(map["webhook-id"].to_str().unwrap().to_owned());
    }
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "the same message has the same id: {ids:?}");
}

#[tokio::test]
async fn no_kind_of_credential_goes_to_an_origin_that_is_not_its_own() {
    let (server, other) = (Server::start(|_| ok("")).await, Server::start(|_| ok("")).await);
    let origins = || vec![grant(&server.url("/api"))];
    let scheme = serde_json::from_str(r#"{ "kind": "standard-webhooks" }"#).unwrap();
    let query = place(r#"{ "query": { "name": "k" } }"#);
    for credential in [
        Credential::bearer(&secret(KEY), origins()).unwrap(),
        Credential::api_key(&secret(KEY), query, origins()).unwrap(),
        Credential::api_key(&secret(KEY), place(r#"{ "json": { "path": "k" } }"#), origins()).unwrap(),
        Credential::api_key(&secret(KEY), place(r#"{ "form": { "name": "k" } }"#), origins()).unwrap(),
        Credential::basic("user", &secret(KEY), origins()).unwrap(),
        Credential::basic_key(&secret("k3yk3yk3y"), "X", origins()).unwrap(),
        Credential::signature(&scheme, &secret("c2VjcmV0c2VjcmV0"), None, origins()).unwrap(),
        Credential::secret(&secret(KEY), origins()).unwrap(),
    ] {
        let kind = format!("{credential:?}");
        let http = vec![grant(&server.url("")), grant(&other.url(""))];
        let credentials = BTreeMap::from([("api".into(), credential)]);
        let gate = Gate::new(Options { http, credentials, ..server.options() }).unwrap();
        for url in [other.url("/api"), server.url("/apix"), server.url("/api/%2e%2e/x"), server.url("/")] {
            let error = gate.send(with("api", post(&url, ""))).await.unwrap_err();
            let Error::Denied { cure, .. } = &error else { panic!("{kind}: {error}") };
            assert!(cure.line.starts_with("credentials.api.origins = [\"http://127.0.0.1:"), "{kind}: {cure}");
        }
        gate.send(with("api", post(&server.url("/api/x"), ""))).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    assert_eq!(other.connections(), 0);
    assert!(server.requests().iter().all(|request| request.starts_with("POST /api/x")), "{:?}", server.requests());
}

#[test]
fn a_credential_that_cannot_be_used_is_refused_when_it_is_made() {
    let key = secret(KEY);
    for place in [
        r#"{ "header": { "name": "X Key" } }"#,
        r#"{ "header": { "name": "" } }"#,
        r#"{ "header": { "name": "Host" } }"#,
        r#"{ "header": { "name": "Content-Length" } }"#,
        r#"{ "header": { "name": "Proxy-Authorization" } }"#,
        r#"{ "header": { "name": "X-Key", "prefix": "a\r\nb: " } }"#,
        r#"{ "query": { "name": "" } }"#,
        r#"{ "form": { "name": "" } }"#,
        r#"{ "json": { "path": "" } }"#,
        r#"{ "json": { "path": "a..b" } }"#,
    ] {
        let made = Credential::api_key(&key, self::place(place), Vec::new());
        assert!(matches!(made, Err(InvalidCredential::Place(_))), "{place}: {made:?}");
    }
    for unknown in [r#"{ "cookie": { "name": "x" } }"#, r#"{ "query": { "name": "x", "prefix": "y" } }"#, r#""query""#]
    {
        assert!(serde_json::from_str::<Place>(unknown).is_err(), "{unknown}");
    }
    let short = "sh0rt";
    let query = || place(r#"{ "query": { "name": "k" } }"#);
    for made in [
        Credential::api_key(&secret(short), query(), Vec::new()),
        Credential::basic("user", &secret(short), Vec::new()),
        Credential::basic_key(&secret(short), "X", Vec::new()),
        Credential::secret(&secret(short), Vec::new()),
    ] {
        assert_eq!(made.unwrap_err(), InvalidCredential::Short);
    }
    assert_eq!(Credential::basic("us:er", &key, Vec::new()).unwrap_err(), InvalidCredential::User);
    assert_eq!(Credential::basic_key(&secret("key:key:key"), "X", Vec::new()).unwrap_err(), InvalidCredential::User);
    assert_eq!(
        Credential::basic("user", &secret("pass\nword\n"), Vec::new()).unwrap_err(),
        InvalidCredential::Password
    );
    let host = serde_json::from_str(r#"{ "kind": "hmac", "header": "Host" }"#).unwrap();
    assert!(matches!(Credential::signature(&host, &key, None, Vec::new()), Err(InvalidCredential::Place(_))));
    assert!(Credential::api_key(&secret("schlüssel mit ümläuten"), query(), Vec::new()).is_ok());
    let header = place(r#"{ "header": { "name": "X-Key" } }"#);
    let made = Credential::api_key(&secret("schlüssel-mit-ümläuten"), header, Vec::new());
    assert_eq!(made.unwrap_err(), InvalidCredential::TokenCharacters);
}

#[tokio::test]
async fn a_request_is_held_against_its_bounds_with_the_secret_in_it() {
    let server = Server::start(|_| ok("")).await;
    let long = secret(&"k".repeat(600));
    let origins = || vec![grant(&server.url(""))];
    let limits = || hookswitch_gate::Limits { request_body: 700, ..Default::default() };
    let gate = |place: &str| {
        let credential = Credential::api_key(&long, self::place(place), origins()).unwrap();
        let credentials = BTreeMap::from([("api".into(), credential)]);
        Gate::new(Options { credentials, limits: limits(), ..server.options() }).unwrap()
    };
    let (header_place, query) = (r#"{ "header": { "name": "X-Key" } }"#, r#"{ "query": { "name": "k" } }"#);
    let (form, json) = (r#"{ "form": { "name": "k" } }"#, r#"{ "json": { "path": "k" } }"#);
    let filled =
        |size: usize| Request { headers: vec![header("x-fill", &"f".repeat(size - 6))], ..get(&server.url("/")) };
    let far = |size: usize| get(&server.url(&format!("/{}", "p".repeat(size - 1))));
    let body =
        |kind, size: usize| typed(kind, Request { body: Bytes::from(vec![b'='; size]), ..post(&server.url("/"), "") });
    let object =
        |size: usize| typed("application/json", post(&server.url("/"), &format!("{{{}}}", " ".repeat(size - 2))));
    let urlencoded = "application/x-www-form-urlencoded";
    for (place, fits, exceeds, text) in [
        (header_place, filled(16 * 1024 - 605), filled(16 * 1024 - 604), "headers of more than"),
        (query, far(16 * 1024 - 603), far(16 * 1024 - 602), "longer than 16384 bytes"),
        (form, body(urlencoded, 97), body(urlencoded, 98), "a body of 701 bytes"),
        (json, object(94), object(95), "a body of 701 bytes"),
    ] {
        gate(place).send(with("api", fits)).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        let error = gate(place).send(with("api", exceeds)).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains(text), "{place}: {error}");
    }
}
