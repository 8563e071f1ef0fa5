//! A Yeastar P-Series PBX as its API shows it (sheet `pbx-yeastar.md`, part B), written from the bytes on the wire: it
//! refuses what the real one refuses, and keeps what it was asked.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use fake_yeastar::{Options, Pbx, extension, inbound};
//! let pbx = Pbx::start(Options::default()).await?;
//! // … the program is told to use `pbx.url()`, and subscribes …
//! pbx.subscribed(1).await?;
//! let call = pbx.next_call();
//! pbx.now(&call, &[inbound("+4930123456", "201", "ALERT"), extension("201", "RING")]).await?;
//! pbx.end(&call, &[inbound("+4930123456", "201", "BYE")], "Inbound", "+4930123456", "201", 0).await?;
//! # Ok(()) }
//! ```

mod api;
mod door;
mod http;
mod member;
mod moment;
mod pbx;
mod phonebook;
mod recording;
mod socket;
mod state;
mod webhook;

pub use member::{extension, inbound, outbound};
pub use pbx::{Options, Pbx};
pub use phonebook::Phonebooks;
pub use state::Request;
