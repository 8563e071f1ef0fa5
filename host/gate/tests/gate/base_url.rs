//! The secret base URL: requests are paths below it, and cannot leave it.

use std::collections::BTreeMap;

use hookswitch_gate::{Credential, Error, Gate, InvalidCredential, Options, SetupError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::server::{Server, get, ok, options, post, with};

const SECRET: &str = "k3yk3yk3yk3yk3y1";

pub(crate) fn portal(base: &str) -> BTreeMap<String, Credential> {
    BTreeMap::from([("portal".into(), Credential::base_url(&base.to_owned().into()).unwrap())])
}

fn gate(server: &Server) -> Gate {
    let credentials = portal(&server.url(&format!("/rest/7/{SECRET}/")));
    Gate::new(Options { credentials, ..server.options() }).unwrap()
}

#[tokio::test]
async fn a_path_is_joined_to_the_base_and_shown_without_it() {
    let server = Server::start(|_| ok("")).await;
    for base in [format!("/rest/7/{SECRET}/"), format!("/rest/7/{SECRET}")] {
        let gate = Gate::new(Options { credentials: portal(&server.url(&base)), ..server.options() }).unwrap();
        for (relative, sent) in [
            ("telephony.externalcall.register", "/telephony.externalcall.register"),
            ("crm.lead.list.json?start=50&filter[PHONE]=%2B49", "/crm.lead.list.json?start=50&filter[PHONE]=%2B49"),
            ("a/b/", "/a/b/"),
            ("", "/"),
            ("?u=https://x/../y", "/?u=https://x/../y"),
            ("a%3Ab/c:d", "/a%3Ab/c:d"),
            ("...", "/..."),
        ] {
            let response = gate.send(with("portal", post(relative, "{}"))).await.unwrap();
            assert_eq!(response.sent.url, format!("{{portal}}{sent}"));
            let line = server.requests().last().unwrap().split("\r\n").next().unwrap().to_owned();
            assert_eq!(line, format!("POST /rest/7/{SECRET}{sent} HTTP/1.1"));
        }
    }
}

#[tokio::test]
async fn no_spelling_leaves_the_base() {
    let server = Server::start(|_| ok("")).await;
    let gate = gate(&server);
    for relative in [
        "..",
        "../x",
        "x/../../y",
        "./x",
        "x/.",
        "/x",
        "//evil.example/x",
        "/\\evil",
        "\\x",
        "x\\..\\y",
        "%2e%2e/x",
        "%2E%2e/x",
        ".%2e/x",
        "x/%2e",
        "..%2fx",
        "..%2Fx",
        "%2e%2e%2fx",
        "x%2f..%2fy",
        "..%5cx",
        "%252e%252e/x",
        "%25252e%25252e/x",
        "..;/x",
        "..;a=b/x",
        "https://evil.example/x",
        "HTTP://evil.example",
        "https:x",
        "https:/x",
        "javascript:x",
        "a:b",
        "x\t/../y",
        ".\t./x",
        "x\ny",
        "x y",
        "x#y",
        "#",
        "\u{0}",
        "..?x",
        "%25%32%65%25%32%65/x",
    ] {
        let error = gate.send(with("portal", get(relative))).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{relative:?}: {error}");
        assert!(!format!("{error:?}{error}").contains(SECRET), "{relative:?}: {error:?}");
    }
    let absolute = server.url("/rest/7/x");
    assert!(matches!(gate.send(with("portal", get(&absolute))).await, Err(Error::BadRequest(_))));
    assert!(matches!(gate.send(get("crm.lead.add")).await, Err(Error::BadRequest(_))));
    assert_eq!(server.connections(), 0);
}

#[test]
fn whatever_the_path_says_the_request_line_begins_with_the_base() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::start(|_| ok("")));
    let gate = gate(&server);
    let pieces = [
        "..",
        ".",
        "/",
        "%2e",
        "%2f",
        "%5c",
        "%25",
        "\\",
        ";",
        ":",
        "?",
        "@",
        "//",
        "a",
        "crm.x",
        "127.0.0.2",
        "\t",
        "%",
    ];
    let piece = prop_oneof![6 => proptest::sample::select(pieces.to_vec()).prop_map(String::from), 1 => any::<char>().prop_map(String::from)];
    let path = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(2000) });
    runner
        .run(&path, |path| {
            match runtime.block_on(gate.send(with("portal", get(&path)))) {
                Ok(_) => {
                    let request = server.requests().pop().unwrap();
                    let target = request.split(' ').nth(1).unwrap();
                    let below = target.strip_prefix(&format!("/rest/7/{SECRET}/"));
                    prop_assert!(below.is_some(), "{:?}: {}", path, target);
                    let below = below.unwrap().split('?').next().unwrap().to_ascii_lowercase();
                    let plain = below.replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
                    prop_assert!(plain.split('/').all(|part| part != ".."), "{:?}: {}", path, target);
                }
                Err(Error::BadRequest(_)) => {}
                Err(other) => prop_assert!(false, "{path:?}: {other}"),
            }
            Ok(())
        })
        .unwrap();
    assert!(server.requests().len() > 100);
}

#[test]
fn a_base_url_leads_only_where_the_admin_also_allows_http() {
    let base = format!("https://acme.bitrix24.com/rest/7/{SECRET}/");
    let with_grants = |http: &[&str]| Gate::new(Options { credentials: portal(&base), ..options(http) });
    assert!(with_grants(&["https://*.bitrix24.com"]).is_ok());
    assert!(with_grants(&["https://acme.bitrix24.com/rest"]).is_ok());
    for http in
        [&[][..], &["https://other.bitrix24.com"], &["http://acme.bitrix24.com"], &["https://acme.bitrix24.com/api"]]
    {
        let error = with_grants(http).err().unwrap();
        let SetupError::CredentialNotGranted { cure, .. } = &error else { panic!("{error}") };
        assert_eq!(cure.line, "allow.http = [\"https://acme.bitrix24.com\"]");
        assert!(!format!("{error}{error:?}").contains(SECRET), "{error:?}");
    }
    assert_eq!(portal(&base)["portal"].origin().unwrap().to_string(), "https://acme.bitrix24.com");
}

#[test]
fn a_base_url_that_is_none_is_refused_without_repeating_it() {
    for text in [
        format!("acme.bitrix24.com/rest/7/{SECRET}/"),
        format!("https://acme.bitrix24.com/rest/7/{SECRET}/?x=1"),
        format!("https://acme.bitrix24.com/rest/7/{SECRET}/#x"),
        format!("https://user:{SECRET}@acme.bitrix24.com/"),
        format!("https://acme.bitrix24.com/rest/../{SECRET}/"),
        format!("ftp://acme.bitrix24.com/{SECRET}/"),
        format!("https://acme.bitrix24.com/rest/ {SECRET}/"),
        format!("https://acme.bitrix24.com:{SECRET}/"),
        String::new(),
    ] {
        let error: InvalidCredential = Credential::base_url(&text.clone().into()).expect_err(&text);
        assert!(!format!("{error}{error:?}").contains(SECRET), "{error:?}");
    }
    // Files end with a line break.
    let base = format!("  https://acme.bitrix24.com/rest/7/{SECRET}/\r\n");
    assert!(Credential::base_url(&base.into()).is_ok());
}
