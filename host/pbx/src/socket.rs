//! A WebSocket to a phone system (RFC 6455): texts both ways, with bounds.

use std::{io, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, Message, client::IntoClientRequest as _, protocol::WebSocketConfig},
};

use crate::{api::Reach, trust::trust};

/// Connecting, with TLS and the handshake, takes no longer than this.
const CONNECT: Duration = Duration::from_secs(15);
/// Sending a text takes no longer than this.
const SEND: Duration = Duration::from_secs(10);
/// The largest text, in bytes.
const LARGEST: usize = 4 << 20;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open WebSocket.
pub(crate) struct Socket(WebSocketStream<Box<dyn Stream>>);

/// Why a WebSocket does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Shut {
    /// The phone system answers, with this status: 401 and 403 are about the token.
    #[error("the phone system refuses the web socket with status {0}")]
    Refused(u16),
    /// Anything else, for the admin; without anything of the request.
    #[error("{0}")]
    Other(String),
}

impl Socket {
    /// Opens a WebSocket below the base of `reach`; `below` begins with `/` and may hold a query. `https` becomes `wss`.
    pub(crate) async fn connect(
        reach: &Reach,
        below: &str,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Self, Shut> {
        let late = |_| Shut::Other(format!("no web socket within {} s", CONNECT.as_secs()));
        timeout(CONNECT, Self::open(reach, below, headers)).await.map_err(late)?
    }

    async fn open(reach: &Reach, below: &str, headers: &[(HeaderName, HeaderValue)]) -> Result<Self, Shut> {
        let other = |text: String| Shut::Other(text);
        // `http` and `https` stand for themselves in the standard's own way.
        let address = reach.at(below).replacen("http", "ws", 1);
        let mut request =
            address.into_client_request().map_err(|_| other("the address of the web socket is none".to_owned()))?;
        request.headers_mut().extend(headers.iter().cloned());
        let stream = stream(reach).await.map_err(other)?;
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::Error::Http(response)) => Err(Shut::Refused(response.status().as_u16())),
            Err(error) => Err(other(format!("no web socket: {error}"))),
        }
    }

    /// Sends a text. The error is for the admin; the socket is of no use afterwards.
    pub(crate) async fn send(&mut self, text: impl Into<String>) -> Result<(), String> {
        let sent = timeout(SEND, self.0.send(Message::text(text.into()))).await;
        sent.map_err(|_| "the phone system takes nothing".to_owned())?
            .map_err(|error| format!("the web socket broke: {error}"))
    }

    /// The next text; none where the other side has closed. May be given up at any time without losing any. Pings are
    /// answered; binary messages are taken for texts if they are ones.
    pub(crate) async fn next(&mut self) -> Option<Result<String, String>> {
        loop {
            return Some(match self.0.next().await? {
                Ok(Message::Text(text)) => Ok(text.as_str().to_owned()),
                Ok(Message::Binary(bytes)) => match String::from_utf8(bytes.into()) {
                    Ok(text) => Ok(text),
                    Err(_) => continue,
                },
                Ok(Message::Close(_)) => return None,
                Ok(_) => continue,
                Err(error) => Err(format!("the web socket broke: {error}")),
            });
        }
    }

    /// Says farewell. Nothing hangs on it.
    pub(crate) async fn close(mut self) {
        let _ = timeout(Duration::from_millis(500), self.0.close(None)).await;
    }
}

async fn stream(reach: &Reach) -> Result<Box<dyn Stream>, String> {
    let base = &reach.base;
    let (Some(host), Some(port)) = (base.host_str(), base.port_or_known_default()) else {
        return Err("the address has no host".to_owned());
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let failed = |error: io::Error| format!("cannot connect to {host}:{port}: {error}");
    let tcp = TcpStream::connect((bare, port)).await.map_err(failed)?;
    tcp.set_nodelay(true).map_err(failed)?;
    if base.scheme() != "https" {
        return Ok(Box::new(tcp));
    }
    let tls = trust(reach.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| format!("`{host}` is no name for a certificate"))?;
    let secured = TlsConnector::from(Arc::new(tls)).connect(name, tcp).await;
    Ok(Box::new(secured.map_err(|error| format!("no TLS with {host}:{port}: {error}"))?))
}
