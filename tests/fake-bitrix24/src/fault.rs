//! Trouble to order: what the portal, or the network before it, does wrong, on which request.

use std::time::Duration;

use serde::Deserialize;

use crate::answer::Refusal;

/// A fault on some requests of one method, or of all.
///
/// In JSON (for the control port): `{"method": "telephony.externalcall.finish", "after": 1, "times": 2, "effect":
/// "query-limit"}`. Without `method` it strikes any; without `times` it stays until cleared; `after` lets so many
/// matching requests pass first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    method: Option<String>,
    #[serde(default)]
    after: u32,
    times: Option<u32>,
    effect: Effect,
}

/// What goes wrong. In JSON: the name in kebab-case, or `{"delay": 1500}` (milliseconds), `{"lead-creation-error":
/// "text"}`, `{"refuse": {"status": 400, "code": "ERROR_CORE", "description": "text"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// 503 `QUERY_LIMIT_EXCEEDED`; the request is not carried out.
    QueryLimit,
    /// 429 `OPERATION_TIME_LIMIT`, to be lifted in the given number of seconds; the request is not carried out.
    OperationLimit(u32),
    /// 500 `INTERNAL_SERVER_ERROR` as JSON; the request is not carried out.
    ServerError,
    /// 500 with a page of HTML; the request is not carried out.
    Html500,
    /// 200 with a page of HTML, as a proxy or a maintenance page gives it; the request is not carried out.
    Html200,
    /// 200 with a text that is no JSON though its content type says so; the request is carried out.
    NotJson,
    /// The request is carried out, half of the answer's body is sent, the connection closed.
    HalfAnswer,
    /// The connection is closed without an answer; the request is not carried out.
    Close,
    /// The connection is closed without an answer, after the request was carried out.
    CloseAfter,
    /// The request waits for this many milliseconds, then is carried out as usual.
    Delay(u64),
    /// The request is carried out at once, the answer comes this many milliseconds later.
    LateAnswer(u64),
    /// 401 `expired_token`.
    ExpiredToken,
    /// 401 `invalid_token`.
    InvalidToken,
    /// 401 `NO_AUTH_FOUND`, as for a webhook that was deleted.
    NoAuth,
    /// 403 `INVALID_CREDENTIALS`.
    InvalidCredentials,
    /// `register` succeeds, but creates nothing and says so in `LEAD_CREATION_ERROR`.
    LeadCreationError(String),
    /// Any other error of the portal; the request is not carried out.
    Refuse {
        /// HTTP status.
        status: u16,
        /// `error`.
        code: String,
        /// `error_description`.
        description: String,
    },
}

impl Fault {
    /// A fault on the next request of this method (`"*"` for any, otherwise without regard to case), once.
    pub fn on(method: &str, effect: Effect) -> Self {
        Self { method: (method != "*").then(|| method.to_owned()), after: 0, times: Some(1), effect }
    }

    /// Strikes that many requests.
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Strikes until the faults are cleared.
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    /// Lets that many matching requests pass first.
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    fn concerns(&self, method: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == "*" || wanted.eq_ignore_ascii_case(method))
    }
}

impl Effect {
    /// The portal's own refusal, for the effects that are one; these strike inside a batch too.
    pub(crate) fn refusal(&self, now: i64) -> Option<Refusal> {
        match self {
            Self::QueryLimit => Some(Refusal::query_limit()),
            Self::OperationLimit(seconds) => Some(Refusal::operation_time_limit(now + i64::from(*seconds) * 1000)),
            Self::ServerError => Some(Refusal::new(500, "INTERNAL_SERVER_ERROR", "Internal server error")),
            Self::ExpiredToken => Some(Refusal::new(401, "expired_token", "The access token provided has expired.")),
            Self::InvalidToken => Some(Refusal::new(401, "invalid_token", "Unable to get application by token")),
            Self::NoAuth => Some(Refusal::no_auth()),
            Self::InvalidCredentials => Some(Refusal::invalid_credentials()),
            Self::Refuse { status, code, description } => Some(Refusal::new(*status, code, description.clone())),
            _ => None,
        }
    }
}

/// The faults in force, oldest first.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

/// What strikes one request: at most one delay and one other effect.
#[derive(Debug, Default)]
pub(crate) struct Strike {
    pub(crate) delay: Option<Duration>,
    pub(crate) effect: Option<Effect>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Uses up what strikes a request of this method. A fault behind another of the same kind waits for its turn.
    pub(crate) fn strike(&mut self, method: &str) -> Strike {
        let mut strike = Strike::default();
        for fault in self.0.iter_mut().filter(|fault| fault.concerns(method)) {
            let taken =
                if matches!(fault.effect, Effect::Delay(_)) { strike.delay.is_some() } else { strike.effect.is_some() };
            if taken {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                let Some(left) = times.checked_sub(1) else { continue };
                *times = left;
            }
            match &fault.effect {
                Effect::Delay(millis) => strike.delay = Some(Duration::from_millis(*millis)),
                other => strike.effect = Some(other.clone()),
            }
        }
        self.0.retain(|fault| fault.times != Some(0));
        strike
    }
}
