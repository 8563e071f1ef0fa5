//! Recordings: a link that works once, and what lies there (sections 4 and 7).

use async_trait::async_trait;
use http::header;
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
        let fetched = self.download(&link, to).await.map_err(|error| Unfetched::Failed(error.to_string()))?;
        if fetched.status != 200 {
            let text = "the link that the phone system gave for it answers HTTP";
            return Err(Unfetched::Failed(format!("{text} {}; links work once, and from one address", fetched.status)));
        }
        let kind = fetched.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Ok(Fetched { bytes: fetched.bytes, content_type: kind.to_owned() })
    }
}
