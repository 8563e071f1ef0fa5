//! One connection to the manager interface: bytes out, frames in.

use std::{io, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    Config, Decoder, Error, Frame,
    error::Circumstance,
    message::{Message, peek},
    request::Request,
};
use crate::trust::trust;

/// Bytes asked for in one read.
const READ_SIZE: usize = 64 << 10;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    decoder: Decoder,
    read: Vec<u8>,
    requests: u64,
    answer: Duration,
    shutting_down: bool,
}

impl Link {
    /// Connects, over TLS if the configuration says so.
    pub(super) async fn open(config: &Config) -> Result<Self, Error> {
        let after = config.patience.connect;
        let late = |_| Error::ConnectTimeout { address: config.address.clone(), after };
        timeout(after, Self::connect(config)).await.map_err(late)?
    }

    async fn connect(config: &Config) -> Result<Self, Error> {
        let address = &config.address;
        let failed = |source| Error::Connect { address: address.clone(), source };
        let tcp = TcpStream::connect(address).await.map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        let stream: Box<dyn Stream> = match &config.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let name = tls.server_name.clone().unwrap_or_else(|| host(address).to_owned());
                let name = ServerName::try_from(name.clone()).map_err(|_| Error::ServerName(name))?;
                let failed = |source| Error::Tls { address: address.clone(), source };
                Box::new(
                    TlsConnector::from(Arc::new(trust(tls.ca.as_deref())?)).connect(name, tcp).await.map_err(failed)?,
                )
            }
        };
        let read = vec![0; READ_SIZE];
        let answer = config.patience.answer;
        Ok(Self { stream, decoder: Decoder::default(), read, requests: 0, answer, shutting_down: false })
    }

    /// Sends a request and returns the id of its answer.
    pub(super) async fn send(&mut self, request: Request) -> Result<String, Error> {
        self.requests += 1;
        let id = format!("hookswitch-{}", self.requests);
        let (to, after) = (request.name(), self.answer);
        let bytes = request.into_bytes(&id);
        let written = timeout(after, async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        });
        written.await.map_err(|_| Error::Silent { to, after })?.map_err(Error::Broken)?;
        Ok(id)
    }

    /// Waits for bytes. May be given up at any time without losing any.
    pub(super) async fn fill(&mut self) -> Result<(), Error> {
        match self.stream.read(&mut self.read).await {
            Ok(0) => Err(self.closed()),
            Ok(length) => {
                self.decoder.feed(self.read.get(..length).unwrap_or_default());
                Ok(())
            }
            Err(error) if is_end(&error) => Err(self.closed()),
            Err(error) => Err(Error::Broken(error)),
        }
    }

    /// How long an answer may take.
    pub(super) fn answer(&self) -> Duration {
        self.answer
    }

    fn closed(&self) -> Error {
        Error::Closed(if self.shutting_down { Circumstance::Shutdown } else { Circumstance::Unknown })
    }

    /// The line that an Asterisk begins with; more than a line or something else is no Asterisk.
    pub(super) async fn greeting(&mut self, address: &str) -> Result<String, Error> {
        let after = self.answer;
        let wait = async {
            loop {
                let said = match self.decoder.next() {
                    Some(Frame::Greeting(line) | Frame::Message(line)) => String::from_utf8_lossy(line).into_owned(),
                    Some(Frame::Skipped(..)) => String::new(),
                    None => {
                        self.fill().await?;
                        continue;
                    }
                };
                return if said.starts_with("Asterisk Call Manager/") {
                    Ok(said)
                } else {
                    Err(not_asterisk(address, &said))
                };
            }
        };
        timeout(after, wait).await.map_err(|_| Error::Silent { to: "the connection", after })?
    }

    /// Gives every message that has arrived completely to `take`.
    pub(super) fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        while let Some(frame) = self.decoder.next() {
            match frame {
                Frame::Message(message) => {
                    self.shutting_down |= peek(message, "Event") == Some(b"Shutdown");
                    take(message);
                }
                Frame::Skipped(why, bytes) => tracing::warn!(%why, bytes, "a message of the PBX was thrown away"),
                Frame::Greeting(_) => {}
            }
        }
    }

    /// Sends a request and waits for its response; what else arrives meanwhile goes to `other`.
    pub(super) async fn ask(&mut self, request: Request, mut other: impl FnMut(&[u8])) -> Result<Response, Error> {
        let (to, after) = (request.name(), self.answer);
        let id = self.send(request).await?;
        let wait = async {
            loop {
                let mut response = None;
                self.drain(|message| match Response::read(message) {
                    Some(found) if found.action_id == id && response.is_none() => response = Some(found),
                    _ => other(message),
                });
                match response {
                    Some(response) => return Ok(response),
                    None => self.fill().await?,
                }
            }
        };
        timeout(after, wait).await.map_err(|_| Error::Silent { to, after })?
    }
}

/// The answer to a request.
pub(super) struct Response {
    pub(super) action_id: String,
    pub(super) success: bool,
    pub(super) message: String,
    /// All its lines.
    pub(super) lines: Vec<u8>,
}

impl Response {
    /// The response that a message is, if it is one.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let verdict = peek(frame, "Response")?;
        let message = Message::parse(frame);
        Some(Self {
            action_id: message.get("ActionID").unwrap_or_default().to_owned(),
            success: verdict != b"Error",
            message: message.get("Message").unwrap_or_default().to_owned(),
            lines: frame.to_vec(),
        })
    }

    /// A header of the response.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        Message::parse(&self.lines).text(name).map(str::to_owned)
    }
}

fn not_asterisk(address: &str, said: &str) -> Error {
    let said = said.chars().take(60).flat_map(char::escape_default).collect();
    Error::NotAsterisk { address: address.to_owned(), said }
}

/// The host of `host:port`; an IPv6 address stands in brackets there.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _port)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether the other side is gone, rather than the network in trouble.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_what_stands_before_the_port() {
        assert_eq!(host("pbx.example.com:5038"), "pbx.example.com");
        assert_eq!(host("[2001:db8::1]:5039"), "2001:db8::1");
    }
}
