//! A strict, stateful stand-in for a Bitrix24 portal.
//!
//! It speaks the portal's REST interface over real sockets, refuses what a real portal refuses, and keeps everything
//! that it was told, so that a test can ask what a person at the portal would have seen. It is written from the fact
//! sheet `crm-bitrix24.md` ("the sheet" in comments) as raw JSON and shares nothing with the code that it judges.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use fake_bitrix24::{Effect, Fault, Options, Portal};
//! let portal = Portal::start(Options::default()).await?;
//! portal.seed(&serde_json::json!({"users": [{"ID": 12, "NAME": "Alice", "UF_PHONE_INNER": "101"}]}))?;
//! portal.inject(Fault::on("telephony.externalcall.register", Effect::QueryLimit).times(2));
//! println!("{}", portal.base_url());
//! portal.wait_until(|state| !state["calls"].as_array().unwrap().is_empty(), std::time::Duration::from_secs(5)).await?;
//! # Ok(()) }
//! ```

mod answer;
mod clock;
mod control;
mod door;
mod download;
mod entity;
mod events;
mod fault;
mod file;
mod http;
mod limits;
mod methods;
mod moment;
mod network;
mod options;
mod outlet;
mod params;
mod php;
mod portal;
mod seed;
mod snapshot;
mod telephony;
mod tls;
mod view;
mod world;

pub use control::Control;
pub use events::APPLICATION_TOKEN;
pub use fault::{Effect, Fault};
pub use moment::{Moment, Phase, Then};
pub use network::Network;
pub use options::{Bucket, Mode, Operating, Options};
pub use portal::{Portal, Timeout};
pub use view::View;
