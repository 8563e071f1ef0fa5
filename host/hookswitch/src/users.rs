//! Who sits at which extension: the admin's table, the CRM's own directory, and the phone system's directory by e-mail.

mod report;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use hookswitch_call::Millis;
use hookswitch_journal::directory::{Directory, User};
use serde::{Deserialize, Serialize};

pub(crate) use self::report::{Association, Row};
use crate::{
    config::{Place, Plugin, Who},
    sites::People,
};

/// The map of one plugin, both ways. Users who are not active have no part in it.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// When the CRM was asked for its users; none: never.
    fetched: Option<Millis>,
    /// In the CRM's order, which the plugin has sorted.
    directory: Arc<Vec<User>>,
    /// Those whom the table names and the directory does not.
    strangers: BTreeMap<String, User>,
    table: BTreeMap<Place, Who>,
    fallback: Option<Who>,
    /// Of the phone systems whose calls the plugin gets.
    people: People,
    by_id: HashMap<String, usize>,
    by_extension: HashMap<String, usize>,
    /// None where several users have the address.
    by_email: HashMap<String, Option<usize>>,
}

/// How a user was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// The admin's table says so.
    Table,
    /// The extension stands at the user in the CRM.
    CrmField,
    /// The phone system knows the user's e-mail address at this extension.
    Email,
    /// Nobody is known: `fallback-user` stands in.
    Fallback,
}

/// The user of an extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) user: &'a User,
    pub(crate) how: How,
}

/// Why the table's word for a user leads to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// The CRM has no such user.
    Unknown,
    /// It has several with this address.
    Several,
    /// The user is not active.
    Inactive,
    /// Nobody is meant.
    Nobody,
}

impl Users {
    /// The map made of what the CRM says, what the admin wrote, and whom the phone systems know.
    pub(crate) fn new(directory: Option<Directory>, config: &Plugin, mut people: People) -> Self {
        people.retain(|pbx, _| config.serves_pbx(pbx));
        Self::of(directory, &config.users, config.fallback_user.as_ref(), people)
    }

    /// The same of its parts: the admin's table and fallback, and the people of the phone systems.
    pub(crate) fn of(
        directory: Option<Directory>,
        table: &BTreeMap<Place, Who>,
        fallback: Option<&Who>,
        people: People,
    ) -> Self {
        let (fetched, directory) = match directory {
            Some(Directory { fetched, users }) => (Some(fetched), users),
            None => (None, Vec::new()),
        };
        let mut users = Self {
            fetched,
            directory: Arc::new(directory),
            table: table.clone(),
            fallback: fallback.cloned(),
            people,
            ..Self::default()
        };
        for (at, user) in users.directory.iter().enumerate() {
            users.by_id.entry(user.id.clone()).or_insert(at);
            if !user.active {
                continue;
            }
            for extension in fields(user) {
                users.by_extension.entry(extension.to_owned()).or_insert(at);
            }
            let email = address(&user.email);
            if !email.is_empty() {
                users.by_email.entry(email).and_modify(|known| *known = None).or_insert(Some(at));
            }
        }
        for who in table.values().chain(fallback) {
            if let Who::Id(id) = who
                && !users.by_id.contains_key(id)
            {
                users.strangers.insert(id.clone(), unknown(id));
            }
        }
        users
    }

    /// The same with what the phone systems say now, without asking the CRM.
    pub(crate) fn anew(&self, config: &Plugin, people: People) -> Self {
        let directory = self.fetched.map(|fetched| Directory { fetched, users: self.directory.to_vec() });
        Self::new(directory, config, people)
    }

    /// The admin's table, with the id of each user who is named otherwise; rows that lead nowhere are left out.
    pub(crate) fn table(&self) -> BTreeMap<Place, Who> {
        let row = |(place, who): (&Place, &Who)| Some((place.clone(), Who::Id(self.named(who).ok()?.id.clone())));
        self.table.iter().filter_map(row).collect()
    }

    /// Who sits at `extension` of the phone system `pbx`.
    pub(crate) fn at(&self, pbx: &str, extension: &str) -> Option<&User> {
        self.seat(pbx, extension).map(|seat| seat.user)
    }

    /// The same, and how it was found.
    pub(crate) fn seat(&self, pbx: &str, extension: &str) -> Option<Seat<'_>> {
        for place in [Place::at(pbx, extension), Place::anywhere(extension)] {
            match self.table.get(&place).map(|who| self.named(who)) {
                Some(Ok(user)) => return Some(Seat { user, how: How::Table }),
                Some(Err(Missing::Nobody)) => return None,
                // A row that leads nowhere is a gap; what the others say may be right.
                _ => {}
            }
        }
        if let Some(user) = self.by_extension.get(extension).and_then(|&at| self.directory.get(at)) {
            return Some(Seat { user, how: How::CrmField });
        }
        let email = address(&self.people.get(pbx)?.get(extension)?.email);
        let user = self.directory.get((*self.by_email.get(&email)?)?)?;
        Some(Seat { user, how: How::Email })
    }

    /// Whether the admin says that an extension is nobody's.
    pub(crate) fn is_nobodys(&self, pbx: &str, extension: &str) -> bool {
        let places = [Place::at(pbx, extension), Place::anywhere(extension)];
        places.iter().find_map(|place| self.table.get(place)) == Some(&Who::Nobody)
    }

    /// How many extensions that the phone systems know have no user.
    pub(crate) fn misses(&self) -> usize {
        let all = self.people.iter().flat_map(|(pbx, list)| list.keys().map(move |extension| (pbx, extension)));
        all.filter(|(pbx, extension)| self.at(pbx, extension).is_none() && !self.is_nobodys(pbx, extension)).count()
    }

    /// Whom a call at `extension` is credited to: who sits there, else `fallback-user`.
    pub(crate) fn owner(&self, pbx: &str, extension: &str) -> Option<Seat<'_>> {
        self.seat(pbx, extension).or_else(|| self.fallback())
    }

    /// The owner of what nobody has.
    pub(crate) fn fallback(&self) -> Option<Seat<'_>> {
        let user = self.named(self.fallback.as_ref()?).ok()?;
        Some(Seat { user, how: How::Fallback })
    }

    /// Who sits at `extension`, where it is not said of which phone system.
    pub(crate) fn by_extension(&self, extension: &str) -> Option<&User> {
        self.systems().into_iter().find_map(|pbx| self.at(pbx, extension))
    }

    /// Where the CRM user `id` can be reached at the phone system `pbx`, or at any: an extension that it knows before
    /// one that it does not, and the shortest of several.
    pub(crate) fn extension_of(&self, pbx: Option<&str>, id: &str) -> Option<&str> {
        let systems = pbx.map_or_else(|| self.systems(), |pbx| vec![pbx]);
        let found =
            systems.into_iter().flat_map(|pbx| self.extensions_at(pbx, id).into_iter().map(move |at| (pbx, at)));
        let known = |pbx: &str, extension: &str| self.people.get(pbx).is_some_and(|list| list.contains_key(extension));
        found.min_by_key(|(pbx, extension)| (!known(pbx, extension), extension.len(), *extension)).map(|(_, at)| at)
    }

    /// Every extension of `pbx` at which the user sits.
    fn extensions_at(&self, pbx: &str, id: &str) -> BTreeSet<&str> {
        let user = self.by_id.get(id).and_then(|&at| self.directory.get(at));
        let table = self.table.keys().filter(|place| place.pbx.as_deref().is_none_or(|name| name == pbx));
        let table = table.map(|place| place.extension.as_str());
        let field = user.into_iter().flat_map(fields);
        let email = user.map(|user| address(&user.email)).filter(|email| !email.is_empty());
        let listed = self.people.get(pbx).into_iter().flatten();
        let listed = listed
            .filter(|(_, person)| email.as_deref().is_some_and(|email| address(&person.email) == email))
            .map(|(extension, _)| extension.as_str());
        let all = table.chain(field).chain(listed);
        all.filter(|extension| self.at(pbx, extension).is_some_and(|user| user.id == id)).collect()
    }

    /// The phone systems of which something is known, and one more of which nothing is.
    fn systems(&self) -> Vec<&str> {
        let named = self.table.keys().filter_map(|place| place.pbx.as_deref());
        let all: BTreeSet<_> = [""].into_iter().chain(self.people.keys().map(String::as_str)).chain(named).collect();
        all.into_iter().collect()
    }

    fn named(&self, who: &Who) -> Result<&User, Missing> {
        let user = match who {
            Who::Nobody => return Err(Missing::Nobody),
            Who::Id(id) => match self.by_id.get(id).and_then(|&at| self.directory.get(at)) {
                Some(user) => user,
                None => self.strangers.get(id).ok_or(Missing::Unknown)?,
            },
            Who::Email(email) => {
                let Some(known) = self.by_email.get(email) else {
                    let gone = self.directory.iter().any(|user| address(&user.email) == *email);
                    return Err(if gone { Missing::Inactive } else { Missing::Unknown });
                };
                known.and_then(|at| self.directory.get(at)).ok_or(Missing::Several)?
            }
        };
        if user.active { Ok(user) } else { Err(Missing::Inactive) }
    }
}

/// An e-mail address as it is compared.
fn address(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The extensions that stand at a user in the CRM.
fn fields(user: &User) -> impl Iterator<Item = &str> {
    user.extensions.iter().map(|extension| extension.trim()).filter(|extension| !extension.is_empty())
}

/// A user of whom nothing but the id is known.
fn unknown(id: &str) -> User {
    User { id: id.to_owned(), name: String::new(), email: String::new(), extensions: Vec::new(), active: true }
}

#[cfg(test)]
mod tests;
