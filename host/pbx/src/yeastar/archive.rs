//! Recordings: a link for half an hour, which needs a token besides (B.2 of `pbx-yeastar.md`).

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::io::AsyncWrite;

use super::client::{Client, Error};
use crate::{Fetched, Recordings, Unfetched, api::Opened};

/// What asks for a link.
const ASKED: &str = "recording/download";
/// What the link is called in the answer.
const LINK: &str = "download_resource_url";

/// The recordings of one PBX.
pub(super) struct Archive(pub(super) Arc<Client>);

#[async_trait]
impl Recordings for Archive {
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let holder = self.0.hold();
        let fetched = match self.open(file).await {
            Ok(opened) => {
                opened.save(to).await.map_err(|unfetched| unfetched.if_forbidden("see the rights of the API"))
            }
            Err(unfetched) => Err(unfetched),
        };
        holder.let_go().await;
        fetched
    }
}

impl Archive {
    /// Asks for a link and follows it. A token that ends in between is found out by the next try.
    async fn open(&self, file: &str) -> Result<Opened, Unfetched> {
        let link = self.link(file).await?;
        let token = self.0.token().await.map_err(unfetched)?;
        self.0.open(&link, &token).await
    }

    async fn link(&self, file: &str) -> Result<String, Unfetched> {
        let answer = self.0.get(ASKED, &[("file", file)]).await.map_err(unfetched)?;
        let link = answer.get(LINK).and_then(Value::as_str).unwrap_or_default();
        // It is followed with the token, so it must not lead to anybody else.
        let own = link.starts_with('/') && !link.starts_with("//") && link.bytes().all(|byte| byte.is_ascii_graphic());
        if own && !link.contains(['\\', '#']) {
            Ok(link.to_owned())
        } else {
            Err(Unfetched::Failed(format!("the answer to {ASKED} has no `{LINK}` that lies on the PBX")))
        }
    }
}

/// The codes of `recording/download` are not known; its words are.
fn unfetched(error: Error) -> Unfetched {
    let text = error.to_string();
    let (words, says) =
        (text.to_ascii_uppercase(), |all: &[&str], words: &str| all.iter().any(|word| words.contains(word)));
    match error {
        // Too many tokens, or requests: that passes.
        _ if says(&["LIMIT", "EXCEED"], &words) => Unfetched::Failed(text),
        Error::Login(_) => Unfetched::Forbidden(text),
        Error::Refused { .. } if says(&["NOT EXIST", "NOT FOUND", "NO SUCH"], &words) => Unfetched::Missing(text),
        Error::Refused { .. } if says(&["PERMISSION", "PRIVILEGE", "DENIED", "FORBIDDEN"], &words) => {
            Unfetched::Forbidden(text)
        }
        Error::Refused { .. } | Error::Unanswered { .. } | Error::Strange { .. } => Unfetched::Failed(text),
    }
}
