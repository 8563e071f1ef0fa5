//! What a test sees of the account.

use serde_json::{Value, json};

use crate::{upload::Upload, world::World};

impl World {
    pub(crate) fn snapshot(&self) -> Value {
        let users = self.users.values().map(|user| {
            let mut json = user.json();
            json["made_by"] = user.made_by.into();
            json
        });
        let tickets = self.tickets.values().map(|ticket| {
            let mut json = ticket.json();
            json["comments"] = ticket.comments.clone().into();
            json["deleted"] = ticket.deleted.into();
            json
        });
        let displays = self.displays.iter().map(|(agent, kind, id)| json!({"agent": agent, *kind: id}));
        json!({
            "users": users.collect::<Vec<_>>(),
            "tickets": tickets.collect::<Vec<_>>(),
            "uploads": self.uploads.iter().map(Upload::snapshot).collect::<Vec<_>>(),
            "displays": displays.collect::<Vec<_>>(),
            "journal": self.journal,
            "complaints": self.complaints,
        })
    }
}
