//! What users of a phone system may and may not do, as the phone system itself enforces it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hookswitch_call::Extension;

/// By the names, and with the values, that the phone system gives them.
pub type Rules = BTreeMap<String, String>;

/// Reads and sets the restrictions of users.
#[async_trait]
pub trait Restrictions: Send + Sync {
    /// Those of one user.
    ///
    /// # Errors
    ///
    /// Why they cannot be known, for the admin.
    async fn read(&self, user: &Extension) -> Result<Rules, String>;

    /// Changes some of one user's, and returns how all of his are then. Names and kinds of values are those that are read.
    ///
    /// # Errors
    ///
    /// Why they are not as wanted, for the admin. Nothing was changed unless the text says so.
    async fn change(&self, user: &Extension, wanted: &Rules) -> Result<Rules, String>;
}
