//! From an order to the phone system: told once, and waited for until it is a call or will be none.

use std::{sync::Arc, time::Duration};

use hookswitch_call::Millis;
use hookswitch_journal::dials::{Dial, DialId, Never, State, Step};
use hookswitch_pbx::{Dial as Wish, Refused};
use tokio::sync::oneshot;

use super::{Given, Problem, end, hand_over, listener, never};
use crate::{clock, service::Service};

/// A phone system that is not connected is tried again after this.
const AGAIN: Duration = Duration::from_millis(500);
/// After a start a phone system has this long at least to say which calls go on.
const SETTLES: Duration = Duration::from_secs(20);
/// While a phone system is not connected its calls are waited for, up to this.
const CUT_OFF: u64 = 15 * 60 * 1000;
/// Orders that were over so long before a start, in milliseconds, may still be found to have become calls.
const REMEMBER: u64 = 24 * 3600 * 1000;
/// The journal is tried again after this.
const JOURNAL_WAIT: Duration = Duration::from_secs(1);

/// Whether an order waits for a phone system that is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It is tried again for some seconds.
    Waits,
    /// The one who asks is told at once.
    None,
}

/// Sets an accepted order on its way.
pub(super) fn begin(service: &Arc<Service>, id: DialId, patience: Patience, answered: oneshot::Sender<Given>) {
    let (own, stop) = (service.clone(), service.stopping());
    service.spawn(async move {
        let _ = stop.run_until_cancelled(give(&own, id, patience, Some(answered))).await;
    });
}

/// What the last run left, to be gone on with when phone systems are listened to; from now on calls are tied to what was
/// told to a phone system before.
///
/// # Errors
///
/// Those of the journal.
pub(crate) async fn recall(service: &Service) -> Result<Vec<Dial>, hookswitch_journal::Error> {
    let since = Millis(clock::now().0.saturating_sub(REMEMBER));
    let found = service.journal().read(move |view| Ok((view.dials_under_way()?, view.dials_over(since)?)));
    let (under_way, over) = found.await?;
    over.into_iter().filter_map(|dial| dial.order.crm_call).for_each(|crm_call| service.ledger().note_over(crm_call));
    under_way.iter().filter(|dial| dial.state != State::Accepted).for_each(|dial| service.ledger().expect(dial));
    Ok(under_way)
}

/// Goes on with what the last run left: what was told to a phone system is waited for, what was not is told now or given
/// up.
pub(crate) fn resume(service: &Arc<Service>, left: Vec<Dial>) {
    for dial in left {
        let (own, stop) = (service.clone(), service.stopping());
        service.spawn(async move {
            let work = async {
                match dial.state {
                    State::Accepted => give(&own, dial.id, Patience::Waits, None).await,
                    _ => await_call(&own, &dial, SETTLES).await,
                }
            };
            let _ = stop.run_until_cancelled(work).await;
        });
    }
}

/// Tells the phone system, once.
async fn give(service: &Arc<Service>, id: DialId, patience: Patience, answered: Option<oneshot::Sender<Given>>) {
    let tell = |given: Given| {
        if let Some(answered) = answered {
            // The one who asked may have gone.
            let _ = answered.send(given);
        }
    };
    let dial = match service.journal().read(move |view| view.dial(id)).await {
        Ok(Some(dial)) if dial.state == State::Accepted => dial,
        Ok(_) => return,
        Err(error) => {
            return tracing::error!(dial = %id, %error, "the journal cannot be asked for a call that was ordered");
        }
    };
    let fresh_for = patience_of(service, &dial.pbx).await.0;
    let stale = |now: Millis| u128::from(now.since(dial.created)) > fresh_for.as_millis();
    let mut given = false;
    let refused = loop {
        if stale(clock::now()) {
            break never(Problem::Expired, "the phone system could not be told in time");
        }
        let Some(control) = service.control_of(&dial.pbx).await else {
            break never(Problem::NoPhoneSystem, format!("the phone system {} cannot make calls for us", dial.pbx));
        };
        // What was not given yet may be given after a restart.
        if !given && patience == Patience::Waits && service.is_cut_off(&dial.pbx).await {
            tokio::time::sleep(AGAIN).await;
            continue;
        }
        if !given {
            let now = clock::now();
            match service.journal().write(move |txn| txn.move_dial(id, &Step::Given, now)).await {
                Ok(true) => given = true,
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(dial = %id, %error, "an order cannot be written down, and is not given yet");
                    tokio::time::sleep(JOURNAL_WAIT).await;
                    continue;
                }
            }
            service.ledger().expect(&Dial { changed: now, ..dial.clone() });
        }
        let wish = Wish {
            from: dial.order.from.as_str().into(),
            number: dial.order.digits.clone(),
            crm_call: dial.order.crm_call.clone(),
        };
        match control.dial(&wish).await {
            Ok(dialled) => {
                tracing::info!(dial = %id, pbx = dial.pbx, extension = dial.order.from, "a call that was asked for is being made");
                if let Some(call) = &dialled.call {
                    service.ledger().confirm(id, call);
                }
                note(service, id, Step::Dialling(dialled.call.clone())).await;
                tell(Ok(dialled.call.clone()));
                return await_call(service, &Dial { call: dialled.call, ..dial }, Duration::ZERO).await;
            }
            // Nothing was sent.
            Err(Refused::Offline(_)) if patience == Patience::Waits => tokio::time::sleep(AGAIN).await,
            Err(refused @ Refused::InDoubt(_)) => {
                tracing::warn!(dial = %id, pbx = dial.pbx, %refused, "it is not known whether a call is being made; it is not asked for again");
                note(service, id, Step::InDoubt).await;
                tell(Err(never(Problem::of_refusal(&refused), refused.to_string())));
                return await_call(service, &dial, Duration::ZERO).await;
            }
            Err(refused) => break never(Problem::of_refusal(&refused), refused.to_string()),
        }
    };
    // A call that has come of it all the same has the last word.
    if !given || service.ledger().give_up(id) {
        over(service, &dial, &refused).await;
    }
    tell(Err(refused));
}

async fn note(service: &Service, id: DialId, step: Step) {
    let now = clock::now();
    if let Err(error) = service.journal().write(move |txn| txn.move_dial(id, &step, now)).await {
        tracing::error!(dial = %id, %error, "what became of an order cannot be written down");
    }
}

/// For how long an order to a phone system is fresh, and in what time a call comes of it.
async fn patience_of(service: &Service, pbx: &str) -> (Duration, Duration) {
    let config = service.loaded().await.config;
    let rules = config.pbx.get(pbx).map(|pbx| pbx.common.dial_rules.clone()).unwrap_or_default();
    (rules.fresh_for.0, rules.call_within.0)
}

/// Waits until the order is a call, or until it is too late for one; `settles` at least, if that is not longer than it all
/// takes.
async fn await_call(service: &Arc<Service>, dial: &Dial, settles: Duration) {
    let begun = clock::now();
    let (_, within) = patience_of(service, &dial.pbx).await;
    let due = dial.changed.after(within).max(begun.after(settles.min(within)));
    loop {
        let now = clock::now();
        let cut_off = service.is_cut_off(&dial.pbx).await && now.since(begun) < CUT_OFF;
        if now >= due && !cut_off {
            break;
        }
        tokio::time::sleep(Duration::from_millis(due.since(now).clamp(50, 1000))).await;
        if !service.ledger().awaits(dial.id) {
            return;
        }
    }
    if service.ledger().give_up(dial.id) {
        over(service, dial, &never(Problem::NoCall, "the phone system was told, and no call came of it")).await;
    }
}

/// Writes down that nothing came of it, and has its plugin told.
async fn over(service: &Arc<Service>, dial: &Dial, why: &Never) {
    tracing::info!(dial = %dial.id, pbx = dial.pbx, problem = why.problem, "a call that was asked for was not made");
    loop {
        let config = service.loaded().await.config;
        let (id, why, listener) = (dial.id, why.clone(), listener(service, dial));
        let ended =
            service.journal().write(move |txn| end(txn, &config, id, &why, listener.as_deref(), clock::now())).await;
        match ended {
            Ok(Some(told)) => return hand_over(service, told),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(dial = %dial.id, %error, "what became of an order cannot be written down; trying again");
                tokio::time::sleep(JOURNAL_WAIT).await;
            }
        }
    }
}
