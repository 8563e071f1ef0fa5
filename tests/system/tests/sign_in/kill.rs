//! The program is killed while it renews, again and again: what was answered and could be kept is kept; a sign-in is lost
//! only with an answer that no disk had yet, and then the program says so.
//!
//! `HOOKSWITCH_KILL_ROUNDS` sets the number of rounds.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use fake_oauth::{Profile, Verdict};
use system_tests::{Time, office::Setup, provided::Provided};

use crate::setup;

const ROUNDS: usize = 24;
/// From the provider's answer to the end of a request with the new token, in microseconds.
const WAY: u64 = 25_000;

/// When the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The provider has the request, and will carry it out.
    Asked,
    /// At some moment after the provider's answer.
    Answered,
    /// The CRM has seen the new token.
    Used,
}

const MOMENTS: [Moment; 6] =
    [Moment::Answered, Moment::Asked, Moment::Answered, Moment::Used, Moment::Answered, Moment::Answered];

/// What became of the sign-ins.
#[derive(Debug, Default)]
struct Count {
    /// The new token was there after the restart.
    kept: usize,
    /// The answer had not reached the disk.
    lost: usize,
    /// Tokens that were used before the kill.
    used: usize,
}

fn rounds() -> Result<usize> {
    match std::env::var("HOOKSWITCH_KILL_ROUNDS") {
        Ok(text) => text.parse().with_context(|| format!("HOOKSWITCH_KILL_ROUNDS={text} is no number")),
        Err(_) => Ok(ROUNDS),
    }
}

/// Has the program renew its token, and kills it at this moment.
async fn die(world: &mut Provided, moment: Moment) -> Result<()> {
    // The dead program's clock goes on.
    world.office.skip(Duration::from_secs(2 * 3600)).await?;
    world.provider.end_access();
    let held = world.provider.hold();
    let before = world.provider.verdict().api_good;
    let dies = async {
        let release = held.arrived().await?;
        if moment == Moment::Asked {
            return Ok(Some(release));
        }
        let _ = release.send(());
        if moment == Moment::Answered {
            // The moment of the kill is the point, not a wait for something.
            tokio::time::sleep(Duration::from_micros(fastrand::u64(0..WAY))).await;
        } else {
            while world.provider.verdict().api_good == before {
                tokio::task::yield_now().await;
            }
        }
        anyhow::Ok(None)
    };
    // The post may get its answer before, and nobody reads it.
    let release = tokio::select! {
        biased;
        release = dies => release,
        release = async { drop(world.post("before").await); std::future::pending().await } => release,
    }?;
    world.office.kill().await?;
    drop(release);
    // What the dead program had sent is carried out now.
    world.provider.quiet().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_while_it_renews_keeps_every_token_that_it_used() -> Result<()> {
    let mut world = Provided::open(Profile::rotating(), Setup { time: Time::Simulated, ..setup() }).await?;
    world.sign_in().await?;
    let mut count = Count::default();
    let rounds = rounds()?;
    for round in 0..rounds {
        let moment = MOMENTS[round % MOMENTS.len()];
        let before = world.provider.verdict();
        die(&mut world, moment).await?;
        let after = world.provider.verdict();
        ensure!(after.refreshes == before.refreshes + 1, "round {round}: {after:?}");
        let used = after.api_good > before.api_good;
        count.used += usize::from(used);

        world.office.launch().await?;
        let left: Vec<_> = fs::read_dir(world.office.folder().join("data/keys"))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        ensure!(!left.iter().any(|name| name.ends_with(".new")), "round {round}: {left:?}");
        let answer = world.post("after").await?;
        let Verdict { refreshes, families_killed, .. } = world.provider.verdict();
        let about = format!("round {round}, {moment:?}, used: {used}: {answer:?}\n{}", world.office.log());
        if answer.status == 200 {
            ensure!(moment != Moment::Asked, "a token that nobody was told of? {about}");
            ensure!(refreshes == after.refreshes, "the token that was kept is not used: {about}");
            count.kept += 1;
            continue;
        }
        ensure!(!used, "a token was used and not kept: {about}");
        ensure!(families_killed == before.families_killed + 1, "{about}");
        let status = world.until("refused").await?;
        ensure!(status["reason"].as_str().is_some_and(|reason| reason.contains("invalid_grant")), "{status}");
        count.lost += 1;
        world.sign_in().await?;
        ensure!(world.post("again").await?.status == 200, "{about}");
    }
    println!("{rounds} kills: {count:?}");
    ensure!(count.kept > 0 && count.lost > 0 && count.used > 0, "not every moment was hit: {count:?}");
    world.verdict()
}

/// Where the provider takes the token before once more, nobody has to sign in again at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_patience_costs_no_sign_in() -> Result<()> {
    let mut world = Provided::open(Profile::lenient(), Setup { time: Time::Simulated, ..setup() }).await?;
    world.sign_in().await?;
    for moment in [Moment::Asked, Moment::Used, Moment::Asked] {
        die(&mut world, moment).await?;
        world.office.launch().await?;
        let answer = world.post("after").await?;
        ensure!(answer.status == 200, "{moment:?}: {answer:?}\n{}", world.office.log());
    }
    ensure!(world.provider.verdict().refreshes == 5, "{:?}", world.provider.verdict());
    world.verdict()
}
