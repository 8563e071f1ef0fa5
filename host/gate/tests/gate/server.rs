//! A CRM's web server as raw bytes: it does with a connection what the test says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hookswitch_gate::{Grant, Options, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the server does after it has read a request.
pub(crate) enum Turn {
    Answer(Vec<u8>),
    AnswerAndClose(Vec<u8>),
    /// Writes, and then nothing more, with the connection open.
    Stall(Vec<u8>),
}

pub(crate) fn ok(body: &str) -> Turn {
    Turn::Answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<Vec<u8>>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) async fn start(turn: impl Fn(&[u8]) -> Turn + Send + Sync + 'static) -> Server {
        Server::on(Ipv4Addr::LOCALHOST, 0, None, turn).await
    }

    pub(crate) async fn on(
        ip: Ipv4Addr,
        port: u16,
        tls: Option<TlsAcceptor>,
        turn: impl Fn(&[u8]) -> Turn + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind((IpAddr::from(ip), port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (turn, shared) = (Arc::new(turn), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let (turn, shared, tls) = (Arc::clone(&turn), Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*turn, &shared).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*turn, &shared).await
                            }
                        }
                    }
                });
            }
        });
        Server { address, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.iter().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect()
    }

    /// Options of a plugin that may call this server.
    pub(crate) fn options(&self) -> Options {
        options(&[&self.url("")])
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, turn: &impl Fn(&[u8]) -> Turn, seen: &Mutex<Seen>) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().requests.push(request.clone());
        match turn(&request) {
            Turn::Answer(bytes) => {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Turn::AnswerAndClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Turn::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
        }
    }
}

/// Reads a head and as many bytes of body as its Content-Length says.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(read @ 1..) => bytes.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let missing = (head + length.unwrap_or(0)).saturating_sub(bytes.len());
    let mut rest = vec![0; missing];
    stream.read_exact(&mut rest).await.ok()?;
    bytes.extend(rest);
    Some(bytes)
}

pub(crate) fn options(http: &[&str]) -> Options {
    Options { plugin: "crm".into(), http: http.iter().map(|text| grant(text)).collect(), ..Options::default() }
}

pub(crate) fn grant(text: &str) -> Grant {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn get(url: &str) -> Request {
    Request { method: "GET".into(), url: url.into(), ..Request::default() }
}

pub(crate) fn post(url: &str, body: &str) -> Request {
    Request { method: "POST".into(), body: body.to_owned().into(), ..get(url) }
}

pub(crate) fn with(credential: &str, request: Request) -> Request {
    Request { credential: Some(credential.into()), ..request }
}
