//! The way in: TLS, then one request after the other.

use anyhow::Result;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::{
    answer::Answer,
    fault::{Fault, Phase},
    wire,
    zammad::Shared,
};

/// Serves one connection to its end.
pub(crate) async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Shared) -> Result<()> {
    let _ = stream.set_nodelay(true);
    let mut stream = acceptor.accept(stream).await?;
    while let Some(request) = wire::read(&mut stream).await? {
        if shared.traps.reached(Phase::Arrived).await {
            return Ok(());
        }
        let fault = shared.change(|cti| cti.faults.strike());
        let answer = match fault {
            Some(Fault::Close) => return Ok(()),
            Some(Fault::Down(status)) => Answer::page(status),
            Some(Fault::Error) => shared.change(|cti| cti.fail()),
            _ => shared.change(|cti| cti.answer(&request)),
        };
        if shared.traps.reached(Phase::Done).await {
            return Ok(());
        }
        let answer = match fault {
            Some(Fault::CloseAfter) => return Ok(()),
            Some(Fault::ErrorAfter) => shared.change(|cti| cti.fail()),
            Some(Fault::Late(wait)) => {
                tokio::time::sleep(wait).await;
                answer
            }
            _ => answer,
        };
        wire::write(&mut stream, &answer).await?;
        if shared.traps.reached(Phase::Answered).await {
            return Ok(());
        }
    }
    Ok(())
}
