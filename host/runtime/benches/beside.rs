//! What hostile plugins cost a well-behaved one in the same process: how long its calls take, alone and beside a plugin
//! that spins and one that eats memory, in turns.
//!
//! `cargo bench -p hookswitch-runtime --bench beside`
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

#[path = "../tests/guest/mod.rs"]
mod guest;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use guest::{Guest, World, engine_for, load};
use hookswitch_runtime::{Component, Engine, Limits};
use tokio::{task::JoinHandle, time::sleep};

/// Each manner is measured so often, for so long.
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_secs(1);
/// Calls of the well-behaved plugin come at this distance: as often as phones ring in a large office.
const PAUSE: Duration = Duration::from_millis(2);

/// What it is called, the hostile components beside, and how long each call took.
type Manner<'a> = (&'a str, Vec<&'a Arc<Component>>, Vec<Duration>);

#[tokio::main]
async fn main() {
    let engine = engine_for(64);
    let good = load(&engine, &Guest { pages: 16, ..Guest::default() }).await;
    let spinning = Arc::new(load(&engine, &Guest::preparing("(loop (br 0))")).await);
    let eating = Arc::new(load(&engine, &bomb()).await);
    let mut manners: [Manner<'_>; 5] = [
        ("alone", vec![], Vec::new()),
        ("alone again", vec![], Vec::new()),
        ("beside one that spins", vec![&spinning], Vec::new()),
        ("beside one that eats", vec![&eating], Vec::new()),
        ("beside two of each", vec![&spinning, &spinning, &eating, &eating], Vec::new()),
    ];
    for _ in 0..ROUNDS {
        for (_, hostile, took) in &mut manners {
            let hostile: Vec<_> = hostile.iter().map(|component| again_and_again((*component).clone())).collect();
            sleep(Duration::from_millis(50)).await;
            let began = Instant::now();
            while began.elapsed() < ROUND {
                sleep(PAUSE).await;
                let call = Instant::now();
                good.check(World::default().job()).await.result.expect("it works");
                took.push(call.elapsed());
            }
            hostile.iter().for_each(JoinHandle::abort);
        }
    }
    let base = quantile(&mut manners[0].2, 0.99);
    println!("calls of a well-behaved plugin, µs:        p50      p99     most   p99 to that alone");
    for (name, _, took) in &mut manners {
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|of| quantile(took, of));
        println!("  {name:<32} {p50:>8.0} {p99:>8.0} {most:>8.0}   {:>6.2} ({} calls)", p99 / base, took.len());
    }
    drop::<Engine>(engine);
}

/// Grows to its limit, writing to every page, and crashes then.
fn bomb() -> Guest {
    let prepare = "(local $at i32) (loop
        (local.set $at (i32.mul (memory.size) (i32.const 65536)))
        (if (i32.lt_s (memory.grow (i32.const 16)) (i32.const 0)) (then unreachable))
        (memory.fill (local.get $at) (i32.const 1) (i32.const 1048576)) (br 0)) unreachable";
    Guest { prepare: prepare.into(), ..Guest::default() }
}

fn again_and_again(component: Arc<Component>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let limits = Limits { guest_cpu: Some(Duration::from_secs(5)), ..Limits::default() };
            component.prepare(World::default().job_within(limits)).await.result.expect_err("it does not end well");
        }
    })
}

/// In microseconds.
fn quantile(took: &mut [Duration], of: f64) -> f64 {
    took.sort();
    took[((took.len() - 1) as f64 * of) as usize].as_secs_f64() * 1e6
}
