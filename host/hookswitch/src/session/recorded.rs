//! Host calls of a job, as they are written down and given again.

use std::sync::PoisonError;

use hookswitch_journal::{
    Error, Txn,
    runs::{Answer, Body, Effect, Intent, Reply, Request},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Session,
    tape::{Cue, Tape},
    told,
};
use crate::clock;

/// Whether a host call is to be made.
pub(super) enum Settled<T> {
    /// It was made before, with this answer.
    Given(T),
    /// It is to be made, and written down as this if it belongs to a job.
    Make(Option<Box<Intent>>),
    /// The plugin does something else than it did before.
    Diverged(String),
}

/// A host call with its answer.
fn answered(intent: Intent, answer: &impl Serialize) -> Request {
    let body = Body::of(&serde_json::to_vec(answer).unwrap_or_default());
    let reply = Reply::Response { status: 0, headers: Vec::new(), body };
    let at = intent.at;
    Request { intent, answer: Some(Answer { at, reply, timings: serde_json::Value::Null }) }
}

/// Writes down host calls that were settled at once.
pub(crate) fn record_all(txn: &Txn<'_>, requests: &[Request]) -> Result<(), Error> {
    requests.iter().try_for_each(|request| txn.record_request(request))
}

impl Session {
    /// The next host call, as it is written down.
    pub(super) fn intent(&mut self, kind: &str, effect: Effect, method: &str, about: &str, body: &[u8]) -> Intent {
        self.host_calls += 1;
        Intent {
            run: self.run,
            ordinal: self.host_calls,
            at: clock::now(),
            kind: kind.to_owned(),
            effect,
            method: method.to_owned(),
            url: about.to_owned(),
            key: None,
            headers: Vec::new(),
            body: Body::of(body),
            rule: None,
        }
    }

    fn on_tape<T>(&self, ask: impl FnOnce(&mut Tape) -> T) -> Option<T> {
        let mut tape = self.tape.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(ask(&mut tape))
    }

    /// What to do about a host call.
    pub(super) fn cue(&self, intent: &Intent) -> Cue {
        self.on_tape(|tape| tape.cue(intent)).unwrap_or(Cue::Make)
    }

    /// Keeps a host call that was settled at once.
    pub(super) fn note(&self, request: Request) {
        self.on_tape(|tape| tape.note(request));
    }

    /// Writes down what was kept.
    pub(super) async fn flush(&self) {
        let pending = self.on_tape(Tape::take_pending).unwrap_or_default();
        if !pending.is_empty() {
            let kept = self.desk.journal.later("host calls", move |txn| record_all(txn, &pending)).await;
            self.desk.tell("host calls", kept);
        }
    }

    /// A host call that the host settles by itself: given again if it was made before, else made and kept. The second
    /// value is what is to be written down together with it.
    pub(super) fn settled<T: DeserializeOwned>(
        &mut self,
        kind: &str,
        method: &str,
        about: &str,
        body: &[u8],
    ) -> Settled<T> {
        if self.tape.is_none() {
            return Settled::Make(None);
        }
        let intent = self.intent(kind, Effect::Read, method, about, body);
        match self.cue(&intent) {
            Cue::Give(Reply::Response { body, .. }) => match serde_json::from_slice(body.start()) {
                Ok(answer) => Settled::Given(answer),
                Err(_) => Settled::Make(None),
            },
            Cue::Diverged(text) => Settled::Diverged(text),
            Cue::Make => Settled::Make(Some(Box::new(intent))),
            _ => Settled::Make(None),
        }
    }

    /// The same for one that cannot fail and needs no waiting.
    pub(super) fn at_once<T: Serialize + DeserializeOwned>(&mut self, method: &str, about: &str, made: T) -> T {
        match self.settled("host", method, about, &[]) {
            Settled::Given(answer) => answer,
            Settled::Make(Some(intent)) => {
                self.note(answered(*intent, &made));
                made
            }
            // The run is over anyway when it has diverged.
            Settled::Make(None) | Settled::Diverged(_) => made,
        }
    }

    /// Keeps the answer of a host call.
    pub(super) fn keep(&self, intent: Option<Box<Intent>>, answer: &impl Serialize) {
        if let Some(intent) = intent {
            self.note(answered(*intent, answer));
        }
    }

    /// Changes the plugin's storage; what the plugin is told of it is written down in the same commit.
    pub(super) async fn change<T, E>(
        &self,
        intent: Option<Box<Intent>>,
        change: impl FnOnce(&Txn<'_>) -> Result<Result<T, E>, Error> + Send + 'static,
    ) -> Result<T, String>
    where
        T: Serialize + Clone + Send + 'static,
        E: std::error::Error,
    {
        self.flush().await;
        let changed = self.desk.journal.apply(move |txn| {
            let answer = change(txn)?.map_err(told);
            if let Some(intent) = intent {
                txn.record_request(&answered(*intent, &answer))?;
            }
            Ok(answer)
        });
        changed.await.map_err(told)?
    }
}
