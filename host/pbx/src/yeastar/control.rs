//! Making and ending calls (B.2 of `pbx-yeastar.md`).

use std::sync::Arc;

use async_trait::async_trait;
use hookswitch_call::Chain;
use serde_json::{Value, json};

use super::{
    client::Error,
    event,
    work::{Telling, Work, now},
};
use crate::{Control, Dial, Dialled, Refused};

/// Steers one PBX.
pub(super) struct Handset(pub(super) Arc<Work>);

#[async_trait]
impl Control for Handset {
    async fn dial(&self, dial: &Dial) -> Result<Dialled, Refused> {
        let Self(work) = self;
        // The phone may ring before the answer is here.
        work.exchange().expect(dial, now());
        let asked = json!({ "caller": dial.from.as_str(), "callee": dial.number });
        match work.client.post("call/dial", &asked).await {
            Ok(answer) => {
                let id = answer.get("call_id").and_then(Value::as_str).map(|id| id.trim().to_owned());
                let call = id.and_then(|id| event::chain(id).ok());
                if let Some(call) = call.clone() {
                    // Nobody is told what follows when the host stops.
                    let _ = work.tell(Telling::Give, |exchange| exchange.dialled(&dial.from, call, now())).await;
                }
                Ok(Dialled { call })
            }
            Err(error) => {
                if !matches!(error, Error::Unanswered { sent: true, .. }) {
                    work.exchange().expect_not(&dial.from);
                }
                Err(refused(error))
            }
        }
    }

    async fn hang_up(&self, call: &Chain) -> Result<(), Refused> {
        let Self(work) = self;
        let mut channels = work.exchange().channels(call);
        if channels.is_empty() {
            let listed = work.calls().await.map_err(refused)?;
            let known = listed.into_iter().find(|listed| listed.call == *call).ok_or(Refused::NoSuchCall)?;
            channels = known.members.into_iter().map(|member| member.channel).collect();
        }
        let channel = channels.into_iter().find(|channel| !channel.is_empty()).ok_or(Refused::NoSuchCall)?;
        work.client.post("call/hangup", &json!({ "channel_id": channel })).await.map(drop).map_err(refused)
    }
}

/// The PBX's reasons are words only, which differ from firmware to firmware [inferred].
fn refused(error: Error) -> Refused {
    let text = error.to_string();
    match error {
        Error::Unanswered { sent: false, .. } | Error::Login(_) => Refused::Offline(text),
        Error::Unanswered { sent: true, .. } | Error::Strange { .. } => Refused::InDoubt(text),
        Error::Refused { text: why, .. } => {
            let why = why.to_ascii_lowercase();
            let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
            match () {
                () if says(&["permission", "restrict", "not allowed", "denied"]) => Refused::NotPermitted(text),
                () if says(&["unregister", "not register", "unavailable", "offline", "caller"]) => {
                    Refused::Unreachable(text)
                }
                () if says(&["callee", "number"]) => Refused::BadNumber(text),
                () if says(&["channel", "not exist", "no call"]) => Refused::NoSuchCall,
                () => Refused::Other(text),
            }
        }
    }
}
