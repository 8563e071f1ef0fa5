//! The portal: knows nobody, agrees to everything, and notes when what arrives.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// How a portal treats its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers at once.
    Prompt,
    /// Answers after this long.
    Slow(Duration),
    /// Never answers.
    Silent,
    /// Closes every connection at once.
    Closing,
}

/// A running portal.
pub struct Portal {
    pub address: SocketAddr,
    arrivals: Arrivals,
}

/// When the first request with a method and a caller's number arrived; under the empty method, the first with the number.
type Arrivals = Arc<Mutex<HashMap<(&'static str, String), Instant>>>;

/// The methods whose arrival is noted.
const METHODS: [&str; 3] = ["register", "show", "finish"];

impl Portal {
    pub async fn start(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, arrivals) = (listener.local_addr()?, Arrivals::default());
        let noted = arrivals.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                if manner != Manner::Closing {
                    tokio::spawn(answer(socket, noted.clone(), manner));
                }
            }
        });
        Ok(Self { address, arrivals })
    }

    /// Waits for the first request that names `number` and whose method contains `method`.
    pub async fn arrival(&self, method: &'static str, number: String) -> Result<Instant> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let wanted = (method, number);
        loop {
            let found = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted).copied();
            if let Some(at) = found {
                return Ok(at);
            }
            ensure!(Instant::now() < deadline, "no request {wanted:?}");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
}

async fn answer(mut socket: TcpStream, arrivals: Arrivals, manner: Manner) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some((path, request)) = next(&mut socket, &mut buffer).await? {
        let now = Instant::now();
        let mut number = String::new();
        if let Some(at) = request.find("+49406696") {
            request.get(at..at + 14).context("a number")?.clone_into(&mut number);
            let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            for method in METHODS.into_iter().filter(|method| path.contains(method)).chain([""]) {
                arrivals.entry((method, number.clone())).or_insert(now);
            }
        }
        match manner {
            Manner::Slow(delay) => tokio::time::sleep(delay).await,
            Manner::Silent => std::future::pending().await,
            Manner::Prompt | Manner::Closing => {}
        }
        let result = result(&path, &number);
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{result}",
            result.len()
        );
        socket.write_all(text.as_bytes()).await?;
    }
    Ok(())
}

/// The next request: its first lines in lower case, and all of it; none at the end of the connection.
async fn next(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<(String, String)>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            let length = end + 4 + length.unwrap_or(0);
            if buffer.len() >= length {
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                buffer.drain(..length);
                return Ok(Some((head, request)));
            }
        }
        let mut part = [0; 8192];
        let read = socket.read(&mut part).await?;
        if read == 0 {
            return Ok(None);
        }
        buffer.extend_from_slice(&part[..read]);
    }
}

/// What the portal says. Its id of a call holds the number, so that every later request names it too.
fn result(path: &str, number: &str) -> String {
    match () {
        () if path.contains("user.get") => {
            r#"{"result":[{"ID":"11","ACTIVE":true,"UF_PHONE_INNER":"201"}],"total":1}"#.to_owned()
        }
        () if path.contains("register") => {
            format!(r#"{{"result":{{"CALL_ID":"externalCall.{number}","CRM_CREATED_LEAD":null}}}}"#)
        }
        () if path.contains("show") || path.contains("hide") => r#"{"result":true}"#.to_owned(),
        () if path.contains("finish") => {
            format!(r#"{{"result":{{"CALL_ID":"externalCall.{number}","CRM_ACTIVITY_ID":1}}}}"#)
        }
        () if path.contains("mode.get") => r#"{"result":1}"#.to_owned(),
        () => r#"{"result":[]}"#.to_owned(),
    }
}
