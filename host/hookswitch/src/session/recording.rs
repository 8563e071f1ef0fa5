//! The recordings that a plugin may know of: those of calls that are its business; of the plugin that listens for all
//! others, those of all calls.

use std::{io::SeekFrom, path::Path};

use hookswitch_call::{Call, Chain, Millis};
use hookswitch_journal::RecordingId;
use hookswitch_runtime::contract::Recording;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Session, recorded::Settled, told};
use crate::{
    news::News,
    recordings::{File, left},
};

/// The capability that a manifest asks for to use the interface `recording`, and to send recordings.
const CAPABILITY: &str = "recording";
/// In traces.
const KIND: &str = "recording";
/// A link works no longer than this, in seconds.
const LONGEST: u32 = 366 * 24 * 3600;

/// `recording.of-call`.
pub(super) async fn of_call(session: &mut Session, chain: &str) -> Vec<Recording> {
    if !session.desk.manifest.capabilities.contains(CAPABILITY) {
        return Vec::new();
    }
    let intent = match session.settled(KIND, "of-call", chain, &[]) {
        Settled::Given(answer) => return answer,
        Settled::Diverged(_) => return Vec::new(),
        Settled::Make(intent) => intent,
    };
    let found = match find(session, chain).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(plugin = %session.desk.name, %error, "recordings cannot be looked up");
            return Vec::new();
        }
    };
    session.keep(intent, &found);
    found
}

async fn find(session: &Session, chain: &str) -> Result<Vec<Recording>, hookswitch_journal::Error> {
    let wanted = Chain::from(chain);
    let found = session.desk.journal.read(move |view| {
        let mut found = Vec::new();
        for recording in view.recordings_of_chain(&wanted)? {
            let call = view.call(&recording.call)?.map(|entry| entry.call);
            found.extend(File::of(view, recording, None)?.zip(call));
        }
        Ok(found)
    });
    let of = session.call.as_ref().map(|call| call.pbx.clone());
    let mut found = found.await?;
    found.retain(|(_, call)| of.as_ref().is_none_or(|pbx| call.pbx == *pbx) && is_open_to(session, call));
    let desk = &session.desk;
    Ok(found.iter().map(|(file, call)| file.seen(call, &desk.zone, left(&desk.host))).collect())
}

/// Whether the plugin may know of the recordings of a call.
fn is_open_to(session: &Session, call: &Call) -> bool {
    let desk = &session.desk;
    let speech = desk.host.recordings.as_ref().and_then(|recordings| recordings.speech.as_ref());
    speech.is_some_and(|speech| speech.plugin == desk.name) || desk.is_concerned(&News::of(&desk.host, call.clone()))
}

/// The file with this id, and its call; the error is for the plugin's author, or the admin.
pub(super) async fn open(session: &Session, id: &str) -> Result<(File, Call), String> {
    if !session.desk.manifest.capabilities.contains(CAPABILITY) {
        return Err(format!("the manifest does not ask for the capability `{CAPABILITY}`"));
    }
    let (recording, part) = match id.split_once('/') {
        Some((recording, part)) => (recording, Some(part.to_owned())),
        None => (id, None),
    };
    let found = match recording.parse() {
        Ok(recording) => session.desk.recordings.file(RecordingId(recording), part).await.map_err(told)?,
        Err(_) => None,
    };
    // Whether there is one that it may not know of is none of its business.
    let found = found.filter(|(_, call)| is_open_to(session, call));
    found.ok_or_else(|| format!("there is no recording `{id}`, or it is not kept any more"))
}

/// `recording.read`. Which file it was is written down, and not what is in it: it never changes, and is read again.
pub(super) async fn read(session: &mut Session, id: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
    let about = format!("{id} {offset}+{length}");
    let file = match session.settled(KIND, "read", &about, &[]) {
        Settled::Given(file) => file,
        Settled::Diverged(text) => return Err(text),
        Settled::Make(intent) => {
            let file: Result<String, String> = open(session, id).await.map(|(file, _)| file.hash);
            session.keep(intent, &file);
            file
        }
    };
    part(&session.desk.recordings.archive.path(&file?), offset, length).await.map_err(told)
}

async fn part(path: &Path, offset: u64, length: u32) -> std::io::Result<Vec<u8>> {
    let mut open = tokio::fs::File::open(path).await?;
    open.seek(SeekFrom::Start(offset)).await?;
    let mut bytes = Vec::new();
    open.take(length.into()).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// `recording.sign-link`.
pub(super) async fn sign_link(session: &mut Session, id: &str, ttl_s: u32, once: bool) -> Result<String, String> {
    let about = format!("{id} for {ttl_s} s{}", if once { ", once" } else { "" });
    let intent = match session.settled(KIND, "sign-link", &about, &[]) {
        Settled::Given(answer) => return answer,
        Settled::Diverged(text) => return Err(text),
        Settled::Make(intent) => intent,
    };
    let link = signed(session, id, ttl_s, once).await;
    session.keep(intent, &link);
    link
}

async fn signed(session: &Session, id: &str, ttl_s: u32, once: bool) -> Result<String, String> {
    if !(1..=LONGEST).contains(&ttl_s) {
        return Err(format!("a link works for 1 to {LONGEST} seconds, not for {ttl_s}"));
    }
    let desk = &session.desk;
    let (file, call) = open(session, id).await?;
    let Some(public) = &desk.host.server.public_url else {
        return Err("links to recordings need an address of this host: give [server] public-url".to_owned());
    };
    let until = Millis(session.started.0.saturating_add(u64::from(ttl_s) * 1000));
    Ok(desk.recordings.link(public, &file, &file.name(&call, &desk.zone), until, once))
}
