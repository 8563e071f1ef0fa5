//! Making and ending calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hookswitch_call::{Chain, Extension, Millis};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Config, DialWith,
    board::{Board, Order},
    command::{done, refused},
    gateway::{Failure, Gateway},
    message::is_dn,
    participant::text,
    source::now,
};
use crate::{Control, Dial, Dialled, Refused};

/// An ordered call shows up within this time after the phone may have rung, in milliseconds.
const SHOWS_UP: u64 = 10_000;

/// The board, in the hands of several.
pub(super) type Shared = Arc<Mutex<Board>>;

/// Looks at the board; never held while waiting.
pub(super) fn board(shared: &Shared) -> MutexGuard<'_, Board> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Steers the PBX.
pub(super) struct Steering {
    pub(super) gateway: Gateway,
    pub(super) board: Shared,
    pub(super) config: Config,
}

/// A phone of an extension.
#[derive(Deserialize)]
struct Device {
    #[serde(deserialize_with = "text")]
    device_id: String,
    #[serde(default, deserialize_with = "text")]
    user_agent: String,
}

#[async_trait]
impl Control for Steering {
    async fn dial(&self, dial: &Dial) -> Result<Dialled, Refused> {
        if !is_dn(dial.from.as_str()) {
            return Err(Refused::Unreachable("this is no number of an extension".to_owned()));
        }
        let order = Order { from: dial.from.clone(), number: dial.number.clone(), crm_call: dial.crm_call.clone() };
        let patience = u64::try_from(self.config.patience.ring.as_millis()).unwrap_or(u64::MAX);
        let until = Millis(now().0.saturating_add(patience).saturating_add(SHOWS_UP));
        // Its participants may be told before the answer comes.
        let expected = board(&self.board).expect(order, now(), until);
        match self.make_call(dial).await {
            Ok(Some(callid)) => Ok(Dialled { call: Some(board(&self.board).confirm(expected, callid, now())) }),
            Ok(None) => Ok(Dialled::default()),
            // The call may come all the same.
            Err(refused @ Refused::InDoubt(_)) => Err(refused),
            Err(refused) => {
                board(&self.board).forget(expected);
                Err(refused)
            }
        }
    }

    async fn hang_up(&self, call: &Chain) -> Result<(), Refused> {
        let seats = board(&self.board).seats_of(call);
        let mut result = Err(Refused::NoSuchCall);
        for seat in seats {
            let dropped = self.gateway.post(&format!("{}/drop", seat.path()), &json!({}), "the hanging up").await;
            result = match (dropped.map_err(refused).and_then(done), result) {
                // One that is gone already went with the others.
                (Err(Refused::Unreachable(_)), result) => result,
                (Ok(_), Ok(()) | Err(Refused::NoSuchCall)) => Ok(()),
                (Ok(_), failed) => failed,
                (Err(refused), _) => Err(refused),
            };
        }
        result
    }
}

impl Steering {
    /// The `callid` of the call, where the PBX says it.
    async fn make_call(&self, dial: &Dial) -> Result<Option<u64>, Refused> {
        let what = "the order for a call";
        let answer = match &self.config.dial_with {
            DialWith::Xapi => return self.make_call_by_xapi(dial).await,
            DialWith::Extension => {
                let below = format!("/callcontrol/{}/makecall", dial.from);
                self.gateway.post(&below, &self.body(dial), what).await
            }
            DialWith::Device(wanted) => {
                let device = self.device(&dial.from, wanted).await?;
                let device: String = url::form_urlencoded::byte_serialize(device.as_bytes()).collect();
                let below = format!("/callcontrol/{}/devices/{}/makecall", dial.from, device.replace('+', "%20"));
                self.gateway.post(&below, &self.body(dial), what).await
            }
        };
        match answer {
            // Not among the extensions that this API client monitors; the XAPI can do it for all.
            Err(Failure::Status { status: 403 | 404, .. }) => self.make_call_by_xapi(dial).await,
            answer => done(answer.map_err(refused)?),
        }
    }

    async fn make_call_by_xapi(&self, dial: &Dial) -> Result<Option<u64>, Refused> {
        let body = json!({ "dn": dial.from.as_str(), "destination": dial.number });
        let answer = self.gateway.post("/xapi/v1/Users/Pbx.MakeCall", &body, "the order for a call").await;
        done(answer.map_err(refused)?)
    }

    fn body(&self, dial: &Dial) -> Value {
        json!({ "destination": dial.number, "timeout": self.config.patience.ring.as_secs() })
    }

    /// The first phone of the extension whose program's name contains `wanted`.
    async fn device(&self, extension: &Extension, wanted: &str) -> Result<String, Refused> {
        let below = format!("/callcontrol/{extension}/devices");
        let answer = self.gateway.find(&below).await.map_err(refused)?;
        let odd = |error: serde_json::Error| Refused::Other(format!("its list of phones is not as expected: {error}"));
        let devices: Vec<Device> = match answer {
            Some(answer) => serde_json::from_slice(&answer.body).map_err(odd)?,
            None => Vec::new(),
        };
        let found =
            devices.into_iter().find(|device| !device.device_id.is_empty() && device.user_agent.contains(wanted));
        found.map(|device| device.device_id).ok_or_else(|| {
            Refused::Unreachable(match wanted {
                "" => "no phone of the extension is registered".to_owned(),
                wanted => format!("no phone of the extension is registered whose program is called `{wanted}`"),
            })
        })
    }
}
