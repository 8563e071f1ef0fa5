//! What comes back.

use tokio::io::AsyncWriteExt;

use crate::world::{World, is_closing, options, statuses};

#[tokio::test]
async fn an_answer_has_its_length_its_date_and_what_keeps_it_from_harm() {
    let world = World::new(options()).await;
    let answer = world.say("GET /a%20b//c/../d?x=1&y=?2 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "GET /a%20b//c/../d?x=1&y=?2 ");
    let mut lines: Vec<_> = head.split("\r\n").collect();
    lines.sort_unstable();
    let date = lines.iter().find(|line| line.starts_with("date: ")).unwrap();
    assert!(date.len() == "date: Sun, 06 Nov 1994 08:49:37 GMT".len() && date.ends_with(" GMT"), "{date}");
    lines.retain(|line| !line.starts_with("date: "));
    assert_eq!(
        lines,
        [
            "HTTP/1.1 200 OK",
            "cache-control: no-store",
            "content-length: 28",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "content-type: text/plain; charset=utf-8",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
        ]
    );
}

#[tokio::test]
async fn a_handler_cannot_break_the_framing_and_may_choose_its_policies() {
    let world = World::new(options()).await;
    let answer = world.say("GET /odd HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\nodd"), "{answer}");
    assert!(answer.contains("cache-control: max-age=60\r\n"), "{answer}");
    for left_out in ["transfer-encoding", "server:", "no-store", "99"] {
        assert!(!answer.contains(left_out), "{left_out}: {answer}");
    }
}

#[tokio::test]
async fn head_and_204_have_no_body() {
    let world = World::new(options()).await;
    let answer = world.say("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.contains("content-length: 11\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    let answer = world.say("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!answer.contains("content-length") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_not_the_connection() {
    let world = World::new(options()).await;
    let answers = world.say("GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(statuses(&answers), [500, 200]);
    assert!(!answers.contains("as it was asked to"), "{answers}");
}

#[tokio::test]
async fn a_status_that_ends_no_exchange_becomes_an_error() {
    let world = World::new(options()).await;
    let answer = world.say("GET /101 HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n").await;
    assert_eq!(statuses(&answer), [500]);
    assert!(answer.ends_with("the answer has no status that can be sent\n"), "{answer}");
}

#[tokio::test]
async fn a_handler_goes_on_when_its_client_hangs_up() {
    let world = World::new(options()).await;
    let mut client = world.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    world.handler.wait_for(1).await;
    drop(client);
    world.is_well().await;
    world.handler.go();
    // Had the handler been dropped, the leave to go on would still lie there for this one.
    let mut client = world.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    world.handler.wait_for(3).await;
    world.handler.go();
    assert_eq!(statuses(&client.answer().await), [200]);
}

#[tokio::test]
async fn who_has_said_all_that_it_wants_to_say_still_gets_the_answer() {
    let world = World::new(options()).await;
    let mut client = world.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.0.shutdown().await.unwrap();
    world.handler.wait_for(1).await;
    world.handler.go();
    assert_eq!(statuses(&client.rest().await), [200]);
}

#[tokio::test]
async fn the_body_is_asked_for_if_the_client_waits_to_be_asked() {
    let world = World::new(options()).await;
    let mut client = world.connect().await;
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n";
    assert_eq!(client.ask(head).await, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(client.ask("body").await.ends_with("POST /a? body"));

    let too_much = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(statuses(&client.ask(too_much).await), [413]);
}

#[tokio::test]
async fn http_1_0_and_close_end_the_connection_after_the_answer() {
    let world = World::new(options()).await;
    let more = "GET /more HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(statuses(&world.say(format!("GET /a HTTP/1.0\r\n\r\n{more}")).await), [200]);
    for connection in ["close", "x, Close", "keep-alive\r\nConnection: close"] {
        is_closing(
            &world.say(format!("GET /a HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n{more}")).await,
            200,
        );
    }
    // The old way to stay.
    let answers = world.say(format!("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n{more}")).await;
    assert_eq!(statuses(&answers), [200, 200]);
    assert!(answers.contains("\r\nconnection: keep-alive\r\n"), "{answers}");
}

#[tokio::test]
async fn an_upgrade_is_answered_like_anything_else_and_to_the_end() {
    let world = World::new(options()).await;
    let body = "b".repeat(256 * 1024);
    let mut client = world.connect().await;
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n";
    client.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    let answer = client.rest().await;
    is_closing(&answer, 200);
    assert!(answer.ends_with(&body));
}
