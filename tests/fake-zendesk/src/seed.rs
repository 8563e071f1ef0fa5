//! What an account knows before anybody calls.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{ticket::Ticket, user::User, world::World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    users: Vec<SeedUser>,
    #[serde(default)]
    groups: Vec<SeedGroup>,
    #[serde(default)]
    organizations: Vec<u64>,
    #[serde(default)]
    tickets: Vec<SeedTicket>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedUser {
    id: u64,
    name: String,
    #[serde(default = "end_user")]
    role: String,
    phone: Option<String>,
    #[serde(default)]
    more_phones: Vec<String>,
    email: Option<String>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    user_fields: Value,
    #[serde(default = "yes")]
    browser: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedGroup {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedTicket {
    id: u64,
    subject: String,
    requester_id: u64,
    status: String,
}

fn end_user() -> String {
    "end-user".to_owned()
}

fn yes() -> bool {
    true
}

impl World {
    /// Adds what a seed names. Nothing is changed when the seed is wrong.
    pub(crate) fn plant(&mut self, seed: &Value) -> Result<()> {
        let seed = Seed::deserialize(seed)
            .context("wrong seed (it holds lists named users, groups, organizations and tickets)")?;
        let known = |id: &u64| self.users.contains_key(id) || seed.users.iter().any(|user| user.id == *id);
        let stray = seed.tickets.iter().find(|ticket| !known(&ticket.requester_id));
        ensure!(stray.is_none(), "seed: a ticket of nobody");
        for user in seed.users {
            let mut known = User::new(user.id, &user.name, &user.role);
            known.phone = user.phone;
            known.more_phones = user.more_phones;
            known.email = user.email;
            known.active = user.active;
            known.suspended = user.suspended;
            known.user_fields = user.user_fields;
            known.browser = user.browser;
            self.users.insert(user.id, known);
        }
        self.groups.extend(seed.groups.into_iter().map(|group| (group.id, group.name)));
        self.organizations.extend(seed.organizations);
        for ticket in seed.tickets {
            let mut known = Ticket::new(ticket.id, ticket.requester_id, self.now());
            known.subject = ticket.subject;
            known.status = ticket.status;
            self.tickets.insert(ticket.id, known);
        }
        Ok(())
    }
}
