//! A trial, for admins.

use serde_json::Value;

use super::{Config, Events, client::Error, door::signer, work::Work};
use crate::Checked;

/// Reaches the PBX, logs in, and looks around.
pub(super) async fn check(work: &Work) -> Result<Checked, String> {
    let config = &work.config;
    let calls = work.client.get("call/query", &[]).await;
    // Whatever is wrong with the connection or the log-in is found out by the first request.
    if let Err(error @ (Error::Unanswered { .. } | Error::Login(_) | Error::Strange { .. })) = &calls {
        return Err(error.to_string());
    }
    let mut warnings = Vec::new();
    let mut look = |loss: &str, found: Result<Value, Error>| match found {
        Ok(answer) => answer.get("total_number").and_then(Value::as_u64).or_else(|| length(&answer)),
        Err(error) => {
            warnings.push(format!("{error}: {loss}"));
            None
        }
    };
    let calls = look("calls that end while nobody listens are found out late", calls);
    let one = [("page", "1"), ("page_size", "1")];
    let extensions = look("extensions and their names are not known", work.client.get("extension/list", &one).await);
    look("waiting in queues is not known unless `queues` lists them", work.client.get("queue/list", &one).await);
    let records = search(work).await;
    look("calls that nobody heard of stay unknown; see `display-format`", records);
    match &config.events {
        Events::WebSocket => work.try_socket().await.map_err(|error| error.to_string())?,
        Events::Webhook { secret } => {
            signer(secret)?;
            if look("whether a webhook leads here cannot be seen", work.client.get("webhook/query", &[]).await)
                == Some(0)
            {
                warnings.push("the PBX has no webhook: add one with our address and the secret".to_owned());
            }
        }
    }
    if config.reach.base.scheme() != "https" {
        warnings.push("the connection is not encrypted, and the client secret is sent over it: use https".to_owned());
    }
    work.client.log_out().await;
    let count = |count: Option<u64>, what: &str| count.map(|count| format!(", {count} {what}")).unwrap_or_default();
    let found = format!(
        "logged in: Yeastar P-Series, OpenAPI 1.0, events by {}{}{}",
        match config.events {
            Events::WebSocket => "web socket",
            Events::Webhook { .. } => "webhook",
        },
        count(extensions, "extensions"),
        count(calls, "calls now"),
    );
    Ok(Checked { found, warnings })
}

async fn search(work: &Work) -> Result<Value, Error> {
    let Config { times, .. } = &work.config;
    let now = super::work::now().0 / 1000;
    let span = [now.saturating_sub(60), now].map(|second| times.write(second).unwrap_or_default());
    let [start, end] = &span;
    work.client.get("cdr/search", &[("start_time", start), ("end_time", end), ("page", "1"), ("page_size", "1")]).await
}

/// How long the first list in an answer is.
fn length(answer: &Value) -> Option<u64> {
    answer.as_object()?.values().find_map(|value| value.as_array().map(|list| list.len() as u64))
}
