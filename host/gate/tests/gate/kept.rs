//! Secrets in answers that a plugin asks the host to keep.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hookswitch_gate::{Denial, Error, Gate, Kept, Options, Request, Vault};
use secrecy::{ExposeSecret, SecretString};

use crate::places::header;
use crate::server::{Server, Turn, get, grant, ok, post};

#[derive(Default)]
struct Safe {
    kept: Mutex<Vec<Kept>>,
    full: bool,
}

#[async_trait]
impl Vault for Safe {
    fn kept(&self) -> Vec<Kept> {
        self.kept.lock().unwrap().clone()
    }

    async fn keep(&self, secret: Kept) -> Result<(), String> {
        if self.full {
            return Err("the disk is full".into());
        }
        let mut kept = self.kept.lock().unwrap();
        kept.retain(|before| before.mask != secret.mask);
        kept.push(secret);
        Ok(())
    }
}

fn gate_to(servers: &[&Server], safe: &Arc<Safe>) -> Gate {
    let http = servers.iter().map(|server| grant(&server.url(""))).collect();
    let vault: Arc<dyn Vault> = Arc::clone(safe) as _;
    Gate::new(Options { http, vault: Some(vault), mask_key: [3; 32], ..servers[0].options() }).unwrap()
}

fn keeping(places: &[&str], request: Request) -> Request {
    Request { keep_secret: places.iter().map(|place| place.to_string()).collect(), ..request }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Answers a POST with `token`, and everything else with what it got.
async fn issuer(token: &'static str) -> Server {
    Server::start(move |request| if request.starts_with(b"POST /login") { ok(token) } else { ok(&text(request)) }).await
}

const LOGIN: &str = concat!(
    "\u{feff}{ \"n\": 12345678901234567890123,\n \"access_token\" : \"s3ss\\u0069on/t0ken\", \"f\":1.10,",
    "\"result\":[{\"x\":\"}\"},{\"pin\":90817263}], \"again\":\"s3ssion/t0ken\", \"none\":null, \"n\":[]}"
);

#[tokio::test]
async fn a_kept_secret_is_masked_and_its_mask_stands_for_it_also_after_a_restart() {
    let server = issuer(LOGIN).await;
    let safe = Arc::new(Safe::default());
    let gate = gate_to(&[&server], &safe);
    let places = ["access_token", "result.1.pin", "none", "n", "absent.x", "result.x", "access_token.x"];
    let response = gate.send(keeping(&places, post(&server.url("/login"), ""))).await.unwrap();
    let kept = safe.kept();
    let by_value = |value: &str| {
        kept.iter().find(|kept| kept.value.expose_secret() == value).unwrap_or_else(|| panic!("{value}")).mask.clone()
    };
    let (token, pin) = (by_value("s3ssion/t0ken"), by_value("90817263"));
    // The long number is kept too, and with it everything that `places` finds.
    let number = by_value("12345678901234567890123");
    assert_eq!(kept.len(), 3);
    let expected = LOGIN
        .replace("\"s3ss\\u0069on/t0ken\"", &format!("\"{token}\""))
        .replace("s3ssion/t0ken", &token)
        .replace("90817263", &format!("\"{pin}\""))
        .replace("12345678901234567890123", &format!("\"{number}\""));
    assert_eq!(text(&response.body), expected, "the rest is as it was, byte for byte");

    for gate in [gate, gate_to(&[&server], &safe)] {
        let percent = gate.placeholder(&token, "percent").unwrap();
        assert_eq!(gate.placeholder(&token, "plain").unwrap(), token);
        let request = Request {
            headers: vec![header("Authorization", &format!("Session {token}"))],
            ..get(&server.url(&format!("/me?auth={percent}&pin={pin}")))
        };
        let response = gate.send(request.clone()).await.unwrap();
        let received = server.requests().pop().unwrap();
        assert!(received.starts_with("GET /me?auth=s3ssion%2Ft0ken&pin=90817263 HTTP/1.1\r\n"), "{received}");
        assert!(received.contains("authorization: Session s3ssion/t0ken\r\n"), "{received}");
        let echoed = text(&response.body);
        assert!(!echoed.contains("s3ssion") && !echoed.contains("90817263"), "{echoed}");
        assert!(echoed.contains(&token) && echoed.contains(&pin), "{echoed}");
        assert_eq!(response.sent.url, request.url);
        assert!(gate.matches(&token, "s3ssion/t0ken") && !gate.matches(&token, &token));
    }
    let again = gate_to(&[&server], &safe).send(keeping(&places, post(&server.url("/login"), ""))).await.unwrap();
    assert_eq!(text(&again.body), expected, "the same value has the same mask");
    assert_eq!(safe.kept().len(), 3);
}

#[tokio::test]
async fn a_mask_goes_back_to_where_the_secret_came_from_and_nowhere_else() {
    let (server, other) = (issuer(LOGIN).await, issuer("").await);
    let safe = Arc::new(Safe::default());
    let gate = gate_to(&[&server, &other], &safe);
    gate.send(keeping(&["access_token"], post(&server.url("/login"), ""))).await.unwrap();
    let mask = safe.kept()[0].mask.clone();
    for request in [
        post(&other.url("/"), &mask),
        get(&other.url(&format!("/{mask}"))),
        Request {
            headers: vec![header("x-auth", &gate.placeholder(&mask, "base64").unwrap())],
            ..get(&other.url("/"))
        },
    ] {
        let error = gate.send(request).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{error}");
        assert!(error.to_string().contains(&other.url("")), "{error}");
    }
    let error = gate.send(get(&mask)).await.unwrap_err();
    assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains("no url"), "{error}");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_kept_url_is_called_by_its_mask_and_the_grants_hold() {
    let upload = Server::start(|request| ok(&text(request))).await;
    let address = upload.url("/up/k3yk3yk3yk3yk3y1/?token=t0ken-of-upl0ad-42");
    let server = Server::start(move |_| ok(&format!(r#"{{"result":{{"uploadUrl":"{address}"}}}}"#))).await;
    let safe = Arc::new(Safe::default());
    let place = "result.uploadUrl";
    let gate = gate_to(&[&server, &upload], &safe);
    let answer = text(&gate.send(keeping(&[place], get(&server.url("/")))).await.unwrap().body);
    let mask = safe.kept()[0].mask.clone();
    assert_eq!(answer, format!(r#"{{"result":{{"uploadUrl":"{mask}"}}}}"#));
    let response = gate.send(post(&mask, "recording")).await.unwrap();
    let received = upload.requests().remove(0);
    assert!(received.starts_with("POST /up/k3yk3yk3yk3yk3y1/?token=t0ken-of-upl0ad-42 HTTP/1.1\r\n"), "{received}");
    assert_eq!(response.sent.url, mask);
    let seen = format!("{} {response:?}", text(&response.body));
    for part in ["k3yk3yk3yk3yk3y1", "t0ken-of-upl0ad-42"] {
        assert!(!seen.contains(part), "{seen}");
    }
    gate.send(post(&upload.url("/other"), &mask)).await.unwrap();
    assert!(upload.requests()[1].contains("t0ken-of-upl0ad-42"));

    let narrow = gate_to(&[&server], &safe);
    let error = narrow.send(get(&mask)).await.unwrap_err();
    assert!(matches!(&error, Error::Denied { denial: Denial::Url(_), .. }), "{error}");
    assert!(!format!("{error}{error:?}").contains("k3yk3y"), "{error:?}");
    assert_eq!(upload.requests().len(), 2);
}

#[tokio::test]
async fn only_successful_answers_in_json_are_looked_into() {
    let turns = |request: &[u8]| {
        let request = text(request);
        match request.split(' ').nth(1).unwrap() {
            "/refused" => Turn::Answer(
                b"HTTP/1.1 400 Bad\r\nContent-Length: 24\r\n\r\n{\"token\":\"nosuchthing!!\"}"[..].to_vec(),
            ),
            "/html" => ok("<b>token: 12345678</b>"),
            "/empty" => ok(r#"{"token":""}"#),
            "/deep" => ok(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
            "/short" => ok(r#"{"token":"abc","word":"abc"}"#),
            path => panic!("{path}"),
        }
    };
    let server = Server::start(turns).await;
    let safe = Arc::new(Safe::default());
    let gate = gate_to(&[&server], &safe);
    for (path, body) in [("/html", "<b>token: 12345678</b>"), ("/empty", r#"{"token":""}"#)] {
        let response = gate.send(keeping(&["token"], get(&server.url(path)))).await.unwrap();
        assert_eq!(response.body, body);
    }
    gate.send(keeping(&["0.0.0"], get(&server.url("/deep")))).await.unwrap();
    assert_eq!(gate.send(keeping(&["token"], get(&server.url("/refused")))).await.unwrap().status, 400);
    assert!(safe.kept().is_empty());
    // What is too short to be looked for is masked at its place.
    let body = text(&gate.send(keeping(&["token"], get(&server.url("/short")))).await.unwrap().body);
    assert_eq!(body, format!(r#"{{"token":"{}","word":"abc"}}"#, safe.kept()[0].mask));
}

#[tokio::test]
async fn a_secret_that_cannot_be_kept_is_not_handed_out() {
    let server = issuer(LOGIN).await;
    let safe = Arc::new(Safe { full: true, ..Safe::default() });
    let error = gate_to(&[&server], &safe).send(keeping(&["access_token"], post(&server.url("/login"), ""))).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::InDoubt { .. }) && error.to_string().contains("the disk is full"), "{error}");
    assert!(!format!("{error:?}").contains("s3ssion"), "{error:?}");

    let long: &'static str = Box::leak(format!("{{\"t\":\"{}\"}}", "x".repeat(16 * 1024 + 1)).into_boxed_str());
    let server = issuer(long).await;
    let error = gate_to(&[&server], &Arc::default()).send(keeping(&["t"], post(&server.url("/login"), ""))).await;
    assert!(matches!(error, Err(Error::InDoubt { .. })), "{error:?}");
}

#[tokio::test]
async fn places_that_cannot_be_and_a_host_without_a_vault_are_told_before_anything_leaves() {
    let server = issuer(LOGIN).await;
    let gate = gate_to(&[&server], &Arc::default());
    let many: Vec<&str> = std::iter::repeat_n("token", 17).collect();
    let deep = vec!["a"; 17].join(".");
    for places in [&many[..], &[""], &["a..b"], &[".a"], &[deep.as_str()]] {
        let error = gate.send(keeping(places, post(&server.url("/login"), ""))).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{places:?}: {error}");
    }
    let without = Gate::new(server.options()).unwrap();
    let error = without.send(keeping(&["access_token"], post(&server.url("/login"), ""))).await.unwrap_err();
    assert!(matches!(error, Error::BadRequest(_)) && error.to_string().contains("keep-secret"), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_value_from_two_places_may_go_to_both() {
    let (one, other) = (issuer(LOGIN).await, issuer(LOGIN).await);
    let safe = Arc::new(Safe::default());
    let gate = gate_to(&[&one, &other], &safe);
    for server in [&one, &other] {
        gate.send(keeping(&["access_token"], post(&server.url("/login"), ""))).await.unwrap();
    }
    let mask = safe.kept()[0].mask.clone();
    for server in [&one, &other] {
        gate.send(post(&server.url("/"), &mask)).await.unwrap();
        assert!(server.requests()[1].ends_with("s3ssion/t0ken"));
    }
}

#[tokio::test]
async fn what_is_in_the_vault_is_taken_out_of_the_first_answer_already() {
    let server = Server::start(|_| ok("kept-bef0re")).await;
    let value = SecretString::from("kept-bef0re");
    let kept = Kept { mask: "secret0".into(), value, origins: vec![grant(&server.url(""))] };
    let safe = Arc::new(Safe { kept: Mutex::new(vec![kept]), full: false });
    let response = gate_to(&[&server], &safe).send(get(&server.url("/"))).await.unwrap();
    assert_eq!(response.body, "secret0");
}
