//! Posts that are not taken in.

use hookswitch_web::{Bytes, HeaderValue, Request};

use super::{Door, example, request, traffic};

/// The request with a text replaced in its body.
fn altered(mut request: Request, from: &str, to: &str) -> Request {
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(body.contains(from), "{body}");
    request.body = Bytes::from(body.replacen(from, to, 1));
    request
}

fn without(mut request: Request, header: &str) -> Request {
    request.headers.remove(header).unwrap();
    request
}

#[tokio::test]
async fn what_was_changed_on_its_way_or_signed_by_nobody_is_refused_and_says_nothing() {
    let text = example("mango").replace("window = \"15m\"", "");
    let first = |vendor: &str| traffic(vendor).remove(0);
    let twilio = Request { path: "/status".into(), ..first("twilio") };
    let mut plain = first("freeswitch");
    plain.headers.insert("authorization", HeaderValue::from_static("Basic ZnJlZXN3aXRjaDpndWVzcw=="));
    let cases = [
        ("mango", text.clone(), altered(first("mango"), "442000000001", "442000000009")),
        ("mango", text.clone(), altered(first("mango"), "demo-vpbx", "other-vpbx")),
        ("mango", text.clone(), altered(first("mango"), "sign=", "sing=")),
        ("mango", text.replace("demo-mango-salt", "another-salt"), first("mango")),
        ("mango", text, Request { body: Bytes::new(), ..first("mango") }),
        ("zadarma", example("zadarma"), altered(first("zadarma"), "442000000001", "442000000009")),
        ("zadarma", example("zadarma"), without(first("zadarma"), "signature")),
        // Signed as another event: which fields are signed is not the sender's choice alone.
        ("zadarma", example("zadarma"), altered(first("zadarma"), "NOTIFY_START", "NOTIFY_ANSWER")),
        ("zadarma", example("zadarma"), without(first("zadarma"), "content-type")),
        ("twilio", example("twilio"), altered(first("twilio"), "CallSid=CA", "CallSid=CB")),
        ("twilio", example("twilio"), twilio),
        (
            "twilio",
            example("twilio").replace("https://calls.example.com\"", "https://other.example.com\""),
            first("twilio"),
        ),
        ("freeswitch", example("freeswitch"), without(first("freeswitch"), "authorization")),
        ("freeswitch", example("freeswitch"), plain),
        ("freeswitch", example("freeswitch"), Request { source: [203, 0, 113, 9].into(), ..first("freeswitch") }),
    ];
    for (number, (vendor, text, request)) in cases.into_iter().enumerate() {
        let door = Door::open(vendor, &text);
        assert_eq!(door.answer(request).await, (403, "not proven".to_owned()), "case {number} of {vendor}");
        assert!(door.reports().is_empty(), "case {number} of {vendor}");
    }
}

#[tokio::test]
async fn a_message_that_is_older_than_the_window_is_refused_whoever_signed_it() {
    for vendor in ["mango", "twilio"] {
        let door = Door::open(vendor, &example(vendor));
        for request in traffic(vendor) {
            // At Twilio they have no time: the description says so.
            let undated = ["/voice", "/recording"].contains(&request.path.as_str());
            let (status, text) = door.answer(request).await;
            assert_eq!(status / 100 == 2, undated, "{vendor}: {text}");
            assert!(undated || (status, text.as_str()) == (403, "too old, or without a time"), "{vendor}: {text}");
        }
        let told = door.events();
        assert_eq!(told, if vendor == "mango" { vec![] } else { vec!["new", "recorded"] }, "{vendor}");
    }
    // Without that word, no time is too old.
    let door = Door::open("twilio", &example("twilio").replace("undated ", "# undated "));
    assert_eq!(door.answer(traffic("twilio").remove(0)).await.0, 403);
}

#[tokio::test]
async fn what_comes_again_word_for_word_is_acknowledged_and_says_nothing_new() {
    let door = Door::open("mango", &example("mango").replace("window = \"15m\"", ""));
    let mut counts = Vec::new();
    for _ in 0..2 {
        for request in traffic("mango") {
            assert_eq!(door.answer(request).await.0, 200);
        }
        counts.push(door.reports().len());
    }
    assert_eq!(counts[0], counts[1]);
}

const PLAIN: &str = r#"
[server]
listen = "127.0.0.1:8080"
public-url = "https://calls.example.com"
[pbx.x]
kind = "webhook"
secrets.word = "open-sesame"
proof = [{ kind = "token", header = "X-Word", secret = "word" }]
call = "id"
time = "rfc3339"
at = "at"
[[pbx.x.event]]
when = { kind = "ring" }
arrived = { direction = { in = "way", map = { i = "inbound", o = "outbound" } }, external = "from" }
ringing = { extension = "ext" }
[[pbx.x.event]]
when = { kind = "file" }
recorded = { file = "files.*.url" }
[[pbx.x.event]]
when = { kind = "known" }
"#;

async fn posted(door: &Door, body: &str) -> (u16, String) {
    door.answer(request(&format!("POST /\nx-word: open-sesame\n\n{body}"))).await
}

#[tokio::test]
async fn what_lacks_something_is_refused_by_its_name_and_nothing_of_it_is_taken() {
    let door = Door::open("x", PLAIN);
    let ring = r#"{"kind":"ring","id":"1","way":"i","ext":"201"}"#;
    for (body, status, word) in [
        ("", 400, "JSON"),
        ("{", 400, "JSON"),
        (&"[".repeat(200), 400, "JSON"),
        (&format!("[{}]", vec!["{}"; 1001].join(",")), 400, "more than 1000"),
        (r#"{"kind":"ring","way":"i","ext":"201"}"#, 422, "event 1: there is no call id"),
        (r#"{"kind":"ring","id":"","way":"i","ext":"201"}"#, 422, "no call id"),
        (r#"{"kind":"ring","id":{"a":1},"way":"i","ext":"201"}"#, 422, "no call id"),
        (&ring.replace("\"1\"", &format!("\"{}\"", "1".repeat(256))), 422, "no call id"),
        (&ring.replace("\"i\"", "\"x\""), 422, "`arrived.direction`"),
        (r#"{"kind":"ring","id":"1","way":"i"}"#, 422, "`ringing.extension`"),
        (r#"{"kind":"file","id":"1","files":[]}"#, 422, "`recorded.file`"),
        (r#"{"kind":"file","id":"1","files":"x"}"#, 422, "`recorded.file`"),
        (&format!(r#"[{ring},{{"kind":"ring","id":"2"}}]"#), 422, "`arrived.direction`"),
    ] {
        let (told, text) = posted(&door, body).await;
        assert_eq!(told, status, "{body}: {text}");
        assert!(text.contains(word), "{body}: {text}");
    }
    assert!(door.reports().is_empty());
    // What is not a message of ours, and what is known to say nothing, is acknowledged.
    for body in [r#"{"kind":"known"}"#, r#"{"kind":"other"}"#, "[]", "7", "null", r#"[1,"x",null]"#] {
        assert_eq!(posted(&door, body).await.0, 200, "{body}");
    }
    assert!(door.events().is_empty());
    // An outside number at the place of an extension is no agent of ours.
    assert_eq!(posted(&door, &ring.replace("201", "+4420000001")).await.0, 200);
    assert_eq!(door.events(), ["new"]);
    assert_eq!(posted(&door, &ring.replace("\"201\"", "\"sip:201@pbx.example;user=phone\"")).await.0, 200);
    assert_eq!(door.call("1").agents[0].extension.as_str(), "201");
}

#[tokio::test]
async fn only_posts_are_messages() {
    let door = Door::open("x", PLAIN);
    for method in ["GET", "PUT", "HEAD", "DELETE"] {
        let get = request(&format!("{method} /\nx-word: open-sesame\n\n{{}}"));
        assert_eq!(door.answer(get).await.0, 405, "{method}");
    }
}

#[tokio::test]
async fn while_nothing_can_be_kept_the_sender_is_asked_to_come_again() {
    let mut door = Door::open("x", PLAIN);
    door.deafen().await;
    let ring = request("POST /\nx-word: open-sesame\n\n{\"kind\":\"ring\",\"id\":\"1\",\"way\":\"i\",\"ext\":\"201\"}");
    let (status, _, headers) = door.whole(ring).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "5"));
}

#[tokio::test]
async fn a_query_is_a_message_where_there_is_no_body() {
    let text = PLAIN
        .replace("time =", "body = \"none\"\ntime =")
        .replace("header = \"X-Word\"", "query = \"word\"")
        .replace("\"id\"", "\"query:id\"")
        .replace("{ kind =", "{ \"query:kind\" =")
        .replace("in = \"way\"", "in = \"query:way\"")
        .replace("\"ext\"", "\"query:ext\"");
    let text = text.replace("[{ \"query:kind\" = \"token\"", "[{ kind = \"token\"");
    let door = Door::open("x", &text);
    let get = |word: &str| request(&format!("GET /?word={word}&kind=ring&id=1&way=o&ext=201\n\n"));
    assert_eq!(door.answer(get("open-sesame")).await.0, 200);
    assert_eq!(door.answer(get("guess")).await.0, 403);
    assert_eq!(door.events(), ["new", "ringing"]);
}
