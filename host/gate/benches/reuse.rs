//! How often a connection is used again: 20,000 requests, four at once, to a server that closes an idle connection now
//! and then without saying so. Prints what was opened, and the descriptors of the process before and after.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use hookswitch_gate::{Error, Gate, Options, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const REQUESTS: usize = 20_000;
const AT_ONCE: usize = 4;

/// Requests on one connection, after which the server closes it while it is idle.
const PATIENCE: usize = 450;

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

async fn serve(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    for _ in 0..PATIENCE {
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut chunk).await? {
                0 => return Ok(()),
                read => head.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            }
        }
        head.clear();
        seen.requests.fetch_add(1, Ordering::Relaxed);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await?;
    }
    Ok(())
}

async fn listen(seen: Arc<Seen>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.connections.fetch_add(1, Ordering::Relaxed);
            let seen = Arc::clone(&seen);
            tokio::spawn(async move { serve(stream, &seen).await });
        }
    });
    Ok(address)
}

/// Open descriptors of this process, where the system says so.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count())
}

#[derive(Default)]
struct Outcome {
    reused: usize,
    answered: usize,
    in_doubt: usize,
}

async fn send(gate: &Gate, url: &str, count: usize) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for _ in 0..count {
        let request = Request { method: "GET".into(), url: url.into(), ..Request::default() };
        match gate.send(request).await {
            Ok(response) => {
                outcome.answered += 1;
                outcome.reused += usize::from(response.sent.reused);
            }
            // The server closed just when the request was on its way.
            Err(Error::InDoubt { .. }) => outcome.in_doubt += 1,
            Err(other) => return Err(other),
        }
    }
    Ok(outcome)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seen = Arc::new(Seen::default());
    let url = format!("http://{}", listen(Arc::clone(&seen)).await?);
    let before = descriptors();
    let gate = Arc::new(Gate::new(Options { plugin: "bench".into(), http: vec![url.parse()?], ..Options::default() })?);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (gate, url) = (Arc::clone(&gate), url.clone());
        tasks.spawn(async move { send(&gate, &url, REQUESTS / AT_ONCE).await });
    }
    let mut all = Outcome::default();
    while let Some(outcome) = tasks.join_next().await {
        let outcome = outcome??;
        all.answered += outcome.answered;
        all.reused += outcome.reused;
        all.in_doubt += outcome.in_doubt;
    }
    let took = start.elapsed();
    let during = descriptors();
    drop(gate);
    // Connections end in tasks of their own.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let connections = seen.connections.load(Ordering::Relaxed);
    println!("requests    {} answered, {} in doubt, in {took:?}", all.answered, all.in_doubt);
    println!("connections {connections}");
    println!("reused      {:.2} %", 100.0 * all.reused as f64 / REQUESTS as f64);
    println!("descriptors {before} before, {during} with the gate, {} after it", descriptors());
    Ok(())
}
