//! Who the plugin is, what it fetches beforehand, and the test of the connection.

use hookswitch_sdk::http::Effect;
use hookswitch_sdk::manifest::{Credential, Hook, Proof};
use hookswitch_sdk::{Failure, Manifest, Plugin, warn};
use serde_json::json;

use crate::memory::{self, CrmMode};
use crate::options::{self, CardUsers, CreateAs, Options};
use crate::refusal::Reason;
use crate::{Bitrix24, commands, portal, value};

impl Plugin for Bitrix24 {
    fn manifest() -> Manifest {
        let manifest = Manifest::new("bitrix24", "Bitrix24", env!("CARGO_PKG_VERSION"))
            .about(
                "Hookswitch",
                "Shows the card of a caller to everyone who rings, finds and creates leads and contacts, and writes \
                 calls into the CRM, with their recordings and transcripts. For the cloud and for self-hosted portals.",
            )
            .serves([
                "lookup.by-number",
                "lookup.by-email",
                "lookup.by-text",
                "contacts.create",
                "journal.begin",
                "journal.write",
                "journal.update",
                "cards.sync",
                "recordings.attach",
                "recordings.transcribe",
                "directory.users",
                "commands.receive",
                "commands.finished",
            ])
            .base_url(
                portal::CREDENTIAL,
                "Inbound webhook",
                "In the portal: Developer resources → Other → Inbound webhook, with the rights telephony, crm and \
                 user. The whole address: https://acme.bitrix24.com/rest/7/…/",
            )
            .credential(
                Credential::secret(
                    commands::TOKEN,
                    "Application token",
                    "For click-to-call. In the portal: Developer resources → Other → Outbound webhook, with the events \
                     ONEXTERNALCALLSTART and ONEXTERNALCALLBACKSTART, and the address of this server: \
                     https://calls.example.com/hook/NAME/events. The portal shows the token there.",
                )
                .optional(),
            )
            .hook(Hook::new(
                commands::HOOK,
                "Events of the portal",
                Proof::FormField { field: "auth[application_token]".into(), secret: commands::TOKEN.into() },
            ))
            .storage()
            .recordings()
            // The portal drains two requests a second, and overflows at fifty (sheet 7).
            .limits(2, 50, 4);
        options::declared().into_iter().fold(manifest, Manifest::setting)
    }

    fn prepare() -> Result<(), Failure> {
        // A portal that was updated since may take lists now.
        memory::REFUSES_LISTS.clear()?;
        if CreateAs::read()? == CreateAs::Auto {
            fetch_crm_mode()?;
        }
        Ok(())
    }

    fn check() -> Result<Vec<String>, Failure> {
        CreateAs::read()?;
        CardUsers::read()?;
        let options = Options::read()?;
        let mut lines = Vec::new();
        lines.push(match fetch_crm_mode()? {
            CrmMode::Classic => "CRM: classic, with leads".to_string(),
            CrmMode::Simple => "CRM: simple, without leads".to_string(),
        });
        let users = portal::call("user.get", &json!({"FILTER": {"ACTIVE": true}, "start": 0}), Effect::Read)?;
        let with_extension = value::list(Some(&users.result)).iter();
        let with_extension = with_extension.filter(|user| !value::field(user, "UF_PHONE_INNER").is_empty()).count();
        lines.push(match users.total {
            Some(total) => {
                format!("users: {total} active, {with_extension} of the first 50 with an inner phone number")
            }
            None => format!("users: {with_extension} with an inner phone number"),
        });
        if let Some(fallback) = options.fallback_user {
            lines.push(check_fallback(fallback)?);
        }
        let lines_of_portal = portal::call("telephony.externalLine.get", &json!({}), Effect::Read)?;
        lines.push(format!("telephony: {} external lines", value::list(Some(&lines_of_portal.result)).len()));
        Ok(lines)
    }
}

fn check_fallback(user: u64) -> Result<String, Failure> {
    let found = portal::call("user.get", &json!({"FILTER": {"ACTIVE": true, "ID": user}, "start": 0}), Effect::Read)?;
    match value::list(Some(&found.result)).first() {
        Some(found) => {
            Ok(format!("fallback user: {} {}", value::field(found, "NAME"), value::field(found, "LAST_NAME")))
        }
        None => Err(Failure::NotConfigured(format!("setting `fallback-user`: the portal has no active user {user}"))),
    }
}

/// Returns the portal's CRM mode, asking only if it is not known yet.
pub(crate) fn crm_mode() -> Result<CrmMode, Failure> {
    match memory::CRM_MODE.load()? {
        Some(mode) => Ok(mode),
        None => fetch_crm_mode(),
    }
}

fn fetch_crm_mode() -> Result<CrmMode, Failure> {
    let answer = portal::call("crm.settings.mode.get", &json!({}), Effect::Read);
    let mode = match answer.map(|envelope| value::id(&envelope.result)) {
        Ok(Some(2)) => CrmMode::Simple,
        Ok(_) => CrmMode::Classic,
        // Portals that are too old to know the method have leads.
        Err(refusal) if refusal.reason == Reason::UnknownMethod => {
            warn!("portal does not tell its CRM mode, taken as classic");
            CrmMode::Classic
        }
        Err(refusal) => return Err(refusal.into()),
    };
    memory::CRM_MODE.save(&mode)?;
    Ok(mode)
}
