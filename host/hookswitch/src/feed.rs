//! The feed: every event, for plugins that copy them elsewhere (`feed.deliver`). Events get their places in the same commit
//! in which they are accepted, and each plugin works off its own, in order, one batch at a time.
//!
//! A batch is tried as a job is: what was answered is given again after a crash and on a new try. One that is refused for
//! good comes again event by event, until the one that cannot be delivered stands alone; that one is held, and an admin
//! decides (`hookswitch feed`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hookswitch_call::{Event, Millis};
use hookswitch_journal::{
    CallRef, Error, Txn,
    feed::{Batch, BatchEnd, Feed, Item, Room, Span, Told},
};
use hookswitch_runtime::contract;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    desk::{Desk, Earlier, Try, Unfinished, Work, Worked},
    manifest::MOST_EVENTS,
    news::News,
    retry::Verdict,
    station::Station,
    task::Task,
    view,
};

/// So much may wait for one plugin: some weeks of a busy house.
const ROOM: Room = Room { events: 1_000_000, bytes: 2 << 30 };
/// With nothing to do it is looked again after this.
const IDLE: Duration = Duration::from_secs(3600);
/// After a failure of the journal.
const BROKEN: Duration = Duration::from_secs(5);

/// What a plugin is to be told of a change, from `before` (none: the call was unknown) to `news` by `events`; nothing if
/// the call is not its business. Of a call that becomes its business it is told everything.
pub(crate) fn told(desk: &Desk, before: Option<&News>, news: &News, events: &[Event]) -> Option<Told> {
    if !desk.served.feed_deliver {
        return None;
    }
    let since = match (before.is_some_and(|before| desk.is_concerned(before)), desk.is_concerned(news)) {
        (false, false) => return None,
        (false, true) => 1,
        (true, _) => events.first()?.seq,
    };
    let mut view = serde_json::to_value(view::call(news, &desk.name, &desk.users(), desk.clock.now())).ok()?;
    if let Value::Object(fields) = &mut view {
        fields.insert("direction".to_owned(), serde_json::to_value(news.call.direction).ok()?);
    }
    Some(Told { plugin: desk.name.clone(), since, view })
}

/// Gives the events of a call their places in the feeds.
///
/// # Errors
///
/// Those of the journal.
pub(crate) fn keep(txn: &Txn<'_>, call: &CallRef, told: &[Told]) -> Result<(), Error> {
    for told in told {
        let lost = txn.tell(call, told, ROOM)?;
        if lost > 0 {
            tracing::error!(
                plugin = told.plugin, call = %call.chain, lost,
                "too many events wait for this plugin: these will never be delivered; see `hookswitch feed list`"
            );
        }
    }
    Ok(())
}

/// Delivers events, until `stop`; then brings what is under way to its end.
pub(crate) async fn run(station: Arc<Station>, stop: CancellationToken) {
    let mut again: Option<Instant> = None;
    let mut first = true;
    let mut recovered = station.desk().health.recovered();
    loop {
        let wait = match again.map(|at| at.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero()) {
            Some(wait) => wait,
            None => {
                again = None;
                let working = station.working();
                let next = step(&station.desk(), std::mem::take(&mut first)).await;
                drop(working);
                match next {
                    Next::More => Duration::ZERO,
                    Next::Nothing => IDLE,
                    Next::Later(wait) => {
                        again = Some(Instant::now() + wait);
                        wait
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = station.fed.notified() => {}
            well = recovered.changed() => {
                again = None;
                if well.is_err() {
                    recovered = station.desk().health.recovered();
                }
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// When there is something to do.
enum Next {
    /// At once.
    More,
    /// When there is news.
    Nothing,
    /// After a while, whatever the news.
    Later(Duration),
}

/// Tries the next batch, if there is one and it is due.
async fn step(desk: &Arc<Desk>, first: bool) -> Next {
    if !desk.served.feed_deliver {
        return Next::Nothing;
    }
    let (plugin, most) = (desk.name.clone(), desk.manifest.limits.batch.unwrap_or(MOST_EVENTS));
    let Batch { feed, items } = match desk.journal.read(move |view| view.next_batch(&plugin, most)).await {
        Ok(Some(batch)) if !batch.feed.held => batch,
        Ok(_) => return Next::Nothing,
        Err(error) => {
            tracing::error!(plugin = %desk.name, %error, "the feed cannot be read");
            return Next::Later(BROKEN);
        }
    };
    // Later waits are counted on a clock that never jumps.
    let due = Duration::from_millis(feed.due.since(desk.clock.now())).min(IDLE);
    if first && !due.is_zero() {
        return Next::Later(desk.clock.wait(due));
    }
    let leave = match desk.health.admit() {
        Ok(leave) => leave,
        Err(paused) => return Next::Later(paused.wait.max(Duration::from_millis(10))),
    };
    let next = deliver(desk, &feed, &items).await;
    drop(leave);
    next
}

async fn deliver(desk: &Arc<Desk>, feed: &Feed, items: &[Item]) -> Next {
    let (Some(front), Some(back)) = (items.first(), items.last()) else { return Next::Nothing };
    let span = Span { plugin: desk.name.clone(), first: front.id, last: back.id };
    let of = Try { work: Work::Batch(span.clone()), attempt: feed.attempt + 1 };
    let start = match desk.earlier(&of).await {
        Ok(Earlier::CutOff(start)) => Ok(start),
        Ok(Earlier::Tries(tries)) => {
            desk.begin(&of, Task::Deliver { events: items.iter().map(event).collect() }, tries).await
        }
        Err(error) => Err(error),
    };
    let (result, crashes, trace) = match start {
        Ok(start) => {
            let Worked { result, crashes, trace, .. } = desk.perform(&of, start).await;
            (result, crashes, Some(trace))
        }
        Err(error) => (Err(error), None, None),
    };
    let (end, next) = match result {
        Ok(_) => {
            tracing::info!(plugin = %desk.name, events = items.len(), "events delivered");
            (BatchEnd::Delivered, Next::More)
        }
        Err(Unfinished::NotStarted(error)) => {
            tracing::error!(plugin = %desk.name, %error, "events cannot be delivered; they will be tried again");
            return Next::Later(BROKEN);
        }
        Err(error) => verdict(desk, feed, items, crashes, &error),
    };
    match desk.finish_batch(&span, end, trace).await {
        Ok(()) => next,
        Err(error) => {
            tracing::error!(plugin = %desk.name, %error, "the journal did not take what became of events");
            Next::Later(BROKEN)
        }
    }
}

/// What becomes of a batch that failed.
fn verdict(desk: &Desk, feed: &Feed, items: &[Item], crashes: Option<u32>, error: &Unfinished) -> (BatchEnd, Next) {
    let (plugin, events, problem) = (&desk.name, items.len(), error.to_string());
    let verdict = match error {
        Unfinished::Call(error) => {
            desk.config.retry.verdict(error, feed.failures + 1, crashes, &mut fastrand::Rng::new())
        }
        _ => Verdict::Park,
    };
    match verdict {
        Verdict::Again { after, counts } => {
            let wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(plugin, events, error = problem, wait_ms, "events will be delivered again");
            let due = Millis(desk.clock.now().0.saturating_add(wait_ms));
            (BatchEnd::Again { due, problem, counts }, Next::Later(desk.clock.wait(after)))
        }
        Verdict::Park if events > 1 => {
            tracing::warn!(
                plugin,
                events,
                error = problem,
                "events were refused together and are delivered one by one"
            );
            (BatchEnd::OneByOne { problem }, Next::More)
        }
        Verdict::Park => {
            let call = items.first().map(|item| item.event.chain.as_str());
            tracing::error!(
                plugin,
                call,
                error = problem,
                "an event cannot be delivered, and the feed of this plugin is held: see `hookswitch feed list`, then \
                 `hookswitch feed retry {plugin}` or `hookswitch feed skip {plugin}`"
            );
            (BatchEnd::Held { problem }, Next::Nothing)
        }
    }
}

/// An event as the contract has it.
fn event(item: &Item) -> contract::feed::Event {
    let Item { id, event, view } = item;
    let mut json = serde_json::to_value(event).unwrap_or_default();
    if let Value::Object(fields) = &mut json {
        fields.insert("call".to_owned(), view.clone());
    }
    contract::feed::Event {
        id: format!("{}/{}/{}", event.pbx, event.chain, event.seq),
        seq: *id,
        kind: format!("call.{}", event.what.name()),
        json: json.to_string(),
    }
}
