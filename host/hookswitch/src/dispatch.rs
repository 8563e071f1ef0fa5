//! From accepted events to plugins: which one gets what.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use hookswitch_journal::{CallRef, jobs::Job};

use crate::{desk::Desk, news::News, station::Station};

/// The plugins of the running service, by name.
#[derive(Default)]
pub(crate) struct Dispatch {
    stations: RwLock<BTreeMap<String, Arc<Station>>>,
}

impl Dispatch {
    /// All plugins.
    pub(crate) fn stations(&self) -> Vec<Arc<Station>> {
        self.read().values().cloned().collect()
    }

    /// The plugin with this name.
    pub(crate) fn station(&self, name: &str) -> Option<Arc<Station>> {
        self.read().get(name).cloned()
    }

    /// Lets a plugin take part.
    pub(crate) fn add(&self, name: &str, station: Arc<Station>) {
        self.write().insert(name.to_owned(), station);
    }

    /// Lets a plugin take part no longer.
    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Station>> {
        self.write().remove(name)
    }

    /// The plugins that get the calls of the phone system `pbx`, as they are enabled now.
    pub(crate) fn desks_of(&self, pbx: &str) -> Vec<Arc<Desk>> {
        let desks = self.read().values().map(|station| station.desk()).collect::<Vec<_>>();
        desks.into_iter().filter(|desk| desk.config.serves_pbx(pbx)).collect()
    }

    /// Hands the new state of a call, and the jobs that follow from it, to the plugins. Must be called in the order of
    /// the journal.
    pub(crate) fn hand_over(&self, key: &CallRef, news: &News, jobs: Vec<Job>) {
        for (name, station) in &*self.read() {
            let own: Vec<Job> = jobs.iter().filter(|job| job.plugin == *name).cloned().collect();
            if !own.is_empty() || station.desk().is_concerned(news) {
                station.hand_over(key, news, own);
            }
        }
    }

    /// Has every plugin look whether there are events to deliver.
    pub(crate) fn feed(&self) {
        self.read().values().for_each(|station| station.fed.notify_one());
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Station>>> {
        self.stations.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<Station>>> {
        self.stations.write().unwrap_or_else(PoisonError::into_inner)
    }
}
