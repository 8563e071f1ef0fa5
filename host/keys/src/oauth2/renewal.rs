//! Renewing by a refresh token: one request at a time, and never a step that could lose a sign-in needlessly.

use std::sync::Arc;

use hookswitch_gate::{Gate, NoToken, Token};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use tracing::debug;

use crate::ask::Failure;
use crate::oauth::answer::Issued;
use crate::oauth::request::{self, Offer};
use crate::oauth2::OAuth2;
use crate::pause::Pause;
use crate::session::{Age, Session};
use crate::slot::View;

/// A refresh token is sent so often without an answer. Each time may have been the one that used it up, and a provider
/// that sees it again after that takes back everything (RFC 9700, section 4.14.2).
const DOUBTS: u32 = 2;

/// Why another token is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The present one is about to run out, or has.
    Age,
    /// The CRM refused it.
    Refused,
}

impl OAuth2 {
    /// Renews in a task of its own, which goes on when the caller goes away.
    pub(super) async fn renew_detached(&self, of: u64, why: Why, gate: &Gate) -> Result<Token, NoToken> {
        let (this, gate) = (self.clone(), gate.clone());
        let renewal = tokio::spawn(async move {
            let pause = this.0.slot.flight.clone().lock_owned().await;
            this.renew(pause, of, why, &gate).await
        });
        renewal.await.unwrap_or_else(|_| Err(NoToken::Later("the renewal of the token broke off".into())))
    }

    /// Gives a token that is newer than `of`, and asks for one unless somebody else did so in the meantime.
    pub(super) async fn renew(
        &self,
        mut pause: OwnedMutexGuard<Pause>,
        of: u64,
        why: Why,
        gate: &Gate,
    ) -> Result<Token, NoToken> {
        let slot = &self.0.slot;
        let old = match slot.view(self.plan()) {
            View::SignedOut => return Err(slot.needs(None)),
            View::Over(over) => return Err(slot.needs(Some(&over))),
            View::Token { token, .. } if token.generation > of => return Ok(token),
            View::Token { token, age } => (why == Why::Age && age != Age::Over).then_some(token),
        };
        if let Some((left, reason)) = pause.left(Instant::now()) {
            let later = format!("{reason}; tried again in {} s", left.as_secs() + 1);
            return old.ok_or(NoToken::Later(later));
        }
        let Some(session) = slot.session().filter(|session| session.generation == of) else {
            return Err(NoToken::Later("the sign-in has changed".into()));
        };
        let Some(offered) = &session.refresh else {
            let reason = "the token is no longer good, and the provider gave none to renew it with";
            slot.end(of, reason, false);
            return Err(self.needs());
        };
        if why == Why::Refused && session.replaced_a_refused_one() {
            let reason = "the CRM refuses a token that was renewed a moment ago; does the user have the permission?";
            return Err(NoToken::Later(reason.into()));
        }

        let (outcome, offered) = match (self.refresh(offered, gate).await, &session.previous) {
            // Where the answer with the present one was lost over there, the one before may still be good.
            (Err(Failure::Offer(_)), Some(previous)) => (self.refresh(previous, gate).await, previous),
            (outcome, _) => (outcome, offered),
        };
        let reason = match outcome {
            Ok(issued) => {
                let renewed = self.renewed_session(&session, offered, issued, why);
                // Nothing is between the answer and the disk that could be interrupted. One short wait for the disk.
                let _ = slot.put(Some(of), renewed, true);
                pause.end();
                debug!(plugin = slot.plugin, handle = slot.handle, "token renewed");
                return match slot.view(self.plan()) {
                    View::Token { token, .. } => Ok(token),
                    View::SignedOut | View::Over(_) => Err(self.needs()),
                };
            }
            Err(Failure::Offer(reason)) => {
                slot.end(of, &reason, false);
                return Err(self.needs());
            }
            Err(Failure::Client(reason)) => {
                slot.note(of, |session| session.client = self.0.mark.clone());
                slot.end(of, &reason, true);
                return Err(self.needs());
            }
            Err(Failure::Later { reason, after }) => {
                pause.failed(&reason, after, Instant::now(), fastrand::f64());
                reason
            }
            Err(Failure::InDoubt(reason)) => {
                // One that never changes can be sent as often as one likes.
                if session.rotates != Some(false) {
                    slot.note(of, |session| session.doubts += 1);
                    if session.doubts + 1 >= DOUBTS {
                        let reason =
                            format!("renewals were sent and not answered, and another could end the sign-in: {reason}");
                        slot.end(of, &reason, false);
                        return Err(self.needs());
                    }
                }
                pause.failed(&reason, None, Instant::now(), fastrand::f64());
                reason
            }
        };
        slot.trouble(&reason);
        old.ok_or(NoToken::Later(reason))
    }

    async fn refresh(&self, token: &SecretString, gate: &Gate) -> Result<Issued, Failure> {
        let request = request::for_token(&self.0.provider.token, &self.0.client, &Offer::Refresh(token));
        self.ask(gate, request, self.known(&[])).await
    }

    /// The session after a renewal in which `offered` was taken.
    fn renewed_session(&self, old: &Arc<Session>, offered: &SecretString, issued: Issued, why: Why) -> Session {
        let Issued { access, refresh, life, scopes, base } = issued;
        let rotated = refresh.as_ref().is_some_and(|new| new.expose_secret() != offered.expose_secret());
        let now = Timestamp::now();
        Session {
            generation: old.generation,
            access,
            previous: if rotated { Some(offered.clone()) } else { None },
            refresh: Some(refresh.unwrap_or_else(|| offered.clone())),
            since: old.since,
            issued: now,
            life,
            scopes: scopes.unwrap_or_else(|| old.scopes.clone()),
            base: base.or_else(|| old.base.clone()),
            rotates: Some(rotated || old.rotates == Some(true)),
            doubts: 0,
            client: self.0.mark.clone(),
            over: None,
            refused: (why == Why::Refused).then_some(now),
        }
    }

    fn needs(&self) -> NoToken {
        let slot = &self.0.slot;
        let over = slot.session().and_then(|session| session.over.clone());
        slot.needs(over.as_ref())
    }
}
