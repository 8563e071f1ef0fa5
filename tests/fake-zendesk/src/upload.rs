//! Files that are uploaded for a comment to name (sheet 1, "Upload").

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    answer::Answer,
    routes::Call,
    world::{Millis, World},
};

/// The sheet's limit on one file.
const LARGEST: usize = 50 << 20;
/// How long a file waits for its comment [public: developer.zendesk.com, "Attachments"].
const TOKEN_LIVES: Millis = 60 * 60 * 1000;
/// Bytes of a file that is kept whole. Of a larger one only its hash and length are.
const LARGEST_KEPT: usize = 8 << 20;

/// A file that was uploaded.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: u64,
    token: String,
    name: String,
    content_type: String,
    bytes: usize,
    sha256: String,
    pub(crate) content: Option<Vec<u8>>,
    at: Millis,
    /// The ticket in which it hangs.
    ticket: Option<u64>,
}

impl Upload {
    /// As a comment shows it.
    fn attachment(&self, host: &str) -> Value {
        json!({"id": self.id, "file_name": self.name, "content_type": self.content_type, "size": self.bytes,
            "content_url": format!("https://{host}/attachments/token/{}/?name={}", self.token, self.name)})
    }

    pub(crate) fn snapshot(&self) -> Value {
        json!({"id": self.id, "filename": self.name, "content_type": self.content_type, "bytes": self.bytes,
            "sha256": self.sha256, "ticket": self.ticket})
    }
}

pub(crate) fn create(world: &mut World, call: &Call) -> Result<Answer, Answer> {
    let name = call.asked("filename").filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| Answer::bad_request("Required param missing: filename"))?.to_owned();
    if call.content_type.is_empty() {
        world.complain(format!("{name} was uploaded without its type"));
    }
    if call.raw.is_empty() {
        return Err(Answer::invalid("base", "Attachment: cannot be empty"));
    }
    // What the account answers to a file that is too large is inferred.
    if call.raw.len() > LARGEST {
        return Err(Answer::json(
            413,
            &json!({"error": "AttachmentTooLarge", "description": "Attachment is too large"}),
        ));
    }
    let id = world.new_id();
    let sha256 = Sha256::digest(&call.raw).iter().map(|byte| format!("{byte:02x}")).collect();
    let upload = Upload {
        id,
        token: format!("upl{id}t0ken"),
        name,
        content_type: call.content_type.clone(),
        bytes: call.raw.len(),
        sha256,
        content: (call.raw.len() <= LARGEST_KEPT).then(|| call.raw.clone()),
        at: world.now(),
        ticket: None,
    };
    let shown = json!({"upload": {"token": upload.token, "attachment": upload.attachment(&world.host())}});
    world.uploads.push(upload);
    Ok(Answer::json(201, &shown))
}

/// Hangs files on a comment of a ticket, by the tokens of their uploads. Each is good for one comment.
pub(crate) fn attach(world: &mut World, ticket: u64, tokens: &[String]) -> Result<Vec<Value>, Answer> {
    let (now, host) = (world.now(), world.host());
    let is_good = |upload: &Upload| upload.ticket.is_none() && now < upload.at + TOKEN_LIVES;
    let places: Option<Vec<usize>> = tokens
        .iter()
        .map(|token| world.uploads.iter().position(|upload| upload.token == *token && is_good(upload)))
        .collect();
    // Nothing hangs anywhere if one of them is wrong.
    let places = places.ok_or_else(|| Answer::invalid("uploads", "Upload token is invalid"))?;
    let hung = places.into_iter().map(|place| {
        world.uploads[place].ticket = Some(ticket);
        world.uploads[place].attachment(&host)
    });
    Ok(hung.collect())
}
