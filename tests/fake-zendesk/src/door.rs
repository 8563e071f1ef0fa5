//! The way in: a proxy that leads to the account and nowhere else, TLS, then one request after the other.

use std::sync::Arc;

use anyhow::{Result, bail};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    account::Shared,
    answer::Answer,
    fault::Effect,
    moment::{Phase, Then},
    routes::Call,
    wire,
};

/// Serves one connection to its end.
pub(crate) async fn serve(mut stream: TcpStream, tls: Arc<ServerConfig>, shared: Shared) -> Result<()> {
    let _ = stream.set_nodelay(true);
    let host = shared.read().host();
    match wire::read(&mut stream).await? {
        Some(request) if request.method == "CONNECT" && request.target == format!("{host}:443") => {}
        Some(request) => bail!("this proxy leads to {host} only, not to {}", request.target),
        None => return Ok(()),
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let stream = TlsAcceptor::from(tls).accept(stream).await?;
    talk(stream, shared).await
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: Shared) -> Result<()> {
    let keep_alive = shared.read().options.keep_alive;
    while let Some(request) = wire::read(&mut stream).await? {
        let call = Call::read(&request);
        let watched = shared.watchers().request(&call.operation);
        if watched.reached(Phase::Arrived).await == Then::Cut {
            return Ok(());
        }
        // On its own task: a client that hangs up does not stop what the account has begun.
        let (of_task, operation) = (shared.clone(), call.operation.clone());
        let (effect, answer) = tokio::spawn(async move { carry_out(&of_task, call, &operation).await }).await?;
        if watched.reached(Phase::CarriedOut).await == Then::Cut {
            return Ok(());
        }
        match effect {
            Some(Effect::Close | Effect::CloseAfter) => return Ok(()),
            Some(Effect::HalfAnswer) => {
                let half = answer.body.len() / 2;
                return wire::write(&mut stream, &answer, half).await;
            }
            _ => wire::write(&mut stream, &answer, usize::MAX).await?,
        }
        watched.reached(Phase::Answered).await;
        if !keep_alive {
            break;
        }
    }
    Ok(())
}

async fn carry_out(shared: &Shared, call: Call, operation: &str) -> (Option<Effect>, Answer) {
    let effect = shared.change(|world| world.faults.strike(operation));
    if let Some(effect) = &effect {
        tokio::time::sleep(effect.delay()).await;
    }
    let fault = effect.as_ref().map(|effect| format!("{effect:?}"));
    let refusal = effect.as_ref().and_then(refusal);
    let skipped = effect == Some(Effect::Close);
    let answer = shared.change(|world| world.answer(call, refusal, skipped, fault));
    if let Some(effect) = &effect {
        tokio::time::sleep(effect.lateness()).await;
    }
    let answer = match &effect {
        Some(Effect::NotJson) => Answer { body: "OK, thank you".to_owned(), ..answer },
        Some(Effect::ServerErrorAfter) => Answer::page(500, "Sorry"),
        _ => answer,
    };
    (effect, answer)
}

/// What is answered in place of carrying it out.
fn refusal(effect: &Effect) -> Option<Answer> {
    Some(match effect {
        Effect::TooMany(seconds) => Answer::too_many(u64::from(*seconds)),
        Effect::Conflict => Answer::json(
            409,
            &serde_json::json!({"error": "UpdateConflict", "description": "Safe Update prevented the update due to outdated ticket data"}),
        ),
        Effect::ServerError => Answer::page(500, "Sorry"),
        Effect::Unavailable => Answer::page(503, "Back soon").header("retry-after", 0),
        Effect::Unauthorised => Answer::unauthorised(),
        Effect::Forbidden => Answer::forbidden(),
        Effect::Html => Answer::page(200, "Back soon"),
        Effect::Invalid(description) => Answer::invalid("base", description),
        _ => return None,
    })
}
