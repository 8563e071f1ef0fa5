//! The map of users for an admin, with what is missing in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use hookswitch_call::Millis;
use hookswitch_journal::directory::User;
use serde::{Deserialize, Serialize};

use super::{How, Missing, Users, address, fields};
use crate::config::Place;

/// The map of one plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Association {
    /// The `NAME` of `[plugin.NAME]`.
    pub(crate) plugin: String,
    /// When its CRM last said who its users are; none: never.
    pub(crate) fetched: Option<Millis>,
    /// Every extension that somebody knows of.
    pub(crate) extensions: Vec<Row>,
    /// What is missing, or cannot be right.
    pub(crate) gaps: Vec<Gap>,
}

/// An extension.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Row {
    pub(crate) extension: String,
    /// The phone system; none where no phone system has told of this extension.
    pub(crate) pbx: Option<String>,
    /// Whose it is, as the phone system says; may be empty.
    pub(crate) name_at_pbx: String,
    /// May be empty.
    pub(crate) email_at_pbx: String,
    /// Who sits there in the CRM, or stands in.
    pub(crate) user: Option<Found>,
}

/// A CRM user who was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) found: How,
}

/// Something that is missing, or cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "gap")]
pub(crate) enum Gap {
    /// Nobody sits at an extension of a phone system.
    ExtensionWithoutUser { pbx: String, extension: String, name: String },
    /// A user has no extension.
    UserWithoutExtension { id: String, name: String, email: String },
    /// An extension stands at several users in the CRM; it is taken to be the first one's.
    TwoUsers { extension: String, users: Vec<String> },
    /// An address that a phone system knows stands at several users in the CRM; it leads to none of them.
    TwoAddresses { email: String, users: Vec<String> },
    /// A row of the admin's table, or `fallback-user`, leads to no user.
    NoSuchUser { key: String, user: String, why: String },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExtensionWithoutUser { pbx, extension, name } => {
                let name = if name.is_empty() { String::new() } else { format!(" ({name})") };
                write!(f, "extension {extension}{name} of {pbx} has no CRM user")
            }
            Self::UserWithoutExtension { id, name, .. } => write!(f, "CRM user {id} ({name}) has no extension"),
            Self::TwoUsers { extension, users } => {
                write!(
                    f,
                    "extension {extension} stands at several CRM users, {}: the first one has it",
                    users.join(", ")
                )
            }
            Self::TwoAddresses { email, users } => {
                write!(f, "{email} stands at several CRM users, {}: none of them is found by it", users.join(", "))
            }
            Self::NoSuchUser { key, user, why } => write!(f, "{key} names {user}: {why}"),
        }
    }
}

impl Missing {
    fn why(self) -> Option<&'static str> {
        match self {
            Self::Unknown => Some("the CRM has no such user"),
            Self::Several => Some("several CRM users have this address"),
            Self::Inactive => Some("this CRM user is not active"),
            Self::Nobody => None,
        }
    }
}

impl Users {
    /// The map of `plugin` for an admin.
    pub(crate) fn association(&self, plugin: &str) -> Association {
        let rows = self.rows();
        let mut gaps: Vec<_> = rows.iter().filter_map(|row| self.empty(row)).collect();
        gaps.extend(self.wrong_names());
        let active = || self.directory.iter().filter(|user| user.active);
        gaps.extend(
            shared(active(), |user| fields(user).map(str::to_owned).collect())
                .map(|(extension, users)| Gap::TwoUsers { extension, users }),
        );
        let known: BTreeSet<_> =
            self.people.values().flat_map(|list| list.values()).map(|who| address(&who.email)).collect();
        let emails = shared(active(), |user| vec![address(&user.email)]);
        gaps.extend(
            emails
                .filter(|(email, _)| known.contains(email) && !email.is_empty())
                .map(|(email, users)| Gap::TwoAddresses { email, users }),
        );
        let sits: BTreeSet<_> = rows
            .iter()
            .filter_map(|row| row.user.as_ref())
            .filter(|user| user.found != How::Fallback)
            .map(|user| user.id.as_str())
            .collect();
        gaps.extend(active().filter(|user| !sits.contains(user.id.as_str())).map(|user| Gap::UserWithoutExtension {
            id: user.id.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
        }));
        Association { plugin: plugin.to_owned(), fetched: self.fetched, extensions: rows, gaps }
    }

    /// Who was found, in a line.
    pub(crate) fn summary(&self) -> String {
        let rows = self.rows();
        let found: Vec<_> = rows.iter().filter_map(|row| Some((row, row.user.as_ref()?))).collect();
        let shown: Vec<_> =
            found.iter().take(20).map(|(row, user)| format!("{} {}", row.extension, user.name)).collect();
        let more = found.len().saturating_sub(shown.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} extensions with a CRM user: {}{more}", found.len(), shown.join(", "))
    }

    /// Every extension that a phone system, the CRM or the table knows, the shortest first.
    fn rows(&self) -> Vec<Row> {
        let mut places: BTreeSet<Place> = BTreeSet::new();
        for (pbx, list) in &self.people {
            places.extend(list.keys().map(|extension| Place::at(pbx, extension)));
        }
        let listed = |extension: &str| self.people.values().any(|list| list.contains_key(extension));
        let named = self.table.keys().filter(|place| place.pbx.is_some() || !listed(&place.extension)).cloned();
        let fields = self.by_extension.keys().filter(|extension| !listed(extension)).map(|text| Place::anywhere(text));
        let more: Vec<_> = named.chain(fields).collect();
        places.extend(more);
        let mut rows: Vec<_> = places.into_iter().map(|place| self.row(place)).collect();
        rows.sort_by(|a, b| (a.extension.len(), &a.extension, &a.pbx).cmp(&(b.extension.len(), &b.extension, &b.pbx)));
        rows
    }

    fn row(&self, Place { pbx, extension }: Place) -> Row {
        let of = pbx.as_deref().unwrap_or_default();
        let person = self.people.get(of).and_then(|list| list.get(&extension)).cloned().unwrap_or_default();
        let user = self.owner(of, &extension).map(|seat| Found {
            id: seat.user.id.clone(),
            name: seat.user.name.clone(),
            email: seat.user.email.clone(),
            found: seat.how,
        });
        Row { extension, pbx, name_at_pbx: person.name, email_at_pbx: person.email, user }
    }

    fn empty(&self, row: &Row) -> Option<Gap> {
        let pbx = row.pbx.clone()?;
        let stands_empty = row.user.as_ref().is_none_or(|user| user.found == How::Fallback);
        (stands_empty && !self.is_nobodys(&pbx, &row.extension)).then(|| Gap::ExtensionWithoutUser {
            pbx,
            extension: row.extension.clone(),
            name: row.name_at_pbx.clone(),
        })
    }

    /// What the admin has written and the CRM does not know.
    fn wrong_names(&self) -> Vec<Gap> {
        let rows = self.table.iter().map(|(place, who)| (format!("users.\"{place}\""), who));
        let all = rows.chain(self.fallback.iter().map(|who| ("fallback-user".to_owned(), who)));
        let wrong = all.filter_map(|(key, who)| {
            let stranger = matches!(self.named(who), Ok(user) if self.strangers.contains_key(&user.id));
            let why = match self.named(who) {
                // Before the CRM was asked nobody can say.
                _ if self.fetched.is_none() => None,
                Ok(_) => stranger.then_some("the CRM lists no such user; it is used as it stands"),
                Err(missing) => missing.why(),
            };
            Some(Gap::NoSuchUser { key, user: who.to_string(), why: why?.to_owned() })
        });
        wrong.collect()
    }
}

/// What several users have in common, with their ids.
fn shared<'a>(
    users: impl Iterator<Item = &'a User>,
    of: impl Fn(&User) -> Vec<String>,
) -> impl Iterator<Item = (String, Vec<String>)> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for user in users {
        for key in of(user) {
            let ids = all.entry(key).or_default();
            if !ids.contains(&user.id) {
                ids.push(user.id.clone());
            }
        }
    }
    all.into_iter().filter(|(_, users)| users.len() > 1)
}
