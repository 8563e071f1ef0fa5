//! Callers at a route point: where should they go?

use std::sync::Arc;

use hookswitch_call::Chain;
use serde_json::json;

use super::{
    Config,
    command::{done, refused},
    gateway::Gateway,
    message::Seat,
    participant::{Kind, Participant},
};
use crate::{Question, Router};

/// Asks where a caller should go, and sends him there; his place, if he went.
pub(super) async fn send_on(
    gateway: Gateway,
    config: Arc<Config>,
    router: Arc<dyn Router>,
    seat: Seat,
    call: Chain,
    caller: Participant,
) -> Option<Seat> {
    if caller.party_dn_type != Kind::Outside {
        return None;
    }
    let line = match caller.party_did.as_str() {
        "" => config.rules.trunk_lines.get(&caller.party_dn).cloned().unwrap_or_default(),
        did => did.to_owned(),
    };
    let within = config.steps.within;
    let question = Question { call: Some(call.clone()), external: caller.outside().map(str::to_owned), line, within };
    let answer = tokio::time::timeout(within, router.route(question)).await.unwrap_or_default();
    let target = answer.target.or_else(|| config.steps.otherwise.clone())?;
    let below = format!("{}/{}", seat.path(), config.steps.action);
    let sent = gateway.post(&below, &json!({ "destination": target }), "the routing of a caller").await;
    match sent.map_err(refused).and_then(done) {
        Ok(_) => {
            tracing::debug!(%call, "a caller was sent on");
            Some(seat)
        }
        Err(error) => {
            tracing::warn!(%call, %error, "a caller at a route point cannot be sent on");
            None
        }
    }
}
