//! Who the plugin is, and the test of the connection.

use hookswitch_sdk::manifest::{Authorize, Credential, Provider};
use hookswitch_sdk::{Failure, Manifest, Plugin};
use serde_json::Value;

use crate::Zendesk;
use crate::account::{Account, OAUTH, TOKEN};
use crate::answer::Reason;
use crate::options::{self, Options};
use crate::person::text;

impl Plugin for Zendesk {
    fn manifest() -> Manifest {
        let manifest = Manifest::new("zendesk", "Zendesk", env!("CARGO_PKG_VERSION"))
            .about(
                "Hookswitch",
                "Finds callers among the users and makes new ones, opens tickets for calls and writes the calls into them \
                 with their recordings and transcripts, and opens the caller or the ticket in the agent's browser.",
            )
            .serves([
                "lookup.by-number",
                "lookup.by-email",
                "lookup.by-text",
                "contacts.create",
                "tickets.open",
                "tickets.update",
                "tickets.of-contact",
                "journal.write",
                "journal.update",
                "cards.sync",
                "recordings.attach",
                "recordings.transcribe",
                "directory.users",
            ])
            .credential(
                Credential::basic(
                    TOKEN,
                    "API token",
                    "In Zendesk: Admin Center → Apps and integrations → Zendesk API → API tokens. The user is the e-mail \
                     address of an agent with /token behind it: ana@example.com/token",
                )
                .optional(),
            )
            .credential(
                Credential::oauth2(
                    OAUTH,
                    "OAuth client",
                    "In Zendesk: Admin Center → Apps and integrations → OAuth clients. Write the account's own addresses: \
                     provider.authorize.url = \"https://acme.zendesk.com/oauth/authorizations/new\", provider.token.url = \
                     \"https://acme.zendesk.com/oauth/tokens\"",
                    provider(),
                )
                .optional(),
            )
            .http("https://*.zendesk.com")
            .storage()
            .recordings()
            // The smallest plan bears 200 requests a minute (sheet 1, "Limits").
            .limits(3, 20, 4);
        options::declared().into_iter().fold(manifest, Manifest::setting)
    }

    fn check() -> Result<Vec<String>, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        options::number("organization")?;
        let me = account.get("users/me", &[])?;
        let me = me.get("user").cloned().unwrap_or_default();
        let role = text(&me, "role");
        // Whoever is not signed in is told to be somebody without an id.
        if me.get("id").is_none_or(Value::is_null) || !matches!(role, "agent" | "admin") {
            return Err(Failure::Unauthorised(format!(
                "the token belongs to no agent of {}: take the e-mail address of an agent or admin",
                account.host()
            )));
        }
        let mut lines = vec![format!("signed in to {} as {} ({role})", account.host(), text(&me, "name"))];
        if let Some(group) = options.group {
            lines.push(named(&account, "group", "groups", group, "group")?);
        }
        if let Some(user) = options.fallback_assignee {
            lines.push(named(&account, "fallback-assignee", "users", user, "user")?);
        }
        if let Some(user) = options.requester {
            lines.push(named(&account, "requester", "users", user, "user")?);
        }
        Ok(lines)
    }
}

/// Says what the id of a setting stands for.
fn named(account: &Account, setting: &str, list: &str, id: u64, record: &str) -> Result<String, Failure> {
    match account.get(&format!("{list}/{id}"), &[]) {
        Ok(found) => {
            Ok(format!("{setting}: {}", found.get(record).map(|found| text(found, "name")).unwrap_or_default()))
        }
        Err(refusal) if refusal.reason == Reason::Missing => {
            Err(Failure::NotConfigured(format!("setting `{setting}`: there is no {record} {id}")))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Every account has addresses of its own, which the admin writes.
fn provider() -> Provider {
    const AUTHORIZE: &str = "https://subdomain.zendesk.com/oauth/authorizations/new";
    const TOKENS: &str = "https://subdomain.zendesk.com/oauth/tokens";
    let provider = Provider::new(AUTHORIZE, TOKENS);
    Provider { authorize: Authorize { scopes: vec!["read".into(), "write".into()], ..provider.authorize }, ..provider }
}
