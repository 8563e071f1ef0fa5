//! The web socket (RFC 6455), by hand.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    http::Incoming,
    pbx::Shared,
    state::{Subscriber, refused},
};

/// The events that a firmware of today knows.
const KNOWN: std::ops::RangeInclusive<u64> = 30005..=30039;

pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut buffer: Vec<u8>,
    request: &Incoming,
    shared: &Arc<Shared>,
) -> Result<()> {
    let token = request.query.get("access_token").cloned().unwrap_or_default();
    let good = shared.state().good(&token);
    let idle = shared.state().idle;
    let named = request.header("user-agent").is_some_and(|agent| !agent.is_empty());
    if !named {
        shared.state().complaints.push("subscribe: no User-Agent".to_owned());
    }
    let (Some(until), Some(key), true) = (good, request.header("sec-websocket-key"), named) else {
        stream.write_all(b"HTTP/1.1 401 -\r\ncontent-length: 0\r\n\r\n").await?;
        return Ok(());
    };
    let accept = STANDARD.encode(digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes(),
    ));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let (texts, mut told) = mpsc::unbounded_channel::<String>();
    let mut subscribed = false;
    let mut quiet = Instant::now() + idle;
    let mut cut = shared.cut.subscribe();
    loop {
        while let Some((opcode, payload)) = frame(&mut buffer)? {
            quiet = Instant::now() + idle;
            let text = String::from_utf8(payload)?;
            match opcode {
                1 if text == "heartbeat" => stream.write_all(&framed(1, b"heartbeat response")).await?,
                1 => {
                    let asked: Value = serde_json::from_str(&text).unwrap_or_default();
                    let topics: Vec<u64> =
                        asked["topic_list"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
                    let good = !topics.is_empty() && topics.iter().all(|topic| KNOWN.contains(topic));
                    let answer = match good {
                        true => json!({ "errcode": 0, "errmsg": "SUCCESS" }),
                        false => refused(40002, "PARAMETER ERROR: topic_list"),
                    };
                    stream.write_all(&framed(1, answer.to_string().as_bytes())).await?;
                    if good && !subscribed {
                        subscribed = true;
                        let mut state = shared.state();
                        state.subscriptions += 1;
                        state.subscribers.push(Subscriber { topics, texts: texts.clone() });
                        drop(state);
                        shared.changed();
                    }
                }
                8 => return Ok(()),
                9 => stream.write_all(&framed(10, text.as_bytes())).await?,
                _ => {}
            }
        }
        stream.flush().await?;
        let mut part = [0; 4096];
        tokio::select! {
            read = stream.read(&mut part) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                buffer.extend_from_slice(&part[..read]);
            }
            Some(text) = told.recv() => stream.write_all(&framed(1, text.as_bytes())).await?,
            // The PBX closes what is silent, and what has an old token.
            () = sleep_until(quiet) => break,
            () = sleep_until(until.into()) => break,
            _ = cut.changed() => return Ok(()),
        }
    }
    stream.write_all(&framed(8, &[])).await?;
    stream.flush().await?;
    // The other side may still be reading.
    let _ = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut [0; 64])).await;
    Ok(())
}

/// Takes a whole frame of a client off the buffer.
fn frame(buffer: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>> {
    let [first, second, ..] = buffer[..] else { return Ok(None) };
    ensure!(second & 0x80 != 0, "a client's frame must be masked");
    let (length, at) = match second & 0x7f {
        126 if buffer.len() >= 4 => (usize::from(u16::from_be_bytes([buffer[2], buffer[3]])), 4),
        126 => return Ok(None),
        127 => anyhow::bail!("nobody has that much to say"),
        short => (usize::from(short), 2),
    };
    if buffer.len() < at + 4 + length {
        return Ok(None);
    }
    let mask: Vec<u8> = buffer[at..at + 4].to_vec();
    let payload =
        buffer[at + 4..at + 4 + length].iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]).collect();
    buffer.drain(..at + 4 + length);
    Ok(Some((first & 0x0f, payload)))
}

/// A whole frame of a server.
fn framed(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..126 => bytes.push(short as u8),
        long => {
            bytes.push(126);
            bytes.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}
