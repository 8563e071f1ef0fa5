//! The source against a stand-in server on a real socket: logins, refusals, faults, gaps, orders, questions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "connection/asking.rs"]
mod asking;
#[path = "connection/listener.rs"]
mod listener;
#[path = "connection/orders.rs"]
mod orders;
#[path = "connection/scripted.rs"]
mod scripted;

use std::{path::PathBuf, time::Duration};

use ami_replay::{Boundaries, Fault, Options, Playback, Server, Trace};
use hookswitch_call::{
    event::{Outcome, What},
    signal::Party,
};
use hookswitch_pbx::asterisk::{Config, Error, Login, Patience, Site, Tls, check};
use listener::Listener;
use scripted::Scripted;

const DEADLINE: Duration = Duration::from_secs(20);

fn site() -> Site {
    Site { trunks: vec!["PJSIP/trunk-provider".into()], inbound_contexts: vec!["from-trunk".into()], ..Site::default() }
}

fn config(address: impl ToString) -> Config {
    Config {
        site: site(),
        patience: Patience {
            heartbeat: Duration::from_secs(5),
            retry_first: Duration::from_millis(20),
            retry_longest: Duration::from_millis(200),
            ..Patience::default()
        },
        ..Config::new(address.to_string(), "crm", "replay-secret".into())
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces").join(name)
}

fn trace(name: &str) -> Trace {
    Trace::load(path(&format!("{name}.ami"))).expect("a recording")
}

/// A part of a recording, from the first place where `from` stands to the first message behind it that holds `to`.
fn part(folder: &tempfile::TempDir, name: &str, from: usize, to: &str) -> (Trace, usize) {
    let text = std::fs::read_to_string(path(&format!("{name}.ami"))).expect("a recording");
    let end = if to.is_empty() { text.len() } else { from + text[from..].find(to).expect("the mark") };
    let end = text[..end].rfind("\r\n\r\n").expect("a message") + 4;
    let file = folder.path().join(format!("{name}-{from}.ami"));
    std::fs::write(&file, &text[from..end]).expect("a writable folder");
    (Trace::load(file).expect("a part of a recording"), end)
}

async fn server() -> Server {
    Server::start(Options::default()).await.expect("a free port")
}

#[tokio::test]
async fn a_call_is_heard_after_each_kind_of_login() {
    for login in [Login::Automatic, Login::Challenge, Login::Plain] {
        let server = server().await;
        let mut listener = Listener::start(Config { login, ..config(server.addr()) });
        listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
        server.play(&trace("a"), Playback::default()).await;
        listener.until("the end of the call", |heard| heard.ended() == [Outcome::Answered]).await;
        let secrets = server.actions().iter().filter(|action| action.request.get("Secret").is_some()).count();
        assert_eq!(secrets, usize::from(login == Login::Plain), "the secret is sent only when it must be");
    }
}

#[tokio::test]
async fn over_tls_the_server_must_be_the_one_that_is_trusted() {
    let server = Server::start(Options { tls: true, ..Options::default() }).await.expect("a free port");
    let other = Server::start(Options { tls: true, ..Options::default() }).await.expect("a free port");
    let folder = tempfile::tempdir().expect("a folder");
    let trusting = |server: &Server| {
        let ca = folder.path().join(format!("{}.pem", server.addr().port()));
        std::fs::write(&ca, server.certificate_pem().expect("a certificate")).expect("a writable folder");
        Some(Tls { ca: Some(ca), server_name: None })
    };
    let facts = check(&Config { tls: trusting(&server), ..config(server.addr()) }).await.expect("a connection");
    assert!(facts.found.contains(", encrypted"), "{}", facts.found);
    let error = check(&Config { tls: trusting(&other), ..config(server.addr()) }).await.expect_err("a stranger");
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    let missing = Tls { ca: Some(folder.path().join("none.pem")), server_name: None };
    let error = check(&Config { tls: Some(missing), ..config(server.addr()) }).await.expect_err("no certificates");
    assert!(matches!(error, Error::Certificates(_)), "{error}");
}

#[tokio::test]
async fn a_trial_connection_tells_what_the_pbx_is_and_what_will_not_work() {
    let server = server().await;
    let facts = check(&config(server.addr())).await.expect("a connection");
    for part in ["Asterisk 22.", "manager interface 11.0.0", "not encrypted, password not sent", "0 channels now"] {
        assert!(facts.found.contains(part), "{}", facts.found);
    }
    let bare = Config { site: Site::default(), ..config(server.addr()) };
    let facts = check(&bare).await.expect("a connection");
    assert!(facts.warnings.iter().any(|warning| warning.contains("inbound-contexts")), "{:?}", facts.warnings);
}

#[tokio::test]
async fn a_wrong_secret_is_told_once_and_tried_again_slowly() {
    let server = server().await;
    let wrong = Config { secret: "wrong".into(), ..config(server.addr()) };
    let error = check(&wrong).await.expect_err("a refusal");
    assert!(matches!(&error, Error::Refused { username, .. } if username == "crm"), "{error}");
    assert!(error.to_string().contains("manager.conf") && !error.to_string().contains("wrong"), "{error}");
    let mut listener = Listener::start(wrong);
    server.wait_for_action("Login", 3, DEADLINE).await.expect("another attempt");
    listener.until("the reason", |heard| heard.reasons.len() == 1).await;
    assert!(listener.heard.reasons[0].contains("refuses the manager user `crm`"), "{:?}", listener.heard.reasons);
    assert_eq!(listener.heard.connects, 0);
}

#[tokio::test]
async fn something_that_is_no_asterisk_is_called_by_its_name() {
    let server = Scripted::start("SSH-2.0-OpenSSH_9.6\r\n", |_| String::new()).await;
    let error = check(&config(server.address)).await.expect_err("no Asterisk");
    assert!(error.to_string().contains("SSH-2.0-OpenSSH_9.6"), "{error}");
    let closed = config(server.address);
    drop(server);
    let error = check(&closed).await.expect_err("nobody listens");
    assert!(matches!(error, Error::Connect { .. }) && error.to_string().contains("manager.conf"), "{error}");
}

#[tokio::test]
async fn a_connection_cut_inside_an_event_loses_no_call() {
    let server = server().await;
    let mut listener = Listener::start(config(server.addr()));
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    server.fault(Fault::DropAfter(20_000));
    let folder = tempfile::tempdir().expect("a folder");
    let (talking, end) = part(&folder, "a", 0, "Event: HangupRequest");
    server.play(&talking, Playback::default()).await;
    listener.until("another resynchronisation", |heard| heard.resyncs == 2).await;
    assert_eq!(listener.heard.connects, 2);
    server.play(&part(&folder, "a", end, "").0, Playback::default()).await;
    listener.until("the end of the call", |heard| heard.ended() == [Outcome::Answered]).await;
    assert_eq!(listener.heard.answers(), [Party::Extension("201".into())]);
}

#[tokio::test]
async fn what_happened_in_a_gap_is_found_out_afterwards() {
    let server = server().await;
    let mut listener = Listener::start(config(server.addr()));
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (talking, hanging_up) = part(&folder, "a", 0, "Event: HangupRequest");
    let (ringing, answering) = part(&folder, "b", 0, "ChannelState: 6\r\nChannelStateDesc: Up\r\nCallerIDNum: 202");
    server.play(&talking, Playback::default()).await;
    server.play(&ringing, Playback::default()).await;
    listener.until("three phones", |heard| heard.rings() == ["201", "201", "202"]).await;
    server.refuse_connections().await;
    server.drop_connections();
    server.wait_for_no_client(DEADLINE).await.expect("an end");
    server.play(&part(&folder, "a", hanging_up, "").0, Playback::default()).await;
    let (answered, hanging_up) = part(&folder, "b", answering, "Event: HangupRequest");
    server.play(&answered, Playback::default()).await;
    server.accept_connections().await;
    listener.until("another resynchronisation", |heard| heard.resyncs == 2).await;
    assert_eq!(listener.heard.answers(), ["201", "202"].map(|extension| Party::Extension(extension.into())));
    assert_eq!(
        listener.heard.ended(),
        [Outcome::Answered],
        "the first call ended unheard, after somebody had answered"
    );
    assert_eq!(listener.heard.ring_stops(), ["201"], "the phone that lost rings no more");
    server.play(&part(&folder, "b", hanging_up, "").0, Playback::default()).await;
    listener.until("the end of the second call", |heard| heard.ended() == [Outcome::Answered; 2]).await;
}

#[tokio::test]
async fn a_host_that_starts_in_mid_call_learns_who_talks_and_who_rings() {
    let server = server().await;
    let cue = server.cue(&trace("t_resync"), Playback::default());
    let mut listener = Listener::start(config(server.addr()));
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    assert_eq!(
        (listener.heard.rings(), listener.heard.answers()),
        (vec!["202".to_owned()], vec![Party::Extension("201".into())])
    );
    let mut calls: Vec<_> = listener
        .heard
        .calls()
        .map(|call| (call.line.clone(), call.external.clone().unwrap_or_default(), call.queue().map(str::to_owned)))
        .collect();
    calls.sort();
    assert_eq!(
        calls,
        [
            ("+493023125000".to_owned(), "+494066969102".to_owned(), Some("sales".to_owned())),
            ("+493023125201".to_owned(), "+494066969101".to_owned(), None),
        ]
    );
    cue.play().await;
    listener.until("both ends", |heard| heard.ended() == [Outcome::Answered; 2]).await;
}

#[tokio::test]
async fn a_silent_server_is_asked_for_a_sign_of_life_and_then_left() {
    let server = server().await;
    let mut impatient = config(server.addr());
    impatient.patience.heartbeat = Duration::from_millis(100);
    impatient.patience.answer = Duration::from_millis(300);
    let mut listener = Listener::start(impatient);
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    server.wait_for_action("Ping", 3, DEADLINE).await.expect("signs of life are asked for");
    assert_eq!(listener.heard.reasons.len(), 0, "a server that answers is kept");
    server.silence(true);
    listener.until("the reason", |heard| !heard.reasons.is_empty()).await;
    assert!(listener.heard.reasons[0].contains("does not answer Ping"), "{:?}", listener.heard.reasons);
    server.silence(false);
    listener.until("another resynchronisation", |heard| heard.resyncs == 2).await;
}

#[tokio::test]
async fn garbage_long_lines_and_half_lines_cost_no_call() {
    let server = server().await;
    let mut listener = Listener::start(config(server.addr()));
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    let playback = Playback { boundaries: Boundaries::Random(7), fresh_ids: true, ..Playback::default() };
    for (calls, fault) in [Fault::GarbageLine, Fault::LongLine(10_000_000), Fault::HalfLine].into_iter().enumerate() {
        server.fault(fault);
        server.play(&trace("a"), playback).await;
        listener.until("the end of the call", |heard| heard.ended().len() == calls + 1).await;
    }
    assert_eq!((listener.heard.connects, listener.heard.reasons.len()), (1, 0));
}

#[tokio::test]
async fn a_manager_who_may_list_nothing_still_hears_calls() {
    let call = std::fs::read_to_string(path("a_min.ami")).expect("a recording");
    let server = Scripted::start("Asterisk Call Manager/11.0.0\r\n", move |request| {
        let id = request.lines().find(|line| line.starts_with("ActionID: ")).unwrap_or_default();
        match request.lines().next().unwrap_or_default() {
            "Action: Challenge" => format!("Response: Error\r\n{id}\r\nMessage: Invalid/unknown command\r\n\r\n"),
            "Action: Login" => format!("Response: Success\r\n{id}\r\nMessage: Authentication accepted\r\n\r\n"),
            "Action: DeviceStateList" => format!("Response: Error\r\n{id}\r\nMessage: Permission denied\r\n\r\n{call}"),
            _ => format!("Response: Error\r\n{id}\r\nMessage: Permission denied\r\n\r\n"),
        }
    })
    .await;
    let mut listener = Listener::start(config(server.address));
    listener.until("the end of the call", |heard| heard.ended() == [Outcome::Answered]).await;
    assert_eq!(listener.heard.resyncs, 0, "what lives is not known");
}

#[tokio::test]
async fn the_reason_of_a_clean_stop_of_the_pbx_is_told() {
    let server = Scripted::start("Asterisk Call Manager/11.0.0\r\n", move |request| {
        let id = request.lines().find(|line| line.starts_with("ActionID: ")).unwrap_or_default();
        match request.lines().next().unwrap_or_default() {
            "Action: DeviceStateList" => format!(
                "Response: Error\r\n{id}\r\nMessage: no\r\n\r\nEvent: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: False\r\n\r\n"
            ) + scripted::CLOSE,
            "Action: Challenge" => format!("Response: Success\r\n{id}\r\nChallenge: 1\r\n\r\n"),
            "Action: Login" => format!("Response: Success\r\n{id}\r\nMessage: Authentication accepted\r\n\r\n"),
            _ => format!("Response: Error\r\n{id}\r\nMessage: no\r\n\r\n"),
        }
    })
    .await;
    let mut listener = Listener::start(config(server.address));
    listener.until("the reason", |heard| !heard.reasons.is_empty()).await;
    assert!(listener.heard.reasons[0].ends_with("it is shutting down"), "{:?}", listener.heard.reasons);
}

#[tokio::test]
async fn a_source_that_is_stopped_says_farewell() {
    let server = server().await;
    let mut listener = Listener::start(config(server.addr()));
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    listener.stop().await;
    server.wait_for_action("Logoff", 1, DEADLINE).await.expect("a farewell");
    server.wait_for_no_client(DEADLINE).await.expect("an end");
}

#[tokio::test]
async fn every_recording_ends_all_its_calls_over_a_real_socket() {
    let names = [
        "b_local_rna",
        "c",
        "d",
        "e",
        "g_refer",
        "h_refer",
        "i",
        "k_forward",
        "n_pickup",
        "n_redirect",
        "n_voicemail",
        "m",
    ];
    let server = server().await;
    let mut listener = Listener::start(config(server.addr()));
    listener.until("a resynchronisation", |heard| heard.resyncs == 1).await;
    for (seed, name) in names.iter().enumerate() {
        let playback = Playback { boundaries: Boundaries::Random(seed as u64), fresh_ids: true, ..Playback::default() };
        server.play(&trace(name), playback).await;
    }
    listener.until("all ends", |heard| heard.calls().count() >= 30 && heard.calls().all(|call| !call.is_open())).await;
    assert!(
        !listener.heard.events.iter().any(|event| matches!(&event.what, What::Ended { outcome: Outcome::Lost, .. }))
    );
}
