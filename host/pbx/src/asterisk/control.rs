//! Steering an Asterisk: orders go to the running connection, which carries them out beside its reading.
//!
//! The Asterisk REST Interface is not needed for that: `Originate` and `Hangup` of AMI do it, over the connection that
//! hears what becomes of the call. ARI would be needed to hold a call in an application of ours (Stasis), to play sounds
//! into it or to bridge it by hand; a CRM asks for none of these.

use std::time::Duration;

use async_trait::async_trait;
use hookswitch_call::{Chain, Millis};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Config, dialling::Dialling, orders::Order, source::now};
use crate::{Control, Dial, Dialled, Refused};

/// Orders that may wait for the connection.
const WAITING: usize = 16;
/// How many times longer than an ordinary answer an order may take altogether, waiting included.
const LENGTH: u32 = 2;

/// Gives orders to the connection.
pub(super) struct Operator {
    dialling: Option<Dialling>,
    /// Extensions whose phone is not named like them, with its channel.
    phones: Vec<(String, String)>,
    crm_variable: Option<String>,
    orders: mpsc::Sender<Order>,
    patience: Duration,
}

impl Operator {
    /// An operator, and where its orders arrive.
    pub(super) fn new(config: &Config) -> (Self, mpsc::Receiver<Order>) {
        let (orders, taken) = mpsc::channel(WAITING);
        let site = &config.site;
        let phones = site.phones.iter().map(|(channel, extension)| (extension.clone(), channel.clone())).collect();
        let operator = Self {
            dialling: config.dialling.clone(),
            phones,
            crm_variable: site.crm_call_variables.first().cloned(),
            orders,
            patience: config.patience.answer * LENGTH,
        };
        (operator, taken)
    }

    /// Gives an order and waits for what became of it.
    async fn give<T>(&self, order: Order, told: oneshot::Receiver<Result<T, Refused>>) -> Result<T, Refused> {
        let exchange = async {
            if self.orders.send(order).await.is_err() {
                return Err(Refused::Offline("its source has ended".into()));
            }
            told.await.unwrap_or_else(|_| Err(Refused::InDoubt("the connection ended".into())))
        };
        timeout(self.patience, exchange)
            .await
            .unwrap_or_else(|_| Err(Refused::InDoubt(format!("no answer within {} s", self.patience.as_secs()))))
    }
}

#[async_trait]
impl Control for Operator {
    async fn dial(&self, dial: &Dial) -> Result<Dialled, Refused> {
        let Some(dialling) = &self.dialling else {
            return Err(Refused::Unable("the configuration does not say how: set `dial = { context = \"…\" }`"));
        };
        let channel_id = channel_id(now(), fastrand::u64(0..1_000_000_000));
        let phone = self.phones.iter().find(|(extension, _)| extension == dial.from.as_str());
        let phone = phone.map(|(_, channel)| channel.as_str());
        let request = dialling.order(dial, phone, self.crm_variable.as_deref(), &channel_id)?;
        let (answer, told) = oneshot::channel();
        self.give(Order::Dial { request, channel_id, answer }, told).await
    }

    async fn hang_up(&self, call: &Chain) -> Result<(), Refused> {
        let (answer, told) = oneshot::channel();
        self.give(Order::HangUp { call: call.clone(), answer }, told).await
    }
}

/// An id for a channel: looks like those that Asterisk makes itself, seconds and a number, but the number is larger than
/// any that its own counter reaches. Fits the 32 characters that the tables of old billing systems have.
fn channel_id(at: Millis, random: u64) -> String {
    format!("{}.9{random:09}", at.0 / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_channels_are_beyond_what_asterisk_counts_to() {
        let id = channel_id(Millis(1_795_230_659_073), 42);
        assert_eq!(id, "1795230659.9000000042");
        let number: u64 = id.split_once('.').unwrap().1.parse().unwrap();
        assert!(number > u64::from(u32::MAX) && id.len() <= 32);
    }
}
