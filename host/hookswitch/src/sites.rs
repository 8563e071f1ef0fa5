//! Whom the phone systems know at their extensions: names and e-mail addresses, for the maps of users.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hookswitch_call::site::News;
use hookswitch_journal::{Error, Journal, directory::Person};
use tokio::sync::watch;

use crate::clock;

/// A phone system tells its extensions one by one; what is made of them waits until it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(300);
/// People beyond this many of one phone system are not kept.
const MOST: usize = 20_000;

/// The people of each phone system, by its name and by their extensions.
pub(crate) type People = BTreeMap<String, BTreeMap<String, Person>>;

/// The people of all phone systems, shared by those who tell of them and those who ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sites(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: Mutex<Now>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Now {
    people: People,
    /// Phone systems of which only the last run's list is known.
    remembered: BTreeSet<String>,
    /// Phone systems whose list is not written down.
    unsaved: BTreeSet<String>,
}

impl Sites {
    /// Takes up what the last run has heard.
    ///
    /// # Errors
    ///
    /// Those of the journal.
    pub(crate) async fn restore(&self, journal: &Journal) -> Result<(), Error> {
        self.remember(journal.read(|view| view.sites()).await?);
        Ok(())
    }

    /// The same, where it has been read already.
    pub(crate) fn remember(&self, told: Vec<(String, Vec<Person>)>) {
        let mut now = self.now();
        now.remembered = told.iter().map(|(pbx, _)| pbx.clone()).collect();
        now.people = people(told);
    }

    /// Takes in what a phone system says of itself.
    pub(crate) fn hear(&self, pbx: &str, news: &News) {
        let mut now = self.now();
        let changed = match news {
            News::Added { extension, name, email } => {
                // Who says addresses lists everybody: whoever is not listed any more is gone.
                if !email.is_empty() && now.remembered.remove(pbx) {
                    now.people.remove(pbx);
                }
                let list = now.people.entry(pbx.to_owned()).or_default();
                let told =
                    Person { extension: extension.to_string(), name: name.clone(), email: email.trim().to_owned() };
                let room = list.len() < MOST || list.contains_key(extension.as_str());
                let news = list.get(extension.as_str()) != Some(&told);
                if room && news {
                    list.insert(extension.to_string(), told);
                }
                room && news
            }
            News::Removed { extension } => {
                now.people.get_mut(pbx).is_some_and(|list| list.remove(extension.as_str()).is_some())
            }
            _ => false,
        };
        if changed {
            now.unsaved.insert(pbx.to_owned());
            drop(now);
            self.0.changes.send_replace(());
        }
    }

    /// Forgets a phone system that is not configured any more.
    pub(crate) fn forget(&self, pbx: &str) {
        let mut now = self.now();
        if now.people.remove(pbx).is_some() {
            now.unsaved.insert(pbx.to_owned());
            drop(now);
            self.0.changes.send_replace(());
        }
    }

    /// Everybody, as far as it is known.
    pub(crate) fn people(&self) -> People {
        self.now().people.clone()
    }

    /// To hear of changes, with [`settled`].
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// Writes down what changes, for the next run.
    pub(crate) async fn keep(self, journal: Journal) {
        let mut changes = self.changes();
        while settled(&mut changes).await {
            let now = std::mem::take(&mut self.now().unsaved);
            for pbx in now {
                let list: Vec<_> =
                    self.now().people.get(&pbx).map(|list| list.values().cloned().collect()).unwrap_or_default();
                let name = pbx.clone();
                if let Err(error) = journal.write(move |txn| txn.put_site(&name, clock::now(), &list)).await {
                    tracing::warn!(pbx, %error, "the extensions of the phone system cannot be kept");
                    self.now().unsaved.insert(pbx);
                }
            }
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a change, and until no other follows at once. False: there will be none.
pub(crate) async fn settled(changes: &mut watch::Receiver<()>) -> bool {
    if changes.changed().await.is_err() {
        return false;
    }
    while let Ok(changed) = tokio::time::timeout(QUIET, changes.changed()).await {
        if changed.is_err() {
            return false;
        }
    }
    true
}

/// The same as the journal has it, by extension.
pub(crate) fn people(sites: Vec<(String, Vec<Person>)>) -> People {
    let list = |people: Vec<Person>| people.into_iter().map(|person| (person.extension.clone(), person)).collect();
    sites.into_iter().map(|(pbx, people)| (pbx, list(people))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(extension: &str, email: &str) -> News {
        News::Added { extension: extension.into(), name: "Ann".into(), email: email.into() }
    }

    #[tokio::test]
    async fn a_list_that_is_told_anew_takes_the_place_of_the_remembered_one() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let person = |extension: &str| Person { extension: extension.into(), ..Person::default() };
        let kept = vec![person("201"), person("202")];
        journal.write(move |txn| txn.put_site("office", clock::now(), &kept)).await.unwrap();
        let sites = Sites::default();
        sites.restore(&journal).await.unwrap();
        // Without an address it may be anything: one that is new.
        sites.hear("office", &added("203", ""));
        assert_eq!(sites.people()["office"].keys().collect::<Vec<_>>(), ["201", "202", "203"]);
        sites.hear("office", &added("204", "d@example.com"));
        sites.hear("office", &added("202", "b@example.com"));
        assert_eq!(sites.people()["office"].keys().collect::<Vec<_>>(), ["202", "204"]);
        let mut changes = sites.changes();
        sites.hear("office", &added("202", "b@example.com"));
        assert!(!changes.has_changed().unwrap(), "the same again is no news");
        sites.hear("office", &News::Removed { extension: "204".into() });
        assert!(changes.has_changed().unwrap());
        assert!(settled(&mut changes).await);
        journal.close().await;
    }
}
