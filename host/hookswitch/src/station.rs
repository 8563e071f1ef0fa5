//! A plugin's place in the running service. It outlives every reload: the desk that works there is replaced, the calls
//! and jobs stay.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use arc_swap::ArcSwap;
use hookswitch_journal::{CallRef, Error, jobs::Job};
use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    case::Case,
    desk::Desk,
    dossier::Dossier,
    feed, keeper,
    news::News,
    outbox::{self, Order},
    plan::JobKind,
    screen::Screen,
};

/// One plugin in the running service.
pub(crate) struct Station {
    desk: ArcSwap<Desk>,
    cases: Mutex<Cases>,
    orders: mpsc::UnboundedSender<Order>,
    /// Told when there may be something to deliver.
    pub(crate) fed: Notify,
    tasks: TaskTracker,
    /// Held by whoever works on a call or a job at this moment.
    work: Arc<()>,
    /// Ends the background work of the present desk.
    keeping: Mutex<CancellationToken>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Cases {
    /// Calls that go on.
    open: HashMap<CallRef, Arc<Case>>,
    /// Those, and others that somebody still works on.
    at_work: HashMap<CallRef, Weak<Case>>,
    /// Calls that are being read from the journal, and of which there has been no news since.
    loading: HashSet<CallRef>,
    /// Calls that the CRM is to register and has not yet.
    beginning: HashSet<CallRef>,
    /// With so many calls at work those are looked for that nobody works on any more.
    sweep_at: usize,
}

/// Fewer are not worth looking for.
const SWEEP: usize = 1024;

impl Station {
    /// Opens a place for `desk` and picks up its jobs from the journal. It works until `stop`.
    ///
    /// # Errors
    ///
    /// Those of the journal.
    pub(crate) async fn open(
        desk: Arc<Desk>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let name = desk.name.clone();
        let backlog = desk.journal.read(move |view| view.backlog(&name)).await?;
        if !backlog.is_empty() {
            tracing::info!(plugin = %desk.name, jobs = backlog.len(), "going on with the jobs of the last run");
        }
        let beginning = backlog.iter().filter(|head| JobKind::from_name(&head.kind) == Some(JobKind::Begin));
        let cases = Cases { beginning: beginning.map(|head| head.call.clone()).collect(), ..Cases::default() };
        let (orders, taken) = mpsc::unbounded_channel();
        let station = Arc::new(Self {
            desk: ArcSwap::new(desk),
            work: Arc::default(),
            keeping: Mutex::default(),
            cases: Mutex::new(cases),
            orders,
            fed: Notify::new(),
            tasks: tasks.clone(),
            stop,
        });
        tasks.spawn(outbox::run(station.clone(), backlog, taken, station.stop.clone()));
        tasks.spawn(feed::run(station.clone(), station.stop.clone()));
        Ok(station)
    }

    /// The desk that works here now.
    pub(crate) fn desk(&self) -> Arc<Desk> {
        self.desk.load_full()
    }

    /// Lets another desk work here. What is under way is brought to its end at the old one.
    pub(crate) fn replace_desk(&self, desk: Arc<Desk>) {
        self.desk.store(desk);
        self.keep();
        self.order(Order::LookAgain);
        self.fed.notify_one();
    }

    /// Does the background work of the present desk, in place of that of the one before.
    pub(crate) fn keep(&self) {
        let keeping = self.stop.child_token();
        let before =
            std::mem::replace(&mut *self.keeping.lock().unwrap_or_else(PoisonError::into_inner), keeping.clone());
        before.cancel();
        self.tasks.spawn(keeping.run_until_cancelled_owned(keeper::keep(self.desk())));
    }

    /// To be held while somebody works rather than waits.
    pub(crate) fn working(&self) -> Arc<()> {
        self.work.clone()
    }

    /// Whether everybody here waits for news.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.work) == 1
    }

    /// Whether somebody works on a call, or may do so when there is news of it.
    pub(crate) fn has_cases(&self) -> bool {
        self.cases().at_work.values().any(|case| case.strong_count() > 0)
    }

    /// Stops working. What is unfinished stays in the journal.
    pub(crate) fn close(&self) {
        self.stop.cancel();
    }

    /// Takes in the new state of a call, and the jobs that follow from it. Must be called in the order of the journal.
    pub(crate) fn hand_over(self: &Arc<Self>, key: &CallRef, news: &News, jobs: Vec<Job>) {
        let open = news.call.is_open();
        let number = news.external.as_ref().and_then(|number| number.e164.clone());
        let mut cases = self.cases();
        let begins = jobs.iter().any(|job| JobKind::from_name(&job.kind) == Some(JobKind::Begin));
        if begins {
            cases.beginning.insert(key.clone());
        }
        match cases.at_work.get(key).and_then(Weak::upgrade) {
            Some(case) => {
                if begins {
                    case.set_beginning(true);
                }
                case.set_news(news.clone());
            }
            // A call that is over needs no screen; a job that needs the call finds it in the journal.
            None if !open => drop(cases.loading.remove(key)),
            None => drop(self.start(&mut cases, key, news, Dossier::default())),
        }
        if !open {
            cases.open.remove(key);
        }
        drop(cases);
        // After the news, so that a job finds them.
        jobs.into_iter().for_each(|job| self.order(Order::Add(outbox::head(job, number.clone()))));
    }

    /// Goes on with a call of the last run, which is still open or has left a card on a screen.
    pub(crate) fn resume(self: &Arc<Self>, key: &CallRef, news: &News, dossier: Dossier) {
        let mut cases = self.cases();
        if !cases.at_work.contains_key(key) {
            drop(self.start(&mut cases, key, news, dossier));
        }
    }

    /// Takes in a job of a call that is over; `number` is the outside party's, in E.164.
    pub(crate) fn add(&self, job: Job, number: Option<String>) {
        self.order(Order::Add(outbox::head(job, number)));
    }

    /// The jobs of this plugin that somebody has decided about.
    pub(crate) fn decided(&self, job: Job, number: Option<String>) {
        self.order(Order::Decided(outbox::head(job, number)));
    }

    /// The call of a job: as it is at work, or as `load` finds it in the journal.
    pub(crate) async fn case<F: Future<Output = Result<(News, Dossier), Error>>>(
        self: &Arc<Self>,
        key: &CallRef,
        load: impl Fn() -> F,
    ) -> Result<Arc<Case>, Error> {
        loop {
            {
                let mut cases = self.cases();
                if let Some(case) = cases.at_work.get(key).and_then(Weak::upgrade) {
                    return Ok(case);
                }
                cases.loading.insert(key.clone());
            }
            let loaded = load().await;
            let mut cases = self.cases();
            let newest = cases.loading.remove(key);
            let (news, dossier) = loaded?;
            if let Some(case) = cases.at_work.get(key).and_then(Weak::upgrade) {
                return Ok(case);
            }
            // Otherwise the call has ended meanwhile, and is read again.
            if newest {
                return Ok(self.start(&mut cases, key, &news, dossier));
            }
        }
    }

    /// A job is done, parked or skipped. After a registration cards may be shown.
    pub(crate) fn settled(&self, key: &CallRef, kind: &str) {
        if JobKind::from_name(kind) != Some(JobKind::Begin) {
            return;
        }
        let mut cases = self.cases();
        cases.beginning.remove(key);
        if let Some(case) = cases.at_work.get(key).and_then(Weak::upgrade) {
            case.set_beginning(false);
        }
    }

    /// Whether the CRM has said who the caller is.
    pub(crate) fn knows_caller(&self, key: &CallRef) -> bool {
        let case = self.cases().at_work.get(key).and_then(Weak::upgrade);
        case.is_some_and(|case| case.dossier().contact().is_some())
    }

    /// Starts to work on a call: its screens need somebody if it goes on, or if a card was left on them.
    fn start(self: &Arc<Self>, cases: &mut Cases, key: &CallRef, news: &News, dossier: Dossier) -> Arc<Case> {
        let open = news.call.is_open();
        let watched = open || !dossier.shown.is_empty();
        let beginning = cases.beginning.contains(key);
        let case = Arc::new(Case::new(key.clone(), news.clone(), dossier, beginning));
        if cases.at_work.len() >= cases.sweep_at.max(SWEEP) {
            cases.at_work.retain(|_, case| case.strong_count() > 0);
            cases.sweep_at = 2 * cases.at_work.len();
        }
        cases.at_work.insert(key.clone(), Arc::downgrade(&case));
        if open {
            cases.open.insert(key.clone(), case.clone());
        }
        if watched {
            let screen = Screen { station: self.clone(), case: case.clone(), stop: self.stop.clone() };
            self.tasks.spawn(screen.run());
        } else {
            case.cards_down.cancel();
        }
        case
    }

    fn order(&self, order: Order) {
        // Nobody takes orders after the stop; the journal has the jobs.
        let _ = self.orders.send(order);
    }

    fn cases(&self) -> std::sync::MutexGuard<'_, Cases> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
