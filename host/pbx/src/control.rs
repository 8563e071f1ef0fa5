//! Steering a phone system: making calls and ending them.

use async_trait::async_trait;
use hookswitch_call::{Chain, Extension};

/// Makes and ends calls at a phone system.
#[async_trait]
pub trait Control: Send + Sync {
    /// Rings the agent's phone, and dials the number when it is picked up. Returns as soon as the phone system has taken
    /// the order; what becomes of the call is reported like that of any other.
    ///
    /// # Errors
    ///
    /// Why nothing is dialled.
    async fn dial(&self, dial: &Dial) -> Result<Dialled, Refused>;

    /// Ends a call.
    ///
    /// # Errors
    ///
    /// Why it goes on.
    async fn hang_up(&self, call: &Chain) -> Result<(), Refused>;
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Whose phone rings first.
    pub from: Extension,
    /// The digits as the phone system is to get them, with its prefixes.
    pub number: String,
    /// The CRM's own id of the call, where the CRM asked for it.
    pub crm_call: Option<String>,
}

/// A call that is being made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialled {
    /// Its id, where the phone system says it at once.
    pub call: Option<Chain>,
}

/// Why a phone system does not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no connection.
    #[error("the phone system is not connected: {0}")]
    Offline(String),
    /// The agent's phone is not registered, or there is no such extension.
    #[error("the agent's phone cannot be reached: {0}")]
    Unreachable(String),
    /// The phone system takes no such number.
    #[error("the phone system does not take the number: {0}")]
    BadNumber(String),
    /// Our user may not do that.
    #[error("this user of the phone system may not do that: {0}")]
    NotPermitted(String),
    /// There is no such call.
    #[error("there is no such call any more")]
    NoSuchCall,
    /// This phone system has no way to do it.
    #[error("this phone system cannot do that: {0}")]
    Unable(&'static str),
    /// Anything else, in the phone system's words.
    #[error("the phone system refuses: {0}")]
    Other(String),
    /// It was told, and no answer came: it may happen or not.
    #[error("the phone system did not answer; it may do it all the same: {0}")]
    InDoubt(String),
}
