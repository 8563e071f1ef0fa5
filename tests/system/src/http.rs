//! A client of the program's listeners: writes bytes, reads bytes.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use sha2::Sha256;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::PATIENCE;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, as they came.
    pub head: String,
    /// Where it is text.
    pub body: String,
    pub bytes: Vec<u8>,
}

/// A free port of this machine, from a range that the system gives to nobody by itself: any other may be some client's a
/// moment later.
pub fn free_port() -> Result<u16> {
    let ports = std::iter::repeat_with(|| fastrand::u16(15_000..32_000)).take(100);
    let mut free = ports.filter(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().context("no port is free")
}

/// Sends one request to `http://ADDRESS/PATH`, with `headers` as lines.
pub async fn send(method: &str, url: &str, headers: &[&str], body: &str) -> Result<Answer> {
    let (address, path) = parted(url.strip_prefix("http://").context("http")?);
    let exchange =
        async { exchange(TcpStream::connect(address).await?, &request(method, address, path, headers, body)).await };
    timeout(PATIENCE, exchange).await.with_context(|| format!("no answer from {url}"))?
}

/// The same, of JSON and signed with this key (`whsec_…`) as Standard Webhooks 1.0 says.
pub async fn send_signed(method: &str, url: &str, key: &str, id: &str, body: &str) -> Result<Answer> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let key = STANDARD.decode(key.trim_start_matches("whsec_"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let headers = [
        "content-type: application/json".to_owned(),
        format!("webhook-id: {id}"),
        format!("webhook-timestamp: {seconds}"),
        format!("webhook-signature: v1,{signature}"),
    ];
    send(method, url, &headers.each_ref().map(String::as_str), body).await
}

/// One to `https://ADDRESS/PATH`, whose certificate this authority (PEM) has signed.
pub async fn send_over_tls(authority: &str, method: &str, url: &str, headers: &[&str], body: &str) -> Result<Answer> {
    let (address, path) = parted(url.strip_prefix("https://").context("https")?);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(address.rsplit_once(':').context("a port")?.0.to_owned())?;
    let exchange = async {
        let stream = TlsConnector::from(Arc::new(client)).connect(name, TcpStream::connect(address).await?).await?;
        exchange(stream, &request(method, address, path, headers, body)).await
    };
    timeout(PATIENCE, exchange).await.with_context(|| format!("no answer from {url}"))?
}

fn parted(rest: &str) -> (&str, &str) {
    rest.split_once('/').unwrap_or((rest, ""))
}

fn request(method: &str, address: &str, path: &str, headers: &[&str], body: &str) -> String {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    format!(
        "{method} /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{lines}content-length: {length}\r\n\r\n{body}"
    )
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Result<Answer> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        // Many servers end TLS without a farewell.
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error.into()),
        _ => {}
    }
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.with_context(|| format!("no answer: {:?}", String::from_utf8_lossy(&answer)))?;
    let (head, bytes) = (std::str::from_utf8(&answer[..end])?, answer[end + 4..].to_vec());
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    let body = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Answer { status, head: head.to_ascii_lowercase(), body, bytes })
}

/// Posts a form.
pub async fn post_form(url: &str, headers: &[&str], form: &str) -> Result<Answer> {
    let kind = ["content-type: application/x-www-form-urlencoded"];
    send("POST", url, &[&kind, headers].concat(), form).await
}
