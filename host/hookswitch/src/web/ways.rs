//! The listeners: opened as the configuration says, and opened anew where it changes.

use std::{net::SocketAddr, sync::Arc};

use hookswitch_web::{Handler, Limits, Network, Options, Server, SetupError, TlsFiles};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Outside, admin::Admin};
use crate::{config::Loaded, service::Service};

/// The listeners of the running service.
#[derive(Default)]
pub(crate) struct Ways {
    outside: Option<Way>,
    admin: Option<Way>,
    figures: Option<PrometheusHandle>,
}

/// One listener.
struct Way {
    /// What it was opened with.
    wanted: Wanted,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Way {
    async fn close(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// What a listener is opened with.
#[derive(Clone, PartialEq, Eq)]
struct Wanted {
    listen: SocketAddr,
    tls: Option<TlsFiles>,
    trusted_proxies: Vec<Network>,
    /// Of the token that must be shown.
    token: Option<blake3::Hash>,
}

/// What `[server] listen` is opened with.
fn outside(loaded: &Loaded) -> Option<Wanted> {
    let server = &loaded.config.server;
    let trusted_proxies = server.trusted_proxies.clone();
    Some(Wanted { listen: server.listen?, tls: tls(loaded), trusted_proxies, token: None })
}

/// What `[server] admin` is opened with. On this machine it speaks plainly: what asks it knows no names to check.
fn admin(loaded: &Loaded, token: Option<&SecretString>) -> Option<Wanted> {
    let listen = loaded.config.server.admin.as_ref()?.listen;
    let tls = if listen.ip().is_loopback() { None } else { tls(loaded) };
    let token = token.map(|token| blake3::hash(token.expose_secret().as_bytes()));
    Some(Wanted { listen, tls, trusted_proxies: Vec::new(), token })
}

fn tls(loaded: &Loaded) -> Option<TlsFiles> {
    let files = loaded.config.server.tls.as_ref()?;
    Some(TlsFiles { certificate: loaded.resolve(&files.certificate), key: loaded.resolve(&files.key) })
}

impl Ways {
    pub(crate) fn new(figures: Option<PrometheusHandle>) -> Self {
        Self { figures, ..Self::default() }
    }

    /// Opens and closes listeners until they are as `loaded` says; a line for each change.
    ///
    /// # Errors
    ///
    /// A listener cannot be opened; the others are as they should be.
    pub(crate) async fn follow(&mut self, service: &Arc<Service>, loaded: &Loaded) -> Result<Vec<String>, String> {
        let (mut told, mut faults) = (Vec::new(), Vec::new());
        let token = loaded.config.server.admin.as_ref().and_then(|admin| admin.token.as_ref());
        let token = token.map(|token| token.read("[server] admin.token", &loaded.folder)).transpose()?;
        let admin = admin(loaded, token.as_ref());
        let admin_handler = Arc::new(Admin { service: service.clone(), figures: self.figures.clone(), token });
        let outside_handler = Arc::new(Outside::new(service.clone())?);
        for (key, way, wanted, handler) in [
            ("listen", &mut self.outside, outside(loaded), outside_handler as Arc<dyn Handler>),
            ("admin", &mut self.admin, admin, admin_handler),
        ] {
            match change(way, wanted, handler).await {
                Ok(lines) => told.extend(lines.into_iter().map(|line| format!("[server] {key}: {line}"))),
                Err(error) => faults.push(format!("[server] {key}: {error}")),
            }
        }
        if faults.is_empty() { Ok(told) } else { Err(faults.join("\n")) }
    }

    /// Closes all.
    pub(crate) async fn close(&mut self) {
        for way in [self.outside.take(), self.admin.take()].into_iter().flatten() {
            way.close().await;
        }
    }
}

/// Closes a way that is to be another one, and opens the new one; what was done, line by line.
async fn change(
    way: &mut Option<Way>,
    wanted: Option<Wanted>,
    handler: Arc<dyn Handler>,
) -> Result<Vec<String>, SetupError> {
    let mut told = Vec::new();
    if way.as_ref().map(|way| &way.wanted) == wanted.as_ref() {
        return Ok(told);
    }
    // The same address can be opened by one at a time only.
    if let Some(way) = way.take() {
        told.push(format!("{} is served no more", way.wanted.listen));
        way.close().await;
    }
    let Some(wanted) = wanted else { return Ok(told) };
    let Wanted { listen, tls, trusted_proxies, .. } = wanted.clone();
    let server = Server::bind(Options { listen, tls, trusted_proxies, limits: Limits::default() }).await?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    told.push(format!("serving at {}", server.local_addr()));
    tasks.spawn(server.serve(handler, stop.clone()));
    tasks.close();
    *way = Some(Way { wanted, stop, tasks });
    Ok(told)
}
