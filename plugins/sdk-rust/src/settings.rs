//! The admin's settings.

use crate::bindings::imports::hookswitch::plugin::settings;

/// Returns a setting without spaces around it; none if it is empty or not set and has no default.
pub fn get(name: &str) -> Option<String> {
    settings::get(name).map(|value| value.trim().to_string()).filter(|value| !value.is_empty())
}

/// Returns whether a setting of kind flag is on.
pub fn flag(name: &str) -> bool {
    get(name).as_deref() == Some("true")
}
