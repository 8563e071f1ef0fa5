//! One phone system of each other kind. What nobody hears is posted again, or stands in the records of the phone system:
//! every call is certain.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use fastrand::Rng;
use serde_json::Value;
use system_tests::{
    World,
    phones::{Phone, STORIES},
    verdict::{Count, cards_shown, finished, list},
};

use crate::{Plan, judge, text};

const ROUNDS: usize = 6;
/// Calls that go on at once at each phone system.
const AT_ONCE: usize = 2;
/// What happens in a call happens so many milliseconds after another at most.
const PACE: u64 = 300;
/// A phone system's state stands so long at least before it changes.
const PATIENCE: Duration = Duration::from_millis(100);

/// Callers, until they are told to stop.
#[derive(Clone)]
struct Callers {
    begun: Arc<AtomicUsize>,
    /// Outside numbers of calls that were told to their end, with the kind of phone system.
    told: Arc<Mutex<BTreeMap<String, &'static str>>>,
    stop: Arc<AtomicBool>,
}

impl Callers {
    async fn call(self, phone: Arc<Phone>, mut random: Rng) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let outside = phone.outside(self.begun.fetch_add(1, Ordering::Relaxed));
            let (story, pace) = (&STORIES[random.usize(..STORIES.len())], Duration::from_millis(random.u64(..PACE)));
            phone.tell(story, &outside, pace).await?;
            self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(outside, phone.kind());
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_kind_of_phone_system_tells_it_every_call_is_in_the_portal_once() -> Result<()> {
    let mut plan = Plan::of(ROUNDS)?;
    let (mut world, phones) = Phone::world(PATIENCE, "").await?;
    let phones: Vec<_> = phones.into_iter().map(Arc::new).collect();
    let told = killing(&mut world, &phones, &mut plan).await;
    plan.close(|| world.account(), told)
}

async fn killing(world: &mut World, phones: &[Arc<Phone>], plan: &mut Plan) -> Result<String> {
    let callers = Callers { begun: Arc::default(), told: Arc::default(), stop: Arc::default() };
    let mut lanes = tokio::task::JoinSet::new();
    for phone in phones {
        for _ in 0..AT_ONCE {
            lanes.spawn(callers.clone().call(phone.clone(), plan.random.fork()));
        }
    }
    let mut kills = 0;
    for _ in 0..plan.rounds {
        kills += plan.kill(world).await?;
        phones.iter().for_each(|phone| phone.forget());
        world.relaunch().await?;
    }
    world.portal.clear_faults();
    callers.stop.store(true, Ordering::Relaxed);
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    let told = callers.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_there = |state: &Value, number: &str| entries(state, number) > 0;
    let over = |state: &Value| {
        finished(state) == list(state, "calls").count()
            && cards_shown(state) == 0
            && told.keys().all(|number| is_there(state, number))
    };
    if let Err(error) = world.portal_shows("every call finished", over).await {
        let state = world.portal.state();
        let lost: Vec<_> = told.iter().filter(|(number, _)| !is_there(&state, number)).collect();
        anyhow::bail!("not in the portal: {lost:?}\n{error:#}");
    }
    let mut calls = world.work_done().await?;
    // Consultations are no business of the CRM.
    calls.retain(|call| call["direction"] != "internal");
    ensure!(world.stop().await? == 0, "the program did not stop well");
    let state = world.portal.state();
    let Count { calls, finishes, leads } = judge(&state, &calls, &[].into())?;
    let more: Vec<_> = told.iter().filter(|(number, _)| entries(&state, number) != 1).collect();
    ensure!(more.is_empty(), "in the portal more than once: {more:?}");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    told.values().for_each(|kind| *kinds.entry(kind).or_default() += 1);
    Ok(format!("{kills} kills, {calls} calls {kinds:?}, {finishes} finishes, {leads} leads, 0 lost, 0 duplicates"))
}

/// How many calls with this outside number the portal has.
fn entries(state: &Value, number: &str) -> usize {
    let digits = number.trim_start_matches('+');
    list(state, "calls").filter(|call| text(&call["phone"]).ends_with(digits)).count()
}
