//! A raw client: bytes in, bytes out, each wait with a deadline.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ami_replay::Trace;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub const DEADLINE: Duration = Duration::from_secs(20);
pub const GREETING: &str = "Asterisk Call Manager/11.0.0\r\n";
pub const LOGIN: &str = "Action: Login\r\nActionID: 1\r\nUsername: crm\r\nSecret: replay-secret\r\n\r\n";

pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

pub struct Client {
    wire: Box<dyn Wire>,
    unread: Vec<u8>,
}

impl Client {
    pub fn over(wire: impl Wire + 'static) -> Self {
        Self { wire: Box::new(wire), unread: Vec::new() }
    }

    pub async fn connect(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap())
    }

    /// Connects and logs in; everything up to FullyBooted is read.
    pub async fn logged_in(addr: SocketAddr) -> Self {
        let mut client = Self::connect(addr).await;
        client.send(LOGIN).await;
        client.until("Event: FullyBooted").await;
        client.until("\r\n\r\n").await;
        client
    }

    pub async fn send(&mut self, text: &str) {
        self.wire.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to and including `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let mut searched = 0;
        loop {
            let found = self.unread[searched..].windows(end.len()).position(|w| w == end.as_bytes());
            if let Some(at) = found {
                let taken: Vec<u8> = self.unread.drain(..searched + at + end.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            searched = self.unread.len().saturating_sub(end.len());
            assert!(
                self.read_some().await > 0,
                "closed before {end:?}; got {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    /// Reads exactly so many bytes.
    pub async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(self.read_some().await > 0, "closed after {} of {count} bytes", self.unread.len());
        }
        self.unread.drain(..count).collect()
    }

    /// Reads until the server closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.read_some().await > 0 {}
        std::mem::take(&mut self.unread)
    }

    /// One request, one answer message.
    pub async fn ask(&mut self, request: &str) -> String {
        self.send(request).await;
        self.until("\r\n\r\n").await
    }

    /// The rows of a list answer, without their ends.
    pub async fn list(&mut self, action: &str) -> Vec<String> {
        self.send(&format!("Action: {action}\r\nActionID: list\r\n\r\n")).await;
        self.until("EventList: start").await;
        let mut rows: Vec<String> = Vec::new();
        self.until("\r\n\r\n").await;
        loop {
            let row = self.until("\r\n\r\n").await;
            if row.contains("EventList: Complete") {
                assert!(row.contains(&format!("ListItems: {}\r\n", rows.len())), "{row}");
                return rows;
            }
            rows.push(row);
        }
    }

    async fn read_some(&mut self) -> usize {
        let read = tokio::time::timeout(DEADLINE, self.wire.read_buf(&mut self.unread)).await;
        // A reset is one of the ways in which a server vanishes.
        read.unwrap_or_else(|_| {
            panic!("nothing within {DEADLINE:?}; unread: {:?}", String::from_utf8_lossy(&self.unread))
        })
        .unwrap_or(0)
    }
}

pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../traces").join(format!("{name}.ami"))
}

pub fn trace(name: &str) -> Trace {
    Trace::load(path(name)).unwrap()
}

/// Every trace that is the stream behind a login.
pub fn all_traces() -> Vec<Trace> {
    let mut names: Vec<_> = std::fs::read_dir(path("a").parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ami"))
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("login"))
        .collect();
    names.sort();
    assert!(names.len() > 25, "only {} traces found", names.len());
    names.iter().map(|path| Trace::load(path).unwrap()).collect()
}

/// All values of a header, in order.
pub fn values(text: &str, header: &str) -> Vec<String> {
    let prefix = format!("{header}: ");
    text.split("\r\n").filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}
