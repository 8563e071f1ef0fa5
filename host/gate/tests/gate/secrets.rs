//! Secrets go out where they are meant to go, and never come back.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hookswitch_gate::{Credential, Error, Gate, InvalidCredential, Options, Request};

use crate::base_url::portal;
use crate::server::{Server, Turn, get, grant, ok, post, with};

const SECRET: &str = "k3yk3yk3yk3yk3y1";
const TOKEN: &str = "Tok/en+42~with.signs==";

fn bearer(origins: &[&str]) -> BTreeMap<String, Credential> {
    let origins = origins.iter().map(|text| grant(text)).collect();
    BTreeMap::from([("api".into(), Credential::bearer(&TOKEN.to_owned().into(), origins).unwrap())])
}

#[tokio::test]
async fn a_bearer_token_goes_to_its_origins_and_nowhere_else() {
    let server = Server::start(|_| ok("")).await;
    let other = Server::start(|_| ok("")).await;
    let http = vec![grant(&server.url("")), grant(&other.url(""))];
    let gate = Gate::new(Options { http, credentials: bearer(&[&server.url("")]), ..server.options() }).unwrap();

    gate.send(with("api", get(&server.url("/")))).await.unwrap();
    assert!(server.requests()[0].contains(&format!("authorization: Bearer {TOKEN}\r\n")));
    gate.send(get(&server.url("/"))).await.unwrap();
    gate.send(get(&other.url("/"))).await.unwrap();
    assert!(!server.requests()[1].contains("authorization") && !other.requests()[0].contains("authorization"));

    let error = gate.send(with("api", get(&other.url("/")))).await.unwrap_err();
    let Error::Denied { cure, .. } = &error else { panic!("{error}") };
    assert_eq!(cure.line, format!("credentials.api.origins = [\"{}\"]", other.url("")));
    assert_eq!(other.requests().len(), 1);
}

#[tokio::test]
async fn a_plugin_cannot_set_the_header_that_its_credential_sets() {
    let server = Server::start(|_| ok("")).await;
    let credentials = bearer(&[&server.url("")]);
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    let own = Request { headers: vec![("Authorization".into(), "Basic x".into())], ..get(&server.url("/")) };
    assert!(matches!(gate.send(with("api", own.clone())).await, Err(Error::BadRequest(_))));
    gate.send(own).await.unwrap();
    assert!(server.requests()[0].contains("authorization: Basic x\r\n"));
}

#[tokio::test]
async fn an_unknown_credential_is_denied_with_the_line_to_write() {
    let server = Server::start(|_| ok("")).await;
    let gate = Gate::new(server.options()).unwrap();
    let error = gate.send(with("portal", get(&server.url("/")))).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }) && error.to_string().contains("credentials.portal = {"), "{error}");
    let credentials = BTreeMap::from([("portal".into(), Credential::none())]);
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    gate.send(with("portal", get(&server.url("/")))).await.unwrap();
    assert!(!server.requests()[0].contains("authorization"));
}

#[test]
fn a_token_that_no_header_can_carry_or_no_answer_can_be_cleaned_of_is_refused() {
    for token in ["", "sh0rt", "with space in it", "line\nbreak-inside", "tökentökentöken"] {
        let error = Credential::bearer(&token.to_owned().into(), Vec::new()).unwrap_err();
        assert!(matches!(error, InvalidCredential::TokenCharacters | InvalidCredential::Short), "{token:?}");
        assert!(token.is_empty() || !format!("{error}{error:?}").contains(token));
    }
    assert!(Credential::bearer(&format!("{TOKEN}\n").into(), Vec::new()).is_ok());
}

/// How a CRM, a proxy or a framework's error page would echo `secret`.
fn echoes(secret: &str) -> Vec<String> {
    let percent: String = secret
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let mut echoes = vec![
        secret.to_owned(),
        percent.clone(),
        percent.to_lowercase(),
        secret.to_uppercase(),
        secret.replace('/', "\\/"),
        secret.replace('/', "\\\\/"),
        secret.replace('/', "\\u002F"),
    ];
    for before in ["", "x", "xy", "xyz", "user:"] {
        let text = format!("{before}{secret}!");
        echoes.extend([STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)]);
    }
    echoes
}

/// Long enough to be no coincidence, in any of the spellings.
fn leaks(text: &str, secret: &str) -> bool {
    let lower = text.to_lowercase();
    let plain = |part: &str| lower.contains(&part.to_lowercase());
    plain(secret)
        || echoes(secret).iter().any(|echo| {
            let middle: String = echo.chars().skip(4).take(echo.len().saturating_sub(8)).collect();
            plain(&middle)
        })
}

#[tokio::test]
async fn a_secret_that_is_echoed_in_any_usual_spelling_never_reaches_the_caller() {
    let base = |server: &Server| server.url(&format!("/rest/7/{SECRET}"));
    for kind in ["key", "path", "url", "token"] {
        for n in 0..echoes("").len() {
            let server = Server::start(move |request| {
                let request = String::from_utf8_lossy(request).into_owned();
                let host = request.split("host: ").nth(1).unwrap().split("\r\n").next().unwrap();
                let path = format!("/rest/7/{SECRET}");
                let secret = match kind {
                    "key" => SECRET.to_owned(),
                    "path" => path,
                    "url" => format!("http://{host}{path}"),
                    _ => TOKEN.to_owned(),
                };
                let echo = echoes(&secret).swap_remove(n);
                let body = format!("{{\"error\":\"you asked {echo} for 7, rest\"}}");
                Turn::Answer(
                    format!("HTTP/1.1 302 Found\r\nLocation: {echo}/x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                        .into_bytes(),
                )
            })
            .await;
            let mut credentials = portal(&base(&server));
            credentials.extend(bearer(&[&server.url("")]));
            let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
            let request =
                if kind == "token" { with("api", get(&server.url("/"))) } else { with("portal", post("crm.x", "")) };
            let response = gate.send(request).await.unwrap();
            let body = String::from_utf8(response.body.to_vec()).unwrap();
            let secret = if kind == "token" { TOKEN } else { SECRET };
            let seen = format!("{body} {:?} {:?}", response.headers, response.sent);
            assert!(!leaks(&seen, secret), "{kind} {n}: {seen}");
            // The rest of the answer is whole.
            assert!(
                body.starts_with("{\"error\":\"you asked ") && body.ends_with(" for 7, rest\"}"),
                "{kind} {n}: {body}"
            );
            let mark = if kind == "token" { "{api}" } else { "{portal}" };
            assert!(body.contains(mark), "{kind} {n}: {body}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_secret_stays_as_it_is() {
    let body = "\u{feff}{\"rest\":7,\"k3y\":\"k3yk3y\",\"path\":\"/rest/7/\"}";
    let server = Server::start(move |_| ok(body)).await;
    let credentials = portal(&server.url(&format!("/rest/7/{SECRET}")));
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    assert_eq!(gate.send(with("portal", get("x"))).await.unwrap().body, body);
}

#[tokio::test]
async fn neither_errors_nor_debug_output_hold_a_secret() {
    let base = |server: &Server| server.url(&format!("/rest/7/{SECRET}"));
    let cut = Server::start(|_| Turn::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec())).await;
    let large = Server::start(|_| ok(&"x".repeat(2_000_000))).await;
    let mut shown = String::new();
    for server in [&cut, &large] {
        let mut credentials = portal(&base(server));
        credentials.extend(bearer(&[&server.url("")]));
        let options = Options { credentials, ..server.options() };
        shown += &format!("{options:?} {options:#?}");
        let gate = Gate::new(options).unwrap();
        for request in [
            with("portal", post("crm.x", "")),
            with("portal", post("../x", "")),
            with("api", get(&server.url("/"))),
            with("api", get("http://evil.example/")),
        ] {
            let error = gate.send(request).await.unwrap_err();
            shown += &format!("{error} {error:?}\n");
        }
    }
    assert!(!shown.contains(SECRET) && !shown.contains(TOKEN) && !shown.contains("/rest/7"), "{shown}");
    assert!(shown.contains("{portal}/crm.x"), "{shown}");
}

#[tokio::test]
async fn secrets_that_run_into_each_other_leave_nothing_of_either() {
    let server =
        Server::start(|_| ok("<begin-0f-one+middle-0f-b0th+the-end-0f-0ther> begin-0f-one+middle-0f-b0th")).await;
    let origins = || vec![grant(&server.url(""))];
    let made = |secret: &str| Credential::secret(&secret.to_owned().into(), origins()).unwrap();
    let credentials = BTreeMap::from([
        ("one".into(), made("begin-0f-one+middle-0f-b0th")),
        ("other".into(), made("middle-0f-b0th+the-end-0f-0ther")),
    ]);
    let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
    assert_eq!(gate.send(get(&server.url("/"))).await.unwrap().body, "<{other}> {one}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_searched_in_time_is_cut_off() {
    let a = |count: usize| "a".repeat(count);
    // Each place of such a text could be the beginning of the secret.
    for (secret, body, ending) in [
        (a(16_000), a(1_000_000), "{api}"),
        (format!("{}b{}", a(8_000), a(8_000)), a(1_000_000), "{api}"),
        (format!("{}b{}", a(8_000), a(8_000)), format!("{}b{}.", a(8_000), a(8_000)), "{api}."),
    ] {
        let given = body.clone();
        let server = Server::start(move |_| ok(&given)).await;
        let credential = Credential::secret(&secret.clone().into(), vec![grant(&server.url(""))]).unwrap();
        let credentials = BTreeMap::from([("api".into(), credential)]);
        let gate = Gate::new(Options { credentials, ..server.options() }).unwrap();
        let seen = gate.send(get(&server.url("/"))).await.unwrap().body;
        let seen = String::from_utf8(seen.to_vec()).unwrap();
        assert!(seen.len() < body.len() && seen.ends_with(ending) && !seen.contains(&secret), "{} bytes", seen.len());
    }
}
