//! A second door for other processes, without a key: loopback only.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    account::Shared,
    answer::Answer,
    fault::Fault,
    wire::{self, Request},
    world::World,
};

pub(crate) async fn serve(listener: TcpListener, shared: Shared) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Ok(Some(request)) = wire::read(&mut stream).await {
                let answer =
                    answer(&shared, &request).unwrap_or_else(|error| Answer::bad_request(&format!("{error:#}")));
                let _ = wire::write(&mut stream, &answer, usize::MAX).await;
            }
        });
    }
}

fn answer(shared: &Shared, request: &Request) -> Result<Answer> {
    let body = || serde_json::from_slice::<Value>(&request.body).context("the body is not JSON");
    match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/state") => return Ok(Answer::json(200, &shared.read().snapshot())),
        ("POST", "/fault") => {
            let fault: Fault = serde_json::from_value(body()?).context("the body is no fault")?;
            shared.change(|world| world.faults.add(fault));
        }
        ("DELETE", "/fault") => shared.change(|world| world.faults.clear()),
        ("POST", "/seed") => {
            let seed = body()?;
            shared.change(|world| world.plant(&seed))?;
        }
        ("POST", "/reset") => {
            shared.change(|world| World::new(world.options.clone()).map(|fresh| *world = fresh))?;
        }
        _ => return Ok(Answer::no_endpoint()),
    }
    Ok(Answer::json(200, &json!({"ok": true})))
}
