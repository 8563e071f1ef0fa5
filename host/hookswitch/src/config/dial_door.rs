//! `[dial.NAME]`: an address at which a program of the admin's, or the browsers of agents, may have calls made.

use std::time::Duration;

use hookswitch_pbx::asterisk::Glob;
use hookswitch_signature::{Scheme, Window};
use serde::Deserialize;

use super::{Config, Fault, Secret, Span};

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
    /// Agents who click a `tel:` link in their browsers. Default: none.
    pub(crate) links: Option<Links>,
}

/// `[dial.NAME.links]`: browsers of agents, each set up by a personal address (`hookswitch dial-link`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Links {
    /// The extensions that may have one, `*` for any digits, `?` for one. Whose is taken out here calls no more.
    pub(crate) extensions: Vec<Glob>,
    /// Calls per minute of one extension. Default 10.
    #[serde(default = "per_minute_of_one")]
    pub(crate) per_minute: u32,
    /// For how long a browser stays set up. Default 365 days.
    #[serde(default = "a_year")]
    pub(crate) valid_for: Span,
}

/// Browsers forget what they keep for a page after 400 days (RFC 6265bis, section 5.5).
const BROWSERS_FORGET: Duration = Duration::from_secs(400 * 24 * 3600);

fn per_minute_of_one() -> u32 {
    10
}

fn a_year() -> Span {
    Span(Duration::from_secs(365 * 24 * 3600))
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
        self.links.as_ref().map_or(Ok(()), |links| links.validate(name, config))
    }

    /// Whether calls may be made at this phone system.
    pub(crate) fn allows(&self, pbx: &str) -> bool {
        self.pbx.as_ref().is_none_or(|own| own.iter().any(|own| own == pbx))
    }

    /// The phone system that calls are made at: the one that was named, or the only one that is allowed. None: it is found
    /// by whose phone it is.
    ///
    /// # Errors
    ///
    /// Of several that are allowed one must be named.
    pub(crate) fn chosen(&self, named: Option<String>) -> Result<Option<String>, Unnamed> {
        match (named, self.pbx.as_deref()) {
            (Some(named), _) => Ok(Some(named)),
            (None, None) => Ok(None),
            (None, Some([only])) => Ok(Some(only.clone())),
            (None, Some(_)) => Err(Unnamed),
        }
    }
}

/// A door has several phone systems, and none was named.
#[derive(Debug)]
pub(crate) struct Unnamed;

impl Links {
    fn validate(&self, door: &str, config: &Config) -> Result<(), Fault> {
        let at = |key: &'static str| ["dial", door, "links", key];
        if config.server.listen.is_none() || config.server.public_url.is_none() {
            return Err(Fault::new(
                &["dial", door, "links"],
                "agents' browsers cannot reach it",
                "set `listen` and `public-url` in [server]",
            ));
        }
        if self.extensions.is_empty() {
            let help = "name them, or all of a kind: extensions = [\"201\", \"3??\"]";
            return Err(Fault::new(&at("extensions"), "no extension may have an address", help));
        }
        if self.per_minute == 0 {
            return Err(Fault::new(&at("per-minute"), "no call can be made", "use 1 or more; the default is 10"));
        }
        if self.valid_for.0.is_zero() || self.valid_for.0 > BROWSERS_FORGET {
            let help = "use 1 to 400 days; the default is valid-for = \"365d\"";
            return Err(Fault::new(&at("valid-for"), "no browser remembers it for so long", help));
        }
        Ok(())
    }

    /// Whether this extension may have calls made.
    pub(crate) fn are_for(&self, extension: &str) -> bool {
        self.extensions.iter().any(|allowed| allowed.matches(extension))
    }
}
