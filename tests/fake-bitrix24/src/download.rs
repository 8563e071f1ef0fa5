//! How the portal downloads what a `RECORD_URL` names.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_secs(20);
const LARGEST: usize = 64 << 20;

/// Downloads a file. `Err` is the status that came in its place: 0 where nothing came.
pub(crate) async fn download(url: &str, authorities: &str) -> Result<Bytes, u16> {
    match tokio::time::timeout(PATIENCE, get(url, authorities)).await {
        Ok(Ok((200, content))) => Ok(content),
        Ok(Ok((status, _))) => Err(status),
        Ok(Err(_)) | Err(_) => Err(0),
    }
}

async fn get(url: &str, authorities: &str) -> io::Result<(u16, Bytes)> {
    let wrong = |what: &str| io::Error::other(what.to_owned());
    let url: Uri = url.parse().map_err(io::Error::other)?;
    let (host, is_https) = (url.host().ok_or_else(|| wrong("no host"))?, url.scheme_str() == Some("https"));
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(if is_https { 443 } else { 80 }))).await?;
    if !is_https {
        return exchange(stream, &url).await;
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    exchange(TlsConnector::from(Arc::new(config)).connect(name, stream).await?, &url).await
}

async fn exchange<S>(stream: S, url: &Uri) -> io::Result<(u16, Bytes)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    let host = url.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(target).header(header::HOST, host).body(Empty::<Bytes>::new());
    let response = sender.send_request(request.map_err(io::Error::other)?).await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(io::Error::other)?;
    Ok((status, body.to_bytes()))
}
