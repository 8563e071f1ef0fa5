//! One call at one plugin, as long as somebody works on it: what is shared by the streams.

use std::{sync::Arc, time::Duration};

use hookswitch_call::Millis;
use hookswitch_journal::{CallRef, JobId, jobs::State};
use hookswitch_runtime::{CallError, contract::Contact};
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    desk::{Desk, Lane, Visit},
    dossier::Dossier,
    health::Leave,
    news::News,
    phonebook,
    plan::JobKind,
};

/// A look-up: somebody's phone is ringing.
const LOOK_UP: Duration = Duration::from_secs(5);
/// A contact made for the same number so long ago, in milliseconds, is found by a CRM's search at the latest
/// (sheet `oauth2-and-http.md`, section 2.5: searches lag behind writes).
const SEARCH_LAG: u64 = 600 * 1000;
/// So many jobs of one number are looked at, the newest first.
const NEIGHBOURS: u32 = 1000;

/// One call at one plugin.
pub(crate) struct Case {
    pub(crate) key: CallRef,
    news: watch::Sender<News>,
    known: watch::Sender<Known>,
    looking: Mutex<()>,
    saving: Mutex<()>,
    /// Set when the last card is down.
    pub(crate) cards_down: CancellationToken,
}

/// Who wants to know something from the CRM.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// What waits for the answer.
    pub(crate) lane: Lane,
    /// The leave of a job to ask; a job is patient.
    pub(crate) leave: Option<&'a Leave>,
}

/// What is known of the call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// What the CRM knows.
    pub(crate) dossier: Dossier,
    /// The CRM is to register the call, and has not yet.
    pub(crate) beginning: bool,
    /// Who the caller was when the CRM was last asked, while it does not answer: for the screen alone.
    remembered: Option<Contact>,
}

impl Known {
    /// Whom a card names.
    pub(crate) fn caller(&self) -> Option<&Contact> {
        self.dossier.contact().or(self.remembered.as_ref().filter(|_| self.dossier.contacts.is_none()))
    }
}

impl Case {
    pub(crate) fn new(key: CallRef, news: News, dossier: Dossier, beginning: bool) -> Self {
        Self {
            key,
            news: watch::Sender::new(news),
            known: watch::Sender::new(Known { dossier, beginning, remembered: None }),
            looking: Mutex::new(()),
            saving: Mutex::new(()),
            cards_down: CancellationToken::new(),
        }
    }

    /// The newest state of the call.
    pub(crate) fn news(&self) -> News {
        self.news.borrow().clone()
    }

    /// To hear of every new state.
    pub(crate) fn follow_news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    pub(crate) fn set_news(&self, news: News) {
        self.news.send_replace(news);
    }

    /// What the CRM knows of the call.
    pub(crate) fn dossier(&self) -> Dossier {
        self.known.borrow().dossier.clone()
    }

    /// To hear of everything that becomes known.
    pub(crate) fn follow_known(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// Changes what the CRM knows of the call.
    pub(crate) fn learn(&self, change: impl FnOnce(&mut Dossier)) {
        self.known.send_modify(|known| change(&mut known.dossier));
    }

    /// The CRM does not say who the caller is: what it said last is better than nothing on a screen, and too little for
    /// anything that is written.
    pub(crate) async fn remember_caller(&self, desk: &Desk) {
        let news = self.news();
        let Some(number) = news.external.as_ref() else { return };
        if let Some(kept) = phonebook::known(desk, number).await {
            let first = desk.rank(&news, kept).into_iter().next().map(|ranked| ranked.contact);
            self.known.send_modify(|known| known.remembered = first);
        }
    }

    /// Notes whether a registration of the call is still to come.
    pub(crate) fn set_beginning(&self, beginning: bool) {
        self.known.send_if_modified(|known| std::mem::replace(&mut known.beginning, beginning) != beginning);
    }

    /// Who the caller is, as the CRM said or says now.
    pub(crate) async fn contacts(&self, desk: &Arc<Desk>, asker: Asker<'_>) -> Result<Vec<Contact>, CallError> {
        if let Some(contacts) = self.dossier().contacts {
            return Ok(contacts);
        }
        let _alone = self.looking.lock().await;
        match self.dossier().contacts {
            Some(contacts) => Ok(contacts),
            None => self.look_up(desk, asker).await,
        }
    }

    /// The caller's contact, for one who holds the caller's number and would create it otherwise: what is known, or what
    /// was made for the same number meanwhile, or what the CRM finds now.
    pub(crate) async fn one_contact(
        &self,
        desk: &Arc<Desk>,
        asker: Asker<'_>,
        own: JobId,
    ) -> Result<Option<Contact>, CallError> {
        if let Some(known) = self.contacts(desk, asker).await?.into_iter().next() {
            return Ok(Some(known));
        }
        let Some(number) = self.news().external.as_ref().and_then(|number| number.e164.clone()) else {
            return Ok(None);
        };
        let looked = self.dossier().looked.unwrap_or_default();
        let since = Millis(looked.0.min(desk.clock.now().0.saturating_sub(SEARCH_LAG)));
        let plugin = desk.name.clone();
        let neighbours = desk.journal.read(move |view| view.jobs_for_number(&plugin, &number, since, NEIGHBOURS)).await;
        let neighbours = neighbours.map_err(|error| CallError::Host { message: error.to_string() })?;
        let neighbours = neighbours.into_iter().filter(|job| job.id != own);
        let mut worked_since = false;
        for job in neighbours.filter(|job| job.attempt > 0) {
            let kind = JobKind::from_name(&job.kind);
            if kind == Some(JobKind::Contact) && job.state == State::Done {
                let made: Option<Contact> = job.result.and_then(|made| serde_json::from_value(made).ok()).flatten();
                if let Some(made) = made {
                    self.know_contacts(desk, vec![made.clone()]).await;
                    return Ok(Some(made));
                }
            }
            // Registering a call may create a contact too; and a parked job leaves this mark.
            let creates = matches!(kind, Some(JobKind::Contact | JobKind::Begin));
            worked_since |= creates && job.finished.is_none_or(|finished| finished >= looked);
        }
        if !worked_since {
            return Ok(None);
        }
        let _alone = self.looking.lock().await;
        Ok(self.look_up(desk, asker).await?.into_iter().next())
    }

    async fn look_up(&self, desk: &Arc<Desk>, asker: Asker<'_>) -> Result<Vec<Contact>, CallError> {
        let news = self.news();
        let looked = desk.clock.now();
        let found = self.ask(desk, asker, &news).await?;
        let ranked = desk.rank(&news, found);
        self.learn(|dossier| {
            dossier.looked = Some(looked);
            dossier.ranking = ranked.iter().map(|ranked| ranked.why.clone()).collect();
        });
        let contacts: Vec<_> = ranked.into_iter().map(|ranked| ranked.contact).collect();
        self.know_contacts(desk, contacts.clone()).await;
        Ok(contacts)
    }

    /// Asks the CRM: by what the caller said of himself, where the admin wants that, and else by the number.
    async fn ask(&self, desk: &Arc<Desk>, asker: Asker<'_>, news: &News) -> Result<Vec<Contact>, CallError> {
        let Asker { lane, leave } = asker;
        let visit = |function| Visit { function, lane, wall: LOOK_UP, call: Some(&self.key), leave, seed: None };
        if let Some(key) = desk.look_up_key(news) {
            let visit = visit("lookup.by-text");
            let page = desk.visit(visit, async |plugin, job| plugin.lookup_by_text(job, key, None).await).await?;
            if !page.contacts.is_empty() {
                return Ok(page.contacts);
            }
        }
        desk.who_has_number(news, visit("lookup.by-number"), Some(&desk.view(news))).await
    }

    pub(crate) async fn know_contacts(&self, desk: &Desk, contacts: Vec<Contact>) {
        self.learn(|dossier| dossier.contacts = Some(contacts));
        self.save(desk).await;
    }

    /// Writes down what the CRM knows of the call.
    pub(crate) async fn save(&self, desk: &Desk) {
        let _alone = self.saving().await;
        desk.write_dossier(&self.key, &self.dossier()).await;
    }

    /// To be held from looking at the dossier until it is written down: an older one must not replace a newer one.
    pub(crate) async fn saving(&self) -> MutexGuard<'_, ()> {
        self.saving.lock().await
    }
}
