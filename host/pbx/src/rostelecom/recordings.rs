//! Recordings: a link that works once, and what lies there (sections 4 and 7).

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use super::client::{Client, Failed};
use crate::{Fetched, Recordings, Unfetched};

#[async_trait]
impl Recordings for Client {
    async fn fetch(&self, file: &str, to: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<Fetched, Unfetched> {
        let link = self.link(file).await.map_err(|failed| match failed {
            Failed::Refused { message, .. } => {
                Unfetched::Missing(format!("{message} (it takes about half a minute after the call to appear)"))
            }
            failed @ (Failed::Unauthorised { .. } | Failed::Forbidden { .. }) => {
                Unfetched::Forbidden(failed.to_string())
            }
            failed => Unfetched::Failed(failed.to_string()),
        })?;
        let opened = self.open(&link).await?;
        let status = opened.status();
        // The link was given a moment ago; the file behind it may come later (section 4).
        if matches!(status, 401 | 403) {
            let text = "the link that the phone system gave for it answers HTTP";
            return Err(Unfetched::Forbidden(format!("{text} {status}; links work once, and from one address")));
        }
        opened.save(to).await
    }
}
