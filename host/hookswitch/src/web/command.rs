//! What a plugin makes of a CRM's post: calls to be made and to be ended.

use std::sync::Arc;

use hookswitch_runtime::contract::commands;
use hookswitch_web::Request;

use crate::{
    desk::Desk,
    dials::{Ask, Problem, never},
    service::Service,
};

/// Two posts that are equal byte for byte are one within this time, in milliseconds: a CRM repeats what it was not
/// answered in time.
const ALIKE: u64 = 60_000;
/// Headers by which senders name their messages.
const NAMES: [&str; 3] = ["webhook-id", "idempotency-key", "x-request-id"];

/// What a post is known by.
pub(super) enum Key {
    /// Its sender has named it.
    Named(String),
    /// It is known by what it says.
    Alike(String),
}

/// What `request` is known by.
pub(super) fn key(request: &Request) -> Key {
    let named = NAMES.iter().find_map(|name| request.headers.get(*name)?.to_str().ok());
    match named.filter(|name| !name.is_empty() && name.len() <= 128) {
        Some(name) => Key::Named(name.to_owned()),
        None => {
            let mut hash = blake3::Hasher::new();
            hash.update(request.query.as_bytes()).update(b"\n").update(&request.body);
            Key::Alike(hash.finalize().to_hex().to_string())
        }
    }
}

/// The call that a plugin wants, the `at`th wish of a post.
pub(super) fn ask(desk: &Desk, dial: &commands::Dial, key: &Key, at: usize) -> Ask {
    let (key, alike) = match (&dial.crm_call, key) {
        // The CRM's own id says best that it is the same call.
        (Some(crm_call), _) => (format!("call {crm_call}"), None),
        (None, Key::Named(name)) => (format!("post {name} {at}"), None),
        (None, Key::Alike(hash)) => (format!("alike {hash} {at}"), Some(ALIKE)),
    };
    let from = match (&dial.extension, &dial.user) {
        (Some(extension), _) => Ok(extension.clone()),
        (None, Some(user)) => desk.users().extension_of(None, user).map(str::to_owned).ok_or_else(|| {
            desk.refresh_users();
            never(
                Problem::Nobody,
                format!(
                    "the CRM user {user} has no extension: enter it in the CRM, or in `users` of [plugin.{}]",
                    desk.name
                ),
            )
        }),
        (None, None) => Err(never(Problem::Nobody, "the post names neither a user nor an extension")),
    };
    Ask {
        origin: desk.name.clone(),
        key,
        alike,
        pbx: None,
        from,
        user: dial.user.clone(),
        number: dial.number.clone(),
        line: dial.line.clone(),
        crm_call: dial.crm_call.clone().filter(|id| !id.is_empty()),
        extra: dial.extra.clone(),
    }
}

/// Ends a call that the plugin names. The CRM is not told how it went: a call that ends is journaled, one that goes on
/// goes on.
pub(super) fn hang_up(service: &Arc<Service>, desk: &Arc<Desk>, call: &str) {
    let (own, desk, call) = (service.clone(), desk.clone(), call.to_owned());
    service.spawn(async move {
        let serves = |pbx: &str| desk.config.serves_pbx(pbx);
        if let Err(error) = own.end_call(&serves, &call).await {
            tracing::warn!(plugin = %desk.name, error = %crate::shown::printable(&error), "a call is not ended");
        }
    });
}
