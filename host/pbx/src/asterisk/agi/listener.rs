//! Serves FastAGI on a socket, with bounds on everything.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Head, MAX_HEAD, Reply, commands};
use crate::asterisk::{Agi, routing::Desk};

/// Questions at one time.
const MOST: usize = 256;
/// A dial plan says what it knows within this time, and answers each command so.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines of an answer to one command.
const MAX_REPLY: usize = 50;
/// Bytes of such a line.
const MAX_LINE: u64 = 4096;
/// The address is tried again after this while it is taken.
const RETRY: Duration = Duration::from_secs(2);

/// Serves until `stop` is cancelled; returns at once where nothing is to be served.
pub(in crate::asterisk) async fn serve(agi: Option<Agi>, desk: Arc<Desk>, stop: CancellationToken) {
    let Some(agi) = agi else { return };
    let tasks = TaskTracker::new();
    stop.run_until_cancelled(listen(&agi, &desk, &tasks)).await;
    tasks.close();
    // Whoever asks now is answered: it is a matter of moments.
    let _ = timeout(PATIENCE, tasks.wait()).await;
}

async fn listen(agi: &Agi, desk: &Arc<Desk>, tasks: &TaskTracker) {
    let listener = loop {
        match TcpListener::bind(agi.listen).await {
            Ok(listener) => break listener,
            Err(error) => {
                tracing::error!(listen = %agi.listen, %error, "cannot listen for questions of the dial plan (`agi`)");
                sleep(RETRY).await;
            }
        }
    };
    tracing::info!(listen = %agi.listen, "the dial plan may ask by FastAGI");
    let slots = Arc::new(Semaphore::new(MOST));
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, most likely: accepting again at once would only burn time.
                tracing::warn!(%error, "a question of the dial plan was lost");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if !is_allowed(agi, from) {
            tracing::warn!(source = %from.ip(), "a question from elsewhere was refused; see `agi-networks`");
            continue;
        }
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            tracing::warn!("too many questions of the dial plan at one time; one was refused");
            continue;
        };
        let desk = desk.clone();
        tasks.spawn(async move {
            if let Err(error) = converse(stream, &desk).await {
                tracing::warn!(%error, "a question of the dial plan was not answered");
            }
            drop(slot);
        });
    }
}

fn is_allowed(agi: &Agi, from: SocketAddr) -> bool {
    agi.networks.iter().any(|network| network.contains(from.ip()))
}

/// One question, from its first to its last byte.
async fn converse(mut stream: TcpStream, desk: &Desk) -> io::Result<()> {
    // Each command waits for its answer, so nothing is gained by holding small packets back.
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let head = within(head(&mut read)).await?;
    let Some(head) = Head::parse(&head) else { return Err(wrong("it is no FastAGI")) };
    if head.script != "route" {
        return Err(wrong("it is none that is known here; write `AGI(agi://…/route)`"));
    }
    let route = desk.ask(&head.call, &head.caller, &head.line).await;
    for command in commands(&route) {
        within(write.write_all(command.as_bytes())).await?;
        if within(reply(&mut read)).await? == Reply::HungUp {
            tracing::debug!("the caller hung up before the answer");
            return Ok(());
        }
    }
    write.shutdown().await
}

/// What stands before the empty line.
async fn head(read: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut limited = read.take(MAX_HEAD as u64);
    loop {
        let before = head.len();
        limited.read_until(b'\n', &mut head).await?;
        match head.get(before..).unwrap_or_default() {
            b"\n" | b"\r\n" => return Ok(head),
            line if line.ends_with(b"\n") => {}
            _ => return Err(wrong("it broke off, or says more than a dial plan would")),
        }
    }
}

/// What the PBX says to a command.
async fn reply(read: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Reply> {
    for _ in 0..MAX_REPLY {
        let mut line = Vec::new();
        (&mut *read).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        if !line.ends_with(b"\n") {
            return Err(wrong("the PBX closed the connection, or says too much"));
        }
        match Reply::parse(&line) {
            Reply::More => {}
            Reply::Refused => {
                let said: String = String::from_utf8_lossy(&line).trim_end().chars().take(100).collect();
                tracing::warn!(said = %said.escape_debug(), "the PBX refuses to set a variable");
                return Ok(Reply::Refused);
            }
            reply => return Ok(reply),
        }
    }
    Err(wrong("an answer of the PBX does not end"))
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

fn wrong(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
