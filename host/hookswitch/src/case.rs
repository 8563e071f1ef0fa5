//! One call at one plugin, as long as somebody works on it: what is shared by the streams.

use std::{sync::Arc, time::Duration};

use hookswitch_call::{Millis, number::Kind};
use hookswitch_journal::{CallRef, JobId, jobs::State};
use hookswitch_runtime::{CallError, contract::Contact};
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    desk::{Desk, Lane, Visit},
    dossier::Dossier,
    health::Leave,
    news::News,
    plan::JobKind,
    view,
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
}

impl Case {
    pub(crate) fn new(key: CallRef, news: News, dossier: Dossier, beginning: bool) -> Self {
        Self {
            key,
            news: watch::Sender::new(news),
            known: watch::Sender::new(Known { dossier, beginning }),
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
        let searchable = news.external.clone().filter(|number| matches!(number.kind, Kind::External | Kind::Invalid));
        let contacts = match searchable {
            Some(number) if desk.served.lookup_by_number => {
                let call = desk.view(&news);
                let number = view::number(&number);
                let Asker { lane, leave } = asker;
                let visit = Visit {
                    function: "lookup.by-number",
                    lane,
                    wall: LOOK_UP,
                    call: Some(&self.key),
                    leave,
                    seed: None,
                };
                desk.visit(visit, async |plugin, job| plugin.lookup_by_number(job, &number, Some(&call)).await).await?
            }
            _ => Vec::new(),
        };
        self.learn(|dossier| dossier.looked = Some(looked));
        self.know_contacts(desk, contacts.clone()).await;
        Ok(contacts)
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
