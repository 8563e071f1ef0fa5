//! A second door for other processes: state, faults, seeds and reset over plain HTTP on loopback.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{Fault, Portal, door::Shared, http};

/// The control port. It needs no key, so it listens on loopback only.
///
/// - `GET /state`: the snapshot of [`Portal::state`]
/// - `POST /fault`: a [`Fault`] as JSON; `DELETE /fault` lifts all
/// - `POST /seed`: more users and records, as for [`Portal::seed`]
/// - `POST /advance`: `{"seconds": 1800}` moves the portal's clock on
/// - `POST /expire`: the webhook expires
/// - `POST /reset`: back to the state at the start
pub struct Control {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Control {
    /// Opens the control port; it closes with the portal.
    ///
    /// # Errors
    /// When the address is not on loopback or cannot be listened on.
    pub async fn open(portal: &Portal, address: SocketAddr) -> Result<Self> {
        ensure!(address.ip().is_loopback(), "the control port needs a loopback address, not {address}: it has no key");
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let shared = portal.shared().clone();
        let (stop, tasks) = portal.tasks();
        let service = move |method, path: String, body| {
            let answer = answer(&shared, method, &path, &body);
            async move { answer.unwrap_or_else(|error| (400, format!("{error:#}\n"))) }
        };
        tasks.spawn(http::serve_plain(listener, stop.clone(), tasks.clone(), service));
        Ok(Self { address })
    }
}

fn answer(shared: &Shared, method: Method, path: &str, body: &Bytes) -> Result<(u16, String)> {
    let json_body = || -> Result<Value> { serde_json::from_slice(body).context("the body is not JSON") };
    match (method.as_str(), path) {
        ("GET", "/state") => return Ok((200, format!("{:#}\n", shared.read().snapshot()))),
        ("POST", "/fault") => {
            let fault: Fault = serde_json::from_value(json_body()?).context("the body is no fault")?;
            shared.change(|world| world.faults.add(fault));
        }
        ("DELETE", "/fault") => shared.change(|world| world.faults.clear()),
        ("POST", "/seed") => {
            let seed = json_body()?;
            shared.change(|world| world.plant(&seed))?;
        }
        ("POST", "/advance") => {
            let seconds = json_body()?["seconds"].as_u64().context("the body should be {\"seconds\": 1800}")?;
            shared.change(|world| world.advance(Duration::from_secs(seconds)));
        }
        ("POST", "/expire") => shared.change(|world| world.webhook_expired = true),
        ("POST", "/reset") => shared.change(|world| world.reset())?,
        _ => {
            let known = "GET /state, POST or DELETE /fault, POST /seed, /advance, /expire, /reset";
            return Ok((404, format!("there is no {method} {path} here; there is {known}\n")));
        }
    }
    Ok((200, format!("{}\n", json!({"ok": true}))))
}
