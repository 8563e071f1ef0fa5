//! `[dial.NAME]`: an address at which a program of the admin's may have calls made.

use hookswitch_signature::{Scheme, Window};
use serde::Deserialize;

use super::{Config, Fault, Secret};

/// `[dial.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DialDoor {
    /// The key of the signature.
    pub(crate) key: Secret,
    /// How messages are signed. Default: Standard Webhooks. The time must be signed too.
    #[serde(default = "standard")]
    pub(crate) scheme: Scheme,
    /// The plugin whose users the messages name; without it they name extensions.
    pub(crate) plugin: Option<String>,
    /// The phone systems at which calls may be made. Default: all.
    pub(crate) pbx: Option<Vec<String>>,
    /// Calls per minute, in all. Default 60.
    #[serde(default = "per_minute")]
    pub(crate) per_minute: u32,
}

fn standard() -> Scheme {
    Scheme::StandardWebhooks { window: Window::default() }
}

fn per_minute() -> u32 {
    60
}

impl DialDoor {
    pub(super) fn validate(&self, name: &str, config: &Config) -> Result<(), Fault> {
        let timed = match &self.scheme {
            Scheme::StandardWebhooks { .. } => true,
            Scheme::Hmac { timestamp_header, .. } => timestamp_header.is_some(),
            _ => false,
        };
        if !timed {
            return Err(Fault::new(
                &["dial", name, "scheme"],
                "whoever overhears a message of this scheme could send it again at any time",
                "leave `scheme` out (Standard Webhooks), or sign a time with it: signed = \"{timestamp}.{body}\", \
                 timestamp-header = \"X-Timestamp\"",
            ));
        }
        if let Some(plugin) = self.plugin.as_ref().filter(|plugin| !config.plugin.contains_key(*plugin)) {
            let help = "name one of the tables [plugin.NAME]";
            return Err(Fault::new(&["dial", name, "plugin"], format!("there is no plugin `{plugin}`"), help));
        }
        if let Some(pbx) = self.pbx.iter().flatten().find(|pbx| !config.pbx.contains_key(*pbx)) {
            let help = "name one of the tables [pbx.NAME]";
            return Err(Fault::new(&["dial", name, "pbx"], format!("there is no phone system named `{pbx}`"), help));
        }
        Ok(())
    }
}
