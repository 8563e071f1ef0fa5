//! `GET /operations/ID`, and when it is over.

use serde_json::{Value, json};

use crate::recognition::Heard;

/// A recognition under way.
pub(crate) struct Operation {
    pub(crate) heard: Heard,
    /// So often somebody will be told to wait.
    pub(crate) left: u32,
    /// And so often that its result is not there, although it is over.
    pub(crate) behind: u32,
}

impl Operation {
    /// As somebody is told who asks.
    pub(crate) fn asked(&mut self) -> Value {
        let done = self.left == 0;
        self.left = self.left.saturating_sub(1);
        let mut operation = self.describe(done);
        if let (true, Err(why)) = (done, &self.heard.sound) {
            operation["error"] = json!({"code": 3, "message": why, "details": []});
        }
        operation
    }

    /// As it is told to whoever begins it.
    pub(crate) fn begun(&self) -> Value {
        self.describe(false)
    }

    /// Whether its result is there.
    pub(crate) fn is_ready(&mut self) -> bool {
        let ready = self.left == 0 && self.behind == 0 && self.heard.sound.is_ok();
        self.behind = self.behind.saturating_sub(1);
        ready
    }

    fn describe(&self, done: bool) -> Value {
        json!({
            "id": self.heard.operation, "description": "STT v3 async recognition", "createdAt": "2026-07-15T07:39:36Z",
            "createdBy": "ajehumcuv38h", "modifiedAt": "2026-07-15T07:39:36Z", "done": done, "metadata": null,
        })
    }
}
