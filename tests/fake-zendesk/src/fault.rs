//! Trouble to order: what the account, or the network before it, does wrong, on which request.

use std::time::Duration;

use serde::Deserialize;

/// A fault on some requests of one operation, or of all. In JSON, for the control port: `{"operation": "PUT tickets/#",
/// "effect": "conflict", "after": 1, "times": 2}`; without `operation` any, without `times` until cleared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    operation: Option<String>,
    #[serde(default)]
    after: u32,
    times: Option<u32>,
    effect: Effect,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// 429 with `Retry-After` in so many seconds; not carried out.
    TooMany(u32),
    /// 409, somebody else changes the same ticket; not carried out.
    Conflict,
    /// 500 with a page of HTML; not carried out.
    ServerError,
    /// 500 with a page of HTML, though it was carried out.
    ServerErrorAfter,
    /// 503 with `Retry-After`; not carried out.
    Unavailable,
    /// 401; not carried out.
    Unauthorised,
    /// 403; not carried out.
    Forbidden,
    /// 200 with a page of HTML, as a proxy or a maintenance page gives it; not carried out.
    Html,
    /// 200 with a text that is no JSON; carried out.
    NotJson,
    /// Carried out, half of the answer is sent, the connection closed.
    HalfAnswer,
    /// The connection is closed without an answer; not carried out.
    Close,
    /// The connection is closed without an answer, after it was carried out.
    CloseAfter,
    /// It waits for so many milliseconds, then is carried out as usual.
    Delay(u64),
    /// It is carried out at once, the answer comes so many milliseconds later.
    LateAnswer(u64),
    /// 422 `RecordInvalid` with this description of `base`; not carried out.
    Invalid(String),
}

impl Fault {
    /// A fault on the next request of this operation ("POST tickets", "PUT tickets/#"; "*" for any), once.
    pub fn on(operation: &str, effect: Effect) -> Self {
        Self { operation: (operation != "*").then(|| operation.to_owned()), after: 0, times: Some(1), effect }
    }

    /// Strikes that many requests.
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Strikes until the faults are cleared.
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    /// Lets that many of these requests pass first.
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }
}

/// The faults in force, oldest first.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Uses up what strikes a request.
    pub(crate) fn strike(&mut self, operation: &str) -> Option<Effect> {
        let mut struck = None;
        for fault in &mut self.0 {
            if fault.operation.as_deref().is_some_and(|wanted| wanted != "*" && wanted != operation) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            fault.times = fault.times.map(|times| times - 1);
            struck = Some(fault.effect.clone());
            break;
        }
        self.0.retain(|fault| fault.times != Some(0));
        struck
    }
}

impl Effect {
    /// How long the request waits before it is carried out.
    pub(crate) fn delay(&self) -> Duration {
        if let Self::Delay(millis) = self { Duration::from_millis(*millis) } else { Duration::ZERO }
    }

    /// How long its answer waits.
    pub(crate) fn lateness(&self) -> Duration {
        if let Self::LateAnswer(millis) = self { Duration::from_millis(*millis) } else { Duration::ZERO }
    }
}
