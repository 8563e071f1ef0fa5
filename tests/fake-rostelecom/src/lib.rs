//! The cloud PBX of Rostelecom as far as its integration API goes, written from `pbx-rostelecom.md` ("the sheet" in
//! comments). It speaks raw HTTP over TLS, judges the signature of every request over the bytes that came, gives links that
//! work once, refuses the same order twice, and remembers what it was asked.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use fake_rostelecom::{Options, Pbx};
//! let pbx = Pbx::start(Options::default()).await?;
//! pbx.target("https://127.0.0.1:8443/pbx/cloud");
//! let answer = pbx.post("call_events", r#"{"session_id": "DEMOs1", "state": "new"}"#).await?;
//! println!("{} {}; asked: {:?}", answer.status, answer.body, pbx.asked("call_info"));
//! # Ok(()) }
//! ```

mod archive;
mod door;
mod http;
mod methods;
mod pbx;
mod poster;
mod sign;
mod tls;

pub use pbx::{Options, Pbx};
pub use poster::Answer;
pub use sign::sign;
