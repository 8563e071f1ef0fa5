//! The program is killed again and again at random moments while phone systems go on with their calls and the portal
//! fails now and then. In the end every call that it could have learned of is in the portal: once, finished once, with one
//! lead per caller.
//!
//! `HOOKSWITCH_KILL_ROUNDS` sets the number of rounds, `HOOKSWITCH_KILL_SEED` repeats a run: the moments and the calls
//! are the same then, what the machine makes of them is not.

mod asterisk;
mod clicks;
mod phones;
mod tickets;

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::{Result, bail, ensure};
use fake_bitrix24::{Effect, Fault};
use fastrand::Rng;
use serde_json::Value;
use system_tests::{
    World,
    verdict::{self, Count, list},
};

/// The program lives this much longer at most than a start takes, in milliseconds.
const LIFE: u64 = 700;
/// It stays dead this long at most, in milliseconds.
const DEATH: u64 = 700;
/// Sometimes it dies before its start is over, within so many milliseconds.
const STUMBLE: u64 = 250;

/// What goes wrong at the portal, besides.
const TROUBLE: [Effect; 6] = [
    Effect::QueryLimit,
    Effect::ServerError,
    Effect::Close,
    Effect::CloseAfter,
    Effect::HalfAnswer,
    // Not one that is carried out late: what a dead program has sent and a portal does after its successor has finished the
    // call, nobody can take back.
    Effect::LateAnswer(200),
];

/// How often a test kills, and its dice.
struct Plan {
    rounds: usize,
    seed: u64,
    random: Rng,
}

impl Plan {
    fn of(rounds: usize) -> Result<Self> {
        let rounds = setting("HOOKSWITCH_KILL_ROUNDS")?.unwrap_or(rounds);
        let seed = setting("HOOKSWITCH_KILL_SEED")?.unwrap_or_else(|| fastrand::u64(..));
        println!("HOOKSWITCH_KILL_SEED={seed}");
        Ok(Self { rounds, seed, random: Rng::with_seed(seed) })
    }

    /// The portal is troubled, the program lives for a while, and is dead for a while; how often it was killed.
    async fn kill(&mut self, world: &mut World) -> Result<usize> {
        let random = &mut self.random;
        let (life, trouble) = (random.u64(..LIFE), &TROUBLE[random.usize(..TROUBLE.len())]);
        world.portal.inject(Fault::on("*", trouble.clone()).after(random.u32(..5)).times(random.u32(1..4)));
        tokio::time::sleep(Duration::from_millis(life)).await;
        world.kill().await?;
        tokio::time::sleep(Duration::from_millis(random.u64(..DEATH))).await;
        if random.u32(..3) > 0 {
            return Ok(1);
        }
        world.stumble(Duration::from_millis(random.u64(..STUMBLE))).await?;
        Ok(2)
    }

    /// Tells how it went. A long run fills a book; the test's output is for its title.
    fn close(&self, account: impl FnOnce() -> String, told: Result<String>) -> Result<()> {
        match told {
            Ok(report) => println!("{} rounds, {report}", self.rounds),
            Err(error) => {
                let book = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-loop-{}.txt", self.seed));
                std::fs::write(&book, format!("{error:#}\n{}", account()))?;
                let error: String = format!("{error:#}").chars().take(1000).collect();
                bail!("seed {}: {error}\n\nall of it is in {}", self.seed, book.display());
            }
        }
        Ok(())
    }
}

fn setting<T: std::str::FromStr>(name: &str) -> Result<Option<T>> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| anyhow::anyhow!("{name}={text} is no number"))
}

/// The calls of the journal, as the portal would name them.
fn names(calls: &[Value]) -> BTreeSet<String> {
    calls.iter().map(|call| format!("{}/{}", text(&call["pbx"]), text(&call["call"]))).collect()
}

/// Holds the portal against the journal and against what the phone systems had.
fn judge(state: &Value, calls: &[Value], certain: &BTreeSet<String>) -> Result<Count> {
    let count = verdict::faultless(state)?;
    let at_portal: BTreeSet<String> = list(state, "calls").map(|call| text(&call["external_call_id"])).collect();
    let accepted = names(calls);
    let lost: Vec<_> = accepted.union(certain).filter(|call| !at_portal.contains(*call)).collect();
    ensure!(lost.is_empty(), "not in the portal: {lost:?}");
    let invented: Vec<_> = at_portal.difference(&accepted).collect();
    ensure!(invented.is_empty(), "in the portal, but not in the journal: {invented:?}");
    let inbound = calls.iter().filter(|call| call["direction"] == "inbound");
    let callers: BTreeSet<String> = inbound.map(|call| text(&call["number"])).collect();
    let leads: BTreeSet<String> = list(state, "leads").map(|lead| text(&lead["PHONE"][0]["VALUE"])).collect();
    ensure!(callers == leads, "callers and leads differ: {:?}", callers.symmetric_difference(&leads));
    Ok(count)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
