//! A changed configuration: what it is made of is opened first, then it takes effect.

use std::sync::Arc;

use hookswitch_pbx::Source;

use super::Service;
use crate::{
    clock::{self, Clock},
    config::{Config, Loaded},
    desk::{self, Desk},
    imprint::Imprint,
    keeper,
    line::{Exchange, Line},
    sources,
    station::Station,
};

/// What a changed configuration is made of, ready to be taken up.
pub(super) struct Change {
    loaded: Loaded,
    /// Plugins that are new or changed.
    desks: Vec<Arc<Desk>>,
    /// Phone systems that are new or changed.
    lines: Vec<(String, Imprint, Box<dyn Source>)>,
}

impl Service {
    /// Opens what is new or changed, and changes nothing yet.
    pub(super) async fn prepare(&self, loaded: Loaded) -> Result<Change, String> {
        let present = self.present.lock().await;
        let data = |loaded: &Loaded| loaded.resolve(&loaded.config.server.data);
        if !present.lines.is_empty() && data(&present.loaded) != data(&loaded) {
            return Err("[server] data: another folder needs a restart".to_owned());
        }
        let mut faults = Vec::new();
        let mut desks = Vec::new();
        for name in loaded.config.plugin.keys() {
            let known = self.dispatch.station(name);
            // A file that waited is looked at again once it is accepted, although nothing else has changed.
            let accepted = |desk: &Desk| desk.update.is_some() && self.updates.has_accepted(name);
            if known
                .map(|station| station.desk())
                .is_some_and(|desk| desk.imprint == desk::imprint(name, &loaded) && !accepted(&desk))
            {
                continue;
            }
            match desk::open(name, &loaded, &self.premises()).await {
                Ok(desk) => desks.push(desk),
                Err(error) => faults.push(error.to_string()),
            }
        }
        if let Some(speech) = loaded.config.recordings.as_ref().and_then(|recordings| recordings.speech.as_ref()) {
            let known = || self.desk(&speech.plugin);
            let listener = desks.iter().find(|desk| desk.name == speech.plugin).cloned().or_else(known);
            faults.extend(listener.and_then(|desk| not_served(&loaded.config, &desk)));
        }
        let mut lines = Vec::new();
        for name in loaded.config.pbx.keys() {
            let imprint = sources::imprint(name, &loaded);
            if present.lines.get(name).is_some_and(|line| line.imprint == imprint) {
                continue;
            }
            match sources::open(name, &loaded) {
                Ok(source) => lines.push((name.clone(), imprint, source)),
                Err(error) => faults.push(error),
            }
        }
        if faults.is_empty() { Ok(Change { loaded, desks, lines }) } else { Err(faults.join("\n")) }
    }

    fn premises(&self) -> desk::Premises<'_> {
        desk::Premises {
            engine: &self.engine,
            journal: &self.journal,
            keys: &self.keys,
            clock: Clock::World,
            sites: self.sites.clone(),
            recordings: self.recordings.clone(),
            limits: hookswitch_gate::Limits::default(),
            updates: Some(self.updates.clone()),
        }
    }

    /// Makes a change effective.
    pub(super) async fn take_up(&self, change: Change) -> Result<Vec<String>, hookswitch_journal::Error> {
        let Change { loaded, desks, lines } = change;
        let mut present = self.present.lock().await;
        let mut told = Vec::new();
        for desk in self.dispatch.stations().iter().map(|station| station.desk()) {
            if !loaded.config.plugin.contains_key(&desk.name)
                && let Some(station) = self.dispatch.remove(&desk.name)
            {
                station.close();
                told.push(format!("plugin {} is disabled; its unfinished jobs are kept", desk.name));
            }
        }
        for desk in desks {
            let name = desk.name.clone();
            let of = format!("plugin {name}: {} {}", desk.manifest.title, desk.manifest.version);
            // The map of users of the last run serves until the CRM has answered.
            keeper::restore_users(&desk).await;
            match self.dispatch.station(&name) {
                Some(station) => {
                    station.replace_desk(desk);
                    told.push(format!("{of} is taken up anew"));
                }
                None => {
                    let station = Station::open(desk, &self.tasks, self.stop.child_token()).await?;
                    station.keep();
                    self.dispatch.add(&name, station);
                    told.push(format!("{of} is enabled"));
                }
            }
        }
        let gone: Vec<_> =
            present.lines.keys().filter(|name| !loaded.config.pbx.contains_key(*name)).cloned().collect();
        for name in gone {
            if let Some(line) = present.lines.remove(&name) {
                line.end().await;
                self.sites.forget(&name);
                told.push(format!("pbx {name} is disabled"));
            }
        }
        for (name, imprint, source) in lines {
            let known = present.lines.remove(&name);
            told.push(format!("pbx {name} is {}", if known.is_some() { "taken up anew" } else { "enabled" }));
            if let Some(line) = known {
                line.end().await;
            }
            let line = Line::open(&name, imprint, source, &loaded, &self.exchange()).await?;
            present.lines.insert(name, line);
        }
        present.loaded = loaded;
        // What could not be fetched may be had now.
        if let Err(error) = self.journal.write(|txn| txn.hurry_recordings(clock::now())).await {
            tracing::error!(%error, "recordings that may be had now are fetched later");
        }
        self.recordings.nudge();
        told.iter().for_each(|line| tracing::info!("{line}"));
        Ok(told)
    }

    /// What a phone system's way into the journal needs.
    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            journal: &self.journal,
            dispatch: &self.dispatch,
            sites: &self.sites,
            ledger: &self.ledger,
            recordings: &self.recordings,
            stop: &self.stop,
            give_up: &self.give_up,
        }
    }
}

/// What `[recordings.speech]` wants of a plugin that does not serve it, and how to mend that.
pub(crate) fn not_served(config: &Config, desk: &Desk) -> Option<String> {
    let speech = config.recordings.as_ref()?.speech.as_ref().filter(|speech| speech.plugin == desk.name)?;
    let name = &desk.name;
    if !desk.served.speech_start {
        return Some(format!("[recordings.speech] plugin: {name} does not turn speech into words: name one that does"));
    }
    let sums_up = desk.served.speech_summarise || !speech.summarise;
    (!sums_up).then(|| format!("[recordings.speech] summarise: {name} sums nothing up: take `summarise` out"))
}
