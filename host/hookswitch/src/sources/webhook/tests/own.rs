//! Our own format, which others write programs for.

use hookswitch_call::{
    event::Outcome,
    signal::{Direction, Reason, Report, Side},
    site::{Membership, News, PhoneState, Trait},
};
use hookswitch_web::Request;
use sha2::{Digest, Sha256};

use super::{Door, example, request};

/// HMAC-SHA256 as RFC 2104 defines it.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let pad = |byte: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or_default() ^ byte).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signed(body: &str, ago: u64) -> Request {
    let time = crate::clock::now().0 / 1000 - ago;
    let signature = hmac(b"demo-calls-key", format!("{time}.{body}").as_bytes());
    request(&format!("POST /\nx-timestamp: {time}\nx-signature: sha256={signature}\n\n{body}"))
}

fn door() -> Door {
    Door::open("other", &example("own-format"))
}

/// A message of the call `c1`.
fn told(seq: u64, second: u64, kind: &str, data: &str) -> String {
    format!(
        r#"{{"kind":"{kind}","chain":"c1","at":"2024-03-05T09:15:{second:02}.250Z","seq":{seq},"data":{{{data}}}}}"#
    )
}

#[test]
fn the_signature_of_this_test_is_that_of_others() {
    let known = "b400a52afe6440a9e492e0fb693d0805d4016d64f9e8aeb4eb778ef778279c4b";
    assert_eq!(hmac(b"demo-calls-key", b"1800000000.[{\"kind\":\"call.new\"}]"), known);
}

#[tokio::test]
async fn a_whole_call_in_one_list_or_message_by_message() {
    let story = [
        told(
            1,
            0,
            "call.new",
            r#""direction":"inbound","external":{"number":"+4420000001","name":"Ann Example"},"line":{"did":"+4420000100","trunk":"t1"}"#,
        ),
        told(2, 1, "call.ringing", r#""ext":"804","ext_kind":"queue""#),
        told(3, 2, "call.ringing", r#""ext":"105","ext_kind":"ext""#),
        told(4, 3, "call.ringing", r#""ext":"ann""#),
        told(5, 8, "call.ring_stopped", r#""ext":"105","reason":"rejected","cause":21"#),
        told(6, 12, "call.answered", r#""ext":"ann""#),
        told(7, 15, "call.held", r#""ext":"ann""#),
        told(8, 20, "call.resumed", r#""ext":"ann""#),
        told(9, 21, "call.dtmf", r#""digits":"5#""#),
        told(10, 30, "call.transferred", r#""from_ext":"ann","to":"106","type":"attended""#),
        told(11, 31, "call.answered", r#""ext":"106","transfer":"none""#),
        told(12, 50, "call.ended", r#""reason":"normal","side":"external","cause":16"#),
        told(
            13,
            51,
            "recording.available",
            r#""files":[{"url":"https://pbx.example/1.wav"},{"url":"https://pbx.example/2.wav"}]"#,
        ),
        told(14, 52, "transcript.available", r#""text":"- Hello""#),
        told(15, 53, "summary.available", r#""text":"A greeting""#),
    ];
    let events = [
        "new",
        "queued",
        "ringing",
        "ringing",
        "ring-stopped",
        "left-queue",
        "answered",
        "held",
        "resumed",
        "digits",
        "transferred",
        "leg-ended",
        "answered",
        "ended",
        "recorded",
        "recorded",
        "transcript",
        "summary",
    ];
    let whole = door();
    assert_eq!(whole.answer(signed(&format!("[{}]", story.join(",")), 0)).await.0, 200);
    let single = door();
    for message in story {
        assert_eq!(single.answer(signed(&message, 0)).await.0, 200);
    }
    for door in [whole, single] {
        assert_eq!(door.events(), events);
        let call = door.call("c1");
        assert_eq!(
            (call.direction, call.external_name.as_str(), call.trunk.as_str()),
            (Direction::Inbound, "Ann Example", "t1")
        );
        assert_eq!(call.started.0, 1_709_630_100_250);
        assert_eq!((call.leg, call.transfer.as_deref(), call.queue()), (2, Some("attended"), Some("804")));
        let end = call.ended.unwrap();
        assert_eq!(
            (end.outcome, end.reason, end.by, end.cause),
            (Outcome::Answered, Reason::Normal, Side::External, Some(16))
        );
        assert_eq!(end.credited.unwrap().as_str(), "106");
        assert_eq!((call.recordings.len(), call.transcript.as_deref()), (2, Some("- Hello")));
    }
}

#[tokio::test]
async fn what_was_signed_too_long_ago_in_the_future_or_was_received_before_is_refused() {
    let door = door();
    let body = told(1, 0, "call.new", r#""direction":"inbound""#);
    assert_eq!(door.answer(signed(&body, 310)).await.0, 403);
    let mut early = signed(&body, 0);
    let ahead = crate::clock::now().0 / 1000 + 310;
    let signature = hmac(b"demo-calls-key", format!("{ahead}.{body}").as_bytes());
    early.headers.insert("x-timestamp", ahead.to_string().parse().unwrap());
    early.headers.insert("x-signature", format!("sha256={signature}").parse().unwrap());
    assert_eq!(door.answer(early).await.0, 403);
    let right = signed(&body, 10);
    assert_eq!(door.answer(right.clone()).await.0, 200);
    assert_eq!(door.answer(right.clone()).await, (409, "received before".to_owned()));
    let mut moved = right;
    moved.headers.insert("x-timestamp", (crate::clock::now().0 / 1000).to_string().parse().unwrap());
    assert_eq!(door.answer(moved).await.0, 403);
    // The same, signed afresh: acknowledged, and nothing new.
    assert_eq!(door.answer(signed(&body, 5)).await.0, 200);
    assert_eq!(door.events(), ["new"]);
}

#[tokio::test]
async fn a_post_that_could_not_be_kept_is_believed_again() {
    let mut door = door();
    door.deafen().await;
    let request = signed(&told(1, 0, "call.new", r#""direction":"inbound""#), 0);
    for _ in 0..2 {
        assert_eq!(door.answer(request.clone()).await.0, 503);
    }
}

#[tokio::test]
async fn extensions_and_queues_are_told_as_well() {
    let door = door();
    let message = |kind: &str, data: &str| format!(r#"{{"kind":"{kind}","data":{{{data}}}}}"#);
    let news = [
        message("extension.added", r#""ext":"105","name":"Ann""#),
        message("extension.status", r#""ext":"105","what":"registration","value":"registered""#),
        message("extension.status", r#""ext":"105","what":"call","value":"busy""#),
        message("extension.status", r#""ext":"105","what":"presence","value":"lunch""#),
        message("extension.status", r#""ext":"105","what":"forwarding","value":"""#),
        message("extension.status", r#""ext":"105","what":"queues_global","value":"in""#),
        message("queue.membership", r#""ext":"105","queue":"804","change":"login""#),
        message("extension.removed", r#""ext":"105""#),
    ];
    assert_eq!(door.answer(signed(&format!("[{}]", news.join(",")), 0)).await.0, 200);
    let ext = || hookswitch_call::Extension::from("105");
    let is = |now| News::Extension { extension: ext(), now };
    let expected = [
        News::Added { extension: ext(), name: "Ann".into(), email: String::new() },
        is(Trait::Registered(true)),
        is(Trait::Phone(PhoneState::Busy)),
        is(Trait::Presence("lunch".into())),
        is(Trait::Forwarding(None)),
        is(Trait::InQueues(true)),
        News::Member { queue: "804".into(), extension: ext(), change: Membership::LoggedIn },
        News::Removed { extension: ext() },
    ];
    let news = |report| if let Report::Site(news) = report { Some(news) } else { None };
    assert_eq!(door.reports().into_iter().filter_map(news).collect::<Vec<_>>(), expected);
    assert_eq!(door.reports()[0], Report::Connected);
}

#[tokio::test]
async fn every_kind_of_the_format_is_read() {
    let door = door();
    let mut seq = 0;
    let mut call = |chain: &str, kind: &str, data: &str| {
        seq += 1;
        format!(r#"{{"kind":"{kind}","chain":"{chain}","seq":{seq},"data":{{{data}}}}}"#)
    };
    let all = [
        call(
            "o",
            "call.new",
            r#""direction":"outbound","external":{"number":"+4420000002"},"from":"105","crm_call":"c-1""#,
        ),
        call("o", "call.dialing", r#""ext":"105","number":"+4420000002""#),
        call("o", "call.answered", r#""number":"+4420000002""#),
        call("o", "call.leg_ended", r#""ext":"105""#),
        call("i", "call.queued", r#""queue":"804""#),
        call("i", "call.left_queue", r#""queue":"804","reason":"timeout""#),
        call("i", "call.ringing", r#""ext":"106""#),
        call("i", "call.transferred", r#""type":"forward","from_ext":"106","to_number":"+4420000003""#),
        call("i", "call.voicemail", r#""mailbox":"106""#),
        call("i", "call.ended", r#""reason":"voicemail""#),
        call("p", "call.ringing", r#""ext":"106""#),
        call("p", "call.transferred", r#""type":"pickup","from_ext":"106","to":"107""#),
        call("p", "call.cdr", ""),
    ];
    assert_eq!(door.answer(signed(&format!("[{}]", all.join(",")), 0)).await, (200, String::new()));
    let events = [
        "new",
        "dialing",
        "answered",
        "leg-ended",
        "new",
        "queued",
        "left-queue",
        "ringing",
        "ring-stopped",
        "forwarded",
        "voicemail",
        "ended",
        "new",
        "ringing",
        "answered",
        "ring-stopped",
        "picked-up",
    ];
    assert_eq!(door.events(), events);
    assert_eq!(door.call("o").crm_call.as_deref(), Some("c-1"));
    assert_eq!(door.call("i").ended.unwrap().reason, Reason::Voicemail);
}
