//! The screen stream: whose screen shows the card. State, not events: what was skipped is never made up for.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hookswitch_call::Call;
use hookswitch_journal::CallRef;
use tokio::sync::watch;

use super::{Known, News};
use crate::{
    desk::{Desk, Lane, Visit},
    dossier::Dossier,
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

pub(super) struct Screen {
    pub(super) desk: Arc<Desk>,
    pub(super) key: CallRef,
    pub(super) news: watch::Receiver<News>,
    pub(super) known: Arc<watch::Sender<Known>>,
}

/// The CRM users whose phones take part in the call.
fn wanted(call: &Call, users: &Users) -> BTreeSet<String> {
    if !call.is_open() {
        return BTreeSet::new();
    }
    let present = call.agents.iter().filter(|agent| agent.is_present());
    present.filter_map(|agent| users.by_extension(agent.extension.as_str())).map(|user| user.id.clone()).collect()
}

impl Screen {
    /// Keeps the screens as they should be until the call is over and every card is gone.
    pub(super) async fn run(mut self) {
        if !self.desk.served.cards_sync {
            return;
        }
        let mut known = self.known.subscribe();
        // What the CRM last agreed to; none while that is uncertain.
        let mut agreed = Some(BTreeSet::new()).filter(|_| known.borrow().dossier.shown.is_empty());
        let mut failures = 0;
        loop {
            let news = self.news.borrow_and_update().clone();
            let Known { dossier, begin_settled } = known.borrow_and_update().clone();
            let wish = wanted(&news.call, &self.desk.users());
            let settled = agreed.as_ref() == Some(&wish);
            let pause = if settled || failures > WAITS.len() {
                if !news.call.is_open() {
                    return;
                }
                None
            } else if !begin_settled {
                None
            } else if self.sync(&news, &dossier, &wish).await {
                agreed = Some(wish);
                failures = 0;
                continue;
            } else {
                agreed = None;
                failures += 1;
                known.mark_unchanged();
                WAITS.get(failures - 1).copied()
            };
            // Nothing more is heard of a call that is over; its last card is still to be taken down.
            let more = self.news.has_changed().is_ok();
            tokio::select! {
                changed = self.news.changed(), if more => if changed.is_ok() { failures = 0 },
                changed = known.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    /// Brings the screens to `wish`; false if the CRM did not take it.
    async fn sync(&self, news: &News, dossier: &Dossier, wish: &BTreeSet<String>) -> bool {
        let visible: Vec<String> = wish.iter().cloned().collect();
        let gone: Vec<String> = dossier.shown.difference(wish).cloned().collect();
        let seen = self.desk.view(news);
        let (begun, contact) = (dossier.begun.as_ref(), dossier.contact());
        // From here on these users may see the card, whatever becomes of the answer.
        self.remember_shown(dossier.shown.union(wish).cloned().collect()).await;
        let visit =
            Visit { function: "cards.sync", lane: Lane::Screen, wall: DEADLINE, call: Some(&self.key), job: None };
        let result = self
            .desk
            .visit(visit, async |plugin, job| plugin.cards_sync(job, &seen, begun, contact, &visible, &gone).await)
            .await;
        if let Err(error) = result {
            tracing::warn!(plugin = %self.desk.name, call = %self.key.chain, %error, "card not brought up to date");
            return false;
        }
        self.remember_shown(wish.clone()).await;
        true
    }

    async fn remember_shown(&self, shown: BTreeSet<String>) {
        self.known.send_modify(|known| known.dossier.shown = shown);
        let dossier = self.known.borrow().dossier.clone();
        self.desk.write_dossier(&self.key, &dossier).await;
    }
}
