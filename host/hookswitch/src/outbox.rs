//! The record stream of one plugin: durable jobs, in order for each call, each tried until it is done or parked.
//!
//! [`queue`] decides what runs next, [`work`] does it. Everything here can be lost: the journal has it.

mod queue;
mod recorded;
#[cfg(test)]
mod simulation;
mod work;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use hookswitch_call::Millis;
use hookswitch_journal::{
    CallRef,
    jobs::{Head, Job, State},
};
use tokio::{
    sync::mpsc,
    task::{Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use self::{
    queue::{Lane, Queue, Room},
    work::{Fate, Worker},
};
use crate::{health::Leave, plan::JobKind, station::Station};

/// A job that says that it is due later than this waits no longer than this: the clock was wrong then, or is wrong now.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// A job whose worker broke, or that the journal could not start, waits this long.
const BROKEN: Duration = Duration::from_secs(5);

/// So many times more jobs of the slow lane are at work than the CRM bears: most of a job's time is spent on reading and
/// writing the journal.
const AHEAD: usize = 4;

/// What an outbox is told.
pub(crate) enum Order {
    /// A new job.
    Add(Head),
    /// Somebody decided about a job: it waits again, or it is skipped.
    Decided(Head),
    /// Another desk works here now.
    LookAgain,
}

/// A job as the queue wants it; `number` is the outside party's.
pub(crate) fn head(job: Job, number: Option<String>) -> Head {
    let Job { id, call, kind, recording, state, due, attempt, failures, created, .. } = job;
    Head { id, call, kind, recording, state, due, attempt, failures, created, number }
}

/// Works through `backlog` and what is ordered, until `stop`; then brings what is under way to its end.
pub(crate) async fn run(
    station: Arc<Station>,
    backlog: Vec<Head>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    stop: CancellationToken,
) {
    let mut outbox = Outbox {
        station: station.clone(),
        queue: Queue::new(),
        began: Instant::now(),
        workers: JoinSet::new(),
        at_work: HashMap::new(),
    };
    backlog.into_iter().for_each(|head| outbox.add(head));
    let mut recovered = station.desk().health.recovered();
    loop {
        let wait = outbox.start_all(&station);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(done) = outbox.workers.join_next_with_id() => outbox.settle(done),
            order = orders.recv() => match order {
                None => break,
                Some(Order::Add(head)) => outbox.add(head),
                Some(Order::Decided(head)) => outbox.decided(head),
                Some(Order::LookAgain) => recovered = station.desk().health.recovered(),
            },
            again = recovered.changed() => if again.is_err() {
                recovered = station.desk().health.recovered();
            },
            () = tokio::time::sleep(wait) => {}
        }
    }
    while let Some(done) = outbox.workers.join_next_with_id().await {
        outbox.settle(done);
    }
}

struct Outbox {
    station: Arc<Station>,
    queue: Queue,
    began: Instant,
    workers: JoinSet<Fate>,
    at_work: HashMap<Id, Head>,
}

impl Outbox {
    /// Starts what can be started. How long to wait until that may be more.
    fn start_all(&mut self, station: &Arc<Station>) -> Duration {
        let desk = station.desk();
        let room = Room { fast: desk.slots, slow: AHEAD * desk.slots, long: desk.slots };
        loop {
            let now = self.began.elapsed();
            let until = self.queue.until(room).map(|until| until.saturating_sub(now));
            match until {
                None => return LONGEST_WAIT,
                Some(wait) if !wait.is_zero() => return wait,
                Some(_) => {}
            }
            let leave = match desk.health.admit() {
                Ok(leave) => leave,
                Err(paused) => return paused.wait.max(Duration::from_millis(10)),
            };
            let number = |head: &Head| work::number_to_hold(station, head);
            let Some(head) = self.queue.next(now, room, number) else { continue };
            self.start(station, head, leave);
        }
    }

    fn start(&mut self, station: &Arc<Station>, head: Head, leave: Leave) {
        let worker = Worker { station: station.clone(), desk: station.desk(), head: head.clone(), leave };
        let handle = self.workers.spawn(worker.run());
        self.at_work.insert(handle.id(), head);
    }

    fn settle(&mut self, done: Result<(Id, Fate), tokio::task::JoinError>) {
        let (id, fate) = match done {
            Ok((id, fate)) => (id, fate),
            Err(error) => {
                tracing::error!(plugin = %self.station.desk().name, %error, "a job broke off; it will be tried again");
                (error.id(), Fate::Broken)
            }
        };
        let Some(started) = self.at_work.remove(&id) else { return };
        let (head, after) = match fate {
            Fate::Over => return self.queue.done(&started.call),
            Fate::Again { head, after } => (head.unwrap_or(started), after),
            // It may have begun a run; that one goes on.
            Fate::Broken => (Head { attempt: started.attempt + 1, state: State::Running, ..started }, BROKEN),
        };
        self.queue.again(head, self.began.elapsed() + self.station.desk().clock.wait(after));
    }

    fn add(&mut self, head: Head) {
        let lane = match JobKind::from_name(&head.kind) {
            Some(JobKind::Contact | JobKind::Begin) => Lane::Fast,
            Some(JobKind::Attach | JobKind::Listen) => Lane::Long,
            _ => Lane::Slow,
        };
        let desk = self.station.desk();
        // A run that was cut off goes on at once.
        let due = if head.state == State::Running { Millis::default() } else { head.due };
        let wait = Duration::from_millis(due.since(desk.clock.now())).min(LONGEST_WAIT);
        let wait = desk.clock.wait(wait);
        self.queue.add(head, lane, self.began.elapsed() + wait);
    }

    fn decided(&mut self, head: Head) {
        let (call, id): (CallRef, _) = (head.call.clone(), head.id);
        match head.state {
            State::Waiting => self.add(head),
            _ => {
                self.queue.remove(&call, id);
                self.station.settled(&call, &head.kind);
            }
        }
    }
}
