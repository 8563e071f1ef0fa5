//! A file that somebody has handed in.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Bytes of a file that is kept whole. Of a larger one only its hash and length are.
const LARGEST_KEPT: usize = 8 << 20;

#[derive(Debug)]
pub(crate) struct File {
    pub(crate) id: u64,
    name: String,
    length: usize,
    sha256: String,
    content: Option<Bytes>,
}

impl File {
    pub(crate) fn new(id: u64, name: String, content: Bytes) -> Self {
        let sha256 = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let length = content.len();
        Self { id, name, length, sha256, content: Some(content).filter(|_| length <= LARGEST_KEPT) }
    }

    pub(crate) fn content(&self) -> Option<Bytes> {
        self.content.clone()
    }

    pub(crate) fn json(&self) -> Value {
        json!({"file_id": self.id, "filename": self.name, "bytes": self.length, "sha256": self.sha256})
    }
}
