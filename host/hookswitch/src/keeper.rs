//! Background work: what plugins fetch ahead, who sits at which extension, and what has been kept long enough.

use std::{sync::Arc, time::Duration};

use hookswitch_journal::{
    Journal,
    directory::{Directory, User},
    recordings::Kept,
    retention::Retention,
};
use hookswitch_runtime::CallError;

use crate::{
    clock, config,
    desk::{Desk, Lane, Visit},
    recordings,
    service::Service,
    sites,
    users::Users,
};

/// `plugin.prepare` and a page of `directory.users` may take this long.
const BACKGROUND: Duration = Duration::from_secs(60);
/// The map of users is refreshed this often (sheet `crm-bitrix24.md`, section 5.1).
const REFRESH: Duration = Duration::from_secs(600);
/// Waits after a failure.
const AGAIN: Duration = Duration::from_secs(30);
/// Pages of a directory; more than this is a plugin that goes round in circles.
const PAGES: usize = 1000;
/// Sign-ins that nobody uses are looked after this often.
const TEND: Duration = Duration::from_secs(3600);
/// What has been kept long enough is removed this often.
const PRUNE: Duration = Duration::from_secs(3600);

/// Uses the map of users that was fetched last.
pub(crate) async fn restore_users(desk: &Arc<Desk>) {
    let name = desk.name.clone();
    match desk.journal.read(move |view| view.directory(&name)).await {
        Ok(directory) => desk.renew_users(|_| Users::new(directory, &desk.config, desk.sites.people())),
        Err(error) => tracing::warn!(plugin = %desk.name, %error, "the map of users cannot be read"),
    }
}

/// Does the background work of a plugin: prepares it, keeps its map of users fresh, follows its sign-ins.
pub(crate) async fn keep(desk: Arc<Desk>) {
    tokio::join!(maintain(&desk), follow_sites(&desk), follow_sign_ins(&desk), tend_sign_ins(&desk));
}

/// Makes the map of users anew when a phone system says that its people have changed.
async fn follow_sites(desk: &Arc<Desk>) {
    let mut changes = desk.sites.changes();
    // What was said between the making of the desk and this moment.
    changes.mark_changed();
    while sites::settled(&mut changes).await {
        let before = desk.users().misses();
        desk.renew_users(|users| users.anew(&desk.config, desk.sites.people()));
        // Somebody new at the phone system may be new in the CRM too.
        if desk.users().misses() > before {
            desk.refresh_users();
        }
    }
}

/// Keeps sign-ins alive that nobody uses.
async fn tend_sign_ins(desk: &Desk) {
    loop {
        for sign_in in desk.sign_ins() {
            sign_in.tend(&desk.gate).await;
        }
        tokio::time::sleep(TEND).await;
    }
}

/// Holds all work while somebody must sign in; after a sign-in the plugin is prepared for what it can reach now.
async fn follow_sign_ins(desk: &Arc<Desk>) {
    let mut changes: Vec<_> = desk.sign_ins().map(|sign_in| sign_in.changes()).collect();
    let mut unprepared = false;
    while !changes.is_empty() {
        let changed = futures::future::select_all(changes.iter_mut().map(|change| Box::pin(change.changed())));
        let (changed, ..) = tokio::select! {
            changed = changed => changed,
            // It may be long in coming, and a sign-in may end meanwhile.
            () = prepare_at_last(desk), if unprepared => {
                unprepared = false;
                continue;
            }
        };
        if changed.is_err() {
            return;
        }
        let signed_out = desk.is_signed_out();
        desk.health.set_signed_out(signed_out);
        unprepared = !signed_out;
    }
}

async fn prepare_at_last(desk: &Arc<Desk>) {
    let mut recovered = desk.health.recovered();
    while let Err(error) = prepare(desk).await {
        tracing::warn!(plugin = %desk.name, %error, "plugin not prepared; trying again");
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            _ = recovered.changed() => {}
        }
    }
}

/// Prepares the plugin, then keeps its map of users fresh.
async fn maintain(desk: &Arc<Desk>) {
    prepare_at_last(desk).await;
    loop {
        let asked = tokio::time::Instant::now();
        let wait = match refresh(desk).await {
            Ok(count) => {
                tracing::info!(plugin = %desk.name, users = count, "map of users refreshed");
                REFRESH
            }
            Err(error) => {
                tracing::warn!(plugin = %desk.name, %error, "map of users not refreshed; trying again");
                AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // An extension without a user may belong to somebody new. Whoever asks twice at once is not asked twice.
            () = desk.users_missed() => tokio::time::sleep_until(asked + AGAIN).await,
        }
    }
}

fn visit(function: &'static str) -> Visit<'static> {
    Visit { function, lane: Lane::Record, wall: BACKGROUND, call: None, leave: None, seed: None }
}

/// Has the plugin fetch what it wants to know of the CRM.
pub(crate) async fn prepare(desk: &Arc<Desk>) -> Result<(), CallError> {
    desk.visit(visit("plugin.prepare"), async |plugin, job| plugin.prepare(job).await).await
}

/// Fetches the CRM's directory, page by page.
pub(crate) async fn refresh(desk: &Arc<Desk>) -> Result<usize, CallError> {
    if !desk.served.directory_users {
        return Ok(0);
    }
    let mut users = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..PAGES {
        let page = desk
            .visit(visit("directory.users"), async |plugin, job| plugin.directory_users(job, after.as_deref()).await)
            .await?;
        users.extend(page.users.into_iter().map(|user| User {
            id: user.id,
            name: user.name,
            email: user.email,
            extensions: user.extensions,
            active: user.active,
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let count = users.len();
    let directory = Directory { fetched: desk.clock.now(), users };
    desk.renew_users(|_| Users::new(Some(directory.clone()), &desk.config, desk.sites.people()));
    let name = desk.name.clone();
    if let Err(error) = desk.journal.write(move |txn| txn.put_directory(&name, &directory)).await {
        tracing::warn!(plugin = %desk.name, %error, "the map of users cannot be kept");
    }
    Ok(count)
}

/// Removes what has been kept long enough, and nothing that is unfinished.
pub(crate) async fn prune(service: Arc<Service>) {
    let mut is_said = false;
    loop {
        let config = service.loaded().await.config;
        let server = &config.server;
        let retention = Retention {
            calls_for: server.keep.0,
            runs_for: server.keep_traces.0.min(server.keep.0),
            bytes: server.journal_size.0,
        };
        match service.journal().prune(retention, clock::now()).await {
            Ok(pruned) => {
                tracing::debug!(calls = pruned.calls, runs = pruned.runs, keys = pruned.keys, "old records removed")
            }
            Err(error) => tracing::warn!(%error, "old records not removed"),
        }
        match &config.recordings {
            Some(recordings) => tidy(&service, recordings).await,
            // How long they are to be kept nobody has said.
            None if !is_said => is_said = says_what_stays(service.journal()).await,
            None => {}
        }
        tokio::time::sleep(PRUNE).await;
    }
}

async fn tidy(service: &Service, config: &config::Recordings) {
    match recordings::tidy(&service.recordings().archive, service.journal(), config, clock::now()).await {
        Ok(tidied) if tidied.recordings > 0 => {
            tracing::info!(recordings = tidied.recordings, bytes = tidied.bytes, "old recordings removed");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "old recordings not removed"),
    }
}

/// Says that recordings stay for which the configuration has no table; false if there are none.
async fn says_what_stays(journal: &Journal) -> bool {
    let Ok(Kept { recordings, bytes }) = journal.read(|view| view.recordings_kept()).await else { return false };
    if recordings > 0 {
        tracing::warn!(
            recordings,
            bytes,
            "recordings are kept and do not become old: the configuration has no [recordings], which says how long"
        );
    }
    recordings > 0
}
