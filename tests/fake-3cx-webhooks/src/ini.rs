//! The .ini file of the module.

use std::time::Duration;

use crate::Build;

/// What stands in it (C.8).
#[derive(Clone, Debug)]
pub struct Ini {
    /// `WEBHOOK_URL`.
    pub webhook_url: String,
    /// `WEBHOOK_POST_URL`: where recordings and speech go; empty: to the same address.
    pub webhook_post_url: String,
    /// `RECORDING_FULL_INFO=1`: the post of the recordings repeats the end.
    pub recording_full_info: bool,
    /// `POST=1`; otherwise everything is a GET with a query.
    pub post: bool,
    /// Which build it is.
    pub build: Build,
    /// Scheme and host of the PBX, in the addresses of recordings.
    pub pbx: String,
    /// The zone of the PBX's clock.
    pub timezone: String,
    /// The authority that it trusts, as PEM.
    pub authority: String,
    /// How long it waits before it says something again.
    pub pause: Duration,
}

impl Ini {
    /// Posts to this address, in the words of the sheet, from a PBX in Berlin.
    pub fn new(webhook_url: impl Into<String>, authority: impl Into<String>) -> Self {
        Self {
            webhook_url: webhook_url.into(),
            webhook_post_url: String::new(),
            recording_full_info: false,
            post: true,
            build: Build::Sheet,
            pbx: "https://pbx.example".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            authority: authority.into(),
            pause: Duration::from_millis(50),
        }
    }
}
