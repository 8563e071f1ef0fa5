//! The admin's settings.

use hookswitch_sdk::manifest::Setting;
use hookswitch_sdk::{Failure, settings};

use crate::entity::Kind;

/// A recording has never more than this, a terabyte.
const MOST_KIB: u64 = 1 << 30;

/// The settings that concern every call.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Leads are made by the portal when it registers a call, and not by `contacts.create`.
    pub(crate) portal_creates: bool,
    /// The `STATUS_ID` of the source of new records.
    pub(crate) source: String,
    pub(crate) add_to_chat: bool,
    /// Stands for a withheld number, since the portal takes no call without one.
    pub(crate) anonymous_number: String,
    pub(crate) fallback_user: Option<u64>,
    /// Whose phones ring first when a visitor wants to be called.
    pub(crate) callback_extension: Option<String>,
    pub(crate) portal_url: Option<String>,
    /// Recordings with more bytes than this are uploaded in a request of their own.
    pub(crate) upload_above: u64,
}

/// Which kind of record a new caller becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreateAs {
    /// What fits the portal's CRM mode.
    Auto,
    Kind(Kind),
}

/// How many users a portal takes in one `show` or `hide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CardUsers {
    Auto,
    List,
    Single,
}

/// All settings, as the manifest shows them.
pub(crate) fn declared() -> [Setting; 10] {
    [
        Setting::choice(
            "create-as",
            "New callers become",
            "auto: leads where the portal has leads (classic CRM), else contacts.",
            ["auto", "lead", "contact"],
        ),
        Setting::choice(
            "crm-create",
            "New callers are created by",
            "portal: the portal creates them by its own rules when a call is registered. Then switch contact creation \
             off for this plugin, or there will be two.",
            ["hookswitch", "portal"],
        ),
        Setting::number(
            "fallback-user",
            "Fallback user",
            "Id of the portal user who gets calls of extensions that belong to nobody in the portal. Empty: such a \
             call is held until the extension is entered in a user's profile.",
        ),
        Setting::text(
            "callback-extension",
            "Call-backs are made by",
            "The extension or queue whose phones ring first when a visitor of a web form wants to be called. Empty: the \
             fallback user.",
        ),
        Setting::text("source", "Source of new records", "STATUS_ID of a source in the portal.").default("CALL"),
        Setting::flag(
            "add-to-chat",
            "Message in chat",
            "The portal posts a message about each call in the agent's chat.",
        ),
        Setting::text(
            "anonymous-number",
            "Number for withheld ones",
            "The portal takes no call without a number; calls from withheld numbers are written under this one.",
        )
        .default("+266696687"),
        Setting::choice(
            "card-users",
            "Users per card request",
            "auto: a list, and one by one if the portal refuses lists. single: for old self-hosted portals that take a \
             list and show the card to nobody.",
            ["auto", "list", "single"],
        ),
        Setting::text(
            "portal-url",
            "Address of the portal",
            "https://acme.bitrix24.com, for links to contacts. Empty: no links.",
        ),
        Setting::number(
            "upload-above",
            "Recordings are uploaded above",
            "KiB. Up to this size a recording goes to the portal inside of one request, above it in two: the portal gives an \
             address, and the file is uploaded there. 0: always.",
        )
        .default("1024"),
    ]
}

impl Options {
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            portal_creates: settings::get("crm-create").as_deref() == Some("portal"),
            source: text("source", "CALL"),
            add_to_chat: settings::flag("add-to-chat"),
            anonymous_number: text("anonymous-number", "+266696687"),
            fallback_user: settings::get("fallback-user").map(|value| user(&value)).transpose()?,
            callback_extension: settings::get("callback-extension"),
            portal_url: settings::get("portal-url"),
            upload_above: settings::number("upload-above", 1024, 0..=MOST_KIB)?.saturating_mul(1024),
        })
    }
}

#[cfg(test)]
impl Options {
    /// As without any settings.
    pub(crate) fn plain() -> Self {
        Self {
            portal_creates: false,
            source: "CALL".into(),
            add_to_chat: false,
            anonymous_number: "+266696687".into(),
            fallback_user: None,
            callback_extension: None,
            portal_url: None,
            upload_above: 1024 * 1024,
        }
    }
}

impl CreateAs {
    pub(crate) fn read() -> Result<Self, Failure> {
        choice("create-as", "auto", |value| {
            Some(match value {
                "auto" => Self::Auto,
                "lead" => Self::Kind(Kind::Lead),
                "contact" => Self::Kind(Kind::Contact),
                _ => return None,
            })
        })
    }
}

impl CardUsers {
    pub(crate) fn read() -> Result<Self, Failure> {
        choice("card-users", "auto", |value| {
            Some(match value {
                "auto" => Self::Auto,
                "list" => Self::List,
                "single" => Self::Single,
                _ => return None,
            })
        })
    }
}

fn text(name: &str, default: &str) -> String {
    settings::get(name).unwrap_or_else(|| default.into())
}

fn choice<T>(name: &str, default: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let value = text(name, default);
    parse(&value).ok_or_else(|| Failure::NotConfigured(format!("setting `{name}` cannot be {value:?}")))
}

fn user(value: &str) -> Result<u64, Failure> {
    value.parse().map_err(|_| {
        Failure::NotConfigured(format!(
            "setting `fallback-user` must be the id of a portal user, a number: it is {value:?}"
        ))
    })
}
