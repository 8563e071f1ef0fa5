//! A CRM of no particular make, for tests that judge by what reached it: it keeps every request to the byte, and answers
//! as it is told. A request can be held, so that a test does something at exactly this moment.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use recording_crm::{Crm, Reply};
//! let crm = Crm::start().await?;
//! crm.answer("calls", Reply::new(201, r#"{"id":"4711"}"#));
//! let held = crm.hold("notes");
//! // … the program is told to use `crm.base_url()`, and does its work …
//! let (request, answer) = held.arrived().await?;
//! println!("{} {}", request.method, request.path);
//! let _ = answer.send(Reply::new(201, "noted"));
//! # Ok(()) }
//! ```

mod reply;
mod request;
mod server;

pub use reply::Reply;
pub use request::Request;
pub use server::{Crm, Held};
