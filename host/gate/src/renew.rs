//! Requests with a token that does not stay the same.

use std::future::Future;

use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::error::{Error, Malformed, Stage};
use crate::gate::Gate;
use crate::request::{Request, Response};
use crate::tokens::{NoToken, Token, Tokens};

impl Gate {
    /// Sends a request with the token of a credential, and once more with another where the first is refused: a refused
    /// request was not carried out.
    pub(crate) async fn with_token(
        &self,
        handle: &str,
        tokens: &dyn Tokens,
        request: &Request,
        start: Instant,
        deadline: Instant,
    ) -> Result<Response, Error> {
        // What is wrong whatever the token must not cost one.
        match self.check(request, None).await {
            Ok(_) | Err(Error::BadRequest(Malformed::UrlNotAbsolute)) => {}
            Err(error) => return Err(error),
        }
        let token = self.token(handle, tokens.current(self), deadline).await?;
        let answer = self.follow(self.check(request, Some(&token)).await?, start, deadline).await?;
        if !tokens.is_refusal(answer.status, &answer.body) {
            return Ok(answer);
        }
        match self.token(handle, tokens.renewed(&token, self), deadline).await {
            Ok(renewed) if renewed.generation != token.generation => {
                self.follow(self.check(request, Some(&renewed)).await?, start, deadline).await
            }
            Ok(_) => Ok(answer),
            Err(error) => {
                let error = error.scrubbed(&self.secrets.known().redactor);
                debug!(plugin = self.plugin, handle, %error, "no other token for one that was refused");
                Ok(answer)
            }
        }
    }

    async fn token(
        &self,
        handle: &str,
        token: impl Future<Output = Result<Token, NoToken>>,
        deadline: Instant,
    ) -> Result<Token, Error> {
        let later = |cause| Error::NotSent { stage: Stage::Token, cause };
        let token = timeout_at(deadline, token).await.map_err(|_| later("no time was left".into()))?;
        token.map_err(|error| match error {
            NoToken::SignIn(reason) => Error::Unauthorised { handle: handle.to_owned(), reason },
            NoToken::Later(cause) => later(cause),
        })
    }
}
