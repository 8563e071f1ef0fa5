//! What kind of portal is started.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use serde::Serialize;
use serde_json::Value;

/// The settings of a portal. `Options::default()` is a cloud portal with classic CRM over TLS on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS with a certificate from an authority made at start; otherwise plain HTTP.
    pub tls: bool,
    /// The user who created the inbound webhook.
    pub user_id: u64,
    /// The webhook's secret; made at random when `None`.
    pub secret: Option<String>,
    /// The scopes ticked when the webhook was created (`telephony`, `crm`, `user`, `user_brief`, `user_basic`).
    pub scopes: BTreeSet<String>,
    /// Cloud, or an old self-hosted version.
    pub mode: Mode,
    /// "Simple CRM": no leads; unknown callers become a contact and a deal.
    pub simple_crm: bool,
    /// The leaky bucket over all requests; `None` switches it off.
    pub bucket: Option<Bucket>,
    /// The limit on execution time per method; `None` switches it off.
    pub operating: Option<Operating>,
    /// How long a new record stays unknown to the search over numbers and addresses: `crm.duplicate.findbycomm`,
    /// `telephony.externalCall.searchCrmEntities` and the search of `telephony.externalcall.register`. Records of the
    /// seed are known at once.
    ///
    /// The sheet says nothing of it for this portal; other CRMs are known for seconds to minutes, and the sheet on OAuth
    /// and HTTP (§2.5) wants a client to bridge ten minutes. That all three searches lag, and that reading and listing
    /// records does not, is inferred.
    pub search_lag: Duration,
    /// Whether the portal downloads what `RECORD_URL` names, and whom it trusts besides nobody (authorities as PEM). With
    /// none it refuses every address, as a cloud portal refuses one in a company's own network.
    pub downloads: Option<String>,
    /// Bytes of a request's body. What is larger is refused by the web server before the portal; how much a real one takes is
    /// not known (sheet §9).
    pub largest_body: usize,
    /// Whether a connection may carry more than one request.
    pub keep_alive: bool,
    /// What the portal knows at start and after a reset (the form is described at [`crate::Portal::seed`]).
    pub seed: Value,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: true,
            user_id: 7,
            secret: None,
            scopes: ["telephony", "crm", "user"].map(str::to_owned).into(),
            mode: Mode::Cloud,
            simple_crm: false,
            bucket: Some(Bucket::default()),
            operating: Some(Operating::default()),
            search_lag: Duration::ZERO,
            downloads: None,
            largest_body: 64 << 20,
            keep_alive: true,
            seed: Value::Null,
        }
    }
}

/// The portal's version, as far as it changes what the telephony methods accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The present cloud version.
    Cloud,
    /// An old self-hosted version: `show` and `hide` take one user only, there is no `crm.item.*`, ids in the answer
    /// of `finish` are strings.
    BoxedOld,
}

/// The leaky bucket of sheet §7: each request adds one, the portal drains it at a steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// The request that would lift the level above this is refused.
    pub capacity: f64,
    /// Requests per second.
    pub drain: f64,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { capacity: 50.0, drain: 2.0 }
    }
}

/// The operating limit of sheet §7: execution time per method in a sliding window.
#[derive(Clone, Copy, Debug)]
pub struct Operating {
    /// The time a method may use within the window.
    pub limit: Duration,
    /// The window.
    pub window: Duration,
    /// The time that one call is taken to have used. The stand-in itself needs none worth counting.
    pub cost: Duration,
}

impl Default for Operating {
    fn default() -> Self {
        Self { limit: Duration::from_secs(480), window: Duration::from_secs(600), cost: Duration::from_millis(50) }
    }
}
