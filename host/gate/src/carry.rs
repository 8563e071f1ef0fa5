//! A checked request on its way: over a connection that waits or a new one, and back with its answer.

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use tokio::time::Instant;

use crate::check::Checked;
use crate::connect::{self, Steps};
use crate::decode::ACCEPTED;
use crate::error::{Denial, Error, Stage};
use crate::exchange::{self, exchange};
use crate::gate::Gate;
use crate::origin::Origin;
use crate::request::{Response, Sent, Timings};

impl Gate {
    /// Carries a request that passed all checks which need no network.
    pub(crate) async fn carry(
        &self,
        checked: Checked<'_>,
        start: Instant,
        deadline: Instant,
    ) -> Result<Response, Error> {
        let Checked { target, rule, url, mut message, .. } = checked;
        let origin = &target.origin;
        let not_sent = |stage, cause| Error::NotSent { stage, cause };
        let Some(_turn) = self.pool.turn(deadline).await else {
            return Err(not_sent(Stage::Write, "too many requests of this plugin are under way".into()));
        };
        message.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        // Who says that it takes longer than usual has reason to.
        let patient = deadline > start + self.limits.total;
        let forwarder = self.dialer.forwarder(origin);
        if let Some(proxy) = forwarder {
            proxy.address(&mut message, &target).map_err(|cause| not_sent(Stage::Connect, cause))?;
        }
        let mut idle = self.pool.take(origin).await;
        loop {
            // Handing over a request that nobody waits for would leave it in doubt for nothing.
            if Instant::now() >= deadline {
                return Err(not_sent(Stage::Write, "no time was left".into()));
            }
            let (mut connection, steps, reused) = match idle.take() {
                Some(connection) => (connection, Steps::default(), true),
                None => {
                    let (connection, steps) =
                        self.dialer.dial(origin, deadline).await.map_err(|failure| self.undialled(origin, failure))?;
                    (connection, steps, false)
                }
            };
            let mut first_byte = None;
            let outcome = exchange(&mut connection, message, &self.limits, (deadline, patient), &mut first_byte).await;
            let sent = || {
                let Steps { dns, connect, tls } = steps;
                Sent {
                    url: url.clone(),
                    via: Vec::new(),
                    origin: origin.clone(),
                    remote: connection.remote,
                    reused,
                    rule: rule.clone(),
                    network: connection.network,
                    timings: Timings { dns, connect, tls, first_byte, total: start.elapsed() },
                }
            };
            match outcome {
                Ok(answer) => {
                    let (sent, keeps) = (sent(), answer.keeps());
                    self.pool.keep(target.origin.clone(), connection, keeps);
                    return match forwarder {
                        // No origin asks for this: the request has not left the proxy (RFC 9110, section 15.5.8).
                        Some(proxy) if answer.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                            Err(not_sent(Stage::Connect, proxy.unauthorised()))
                        }
                        _ => Ok(Response::new(answer, sent)),
                    };
                }
                Err(exchange::Failure::Unsent { message: unsent, .. }) if reused => message = *unsent,
                Err(exchange::Failure::Unsent { cause, .. }) => return Err(not_sent(Stage::Write, cause)),
                Err(exchange::Failure::InDoubt(cause)) => return Err(Error::InDoubt { cause, sent: Box::new(sent()) }),
                Err(exchange::Failure::TooLarge { part, limit }) => {
                    return Err(Error::TooLarge { part, limit, sent: Box::new(sent()) });
                }
            }
        }
    }

    fn undialled(&self, origin: &Origin, failure: connect::Failure) -> Error {
        match failure {
            connect::Failure::NotSent { stage, cause } => Error::NotSent { stage, cause },
            connect::Failure::Closed { address, closed } => Error::Denied {
                denial: Denial::Address { host: origin.host().clone(), address, kind: closed.kind },
                cure: self.cure(format!("allow.network = [\"{}\"]", closed.opened_by)),
            },
        }
    }
}
