//! `GET /xapi/v1/Recordings/Pbx.DownloadRecording(recId=N)` (sheet, B.4).

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{http::Incoming, state::State};

/// How a recording is given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// As it should be.
    #[default]
    Whole,
    /// The line breaks in the middle.
    Cut,
    /// A page of the web client, with status 200.
    Page,
}

/// The sound of a recording.
#[derive(Clone, Debug)]
pub struct Sound {
    pub bytes: Vec<u8>,
    pub manner: Manner,
}

/// The recording that is asked for, if this is how it is asked for, and there is one.
pub(crate) fn asked(state: &mut State, request: &Incoming, live: bool) -> Option<Sound> {
    let below = request.target.strip_prefix("/xapi/v1/Recordings/Pbx.DownloadRecording(recId=")?;
    let id = below.strip_suffix(')')?;
    if state.faults.iter().any(|(part, _)| request.target.contains(part)) || !request.whole {
        return None;
    }
    // It has one type, and who wants another gets nothing.
    let other = request.header("accept").is_some_and(|kinds| !kinds.contains("*/*") && !kinds.contains("audio/"));
    if other {
        state.complaints.push("a recording is no JSON".to_owned());
        return None;
    }
    let good = request.method == "GET" && live && state.xapi && id.bytes().all(|byte| byte.is_ascii_digit());
    state.sounds.get(&id.parse().ok()?).filter(|_| good).cloned()
}

/// Sends it; false where the line broke.
pub(crate) async fn send(sound: &Sound, stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<bool> {
    let Sound { bytes, manner } = sound;
    let page = b"<!DOCTYPE html><html><head><title>3CX Web Client</title></head></html>".as_slice();
    let (kind, body) = match manner {
        Manner::Whole | Manner::Cut => ("audio/wav", bytes.as_slice()),
        Manner::Page => ("text/html", page),
    };
    let head = format!("HTTP/1.1 200 -\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    let sent = if *manner == Manner::Cut { body.len() / 2 } else { body.len() };
    stream.write_all(&body[..sent]).await?;
    stream.flush().await?;
    Ok(*manner != Manner::Cut)
}
