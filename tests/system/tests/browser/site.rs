//! Other people's web sites: a CRM, a shop, an attacker. Each is its pages by their paths.

use anyhow::Result;
use system_tests::http::free_port;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A running site; it ends when it is dropped.
pub(crate) struct Site {
    port: u16,
    serving: JoinHandle<()>,
}

impl Site {
    /// Serves `pages`, and nothing else.
    pub(crate) async fn start(pages: &[(&str, String)]) -> Result<Self> {
        let port = free_port()?;
        Self::start_at(port, pages).await
    }

    /// The same at a port whose number has to be known before.
    pub(crate) async fn start_at(port: u16, pages: &[(&str, String)]) -> Result<Self> {
        let pages: Vec<(String, String)> =
            pages.iter().map(|(path, body)| ((*path).to_owned(), body.clone())).collect();
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, pages.clone()));
            }
        });
        Ok(Self { port, serving })
    }

    /// Its address as that of a site other than 127.0.0.1: another host.
    pub(crate) fn elsewhere(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Its address as a neighbour's: another origin of the same site, which gets its cookies.
    pub(crate) fn next_door(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, pages: Vec<(String, String)>) -> std::io::Result<()> {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => head.extend_from_slice(&buffer[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let page = pages.iter().find(|(known, _)| known == path).map(|(_, page)| page.as_str());
    let (status, body) = page.map_or(("404 Not Found", ""), |page| ("200 OK", page));
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
