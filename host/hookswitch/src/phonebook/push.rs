//! Phone systems' own phonebooks, kept as the CRMs know the callers: what a phone shows when nothing else is asked.
//!
//! Nothing is noted of what was done: the phone system's own list is compared with what should be there, so whatever
//! happens in between is mended at the next look.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use hookswitch_call::number::{Number, Numbering};
use hookswitch_journal::Journal;
use hookswitch_pbx::{Entry, Phonebook};
use hookswitch_runtime::contract::Contact;
use tokio::time::sleep;

use super::shown;
use crate::{clock, config::PushedBook, dispatch::Dispatch, rank::By};

/// After a failure it is tried again no sooner.
const PAUSE: Duration = Duration::from_secs(30);

/// Numbers in E.164, and the names that phones are to show.
type Names = BTreeMap<String, String>;

/// One phone system's phonebook.
pub(crate) struct Push {
    pub(crate) config: PushedBook,
    pub(crate) phonebook: Arc<dyn Phonebook>,
    pub(crate) journal: Journal,
    pub(crate) dispatch: Arc<Dispatch>,
}

impl Push {
    /// Keeps it up. Does not end.
    pub(crate) async fn run(self) {
        let (mut stands, mut last_error) = (None, String::new());
        loop {
            let mut pause = self.config.every.0;
            match self.look(stands.as_ref()).await {
                Ok(names) => (stands, last_error) = (Some(names), String::new()),
                Err(error) => {
                    // The same again and again is no news.
                    if error != last_error {
                        tracing::warn!(group = self.config.group, %error, "the phonebook cannot be kept up");
                    }
                    (stands, last_error, pause) = (None, error, pause.max(PAUSE));
                }
            }
            sleep(pause).await;
        }
    }

    /// Sees to it that the phone system knows the names; `stands` is what it knew after the last look.
    async fn look(&self, stands: Option<&Names>) -> Result<Names, String> {
        let names = self.names().await?;
        if stands == Some(&names) {
            return Ok(names);
        }
        let group = self.phonebook.open(&self.config.group).await?;
        let Change { add, rename, remove } = Change::between(&names, group.entries.clone());
        // A name that is not taken must not keep the others out.
        let mut done = Vec::new();
        for entry in &remove {
            done.push(self.phonebook.remove(entry).await);
        }
        for (entry, name) in &rename {
            done.push(self.phonebook.rename(entry, name).await);
        }
        for (number, name) in &add {
            done.push(self.phonebook.add(&group, number, name).await);
        }
        if !done.is_empty() {
            let (added, renamed, removed) = (add.len(), rename.len(), remove.len());
            tracing::info!(group = self.config.group, added, renamed, removed, "the phonebook is kept up");
        }
        done.into_iter().collect::<Result<(), _>>().map(|()| names)
    }

    /// What should be there: whom the plugins know, as they last said; the plugin named first decides.
    async fn names(&self) -> Result<Names, String> {
        let (now, most) = (clock::now(), self.config.most);
        let known =
            self.journal.read(move |view| view.all_known(now, most)).await.map_err(|error| error.to_string())?;
        let mut of_plugins: HashMap<String, Vec<(String, Vec<Contact>)>> = HashMap::new();
        for known in known {
            let contacts = serde_json::from_value(known.contacts).unwrap_or_default();
            of_plugins.entry(known.plugin).or_default().push((known.number, contacts));
        }
        let (mut names, numbering, nobody) = (Names::new(), Numbering::default(), BTreeSet::new());
        for plugin in &self.config.of {
            let Some(desk) = self.dispatch.station(plugin).map(|station| station.desk()) else { continue };
            for (number, contacts) in of_plugins.remove(plugin).unwrap_or_default() {
                let parsed = Number::parse(&number, &numbering);
                let by =
                    By { policy: &desk.config.look_up, number: Some(&parsed), numbering: &numbering, users: &nobody };
                let first = by.rank(contacts).into_iter().next().map(|ranked| ranked.contact);
                let name = first.and_then(|first| shown(desk.config.phonebook.mask, &first, Some(&parsed)));
                if let Some(name) = name {
                    names.entry(number).or_insert(name);
                }
            }
        }
        Ok(names)
    }
}

/// What is to be done in a phone system.
#[derive(Debug, Default, PartialEq, Eq)]
struct Change {
    add: Vec<(String, String)>,
    rename: Vec<(Entry, String)>,
    remove: Vec<Entry>,
}

impl Change {
    /// What makes `entries` into `names`. A number that stands there twice loses all but its first entry.
    fn between(names: &Names, entries: Vec<Entry>) -> Self {
        let mut change = Self::default();
        let mut missing = names.clone();
        for entry in entries {
            match missing.remove(&entry.number) {
                Some(name) if name == entry.name => {}
                Some(name) => change.rename.push((entry, name)),
                None => change.remove.push(entry),
            }
        }
        change.add = missing.into_iter().collect();
        change
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let entry = ("[1-4]", "[ab]").prop_map(|(number, name)| Entry { id: String::new(), number, name });
        prop::collection::vec(entry, 0..8).prop_map(|mut entries| {
            entries.iter_mut().enumerate().for_each(|(at, entry)| entry.id = at.to_string());
            entries
        })
    }

    proptest! {
        #[test]
        fn after_the_change_there_is_what_should_be_there(
            names in prop::collection::btree_map("[1-4]", "[ab]", 0..4),
            entries in entries(),
        ) {
            let change = Change::between(&names, entries.clone());
            let mut after: Vec<(String, String)> = entries
                .iter()
                .filter(|entry| !change.remove.contains(entry))
                .map(|entry| {
                    let renamed = change.rename.iter().find(|(old, _)| old == entry);
                    (entry.number.clone(), renamed.map_or_else(|| entry.name.clone(), |(_, name)| name.clone()))
                })
                .chain(change.add.clone())
                .collect();
            after.sort();
            prop_assert_eq!(after, names.clone().into_iter().collect::<Vec<_>>());
            // What is right already is not touched.
            let right = entries.iter().filter(|entry| names.get(&entry.number) == Some(&entry.name));
            let first = |entry: &&Entry| entries.iter().find(|other| other.number == entry.number).is_some_and(|other| other.id == entry.id);
            for entry in right.filter(first) {
                prop_assert!(!change.remove.contains(entry) && change.rename.iter().all(|(old, _)| old != entry));
            }
        }
    }
}
