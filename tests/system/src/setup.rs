//! What is special about a world.

use fake_bitrix24::Options;
use serde_json::{Value, json};

use crate::{SmallDisk, Time};

/// What is special about a world.
pub struct Setup {
    /// The portal.
    pub portal: Options,
    /// More portals. Each has a plugin of its own with the same settings: `bitrix24-2`, `bitrix24-3`, …
    pub more_portals: Vec<Options>,
    /// Phone systems besides `office`: `branch-2`, `branch-3`, …
    pub branches: usize,
    /// TOML in `[server]`.
    pub server: String,
    /// TOML behind `[plugin.bitrix24]`, before its sub-tables.
    pub plugin: String,
    /// TOML at the end of the file.
    pub more: String,
    /// The time that the program lives in.
    pub time: Time,
    /// Where its data lies; in the world's folder if none.
    pub disk: Option<SmallDisk>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            portal: Options { seed: users(), bucket: None, ..Options::default() },
            more_portals: Vec::new(),
            branches: 0,
            server: String::new(),
            plugin: format!("{FALLBACK}\ncontacts = {{ create = \"automatic\", on = [\"inbound\"] }}"),
            more: String::new(),
            time: Time::Real,
            disk: None,
        }
    }
}

/// Calls that nobody can be credited with go to the owner of the webhook.
pub const FALLBACK: &str = "settings = { fallback-user = 7 }";

/// The people of the recorded PBX as a portal knows them.
pub fn users() -> Value {
    json!({ "users": [
        { "ID": 11, "NAME": "Alice", "LAST_NAME": "Anders", "UF_PHONE_INNER": "201" },
        { "ID": 12, "NAME": "Bernd", "LAST_NAME": "Brandt", "UF_PHONE_INNER": "202" },
        { "ID": 13, "NAME": "Carla", "LAST_NAME": "Conrad", "UF_PHONE_INNER": "203" },
    ]})
}
