//! What the PBX posts to the external system.

use anyhow::{Context, Result, ensure};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{pbx::Pbx, sign::sign};

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status line's number.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Pbx {
    /// Posts `body`, to the byte, signed as this domain does.
    pub async fn post(&self, method: &str, body: &str) -> Result<Answer> {
        let options = self.options();
        let signed = sign(&options.client_id, body.as_bytes(), &options.sign_key);
        self.post_with(method, body, &[("X-Client-ID", &options.client_id), ("X-Client-Sign", &signed)]).await
    }

    /// Posts `body` with these headers and no other signature.
    pub async fn post_with(&self, method: &str, body: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let target = self.target_url();
        let rest = target.strip_prefix("https://").context("the sheet wants a certificate: https")?;
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!(
            "POST /{path}/{method} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json; charset=utf-8\r\n\
             Connection: close\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let tcp = TcpStream::connect(address).await?;
        let name = ServerName::try_from("127.0.0.1")?;
        let mut stream = TlsConnector::from(self.client()).connect(name, tcp).await?;
        let answer = exchange(&mut stream, text.as_bytes()).await?;
        let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("no answer: {answer:?}"))?;
        let status = head.split(' ').nth(1).context("a status")?.parse()?;
        ensure!(!head.to_ascii_lowercase().contains("transfer-encoding"), "an answer in pieces: {head}");
        Ok(Answer { status, body: body.to_owned() })
    }
}

async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> Result<String> {
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    // Many servers end TLS without a farewell.
    match stream.read_to_end(&mut answer).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error.into()),
    }
    Ok(String::from_utf8(answer)?)
}
