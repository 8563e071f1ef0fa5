//! What the fake refuses, as the real one does.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fake_3cx::{CLIENT_ID, CLIENT_SECRET, Options, Pbx};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

async fn send(pbx: &Pbx, method: &str, target: &str, headers: &str, body: &str) -> Result<(u16, Value)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pbx.ca_pem().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = pbx.url();
    let stream = TcpStream::connect(url.strip_prefix("https://").context("https")?).await?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect("127.0.0.1".try_into()?, stream).await?;
    let text =
        format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await?;
        answer.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize =
                head.split("content-length: ").nth(1).map_or("0", |rest| rest.lines().next().unwrap_or("0")).parse()?;
            if body.len() >= length {
                let status = head.split(' ').nth(1).context("a status")?.parse()?;
                return Ok((status, serde_json::from_str(body).unwrap_or_default()));
            }
        }
        ensure!(read > 0, "no whole answer: {text}");
    }
}

async fn token(pbx: &Pbx) -> Result<String> {
    let secret = CLIENT_SECRET.replace('/', "%2F").replace('+', "%2B");
    let form = format!("client_id={CLIENT_ID}&client_secret={secret}&grant_type=client_credentials");
    let (status, answer) =
        send(pbx, "POST", "/connect/token", "content-type: application/x-www-form-urlencoded\r\n", &form).await?;
    ensure!(status == 200, "{status} {answer}");
    Ok(format!("authorization: Bearer {}\r\n", answer["access_token"].as_str().context("a token")?))
}

#[tokio::test]
async fn only_the_newest_token_lives_and_only_in_the_header() -> Result<()> {
    let pbx = Pbx::start(Options::default()).await?;
    let first = token(&pbx).await?;
    ensure!(send(&pbx, "GET", "/callcontrol", &first, "").await?.0 == 200);
    let second = token(&pbx).await?;
    ensure!(send(&pbx, "GET", "/callcontrol", &first, "").await?.0 == 401, "the first token still lives");
    ensure!(send(&pbx, "GET", "/callcontrol", &second, "").await?.0 == 200);
    ensure!(send(&pbx, "GET", "/callcontrol", "", "").await?.0 == 401);
    ensure!(send(&pbx, "GET", "/callcontrol/ws", &first, "").await?.0 == 401);
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let wrong = format!("client_id={CLIENT_ID}&client_secret=wrong&grant_type=client_credentials");
    ensure!(send(&pbx, "POST", "/connect/token", form, &wrong).await?.0 == 401);
    ensure!(send(&pbx, "GET", "/callcontrol", &second, "").await?.0 == 200, "a refused request ends no token");
    Ok(())
}

#[tokio::test]
async fn a_token_ends_with_its_time() -> Result<()> {
    let pbx = Pbx::start(Options { token_life: std::time::Duration::ZERO, ..Options::default() }).await?;
    let token = token(&pbx).await?;
    ensure!(send(&pbx, "GET", "/callcontrol", &token, "").await?.0 == 401);
    Ok(())
}

#[tokio::test]
async fn rights_numbers_and_participants_that_are_not_there_are_refused() -> Result<()> {
    let pbx = Pbx::start(Options { xapi: false, ..Options::default() }).await?;
    let token = token(&pbx).await?;
    for (target, status) in [
        ("/xapi/v1/Users", 403),
        ("/callcontrol/299", 403),
        ("/callcontrol/201/participants/7", 404),
        ("/callcontrol/201", 200),
        ("/elsewhere", 404),
    ] {
        let answer = send(&pbx, "GET", target, &token, "").await?;
        ensure!(answer.0 == status, "{target}: {answer:?}");
    }
    pbx.state().call_control = false;
    ensure!(send(&pbx, "GET", "/callcontrol", &token, "").await?.0 == 403);
    Ok(())
}

#[tokio::test]
async fn orders_that_are_none_are_refused() -> Result<()> {
    let pbx = Pbx::start(Options::default()).await?;
    let token = token(&pbx).await?;
    let post = async |target: &str, body: &str| send(&pbx, "POST", target, &token, body).await;
    ensure!(post("/callcontrol/201/makecall", "{}").await?.0 == 400);
    let (status, answer) = post("/callcontrol/201/makecall", r#"{"destination":"4930123"}"#).await?;
    ensure!(status == 200 && answer["finalstatus"] == 1 && answer["result"]["status"] == "Ringing", "{answer}");
    let (_, answer) = post("/callcontrol/201/makecall", r#"{"destination":"hello"}"#).await?;
    ensure!(answer["finalstatus"] == 0 && answer["reason"] == "InvalidNumber", "{answer}");
    pbx.state().devices.clear();
    let (_, answer) = post("/callcontrol/201/makecall", r#"{"destination":"4930123"}"#).await?;
    ensure!(answer["reason"] == "NotRegistered", "{answer}");
    let (_, answer) = post("/callcontrol/201/participants/1/routeto", r#"{"destination":"202"}"#).await?;
    ensure!(answer["reason"] == "NotAllowed", "an extension is no route point: {answer}");
    ensure!(post("/callcontrol/201/participants/1/drop", "{}").await?.1["finalstatus"] == 1);
    ensure!(post("/callcontrol/201/participants/1/drop", "{}").await?.0 == 404);
    Ok(())
}

#[tokio::test]
async fn lists_take_only_what_odata_and_the_call_log_understand() -> Result<()> {
    let pbx = Pbx::start(Options::default()).await?;
    let token = token(&pbx).await?;
    let log = |from: &str| {
        format!(
            "/xapi/v1/ReportCallLogData/Pbx.GetCallLogData(periodFrom={from},periodTo=2024-03-06T09:15:00Z,sourceType=0,\
             sourceFilter='',destinationType=0,destinationFilter='',callsType=0,callTimeFilterType=0,\
             callTimeFilterFrom='0:00:0',callTimeFilterTo='0:00:0',hidePcalls=false)"
        )
    };
    for (target, status) in [
        ("/xapi/v1/Users?$select=Number,ShoeSize".to_owned(), 400),
        ("/xapi/v1/Users?top=1".to_owned(), 400),
        ("/xapi/v1/Recordings?$filter=StartTime%20since%20yesterday".to_owned(), 400),
        ("/xapi/v1/Recordings?$filter=StartTime ge 1".to_owned(), 400),
        (log("2024-03-05T09:15:00.000Z"), 400),
        (log("2024-03-05T09:15:00Z").replace(",hidePcalls=false", ""), 400),
        (log("2024-03-05T09:15:00Z"), 200),
    ] {
        let answer = send(&pbx, "GET", &target, &token, "").await?;
        ensure!(answer.0 == status, "{target}: {answer:?}");
    }
    let (_, page) = send(&pbx, "GET", "/xapi/v1/Users?$top=2&$skip=2&$expand=ForwardingProfiles", &token, "").await?;
    ensure!(
        page["value"].as_array().is_some_and(|rows| rows.len() == 1 && rows[0]["ForwardingProfiles"].is_array()),
        "{page}"
    );
    Ok(())
}
