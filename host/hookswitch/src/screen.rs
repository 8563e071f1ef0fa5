//! The screen stream: whose screen shows the card. State, not events: what was skipped is never made up for.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hookswitch_call::Call;
use tokio_util::sync::CancellationToken;

use crate::{
    case::{Asker, Case, Known},
    desk::{Desk, Lane, Visit},
    news::News,
    station::Station,
    users::Users,
};

/// A card that comes later than this is harm.
const DEADLINE: Duration = Duration::from_secs(3);
/// Waits between tries while the wish stays the same; after the last one it is given up.
const WAITS: [Duration; 5] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// The screens of one call at one plugin.
pub(crate) struct Screen {
    pub(crate) station: Arc<Station>,
    pub(crate) case: Arc<Case>,
    pub(crate) stop: CancellationToken,
}

/// What screens show: to whom, and of what. A caller who becomes known, or a ticket that is opened, while it rings makes a
/// new picture.
#[derive(Debug, Default, PartialEq, Eq)]
struct Picture {
    users: BTreeSet<String>,
    contact: Option<(String, String)>,
    ticket: Option<String>,
}

impl Picture {
    fn of(users: &BTreeSet<String>, known: &Known) -> Self {
        // Nobody sees anything of anybody.
        if users.is_empty() {
            return Self::default();
        }
        let contact = known.caller().map(|contact| (contact.kind.clone(), contact.id.clone()));
        let ticket = known.dossier.ticket.as_ref().map(|ticket| ticket.id.clone());
        Self { users: users.clone(), contact, ticket }
    }
}

/// The CRM users whose phones take part in the call.
fn wanted(call: &Call, users: &Users) -> BTreeSet<String> {
    if !call.is_open() {
        return BTreeSet::new();
    }
    let present = call.agents.iter().filter(|agent| agent.is_present());
    present
        .filter_map(|agent| users.at(call.pbx.as_str(), agent.extension.as_str()))
        .map(|user| user.id.clone())
        .collect()
}

impl Screen {
    /// Asks who calls, and keeps the screens as they should be until the call is over and every card is gone, or until
    /// the program stops.
    pub(crate) async fn run(self) {
        let Self { stop, .. } = &self;
        // Beside each other: where the CRM registers calls first, the registration waits for the look-up by itself.
        stop.run_until_cancelled(async { tokio::join!(self.identify(), self.keep_cards()) }).await;
        self.case.cards_down.cancel();
    }

    /// A failure is tried again by the jobs that need the answer.
    async fn identify(&self) {
        let _working = self.station.working();
        let desk = self.station.desk();
        if let Err(error) = self.case.contacts(&desk, Asker { lane: Lane::Screen, leave: None }).await {
            tracing::warn!(plugin = %desk.name, call = %self.case.key.chain, %error, "caller not looked up");
            self.case.remember_caller(&desk).await;
        }
    }

    async fn keep_cards(&self) {
        let mut news = self.case.follow_news();
        let mut known = self.case.follow_known();
        let mut recovered = self.station.desk().health.recovered();
        // What the CRM last agreed to; none while that is uncertain.
        let mut agreed = Some(Picture::default()).filter(|_| known.borrow().dossier.shown.is_empty());
        let mut failures = 0;
        loop {
            let working = self.station.working();
            let desk = self.station.desk();
            let seen = news.borrow_and_update().clone();
            let known_now = known.borrow_and_update().clone();
            let wish = if desk.served.cards_sync { wanted(&seen.call, &desk.users()) } else { BTreeSet::new() };
            let picture = Picture::of(&wish, &known_now);
            let settled = agreed.as_ref() == Some(&picture) || !desk.served.cards_sync;
            let pause = if settled || failures > WAITS.len() {
                if !seen.call.is_open() {
                    return;
                }
                None
            } else if known_now.beginning {
                None
            } else if self.sync(&desk, &seen, &known_now, &wish).await {
                agreed = Some(picture);
                failures = 0;
                continue;
            } else {
                agreed = None;
                failures += 1;
                known.mark_unchanged();
                match WAITS.get(failures - 1) {
                    Some(wait) => Some(desk.clock.wait(*wait)),
                    // Given up: there may be nothing left to wait for.
                    None => continue,
                }
            };
            // Who will try again by himself does not wait for news.
            let _trying = pause.is_some().then_some(working);
            tokio::select! {
                _ = news.changed() => failures = 0,
                _ = known.changed() => {}
                again = recovered.changed() => {
                    failures = 0;
                    if again.is_err() {
                        // Another desk works here now.
                        recovered = self.station.desk().health.recovered();
                    }
                }
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    /// Brings the screens to `wish`; false if the CRM did not take it.
    async fn sync(&self, desk: &Arc<Desk>, news: &News, known: &Known, wish: &BTreeSet<String>) -> bool {
        let dossier = &known.dossier;
        let visible: Vec<String> = wish.iter().cloned().collect();
        let gone: Vec<String> = dossier.shown.difference(wish).cloned().collect();
        let seen = desk.view(news);
        let (begun, contact) = (dossier.begun.as_ref(), known.caller());
        // From here on these users may see the card, whatever becomes of the answer.
        self.remember_shown(desk, dossier.shown.union(wish).cloned().collect()).await;
        let visit = Visit {
            function: "cards.sync",
            lane: Lane::Screen,
            wall: DEADLINE,
            call: Some(&self.case.key),
            leave: None,
            seed: None,
        };
        let result = desk
            .visit(visit, async |plugin, job| plugin.cards_sync(job, &seen, begun, contact, &visible, &gone).await)
            .await;
        if let Err(error) = result {
            tracing::warn!(plugin = %desk.name, call = %self.case.key.chain, %error, "card not brought up to date");
            return false;
        }
        self.remember_shown(desk, wish.clone()).await;
        true
    }

    async fn remember_shown(&self, desk: &Desk, shown: BTreeSet<String>) {
        self.case.learn(|dossier| dossier.shown = shown);
        self.case.save(desk).await;
    }
}
