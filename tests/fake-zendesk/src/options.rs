//! What kind of account is started.

use std::time::Duration;

use serde_json::{Value, json};

/// The settings of an account. `Options::default()` has the Talk Partner Edition and nobody but the owner of the token.
#[derive(Clone, Debug)]
pub struct Options {
    /// The first word of `acme.zendesk.com`.
    pub subdomain: String,
    /// Who signs in with the token, as `ana@example.com`; the user 1, who is an admin.
    pub email: String,
    /// The API token.
    pub token: String,
    /// The access token of an OAuth client.
    pub bearer: String,
    /// How long the search over users does not know a new user (sheet 1: "some seconds to minutes").
    pub search_lag: Duration,
    /// Whether the plan has the Talk Partner Edition.
    pub talk: bool,
    /// Whether a number may belong to one user only, so that a second one is refused as a duplicate.
    pub unique_phones: bool,
    /// Requests a minute that the plan bears; none: any number.
    pub per_minute: Option<usize>,
    /// Updates of one ticket in ten minutes.
    pub ticket_updates: usize,
    /// Whether a connection may carry more than one request.
    pub keep_alive: bool,
    /// What the account knows at start and after a reset (the form is described at [`crate::Account::seed`]).
    pub seed: Value,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            subdomain: "acme".to_owned(),
            email: "owner@example.com".to_owned(),
            token: "zendesk-token-4711".to_owned(),
            bearer: "zendesk-bearer-4711".to_owned(),
            search_lag: Duration::ZERO,
            talk: true,
            unique_phones: false,
            per_minute: None,
            ticket_updates: 30,
            keep_alive: true,
            seed: json!({}),
        }
    }
}
