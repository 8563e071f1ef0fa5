//! The keys to CRMs: kept encrypted, renewed in time, never given to a plugin.
//!
//! - [`Store`]: one folder of sealed files, opened with the admin's key ([`KeySource`]).
//! - [`OAuth2`]: tokens that somebody signs in for (`begin`, `complete`, `logout`), renewed by refresh tokens.
//! - [`Fetched`]: tokens that the host fetches with credentials of its own.
//! - [`Provider`], [`Fetch`], [`Client`]: what there is to know of a provider, as manifest and configuration say it.
//!
//! Both kinds of tokens are handed to the gate, which puts them into requests and asks for others when a CRM refuses one;
//! requests for tokens go through the gate too. What a provider gives is on the disk before it is used.

mod address;
mod ask;
mod cipher;
mod disk;
mod error;
mod fetched;
mod key;
mod oauth;
mod oauth2;
mod path;
mod pause;
mod provider;
mod refusal;
mod replace;
mod session;
mod sign_in;
mod slot;
mod status;
mod store;
mod vault;

pub use error::{KeyError, SetupError, StoreError};
pub use fetched::Fetched;
pub use key::KeySource;
pub use oauth2::{OAuth2, Revocation};
pub use provider::{
    Answer, Authorize, Client, ClientAuth, Encoding, Endpoint, Fetch, Interval, InvalidProvider, Names, Provider,
    Renew, Separator,
};
pub use refusal::{Field, TokenError};
pub use sign_in::{SignIn, SignInError};
pub use status::Status;
pub use store::Store;
