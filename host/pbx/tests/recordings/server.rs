//! A web server that says what a test wants, byte by byte.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

/// What is sent, or not.
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Wait(Duration),
    /// Nothing comes any more, and the connection stays.
    Hang,
}

/// What is answered to a request, of which it gets the head.
type Says = dyn Fn(&str) -> Vec<Piece> + Send + Sync;

/// A server that is encrypted or not; it stops when it is dropped.
pub(crate) struct Server {
    /// Scheme, address and port.
    pub(crate) origin: String,
    /// The authority to trust.
    pub(crate) ca: NamedTempFile,
    asked: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Status line and head, and what follows.
pub(crate) fn answer(status: u16, head: &str, body: &[u8]) -> Vec<Piece> {
    let head = format!("HTTP/1.1 {status} -\r\n{head}connection: close\r\n\r\n");
    vec![Piece::Bytes([head.as_bytes(), body].concat())]
}

/// Sound of this length.
pub(crate) fn sound(bytes: usize) -> Vec<u8> {
    [b"ID3\x04".as_slice(), &(0..bytes).map(|at| (at % 251) as u8).collect::<Vec<_>>()].concat()
}

/// The whole of it, as it should be.
pub(crate) fn good(body: &[u8]) -> Vec<Piece> {
    answer(200, &format!("content-type: audio/mpeg\r\ncontent-length: {}\r\n", body.len()), body)
}

impl Server {
    pub(crate) async fn start(tls: bool, says: impl Fn(&str) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (config, pem) = authority::identity("Fake web authority").unwrap();
        let (acceptor, mut ca) = (TlsAcceptor::from(config), NamedTempFile::new().unwrap());
        ca.write_all(pem.as_bytes()).unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (heard, says): (_, Arc<Says>) = (asked.clone(), Arc::new(says));
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (heard, says, acceptor) = (heard.clone(), says.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match tls {
                        false => serve(tcp, &heard, &says).await,
                        true => serve(acceptor.accept(tcp).await?, &heard, &says).await,
                    }
                });
            }
        });
        let scheme = if tls { "https" } else { "http" };
        Self { origin: format!("{scheme}://{address}"), ca, asked, task: task.abort_handle() }
    }

    /// The heads of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    asked: &Mutex<Vec<String>>,
    says: &Arc<Says>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    asked.lock().unwrap().push(head.clone());
    for piece in says(&head) {
        match piece {
            Piece::Bytes(bytes) => stream.write_all(&bytes).await?,
            Piece::Wait(time) => tokio::time::sleep(time).await,
            Piece::Hang => std::future::pending().await,
        }
        stream.flush().await?;
    }
    stream.shutdown().await
}
