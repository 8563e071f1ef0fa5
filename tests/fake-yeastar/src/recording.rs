//! Recordings, and the links that they are fetched by (B.2 of the sheet): a link lasts for half an hour and needs a token
//! besides.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::state::{State, refused};

/// How long a link lasts.
const LIFE: Duration = Duration::from_secs(1800);
/// Where links lead.
const BELOW: &str = "/api/download/";

/// A recording.
pub(crate) struct Recording {
    pub(crate) uid: String,
    pub(crate) file: String,
}

/// A way to a recording for a while.
pub(crate) struct Link {
    path: String,
    file: String,
    until: Instant,
}

impl State {
    /// All of them, as `recording/list` tells them.
    pub(crate) fn recorded(&self) -> Vec<Value> {
        let told = |(id, Recording { uid, file }): (usize, &Recording)| {
            let size = sound(file).len();
            json!({ "id": id, "uid": uid, "file": file, "size": size })
        };
        self.recordings.iter().enumerate().map(told).collect()
    }

    /// A link to a recording, by its id or the name of its file; none if there is no such recording.
    pub(crate) fn link(&mut self, id: Option<&str>, file: Option<&str>) -> Option<Value> {
        let mut all = self.recordings.iter().enumerate();
        let (id, recording) = all.find(|(number, recording)| {
            file == Some(recording.file.as_str()) || id.is_some_and(|id| id == number.to_string())
        })?;
        let path = format!("{BELOW}Recording-{id}-download-{:016x}.wav", self.chance());
        let answer = json!({ "file": recording.file, "download_resource_url": path });
        let link = Link { path, file: recording.file.clone(), until: self.time() + LIFE };
        self.links.push(link);
        if std::mem::take(&mut self.ends_after_link) {
            self.end_tokens();
        }
        Some(answer)
    }

    /// What lies behind a link: status, type and bytes; none if this is no path of a link. What is wrong with a token is said
    /// as everywhere in the API, and what is no link by its status \[inferred\].
    pub(crate) fn fetch(&self, path: &str, token: &str) -> Option<(u16, &'static str, Vec<u8>)> {
        if !path.starts_with(BELOW) {
            return None;
        }
        if self.good(token).is_none() {
            return Some((200, "application/json", refused(10004, "ACCESS TOKEN EXPIRED").to_string().into()));
        }
        let link = self.links.iter().find(|link| link.path == path && link.until > self.time());
        Some(link.map_or((404, "text/html", Vec::new()), |link| (200, "audio/wav", sound(&link.file))))
    }
}

/// The bytes of a recording: each sounds different.
pub(crate) fn sound(file: &str) -> Vec<u8> {
    [b"RIFF\0\0\0\0WAVE".as_slice(), file.as_bytes()].concat()
}
