//! A server that keeps every byte it gets.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// A request.
pub struct Request {
    /// The path without its query.
    pub place: String,
    /// How often it was asked before.
    pub nth: usize,
}

/// An answer, written as it goes over the wire.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A running server; it stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    got: Arc<Mutex<Got>>,
    acceptor: AbortHandle,
}

#[derive(Default)]
struct Got {
    bytes: Vec<u8>,
    places: Vec<String>,
}

impl Server {
    /// Starts to listen. What `answer` does before it returns, the client waits for.
    pub async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (got, answer) = (Arc::<Mutex<Got>>::default(), Arc::new(answer));
        let shared = got.clone();
        let acceptor = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (got, answer) = (shared.clone(), answer.clone());
                tokio::spawn(async move {
                    // A client that goes away is an everyday thing here.
                    let _ = serve(socket, &got, &*answer).await;
                });
            }
        });
        Ok(Self { address, got, acceptor: acceptor.abort_handle() })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that came in.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.got).bytes.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

fn lock(got: &Mutex<Got>) -> MutexGuard<'_, Got> {
    got.lock().expect("nobody panics with the lock")
}

async fn serve(
    mut socket: TcpStream,
    got: &Mutex<Got>,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let (head, end) = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break (String::from_utf8_lossy(&buffer[..at]).into_owned(), at + 4);
            }
            more(&mut socket, &mut buffer).await?;
        };
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
        let length: usize = length.unwrap_or(0);
        while buffer.len() < end + length {
            more(&mut socket, &mut buffer).await?;
        }
        let request: Vec<u8> = buffer.drain(..end + length).collect();
        let target = head.split(' ').nth(1).context("a target")?;
        let place = target.split('?').next().unwrap_or_default().to_owned();
        let nth = {
            let mut got = lock(got);
            got.bytes.extend_from_slice(&request);
            got.places.push(place.clone());
            got.places.iter().filter(|known| **known == place).count() - 1
        };
        let request = Request { place, nth };
        let reply = tokio::task::block_in_place(|| answer(&request));
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        socket.write_all(format!("{head}\r\n{}", reply.body).as_bytes()).await?;
    }
}

async fn more(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    let read = socket.read_buf(buffer).await?;
    anyhow::ensure!(read > 0, "the client has gone");
    Ok(())
}
