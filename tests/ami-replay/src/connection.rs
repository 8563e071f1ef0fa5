//! One client's connection: reads requests, writes what was queued for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

use crate::answers::{Then, answer};
use crate::message::Message;
use crate::world::{Action, Out, Shared};

/// How late the sheet says a refusal comes.
const REFUSAL_DELAY: Duration = Duration::from_secs(1);

/// A request that never ends is cut off here, in bytes.
const LONGEST_REQUEST: u64 = 64 * 1024;

/// Serves a client until either side closes.
pub(crate) async fn serve<S>(stream: S, shared: Arc<Shared>, connection: usize, outbox: mpsc::UnboundedReceiver<Out>)
where
    S: AsyncRead + AsyncWrite + Send,
{
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        () = read(reader, &shared, connection) => {}
        _ = write(writer, outbox) => {}
    }
    shared.world().clients.retain(|client| client.connection != connection);
    shared.ring();
}

async fn read(reader: impl AsyncRead + Unpin, shared: &Shared, connection: usize) {
    let mut reader = BufReader::new(reader);
    loop {
        let Some(request) = next_request(&mut reader).await else { return };
        let then = {
            let mut world = shared.world();
            world.actions.push(Action { connection, request: request.clone() });
            if world.silent {
                Then::GoOn
            } else {
                let (text, then) = answer(&mut world, connection, &request, Instant::now());
                if let Some(client) = world.client(connection) {
                    match then {
                        Then::GoOn => client.send(text),
                        Then::Close => {
                            client.send(text);
                            let _ = client.outbox.send(Out::Close);
                        }
                        Then::RefuseLate => {
                            let outbox = client.outbox.clone();
                            tokio::spawn(async move {
                                tokio::time::sleep(REFUSAL_DELAY).await;
                                let _ = outbox.send(Out::Bytes(text.into()));
                                let _ = outbox.send(Out::Close);
                            });
                        }
                    }
                }
                then
            }
        };
        shared.ring();
        if !matches!(then, Then::GoOn) {
            // The writer ends the connection; requests sent meanwhile are not answered.
            std::future::pending::<()>().await;
        }
    }
}

async fn next_request(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<Message> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(LONGEST_REQUEST);
    loop {
        let before = bytes.len();
        match limited.read_until(b'\n', &mut bytes).await {
            Ok(read) if read > 0 && bytes.ends_with(b"\n") => {}
            _ => return None,
        }
        if matches!(&bytes[before..], b"\r\n" | b"\n") {
            if before > 0 {
                return Some(Message::parse(&bytes));
            }
            bytes.clear();
        }
    }
}

/// Each piece is one write and leaves at once, so that the client's reads tend to end where the pieces do.
async fn write(mut writer: impl AsyncWrite + Unpin, mut outbox: mpsc::UnboundedReceiver<Out>) -> std::io::Result<()> {
    let mut allowance = usize::MAX;
    while let Some(out) = outbox.recv().await {
        match out {
            Out::Bytes(mut bytes) => {
                bytes.truncate(allowance);
                allowance = allowance.saturating_sub(bytes.len());
                writer.write_all(&bytes).await?;
                writer.flush().await?;
                if allowance == 0 {
                    return Ok(());
                }
                tokio::task::yield_now().await;
            }
            Out::CloseAfter(bytes) => allowance = bytes,
            Out::Close => return writer.shutdown().await,
            Out::Reached(_) => {}
        }
    }
    Ok(())
}
