//! Who there is: the users and groups of the domain (`users_info`, section 4).

use std::collections::BTreeMap;

use hookswitch_call::{
    Extension,
    site::{Membership, News},
};
use serde_json::Value;

use super::scalar::text;

/// Users, groups, and members of a group that are read; what is more is left out.
const MOST: usize = 20_000;

/// The users and groups of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    users: BTreeMap<Extension, User>,
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    /// What stands in SIP URIs and in logs.
    login: String,
    name: String,
    email: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    pin: Option<String>,
    members: Vec<Extension>,
}

impl Roster {
    /// Reads the answer to `users_info`.
    pub fn read(answer: &Value) -> Self {
        let list = |key: &str| answer.get(key).and_then(Value::as_array).into_iter().flatten().take(MOST);
        let users = list("users").filter_map(|user| {
            let login = text(user, "name").unwrap_or_default();
            let name = text(user, "display_name").unwrap_or_else(|| login.clone());
            let email = text(user, "email").unwrap_or_default();
            Some((Extension::from(text(user, "pin")?), User { login, name, email }))
        });
        let groups = list("groups").filter_map(|group| {
            let members = group.get("users_list").and_then(Value::as_array).into_iter().flatten().take(MOST);
            let members =
                members.filter_map(|pin| pin.as_str().map(str::to_owned).or_else(|| Some(pin.as_u64()?.to_string())));
            let pin = text(group, "pin");
            let name = text(group, "name").or_else(|| pin.clone())?;
            Some((name, Group { pin, members: members.map(Extension::from).collect() }))
        });
        Self { users: users.collect(), groups: groups.collect() }
    }

    /// The extension of a user, by short number or name.
    pub fn extension(&self, subject: &str) -> Option<Extension> {
        let known = self.users.get_key_value(&Extension::from(subject));
        let named = || self.users.iter().find(|(_, user)| user.login.eq_ignore_ascii_case(subject));
        known.or_else(named).map(|(extension, _)| extension.clone()).filter(|_| !subject.is_empty())
    }

    /// The name of a group, by short number or name.
    pub fn group(&self, subject: &str) -> Option<&str> {
        let is_it = |(name, group): &(&String, &Group)| *name == subject || group.pin.as_deref() == Some(subject);
        self.groups.iter().find(is_it).map(|(name, _)| name.as_str()).filter(|_| !subject.is_empty())
    }

    /// How many users and groups there are.
    pub fn size(&self) -> (usize, usize) {
        (self.users.len(), self.groups.len())
    }

    /// What has changed since `before`.
    pub fn news(&self, before: &Self) -> Vec<News> {
        let mut news = Vec::new();
        for (extension, user) in &self.users {
            if before.users.get(extension).is_none_or(|known| (&known.name, &known.email) != (&user.name, &user.email))
            {
                let (name, email) = (user.name.clone(), user.email.clone());
                news.push(News::Added { extension: extension.clone(), name, email });
            }
        }
        let members = |roster: &Self, queue: &str| {
            roster.groups.get(queue).map(|group| group.members.clone()).unwrap_or_default()
        };
        for queue in self.groups.keys().chain(before.groups.keys().filter(|name| !self.groups.contains_key(*name))) {
            let (now, then) = (members(self, queue), members(before, queue));
            let changed = |from: &[Extension], than: &[Extension], change: Membership| {
                let extensions = from.iter().filter(|extension| !than.contains(extension)).cloned();
                let member = |extension| News::Member { queue: queue.clone(), extension, change };
                extensions.map(member).collect::<Vec<_>>()
            };
            news.extend(changed(&then, &now, Membership::Removed));
            news.extend(changed(&now, &then, Membership::Added));
        }
        // Last: whoever is told to be a member of something is taken to exist.
        let gone = before.users.keys().filter(|extension| !self.users.contains_key(*extension));
        news.extend(gone.map(|extension| News::Removed { extension: extension.clone() }));
        news
    }
}
