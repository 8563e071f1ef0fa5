//! Making calls: `call_back` (section 4).

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use hookswitch_call::{
    Chain,
    signal::{Arrival, Direction, Report},
};

use super::{
    client::Client,
    work::{Shared, now},
};
use crate::{Control, Dial, Dialled, Outlet, Refused};

/// Orders calls.
pub(super) struct Orders {
    pub(super) client: Client,
    pub(super) shared: Arc<Shared>,
    pub(super) outlet: Outlet,
}

#[async_trait]
impl Control for Orders {
    async fn dial(&self, dial: &Dial) -> Result<Dialled, Refused> {
        let call = self.client.call_back(dial.from.as_str(), &dial.number).await?;
        let Some(chain) = call.clone() else { return Ok(Dialled::default()) };
        let arrival = Arrival {
            direction: Direction::Outbound,
            external: Some(dial.number.clone()),
            external_name: String::new(),
            line: String::new(),
            trunk: String::new(),
            from: Some(dial.from.clone()),
            crm_call: dial.crm_call.clone(),
            started: None,
        };
        let _turn = self.shared.turn(&chain).await;
        let signals = self.shared.ledger().order(&chain, arrival, now(), Instant::now());
        // The call is ordered, whether or not anybody is there to hear of it.
        let _ = self.outlet.give(signals.into_iter().map(Report::Call).collect()).await;
        Ok(Dialled { call })
    }

    async fn hang_up(&self, _: &Chain) -> Result<(), Refused> {
        Err(Refused::Unable("its API ends no calls"))
    }
}
