//! The stand-in against the sheet: the bytes of every event, what it takes for an answer, and what it refuses to tell.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use fake_3cx_webhooks::{Attempt, Build, Identity, Ini, Module, Pbx, Post, Way};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

/// What a server was sent, and what it answers next: bytes, or nothing but the end.
struct Crm {
    url: String,
    heard: mpsc::UnboundedReceiver<String>,
}

async fn crm(identity: &Identity, answers: Vec<&'static str>) -> Result<Crm> {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}/pbx/office/SECRET", listener.local_addr()?);
    let (heard, hearing) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = tls.accept(socket).await else { continue };
            let mut request = Vec::new();
            while !is_whole(&request) && stream.read_buf(&mut request).await.is_ok_and(|count| count > 0) {}
            let _ = heard.send(String::from_utf8_lossy(&request).into_owned());
            let answer = answers.next().unwrap_or("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    Ok(Crm { url, heard: hearing })
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn pbx(build: Build, full_info: bool) -> Result<Pbx> {
    let ini = Ini { build, recording_full_info: full_info, ..Ini::new("https://x", "") };
    Pbx::new(&ini)
}

#[test]
fn every_event_is_spelled_as_in_the_sheet() -> Result<()> {
    let at = "2024-03-05T08:15:00Z".parse()?;
    let mut call = pbx(Build::Sheet, false)?.inbound_at("+4420000001", "Main line", at);
    ensure!(call.chain() == "240305091500_1");
    let head = |event: &str| format!(r#"{{"event":"{event}","callerid":"+4420000001","did":"Main line","#);
    for (post, expected) in [
        (
            call.queued("804")?,
            format!(r#"{}"user":"804","usertype":"queue","id":"240305091500_1-0"}}"#, head("ringing")),
        ),
        (
            call.rings("101")?,
            format!(r#"{}"user":"101","usertype":"ext","id":"240305091500_1-0"}}"#, head("ringing")),
        ),
        (
            call.answers("101", Way::Normal)?,
            format!(r#"{}"user":"101","trtype":"NotDef","id":"240305091500_1-1"}}"#, head("hangupincoming")),
        ),
        (
            call.hands_over()?,
            format!(
                r#"{}"user":"101","finishtype":"Ok","transfer":"true","title":"Call to Main line, 0:42","id":"240305091500_1-1"}}"#,
                head("incoming")
            ),
        ),
        (
            call.answers("102", Way::Attended)?,
            format!(r#"{}"user":"102","trtype":"Accomp","id":"240305091500_1-2"}}"#, head("hangupincoming")),
        ),
        (
            call.ends()?,
            format!(
                r#"{}"user":"102","finishtype":"Ok","transfer":"false","title":"Call to Main line, 0:42","id":"240305091500_1-2"}}"#,
                head("incoming")
            ),
        ),
        (
            call.recorded(2, 2)?,
            r#"{"id":"240305091500_1-2","FILES":["https://pbx.example/webapi/recording/240305091500_1-2-1.mp3","https://pbx.example/webapi/recording/240305091500_1-2-2.mp3"]}"#.to_owned(),
        ),
    ] {
        ensure!(post.json() == expected, "{}\ninstead of\n{expected}", post.json());
    }
    Ok(())
}

#[test]
fn other_builds_spell_it_otherwise() -> Result<()> {
    let at = "2024-07-05T07:15:00Z".parse()?;
    let mut newer = pbx(Build::Newer, true)?.inbound_at("+4420000001", "Main line", at);
    let answer = newer.answers("101", Way::Normal)?.json();
    ensure!(answer.contains(r#""event":"pickupincoming""#) && answer.contains(r#""chid":"7d1f4c0a-240705091500_1""#));
    let end = newer.ends()?.json();
    ensure!(end.contains(r#""finishtype":"OK","transfer":"False""#) && end.contains(r#""breakside":"Undef""#), "{end}");
    // The end again, and only the list is new.
    let files = newer.recorded(1, 1)?.json();
    ensure!(files.starts_with(end.trim_end_matches('}')) && files.contains(r#""FILES":["#), "{files}");
    let mut capitals = pbx(Build::Capitals, false)?.inbound_at("+4420000001", "", at);
    let answer = capitals.answers("101", Way::Normal)?.json();
    ensure!(
        answer
            == r#"{"Event":"incomingcall_started","Callerid":"+4420000001","User":"101","Trtype":"NotDef","Id":"240705091500_1-1"}"#,
        "{answer}"
    );
    capitals.ends()?;
    let files = capitals.recorded(1, 1)?.json();
    ensure!(files.starts_with(r#"{"Event":"recording","Id":"240705091500_1-1","FileUrls":["#), "{files}");
    Ok(())
}

#[test]
fn stories_that_no_pbx_tells_are_refused() -> Result<()> {
    let mut pbx = pbx(Build::Sheet, false)?;
    let mut call = pbx.inbound("+4420000001", "Main line");
    ensure!(call.ends().is_err() && call.hands_over().is_err(), "an end of a talk that never was");
    ensure!(call.answers("101", Way::Blind).is_err(), "a transfer before anybody had the call");
    ensure!(call.recorded(1, 1).is_err() && call.speech("a", "b").is_err(), "recordings of a call that goes on");
    call.answers("101", Way::Normal)?;
    ensure!(call.answers("102", Way::Normal).is_err(), "two answers");
    ensure!(call.missed_by("102").is_err(), "missed while somebody talks");
    call.ends()?;
    ensure!(call.rings("101").is_err() && call.ends().is_err() && call.missed_by("101").is_err(), "after the end");
    ensure!(call.recorded(0, 1).is_err() && call.recorded(2, 1).is_err(), "recordings of a leg that never was");
    let outbound = pbx.outbound("+4420000002");
    ensure!(outbound.rings("101").is_err(), "nothing is said of an outbound call before its answer");
    ensure!(outbound.chain().ends_with("_2"), "{}", outbound.chain());
    pbx.restart();
    ensure!(pbx.inbound("+44", "").chain().ends_with("_1"), "a new session counts anew");
    Ok(())
}

#[tokio::test]
async fn nothing_but_200_is_an_answer_and_what_follows_waits() -> Result<()> {
    let identity = Identity::new()?;
    let answers = vec![
        "HTTP/1.1 503 -\r\n\r\n",
        "HTTP/1.1 204 -\r\n\r\n",
        "HTTP/1.1 302 -\r\nlocation: /elsewhere\r\n\r\n",
        "",
        "rubbish",
    ];
    let mut crm = crm(&identity, answers).await?;
    let ini = Ini { pause: Duration::from_millis(1), ..Ini::new(&crm.url, &identity.authority) };
    let module = Module::start(ini)?;
    for word in ["first", "second"] {
        module.say(Post::of(&[("event", word)]));
    }
    module.delivered().await?;
    let mut heard = Vec::new();
    for _ in 0..7 {
        heard.push(crm.heard.recv().await.context("a post")?);
    }
    ensure!(heard[..6].iter().all(|request| request.ends_with("\r\n\r\n{\"event\":\"first\"}")), "{heard:#?}");
    ensure!(heard[6].ends_with("{\"event\":\"second\"}"), "{heard:#?}");
    ensure!(heard[0].starts_with("POST /pbx/office/SECRET HTTP/1.1\r\n"), "{}", heard[0]);
    let attempts = module.attempts();
    ensure!(attempts[..3] == [503, 204, 302].map(Attempt::Refused), "{attempts:?}");
    ensure!(attempts[3..5].iter().all(|attempt| matches!(attempt, Attempt::Failed(_))), "{attempts:?}");
    ensure!(attempts[5..] == [Attempt::Taken, Attempt::Taken], "{attempts:?}");
    Ok(())
}

#[tokio::test]
async fn a_get_says_it_in_a_query_and_recordings_go_to_their_own_address() -> Result<()> {
    let identity = Identity::new()?;
    let (mut events, mut additions) = (crm(&identity, vec![]).await?, crm(&identity, vec![]).await?);
    let ini = Ini {
        post: false,
        webhook_post_url: additions.url.replace("SECRET", "OTHER"),
        ..Ini::new(&events.url, &identity.authority)
    };
    let module = Module::start(ini)?;
    let mut call = Pbx::new(module.ini())?.inbound("+4420000001", "Main line");
    module.say(call.answers("101", Way::Normal)?);
    module.say(call.ends()?);
    module.say(call.recorded(1, 1)?);
    module.delivered().await?;
    let answer = events.heard.recv().await.context("a post")?;
    let expected =
        "GET /pbx/office/SECRET?event=hangupincoming&callerid=%2B4420000001&did=Main+line&user=101&trtype=NotDef&id=";
    ensure!(answer.starts_with(expected), "{answer}");
    let files = additions.heard.recv().await.context("a post")?;
    ensure!(files.starts_with("GET /pbx/office/OTHER?id=") && files.contains("&FILES%5B%5D=https%3A%2F%2F"), "{files}");
    Ok(())
}

#[tokio::test]
async fn it_posts_by_https_only_and_to_nobody_whom_it_does_not_know() -> Result<()> {
    let (identity, other) = (Identity::new()?, Identity::new()?);
    ensure!(Module::start(Ini::new("http://127.0.0.1:1/", &identity.authority)).is_err(), "plain HTTP");
    ensure!(Module::start(Ini::new("https://127.0.0.1:1/", "")).is_err(), "no authority");
    let mut crm = crm(&identity, vec![]).await?;
    for (url, authority) in
        [(crm.url.clone(), &other.authority), (crm.url.replace("127.0.0.1", "localhost"), &identity.authority)]
    {
        let module = Module::start(Ini { pause: Duration::from_millis(1), ..Ini::new(url, authority) })?;
        module.say(Post::of(&[("event", "ringing")]));
        module.refused(2).await?;
        ensure!(
            module.attempts().iter().all(|attempt| matches!(attempt, Attempt::Failed(_))),
            "{:?}",
            module.attempts()
        );
    }
    ensure!(crm.heard.try_recv().is_err(), "something was said to a stranger");
    Ok(())
}
