//! The stand-in refuses what the real one refuses.

use std::sync::Arc;

use anyhow::Result;
use fake_rostelecom::{Options, Pbx, sign};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Sends bytes to the stand-in; status and body.
async fn raw(pbx: &Pbx, request: &str) -> Result<(u16, Vec<u8>)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pbx.authority().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(pbx.url().trim_start_matches("https://")).await?;
    let mut stream = TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("127.0.0.1")?, tcp).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let length = loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await?;
        answer.extend_from_slice(&part[..read]);
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&answer[..end]).into_owned();
            let length: usize = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse()?;
            if answer.len() >= end + 4 + length {
                break end + 4;
            }
        }
    };
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse()?;
    Ok((status, answer.split_off(length)))
}

fn request(method: &str, body: &str, id: &str, signature: &str) -> String {
    format!(
        "POST /{method} HTTP/1.1\r\nHost: x\r\nX-Client-ID: {id}\r\nX-Client-Sign: {signature}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn ask(pbx: &Pbx, method: &str, body: &str) -> Result<(u16, Vec<u8>)> {
    let Options { client_id, sign_key, .. } = Options::default();
    raw(pbx, &request(method, body, &client_id, &sign(&client_id, body.as_bytes(), &sign_key))).await
}

async fn json(pbx: &Pbx, method: &str, body: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&ask(pbx, method, body).await?.1)?)
}

#[tokio::test]
async fn a_wrong_id_signature_or_body_is_refused() -> Result<()> {
    let pbx = Pbx::start(Options::default()).await?;
    let body = r#"{"domain": "example.rt.ru"}"#;
    let Options { client_id, sign_key, .. } = Options::default();
    let signature = sign(&client_id, body.as_bytes(), &sign_key);
    assert_eq!(raw(&pbx, &request("users_info", body, &client_id, &signature)).await?.0, 200);
    let other = sign("other", body.as_bytes(), &sign_key);
    for (id, sign, body) in [
        ("other", other.as_str(), body),
        (&client_id, &signature.to_ascii_uppercase(), body),
        (&client_id, &signature, r#"{"domain":"example.rt.ru"}"#),
        (&client_id, "", body),
    ] {
        assert_eq!(raw(&pbx, &request("users_info", body, id, sign)).await?.0, 401, "{id} {body}");
    }
    assert_eq!(pbx.complaints().len(), 4);
    assert_eq!(ask(&pbx, "users_info", r#"{"domain":"another.rt.ru"}"#).await?.0, 403);
    assert_eq!(ask(&pbx, "hang_up", "{}").await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn a_link_works_once_and_only_for_whom_it_is() -> Result<()> {
    let pbx = Pbx::start(Options::default()).await?;
    pbx.add_recording("DEMOs1", b"sound");
    let path = |answer: &Value| answer["url"].as_str().unwrap().trim_start_matches(&pbx.url()).to_owned();
    let answer = json(&pbx, "get_record", r#"{"session_id":"DEMOs1"}"#).await?;
    let get = |path: String| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(raw(&pbx, &get(path(&answer))).await?, (200, b"sound".to_vec()));
    assert_eq!(raw(&pbx, &get(path(&answer))).await?.0, 404);
    let fetched = path(&json(&pbx, "get_record", r#"{"session_id":"DEMOs1"}"#).await?);
    for status in [200, 404, 404] {
        assert_eq!(raw(&pbx, &get(fetched.clone())).await?.0, status, "once, and not again");
    }
    let answer = json(&pbx, "get_record", r#"{"session_id":"DEMOs1","ip_adress":"192.0.2.7"}"#).await?;
    assert_eq!(raw(&pbx, &get(path(&answer))).await?.0, 403);
    assert_eq!(json(&pbx, "get_record", r#"{"session_id":"DEMOs2"}"#).await?["result"], "-7");
    Ok(())
}

#[tokio::test]
async fn an_order_is_taken_once_and_its_file_is_not_ready_at_once() -> Result<()> {
    let pbx = Pbx::start(Options { not_ready: 2, ..Options::default() }).await?;
    let order = r#"{"date_start":"2024-03-05 00:00:00","date_end":"2024-03-05 10:00:00","direction":0,"state":0}"#;
    assert_eq!(json(&pbx, "domain_call_history", order).await?["order_id"], "1");
    assert_eq!(json(&pbx, "domain_call_history", order).await?["result"], "-11");
    for wrong in [
        r#"{"date_start":"2024-03-05T00:00:00","date_end":"2024-03-05 10:00:00","direction":0,"state":0}"#,
        r#"{"date_start":"2024-03-05 11:00:00","date_end":"2024-03-05 10:00:00","direction":0,"state":0}"#,
        r#"{"date_start":"2024-03-05 00:00:00","date_end":"2024-03-05 10:00:00","direction":4,"state":0}"#,
    ] {
        assert_eq!(json(&pbx, "domain_call_history", wrong).await?["result"], "-1", "{wrong}");
    }
    let fetch = r#"{"order_id":"1"}"#;
    assert!(ask(&pbx, "download_call_history", fetch).await?.1.starts_with(b"<html>"));
    assert_eq!(json(&pbx, "download_call_history", fetch).await?["result"], "-12");
    assert!(ask(&pbx, "download_call_history", fetch).await?.1.starts_with(b"PK\x03\x04"));
    Ok(())
}

#[tokio::test]
async fn a_call_is_ordered_by_pin_and_domain_or_by_a_whole_user() -> Result<()> {
    let pbx = Pbx::start(Options { text_results: false, ..Options::default() }).await?;
    let by_pin = r#"{"domain":"example.rt.ru","request_number":"+79990001122","from_pin":"102"}"#;
    assert_eq!(json(&pbx, "call_back", by_pin).await?["session_id"], "DEMOcallback1");
    assert_eq!(json(&pbx, "call_back", r#"{"request_number":"+79990001122","from_pin":"102"}"#).await?["result"], -1);
    let whole = r#"{"request_number":"+79990001122","from_sipuri":"admin@example.rt.ru"}"#;
    assert_eq!(json(&pbx, "call_back", whole).await?["result"], 0);
    pbx.away("102");
    assert_eq!(json(&pbx, "call_back", by_pin).await?["result"], -20);
    Ok(())
}

#[tokio::test]
async fn rules_are_set_for_users_that_there_are_and_in_their_own_kinds() -> Result<()> {
    let pbx = Pbx::start(Options::default()).await?;
    pbx.restrict("102", serde_json::json!({"international": false, "daily_limit": 500, "mode": "all"}));
    pbx.never_changes("mode");
    let read = r#"{"domain":"example.rt.ru","user_pin":"102"}"#;
    assert_eq!(json(&pbx, "get_user_restrictions", read).await?["daily_limit"], 500);
    let other = r#"{"domain":"example.rt.ru","user_pin":"109","international":true}"#;
    for method in ["get_user_restrictions", "set_user_restrictions"] {
        assert_eq!(json(&pbx, method, other).await?["result"], "-3", "{method}");
    }
    for wrong in [r#""international":"true""#, r#""daily_limit":-1"#, r#""weekly_limit":1"#] {
        let body = format!(r#"{{"domain":"example.rt.ru","user_pin":"102","mode":"none",{wrong}}}"#);
        assert_eq!(json(&pbx, "set_user_restrictions", &body).await?["result"], "-1", "{wrong}");
    }
    let good = r#"{"domain":"example.rt.ru","user_pin":"102","international":true,"mode":"none"}"#;
    assert_eq!(json(&pbx, "set_user_restrictions", good).await?["result"], "0");
    let now = json(&pbx, "get_user_restrictions", read).await?;
    assert_eq!((&now["international"], &now["mode"]), (&true.into(), &"all".into()));
    Ok(())
}
