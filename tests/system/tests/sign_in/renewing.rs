//! Tokens run out while everybody works.

use std::time::Duration;

use anyhow::{Result, ensure};
use fake_oauth::{Fault, Profile};
use futures::future::try_join_all;
use system_tests::{PATIENCE, Time, office::Setup, provided::Provided};

use crate::{JOBS, setup};

/// So many posts come at once; one source may open no more connections.
const POSTS: usize = 30;
const CALLS: usize = 10;
const REQUESTS: usize = POSTS + JOBS * CALLS;

async fn open() -> Result<Provided> {
    let plugin = "limits = { concurrency = 64, rate = { per-second = 10000, burst = 10000 } }".to_owned();
    Provided::open(Profile::rotating(), Setup { plugin, time: Time::Simulated, ..setup() }).await
}

/// Has everybody ask at once; all must get what they want.
async fn all_at_once(world: &Provided, round: usize) -> Result<()> {
    let posts = (0..POSTS).map(async |number| {
        let answer = world.post(&format!("{round}.{number}")).await?;
        ensure!(answer.status == 200, "{round}.{number}: {answer:?}\n{}", world.office.log());
        Ok(())
    });
    let calls = (0..CALLS).map(async |_| world.office.call("a_anonymous").await);
    tokio::try_join!(try_join_all(posts), try_join_all(calls))?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while world.provider.taken("entries").len() < (round + 1) * CALLS {
        ensure!(tokio::time::Instant::now() < deadline, "{:?}\n{}", world.provider.verdict(), world.office.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// The provider has taken this many refresh tokens, each once; nobody came with a token that was over.
fn refreshed(world: &Provided, times: usize, refused: usize) -> Result<()> {
    let verdict = world.provider.verdict();
    let found = (verdict.refreshes, verdict.token_calls, verdict.refused_refreshes, verdict.api_refused);
    ensure!(found == (times, times + 1, 0, refused), "{verdict:?}\n{}", world.office.log());
    ensure!(verdict.api_good == times * REQUESTS, "{verdict:?}");
    world.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_run_out_is_renewed_once_however_many_want_it() -> Result<()> {
    let mut world = open().await?;
    world.sign_in().await?;
    for round in 0..5 {
        world.office.skip(Duration::from_secs(2 * 3600)).await?;
        world.provider.end_access();
        if round % 2 == 0 {
            all_at_once(&world, round).await?;
        } else {
            // The provider takes its time, and all wait for the one answer.
            let held = world.provider.hold();
            let release = async {
                let release = held.arrived().await?;
                tokio::time::sleep(Duration::from_millis(300)).await;
                let _ = release.send(());
                anyhow::Ok(())
            };
            tokio::try_join!(all_at_once(&world, round), release)?;
        }
        refreshed(&world, round + 1, 0)?;
    }
    println!("{} requests with 5 tokens that had run out: {:?}", 5 * REQUESTS, world.provider.verdict());
    Ok(())
}

/// Somebody has ended our tokens in the CRM's settings: nobody here knows before the first refusal.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_everybody_is_refused_with_is_renewed_once_as_well() -> Result<()> {
    let world = open().await?;
    world.sign_in().await?;
    world.provider.end_access();
    let held = world.provider.hold();
    let release = async {
        let release = held.arrived().await?;
        // Many have been refused by now, and want another token.
        while world.provider.verdict().api_refused < POSTS {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = release.send(());
        anyhow::Ok(())
    };
    tokio::try_join!(all_at_once(&world, 0), release)?;
    let refused = world.provider.verdict().api_refused;
    ensure!(refused >= POSTS, "{:?}", world.provider.verdict());
    refreshed(&world, 1, refused)?;
    println!("{refused} refusals: {:?}", world.provider.verdict());
    Ok(())
}

/// A provider that is down or full is asked ever more seldom, and the sign-in stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_is_left_alone_and_nothing_is_lost() -> Result<()> {
    let mut world = open().await?;
    world.sign_in().await?;
    world.office.skip(Duration::from_secs(2 * 3600)).await?;
    world.provider.end_access();
    for fault in [Fault::ServerError, Fault::TooManyRequests, Fault::Page] {
        world.provider.inject(fault);
    }
    world.office.call("a").await?;
    world.office.wait_for_jobs("done", JOBS).await?;
    let verdict = world.provider.verdict();
    ensure!((verdict.refreshes, verdict.token_calls) == (1, 5), "{verdict:?}");
    ensure!(world.provider.taken("entries").len() == 1, "{verdict:?}");
    ensure!(world.status().await?["state"] == "signed-in");
    world.verdict()
}
