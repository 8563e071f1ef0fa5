//! Extensions and queues: nobody tells when they change, so they are asked for.

use std::time::Duration;

use hookswitch_call::signal::Report;

use super::{
    gateway::{Failure, Gateway},
    staff::{Staff, differences},
};
use crate::{Closed, Outlet};

const USERS: &str = "$select=Number,FirstName,LastName,EmailAddress,IsRegistered,CurrentProfileName,QueueStatus&$expand=ForwardingProfiles&$orderby=Number";
const QUEUES: &str = "$select=Number&$expand=Agents&$orderby=Number";

/// Tells what has changed, until nobody takes it any more.
pub(super) async fn watch(gateway: &Gateway, outlet: &Outlet, every: Duration) -> Closed {
    let mut known = Staff::default();
    let mut complaint = String::new();
    let mut round = tokio::time::interval(every);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        match ask(gateway).await {
            Ok(now) => {
                complaint.clear();
                let news: Vec<_> = differences(&known, &now).into_iter().map(Report::Site).collect();
                known = now;
                if !news.is_empty() && outlet.give(news).await.is_err() {
                    return Closed;
                }
            }
            Err(error) => {
                let text = error.to_string();
                // The same again and again is no news.
                if text != complaint {
                    tracing::warn!(error = text, "extensions and queues cannot be asked for");
                    complaint = text;
                }
            }
        }
    }
}

async fn ask(gateway: &Gateway) -> Result<Staff, Failure> {
    let users = gateway.list("Users", USERS).await?;
    let queues = match gateway.list("Queues", QUEUES).await {
        Ok(queues) => queues.rows,
        Err(failure) if failure.is_refusal() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    Ok(Staff::read(users.rows, queues))
}
