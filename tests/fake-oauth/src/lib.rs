//! A strict OAuth provider, and an API that takes its tokens.
//!
//! It speaks raw HTTP over real sockets, plain or TLS, judges every parameter of every request, and remembers what it was
//! asked and what it gave, so that a test can see afterwards what went on. It is written from the fact sheet
//! `oauth2-and-http.md` ("the sheet" in comments) and shares nothing with the code that it judges.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use fake_oauth::{Fault, Profile, Provider};
//! let provider = Provider::start(Profile::rotating()).await?;
//! // … the code under test makes an address below `provider.authorize_url()`; somebody signs in there …
//! let callback = provider.approve("https://…")?;
//! provider.inject(Fault::TooManyRequests);
//! // … the code under test asks for tokens, and calls the API …
//! println!("{:?}", provider.verdict());
//! # Ok(()) }
//! ```

mod door;
mod fault;
mod http;
mod ledger;
mod params;
mod profile;
mod provider;
mod verdict;

pub use fault::{Fault, Held};
pub use profile::{By, ClientAuth, Life, Profile, Refresh, Refusal};
pub use provider::Provider;
pub use verdict::Verdict;
