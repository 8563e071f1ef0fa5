//! Logging in, and what is refused, byte for byte as recorded from a live server.

mod client;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ami_replay::{Options, Server};
use client::{Client, DEADLINE, GREETING, LOGIN};
use md5::{Digest as _, Md5};
use tokio_rustls::TlsConnector;

async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

#[tokio::test]
async fn a_plain_login_is_accepted_and_a_logoff_ends_the_connection() {
    let server = server().await;
    let mut client = Client::connect(server.addr()).await;
    assert_eq!(client.until("\r\n").await, GREETING);
    let accepted = client.ask(LOGIN).await;
    assert_eq!(accepted, "Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n");
    let booted = client.until("\r\n\r\n").await;
    assert!(booted.starts_with("Event: FullyBooted\r\nPrivilege: system,all\r\n"), "{booted}");
    server.wait_for_login(DEADLINE).await.unwrap();
    let pong = client.ask("Action: Ping\r\nActionID: 9\r\n\r\n").await;
    assert!(pong.starts_with("Response: Success\r\nActionID: 9\r\nPing: Pong\r\nTimestamp: "), "{pong}");
    let bye = client.ask("Action: Logoff\r\nActionID: 10\r\n\r\n").await;
    assert_eq!(bye, "Response: Goodbye\r\nActionID: 10\r\nMessage: Thanks for all the fish.\r\n\r\n");
    assert_eq!(client.rest().await, b"");
    server.wait_for_no_client(DEADLINE).await.unwrap();
}

#[tokio::test]
async fn the_key_for_the_challenge_logs_in_and_the_key_of_another_challenge_does_not() {
    let server = server().await;
    for (other, expected) in [("", "Authentication accepted"), ("1", "Authentication failed")] {
        let mut client = Client::connect(server.addr()).await;
        client.until("\r\n").await;
        let answer = client.ask("Action: Challenge\r\nActionID: 1\r\nAuthType: MD5\r\n\r\n").await;
        let digits = client::values(&answer, "Challenge").remove(0);
        let key: String =
            Md5::digest(format!("{digits}{other}replay-secret")).iter().map(|byte| format!("{byte:02x}")).collect();
        let login = format!("Action: Login\r\nActionID: 2\r\nAuthType: MD5\r\nUsername: crm\r\nKey: {key}\r\n\r\n");
        assert_eq!(client::values(&client.ask(&login).await, "Message"), [expected]);
    }
}

#[tokio::test]
async fn a_wrong_secret_is_refused_a_second_late_and_the_connection_closes() {
    let server = server().await;
    let mut client = Client::connect(server.addr()).await;
    client.until("\r\n").await;
    let asked = Instant::now();
    client.send("Action: Login\r\nActionID: 1\r\nUsername: crm\r\nSecret: wrong\r\n\r\n").await;
    assert_eq!(client.rest().await, b"Response: Error\r\nActionID: 1\r\nMessage: Authentication failed\r\n\r\n");
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn requests_before_login_are_denied_and_the_connection_stays() {
    let server = server().await;
    let mut client = Client::connect(server.addr()).await;
    client.until("\r\n").await;
    for request in ["Action: Ping\r\nActionID: 9\r\n\r\n", "Action: CoreShowChannels\r\nActionID: 9\r\n\r\n"] {
        let denied = client.ask(request).await;
        assert_eq!(denied, "Response: Error\r\nActionID: 9\r\nMessage: Permission denied\r\n\r\n");
    }
    assert!(client.ask(LOGIN).await.contains("Authentication accepted"));
}

#[tokio::test]
async fn unknown_forbidden_and_nameless_requests_get_the_real_errors() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    let cases = [
        (
            "Action: NoSuchAction",
            "Invalid/unknown command: NoSuchAction. Use Action: ListCommands to show available commands.",
        ),
        ("Action: Originate", "Permission denied"),
        ("NoAction: here", "Missing action in request"),
        ("Action: Status\r\nChannel: PJSIP/none-00000000", "No such channel"),
    ];
    for (request, message) in cases {
        let answer = client.ask(&format!("ActionID: 11\r\n{request}\r\n\r\n")).await;
        assert_eq!(answer, format!("Response: Error\r\nActionID: 11\r\nMessage: {message}\r\n\r\n"), "{request}");
    }
}

#[tokio::test]
async fn the_server_speaks_tls_with_a_certificate_that_the_client_can_trust() {
    let server = Server::start(Options { tls: true, ..Options::default() }).await.unwrap();
    let pem = server.certificate_pem().unwrap();
    let certificate = rustls::pki_types::CertificateDer::from(der(pem));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut client = Client::over(TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap());
    assert_eq!(client.until("\r\n").await, GREETING);
    assert!(client.ask(LOGIN).await.contains("Authentication accepted"));
}

fn der(pem: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[tokio::test]
async fn requests_are_kept_for_the_test_to_see() {
    let server = server().await;
    let mut client = Client::logged_in(server.addr()).await;
    client.ask("Action: Ping\r\nActionID: 7\r\n\r\n").await;
    let ping = server.wait_for_action("Ping", 1, DEADLINE).await.unwrap();
    assert_eq!((ping.connection, ping.request.value("actionid")), (1, "7"));
    let names: Vec<_> = server.actions().iter().map(|action| action.name().to_owned()).collect();
    assert_eq!(names, ["Login", "Ping"]);
    let missing = server.wait_for_action("Status", 1, Duration::from_millis(10)).await.unwrap_err();
    assert!(missing.to_string().contains("no request Status number 1 within 10ms"), "{missing}");
}
