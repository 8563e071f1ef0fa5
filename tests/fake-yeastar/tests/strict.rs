//! The stand-in refuses what the real one refuses.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fake_yeastar::{Options, Pbx, extension, inbound};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const AGENT: &str = "user-agent: OpenAPI\r\n";
const PATIENCE: Duration = Duration::from_secs(10);

async fn pbx() -> Result<Pbx> {
    Pbx::start(Options { tls: false, ..Options::default() }).await
}

async fn ask(pbx: &Pbx, method: &str, below: &str, headers: &str, body: &str) -> Result<(u16, Value)> {
    let (status, body) = fetch(pbx, method, &format!("/openapi/v1.0/{below}"), headers, body).await?;
    Ok((status, serde_json::from_str(&body).unwrap_or_default()))
}

async fn fetch(pbx: &Pbx, method: &str, path: &str, headers: &str, body: &str) -> Result<(u16, String)> {
    let address = pbx.url().strip_prefix("http://").context("plain")?;
    let mut stream = TcpStream::connect(address).await?;
    let text = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    Ok((head.split(' ').nth(1).context("a status")?.parse()?, body.to_owned()))
}

fn encoded(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// A token, encoded for a query, and the one to renew it with.
async fn log_in(pbx: &Pbx) -> Result<(String, String)> {
    let body = json!({ "username": "client-of-the-api", "password": "s3cr3t-of-the-api" }).to_string();
    let (_, answer) = ask(pbx, "POST", "get_token", AGENT, &body).await?;
    ensure!(answer["errcode"] == 0 && answer["access_token_expire_time"] == 1800, "{answer}");
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    Ok((encoded(&text("access_token")), text("refresh_token")))
}

async fn code(pbx: &Pbx, method: &str, what: &str, token: &str, body: &str) -> Result<i64> {
    let (_, answer) = ask(pbx, method, &format!("{what}access_token={token}"), AGENT, body).await?;
    answer["errcode"].as_i64().with_context(|| answer.to_string())
}

#[tokio::test]
async fn requests_need_a_name_and_a_token_that_is_good() -> Result<()> {
    let pbx = pbx().await?;
    let (_, nameless) = ask(&pbx, "POST", "get_token", "", "{}").await?;
    ensure!(nameless["errcode"] == 10002 && pbx.complaints().len() == 1, "{nameless}");
    let (token, refresh) = log_in(&pbx).await?;
    ensure!(code(&pbx, "GET", "call/query?", &token, "").await? == 0);
    ensure!(code(&pbx, "GET", "call/query?", "guessed", "").await? == 10004);
    pbx.skip(Duration::from_secs(1801));
    ensure!(code(&pbx, "GET", "call/query?", &token, "").await? == 10004, "half an hour is over");
    let renew = json!({ "refresh_token": refresh }).to_string();
    let (_, renewed) = ask(&pbx, "POST", "refresh_token", AGENT, &renew).await?;
    let token = encoded(renewed["access_token"].as_str().context("a token")?);
    ensure!(code(&pbx, "GET", "call/query?", &token, "").await? == 0);
    let (_, again) = ask(&pbx, "POST", "refresh_token", AGENT, &renew).await?;
    ensure!(again["errcode"] == 10006, "a refresh token is good once: {again}");
    ensure!(code(&pbx, "GET", "del_token?", &token, "").await? == 0);
    ensure!(code(&pbx, "GET", "call/query?", &token, "").await? == 10004, "it was given back");
    Ok(())
}

#[tokio::test]
async fn there_are_eight_tokens_and_five_wrong_log_ins() -> Result<()> {
    let pbx = pbx().await?;
    for _ in 0..8 {
        log_in(&pbx).await?;
    }
    ensure!(log_in(&pbx).await.is_err(), "there may be eight");
    for _ in 0..5 {
        let (_, wrong) =
            ask(&pbx, "POST", "get_token", AGENT, r#"{"username":"client-of-the-api","password":"?"}"#).await?;
        ensure!(wrong["errcode"] == 20001, "{wrong}");
    }
    ensure!(pbx.is_blocked() && ask(&pbx, "GET", "call/query?", AGENT, "").await.is_err(), "nobody answers any more");
    Ok(())
}

#[tokio::test]
async fn records_are_looked_for_in_the_display_format_only() -> Result<()> {
    let pbx = pbx().await?;
    let (token, _) = log_in(&pbx).await?;
    pbx.end_quietly("1710234567.1", "Inbound", "+49301", "201", 5);
    for (span, good) in [
        ("start_time=2024/03/12+09:00:00&end_time=2024%2F03%2F12%2010:00:00", true),
        ("start_time=1710234000&end_time=1710235000", false),
        ("start_time=2024-03-12+09:00:00&end_time=2024-03-12+10:00:00", false),
    ] {
        ensure!((code(&pbx, "GET", &format!("cdr/search?{span}&"), &token, "").await? == 0) == good, "{span}");
    }
    let (_, answer) = ask(
        &pbx,
        "GET",
        &format!("cdr/search?start_time=2024/03/12+09:00:00&end_time=2024/03/12+10:00:00&access_token={token}"),
        AGENT,
        "",
    )
    .await?;
    ensure!(answer["data"][0]["timestamp"] == 1_710_234_567 && answer["total_number"] == 1, "{answer}");
    Ok(())
}

#[tokio::test]
async fn calls_are_ended_dialled_and_taken_by_their_channels() -> Result<()> {
    let pbx = pbx().await?;
    let (token, _) = log_in(&pbx).await?;
    ensure!(
        code(&pbx, "POST", "call/dial?", &token, r#"{"caller":"999","callee":"030"}"#).await? != 0,
        "no such phone"
    );
    ensure!(code(&pbx, "POST", "call/dial?", &token, r#"{"caller":"201","callee":"030"}"#).await? == 0);
    let hang_up = r#"{"channel_id":"PJSIP/201-0000001a"}"#;
    ensure!(code(&pbx, "POST", "call/hangup?", &token, hang_up).await? == 0);
    ensure!(code(&pbx, "POST", "call/hangup?", &token, hang_up).await? != 0, "it is over");
    let call = pbx.next_call();
    pbx.ask(&call, inbound("+49301", "201", "ALERT")).await;
    let take = r#"{"channel_id":"PJSIP/trunk-provider-endpoint-+49301"}"#;
    ensure!(code(&pbx, "POST", "call/accept_inbound?", &token, take).await? == 0);
    ensure!(code(&pbx, "POST", "call/refuse_inbound?", &token, take).await? != 0, "it was taken");
    ensure!(pbx.decided(&call).await?);
    Ok(())
}

#[tokio::test]
async fn a_recording_is_fetched_by_a_link_that_lasts_half_an_hour_and_needs_a_token() -> Result<()> {
    let pbx = pbx().await?;
    let (token, _) = log_in(&pbx).await?;
    let told = pbx.end_quietly("1710234567.1", "Inbound", "+49301", "201", 5);
    pbx.end_quietly("1710234568.2", "Inbound", "+49302", "201", 0);
    let file = told["recording"].as_str().context("a name")?;
    let (_, listed) = ask(&pbx, "GET", &format!("recording/list?access_token={token}"), AGENT, "").await?;
    ensure!(listed["total_number"] == 1 && listed["data"][0]["file"] == file, "{listed}");
    ensure!(listed["data"][0]["uid"] == told["uid"] && pbx.has_recording(file), "{listed}");
    ensure!(code(&pbx, "GET", "recording/download?file=another.wav&", &token, "").await? != 0);
    ensure!(code(&pbx, "GET", "recording/download?", &token, "").await? != 0, "which one?");
    let file = encoded(file);
    let (_, link) =
        ask(&pbx, "GET", &format!("recording/download?file={file}&access_token={token}"), AGENT, "").await?;
    let link = link["download_resource_url"].as_str().with_context(|| link.to_string())?.to_owned();
    let get = async |path: &str| fetch(&pbx, "GET", path, AGENT, "").await;
    let (status, sound) = get(&format!("{link}?access_token={token}")).await?;
    ensure!(status == 200 && sound.starts_with("RIFF"), "{status}");
    ensure!(get(&link).await?.1.contains("10004"), "a link alone is not enough");
    ensure!(get(&format!("/api/download/guessed.wav?access_token={token}")).await?.0 == 404);
    pbx.skip(Duration::from_secs(1801));
    let (token, _) = log_in(&pbx).await?;
    ensure!(get(&format!("{link}?access_token={token}")).await?.0 == 404, "half an hour is over");
    Ok(())
}

/// A web socket, by hand: the connection, or the status of the refusal.
async fn subscribe(pbx: &Pbx, token: &str, agent: &str) -> Result<Result<TcpStream, u16>> {
    let address = pbx.url().strip_prefix("http://").context("plain")?;
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "GET /openapi/v1.0/subscribe?access_token={token} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{agent}\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(timeout(PATIENCE, stream.read_u8()).await??);
    }
    let answer = String::from_utf8(answer)?;
    let status: u16 = answer.split(' ').nth(1).context("a status")?.parse()?;
    // The example of RFC 6455, section 1.3.
    ensure!(status != 101 || answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    Ok(if status == 101 { Ok(stream) } else { Err(status) })
}

async fn say(stream: &mut TcpStream, text: &str) -> Result<()> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len())?, 1, 2, 3, 4];
    frame.extend(text.bytes().enumerate().map(|(index, byte)| byte ^ [1, 2, 3, 4][index % 4]));
    Ok(stream.write_all(&frame).await?)
}

/// The next text; none if the PBX closes.
async fn hear(stream: &mut TcpStream) -> Result<Option<String>> {
    let [first, second] = {
        let mut head = [0; 2];
        timeout(PATIENCE, stream.read_exact(&mut head)).await??;
        head
    };
    let length = if second == 126 { usize::from(stream.read_u16().await?) } else { usize::from(second) };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    Ok((first == 0x81).then_some(String::from_utf8(payload)?))
}

#[tokio::test]
async fn a_web_socket_needs_a_token_a_name_and_topics() -> Result<()> {
    let pbx = Pbx::start(Options { tls: false, idle: Duration::from_millis(400), ..Options::default() }).await?;
    let (token, _) = log_in(&pbx).await?;
    ensure!(subscribe(&pbx, "guessed", AGENT).await?.err() == Some(401));
    ensure!(subscribe(&pbx, &token, "").await?.err() == Some(401));
    let mut socket = subscribe(&pbx, &token, AGENT).await?.map_err(|status| anyhow::anyhow!("{status}"))?;
    say(&mut socket, r#"{"topic_list":[1]}"#).await?;
    ensure!(hear(&mut socket).await?.is_some_and(|answer| !answer.contains("SUCCESS")));
    let call = pbx.next_call();
    pbx.now(&call, &[extension("202", "RING")]).await?;
    say(&mut socket, r#"{"topic_list":[30011]}"#).await?;
    ensure!(hear(&mut socket).await?.is_some_and(|answer| answer.contains("SUCCESS")), "what was before is not told");
    pbx.subscribed(1).await?;
    pbx.tell(30012, &json!({ "call_id": call })).await;
    pbx.now(&call, &[extension("202", "ANSWER")]).await?;
    let told: Value = serde_json::from_str(&hear(&mut socket).await?.context("closed")?)?;
    ensure!(told["type"] == 30011 && told["msg"].as_str().is_some_and(|msg| msg.contains("ANSWER")), "{told}");
    say(&mut socket, "heartbeat").await?;
    ensure!(hear(&mut socket).await?.as_deref() == Some("heartbeat response"));
    ensure!(hear(&mut socket).await?.is_none(), "what is silent is closed");
    Ok(())
}

#[tokio::test]
async fn a_web_socket_ends_with_its_token() -> Result<()> {
    let pbx = Pbx::start(Options { tls: false, life: Duration::from_secs(1), ..Options::default() }).await?;
    let body = json!({ "username": "client-of-the-api", "password": "s3cr3t-of-the-api" }).to_string();
    let (_, answer) = ask(&pbx, "POST", "get_token", AGENT, &body).await?;
    let token = encoded(answer["access_token"].as_str().context("a token")?);
    let mut socket = subscribe(&pbx, &token, AGENT).await?.map_err(|status| anyhow::anyhow!("{status}"))?;
    ensure!(hear(&mut socket).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn signatures_are_those_of_the_sheet() -> Result<()> {
    // By `printf BODY | openssl dgst -sha256 -hmac KEY -binary | base64`.
    let pbx = pbx().await?;
    ensure!(
        pbx.sign("0123456789abcdef0123456789abcdef", r#"{"type":30011}"#) == EXPECTED,
        "{}",
        pbx.sign("0123456789abcdef0123456789abcdef", r#"{"type":30011}"#)
    );
    Ok(())
}

const EXPECTED: &str = "/wTDN18z3eURCa58ijR8vfyX95KjNraxNCTkX73WF70=";
