//! One connection: a web socket that tells what has changed, and questions for how it is now.
//!
//! Every question stands in one queue with what needs no question, and answers are taken from it in order. So an answer
//! never comes after what was said later, although many questions are under way at once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{FuturesOrdered, FuturesUnordered},
};
use hookswitch_call::{Millis, Signal, signal::Report};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Config,
    aftermath::Later,
    control::{Shared, board},
    gateway::{Failure, Gateway},
    message::{Entity, Message, Seat, What},
    participant::{Dn, Participant},
    past::Gap,
    routing::send_on,
    source::now,
};
use crate::{Closed, Outlet, Router, api::Ask, socket::Socket};

/// Questions that are under way at once.
const MOST_ASKED: usize = 32;
/// Callers at route points who are being asked for at once.
const MOST_ROUTED: usize = 256;
/// Entities whose last sequence number is remembered.
const MOST_NUMBERED: usize = 50_000;

/// What all connections share.
pub(super) struct Line {
    pub(super) config: Arc<Config>,
    pub(super) gateway: Gateway,
    pub(super) board: Shared,
    pub(super) outlet: Outlet,
    pub(super) router: Arc<dyn Router>,
    pub(super) later: mpsc::Sender<Later>,
    pub(super) stop: CancellationToken,
    /// Until when the host has listened.
    pub(super) heard: Option<Millis>,
}

/// The next thing to be put on the board.
enum Step {
    Seat(Seat, Millis, Option<Participant>),
    Dn(String, Millis, Option<Dn>),
    Digits(Seat, Millis, String),
    RollCall(Vec<Dn>),
    /// No answer, or one that nobody understands.
    Odd,
}

/// Why a connection ended.
pub(super) enum End {
    /// Nobody wants it any more.
    Unwanted,
    /// It broke.
    Broken(Failure),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Unwanted
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

impl Line {
    /// One connection, from its first to its last message. Sets `stood` once it stands.
    pub(super) async fn session(&mut self, stood: &mut bool) -> End {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => End::Unwanted,
            ended = self.connected(stood) => match ended {
                Ok(never) => match never {},
                Err(end) => end,
            }
        }
    }

    async fn connected(&mut self, stood: &mut bool) -> Result<std::convert::Infallible, End> {
        // What changes after the roll call is told by the socket, so the socket comes first.
        let socket = self.gateway.socket().await?;
        let dns = roll_call(&self.gateway).await?;
        *stood = true;
        tracing::info!(numbers = dns.len(), "connected to the Call Control API");
        self.outlet.give(vec![Report::Connected]).await?;
        self.resynchronise(dns).await?;
        self.listen(socket).await
    }

    /// Finds out what happened since the host last listened.
    async fn resynchronise(&mut self, dns: Vec<Dn>) -> Result<(), End> {
        let at = now();
        let (signals, gone, alive) = {
            let mut board = board(&self.board);
            let signals = board.roll_call_after_gap(dns, at);
            (signals, board.take_gone(), board.alive())
        };
        // The log may take its time, and calls that go on have cards to be shown.
        self.outlet.give(signals.into_iter().map(Report::Call).collect()).await?;
        let mut said = Vec::new();
        if let Some(gap) = self.config.history.and_then(|limit| Gap::new(self.heard, at, limit, gone)) {
            let told = gap.ask(&self.gateway, &self.board).await;
            if told.as_ref().err().is_none_or(|failure| !failure.is_refusal()) {
                self.look_later(Later::Gap(gap));
            }
            match told {
                Ok(told) => said.extend(told),
                Err(error) => tracing::warn!(%error, "the call log cannot be asked what happened meanwhile"),
            }
        }
        said.push(Report::Resynced { alive, at });
        self.heard = Some(at);
        self.outlet.give(said).await?;
        Ok(())
    }

    async fn listen(&mut self, mut socket: Socket) -> Result<std::convert::Infallible, End> {
        let mut steps: FuturesOrdered<BoxFuture<'static, Result<Step, Failure>>> = FuturesOrdered::new();
        let mut routed: FuturesUnordered<BoxFuture<'static, Option<Seat>>> = FuturesUnordered::new();
        // Whether the socket has told anything since the last roll call, and whether that one found what it had not.
        let (mut told, mut deaf) = (false, false);
        let mut sequences: HashMap<Entity, u64> = HashMap::new();
        let mut round = tokio::time::interval(self.config.patience.roll_call);
        round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        round.reset();
        loop {
            let asking = board(&self.board).take_asking();
            for (seat, call, caller) in asking {
                if routed.len() < MOST_ROUTED {
                    let (gateway, config, router) = (self.gateway.clone(), self.config.clone(), self.router.clone());
                    routed.push(send_on(gateway, config, router, seat, call, caller).boxed());
                }
            }
            let due = board(&self.board).due();
            let wait = due.map_or(Duration::from_secs(3600), |due| Duration::from_millis(due.since(now())));
            let mut taken = Vec::new();
            tokio::select! {
                text = socket.next(), if steps.len() < MOST_ASKED => {
                    let broken = |text: &str| Failure::Silent { sent: false, text: text.to_owned() };
                    let text = text.ok_or_else(|| broken("the PBX has closed the web socket"))?;
                    let text = text.map_err(|text| broken(&text))?;
                    self.heard = Some(now());
                    told = true;
                    if let Some(step) = self.read(&text, &mut sequences) {
                        steps.push_back(step);
                    }
                }
                step = steps.next(), if !steps.is_empty() => {
                    taken.extend(step.transpose()?);
                    while let Some(Some(step)) = steps.next().now_or_never() {
                        taken.push(step?);
                    }
                }
                Some(sent) = routed.next(), if !routed.is_empty() => {
                    sent.iter().for_each(|seat| board(&self.board).sent_on(seat));
                }
                () = tokio::time::sleep(wait), if due.is_some() => {}
                _ = round.tick() => {
                    let gateway = self.gateway.clone();
                    steps.push_back(async move { roll_call(&gateway).await.map(Step::RollCall) }.boxed());
                }
            }
            let counted = taken.iter().any(|step| matches!(step, Step::RollCall(_)));
            let (said, found) = self.take(taken);
            if !said.is_empty() {
                self.outlet.give(said.into_iter().map(Report::Call).collect()).await?;
            }
            if counted {
                // A roll call may only have been faster; of two, the socket should have told something in between.
                if deaf && !told {
                    let text = "the web socket tells nothing of what goes on".to_owned();
                    return Err(Failure::Silent { sent: false, text }.into());
                }
                (deaf, told) = (found && !told, false);
            }
        }
    }

    /// What a text of the socket leads to.
    fn read(
        &self,
        text: &str,
        sequences: &mut HashMap<Entity, u64>,
    ) -> Option<BoxFuture<'static, Result<Step, Failure>>> {
        let Message { sequence, entity, what } = match Message::read(text) {
            Ok(message) => message?,
            Err(error) => {
                tracing::debug!(%error, "a text that is no message");
                return None;
            }
        };
        if sequences.get(&entity).is_some_and(|last| sequence <= *last) {
            return None;
        }
        if what == What::Remove {
            sequences.remove(&entity);
        } else if sequences.len() < MOST_NUMBERED {
            sequences.insert(entity.clone(), sequence);
        }
        let (at, gateway) = (now(), self.gateway.clone());
        Some(match (entity, what) {
            (Entity::Seat(seat), What::Upsert) => async move {
                look(&gateway, &seat.path(), Participant::read, |now| Step::Seat(seat.clone(), at, now)).await
            }
            .boxed(),
            (Entity::Seat(seat), What::Remove) => futures::future::ready(Ok(Step::Seat(seat, at, None))).boxed(),
            (Entity::Seat(seat), What::Digits(digits)) => {
                futures::future::ready(Ok(Step::Digits(seat, at, digits))).boxed()
            }
            (Entity::Dn(dn), What::Upsert) => async move {
                let below = format!("/callcontrol/{dn}");
                look(&gateway, &below, Dn::read, |now| Step::Dn(dn, at, now.flatten())).await
            }
            .boxed(),
            // That a phone is gone ends no call; that a number is gone is found out by the roll call.
            (Entity::Dn(_), What::Remove | What::Digits(_)) => return None,
        })
    }

    /// Puts steps on the board, and ends calls whose time has come. Says also whether a roll call has found something.
    fn take(&mut self, steps: Vec<Step>) -> (Vec<Signal>, bool) {
        let mut board = board(&self.board);
        let (mut said, mut found) = (Vec::new(), false);
        for step in steps {
            match step {
                Step::Seat(seat, at, Some(now)) => said.extend(board.seat(seat, &now, at)),
                Step::Seat(seat, at, None) => said.extend(board.remove(&seat, at)),
                Step::Digits(seat, at, digits) => said.extend(board.digits(&seat, digits, at)),
                Step::Dn(_, at, Some(dn)) => said.extend(board.dn(dn, at)),
                Step::Odd => {}
                Step::Dn(dn, _, None) => tracing::debug!(dn, "a number is not monitored any more"),
                Step::RollCall(dns) => {
                    self.heard = Some(now());
                    let news = board.roll_call(dns, now());
                    found = found || !news.is_empty();
                    said.extend(news);
                }
            }
        }
        said.extend(board.tick(now()));
        let over = board.take_over();
        drop(board);
        for call in over {
            if call.answered && self.config.recordings {
                self.look_later(Later::Recordings(call));
            }
        }
        (said, found)
    }

    fn look_later(&self, something: Later) {
        if self.later.try_send(something).is_err() {
            tracing::warn!("too many calls wait for their recordings: those of one are not looked for");
        }
    }
}

/// Asks for one participant or number. An answer that is not as expected costs only itself: the next roll call puts it
/// right.
async fn look<T>(
    gateway: &Gateway,
    below: &str,
    read: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
    step: impl FnOnce(Option<T>) -> Step,
) -> Result<Step, Failure> {
    let answer = match gateway.find(below).await {
        Ok(answer) => answer,
        Err(failure) if failure.is_single() => {
            tracing::warn!(error = %failure, "the PBX does not describe a participant or number");
            return Ok(Step::Odd);
        }
        Err(failure) => return Err(failure),
    };
    Ok(answer.map(|answer| read(&answer.body)).transpose().map_or_else(
        |error| {
            tracing::warn!(%error, "the PBX describes a participant or number in a way that nobody understands");
            Step::Odd
        },
        step,
    ))
}

async fn roll_call(gateway: &Gateway) -> Result<Vec<Dn>, Failure> {
    let answer = gateway.ask(Ask::get("/callcontrol"), "the question for all calls").await?;
    Dn::read_all(&answer.body)
        .map_err(|error| Failure::Odd(format!("the answer to the question for all calls is not as expected: {error}")))
}
