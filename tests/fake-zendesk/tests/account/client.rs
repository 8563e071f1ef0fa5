//! An HTTP client of few words, through the account's proxy.

use std::{io, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use fake_zendesk::{Account, Options};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

pub(crate) const TICKET: u64 = 5501;

/// An account with one ticket of Ana's.
pub(crate) async fn account() -> Account {
    let seed = json!({"users": [{"id": 901, "name": "Ana Lima", "phone": "+15550100"}],
        "tickets": [{"id": TICKET, "subject": "Call", "requester_id": 901, "status": "open"}]});
    Account::start(Options { seed, ..Options::default() }).await.unwrap()
}

/// Sends one request on a connection of its own; status and body of the answer.
pub(crate) async fn send(
    account: &Account,
    request: &str,
    content_type: &str,
    body: &[u8],
) -> io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(account.proxy().trim_start_matches("http://")).await?;
    stream.write_all(b"CONNECT acme.zendesk.com:443 HTTP/1.1\r\n\r\n").await?;
    let mut granted = [0; b"HTTP/1.1 200 Connection established\r\n\r\n".len()];
    stream.read_exact(&mut granted).await?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(account.ca_pem().as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let mut stream = connector.connect(ServerName::try_from("acme.zendesk.com").unwrap(), stream).await?;
    let key = STANDARD.encode("owner@example.com/token:zendesk-token-4711");
    let typed = if content_type.is_empty() { String::new() } else { format!("content-type: {content_type}\r\n") };
    let head = format!(
        "{request} HTTP/1.1\r\nhost: acme.zendesk.com\r\nauthorization: Basic {key}\r\n{typed}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await?;
    answer(stream).await
}

async fn answer(mut stream: impl AsyncReadExt + Unpin) -> io::Result<(u16, Value)> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Ok((status, serde_json::from_str(body).unwrap_or_default()));
            }
        }
        match stream.read(&mut part).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
}

/// Writes an internal comment with files.
pub(crate) async fn comment(account: &Account, body: &str, uploads: &[&str]) -> (u16, Value) {
    let comment = json!({"body": body, "public": false, "uploads": uploads});
    let ticket = json!({"ticket": {"comment": comment}}).to_string();
    let request = format!("PUT /api/v2/tickets/{TICKET}.json");
    send(account, &request, "application/json", ticket.as_bytes()).await.unwrap()
}
