//! Plays the "webhooks" module beside a 3CX: a service that watches calls and posts what happens to them, as raw bytes over
//! real TLS. It is written from the fact sheet `pbx-3cx.md`, part C ("the sheet" in comments), and shares nothing with the
//! code that it posts to.
//!
//! - A [`Pbx`] makes the posts of its [`Call`]s, and refuses stories that no 3CX tells;
//! - a [`Module`] sends them as its [`Ini`] says: one after the other, each again until it is answered with 200.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use fake_3cx_webhooks::{Ini, Module, Pbx, Way};
//! let module = Module::start(Ini::new("https://127.0.0.1:8443/pbx/office/SECRET", "-----BEGIN CERTIFICATE-----…"))?;
//! let mut pbx = Pbx::new(module.ini())?;
//! let mut call = pbx.inbound("+4420000001", "Main line");
//! module.say(call.rings("101")?);
//! module.say(call.answers("101", Way::Normal)?);
//! module.say(call.ends()?);
//! module.delivered().await?;
//! # Ok(()) }
//! ```

mod build;
mod call;
mod identity;
mod ini;
mod module;
mod pbx;
mod post;
mod wire;

pub use build::Build;
pub use call::{Call, Way};
pub use identity::Identity;
pub use ini::Ini;
pub use module::{Attempt, Module};
pub use pbx::Pbx;
pub use post::Post;
