//! One post over one connection of its own.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::{Post, module::PATIENCE};

/// Sends posts to one address.
pub(crate) struct Wire {
    url: Url,
    tls: TlsConnector,
    post: bool,
}

impl Wire {
    /// The sheet: by HTTPS, so nothing else is taken.
    pub(crate) fn new(url: &str, authority: &str, post: bool) -> Result<Self> {
        let url: Url = url.parse().with_context(|| format!("{url} is no address"))?;
        ensure!(url.scheme() == "https", "{url}: the module posts by HTTPS only");
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            roots.add(certificate.context("the authority is no PEM")?)?;
        }
        ensure!(!roots.is_empty(), "no authority is trusted");
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { url, tls: TlsConnector::from(Arc::new(config)), post })
    }

    /// The status that a post is answered with.
    pub(crate) async fn send(&self, post: &Post) -> Result<u16> {
        timeout(PATIENCE, self.exchange(post)).await.context("no answer")?
    }

    async fn exchange(&self, post: &Post) -> Result<u16> {
        let host = self.url.host_str().context("an address without a host")?;
        let port = self.url.port_or_known_default().context("an address without a port")?;
        let stream = TcpStream::connect((host, port)).await?;
        let mut stream = self.tls.connect(ServerName::try_from(host.to_owned())?, stream).await?;
        stream.write_all(self.request(host, port, post).as_bytes()).await?;
        let mut answer = Vec::new();
        // Some servers end without a word of TLS about it; what they said before counts.
        let end = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|text| text.parse().ok());
        match (status, end) {
            (Some(status), _) => Ok(status),
            (None, Err(error)) => Err(error.into()),
            (None, Ok(_)) => bail!("no answer of HTTP: {answer:?}"),
        }
    }

    fn request(&self, host: &str, port: u16, post: &Post) -> String {
        let path = self.url.path();
        if self.post {
            let body = post.json();
            let length = body.len();
            return format!(
                "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json; charset=utf-8\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
        format!("GET {path}?{} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n", post.query())
    }
}
