//! A server that answers each request as a function says, for what no honest server does.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// At the end of an answer: the server closes the connection behind it.
pub(crate) const CLOSE: &str = "\0CLOSE";

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    acceptor: AbortHandle,
}

impl Scripted {
    pub(crate) async fn start(greeting: &'static str, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(answer);
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, greeting, answer.clone()));
            }
        };
        Self { address, acceptor: tokio::spawn(accept).abort_handle() }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn serve(mut stream: TcpStream, greeting: &str, answer: Arc<impl Fn(&str) -> String>) {
    let mut received = String::new();
    let mut buffer = [0; 4096];
    if stream.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        received += &String::from_utf8_lossy(&buffer[..length]);
        while let Some(end) = received.find("\r\n\r\n") {
            let request: String = received.drain(..end + 4).collect();
            let reply = answer(&request);
            let closes = reply.ends_with(CLOSE);
            if stream.write_all(reply.trim_end_matches(CLOSE).as_bytes()).await.is_err() || closes {
                return;
            }
        }
    }
}
