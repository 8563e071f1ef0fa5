//! What a slow or dead CRM costs another: two plugins with a portal each hear of the same calls. The waits of the first
//! are measured while the second portal is prompt (twice, which shows the noise), slow, silent, or closing.
//!
//! Each manner has a program of its own, and the calls go round among them, so that what the machine does meanwhile hits
//! all alike.
//!
//! `cargo bench -p system-tests --bench isolation`

mod bare;

use std::time::{Duration, Instant};

use anyhow::Result;
use bare::{
    Site,
    pbx::{caller, hang_up, ring},
    percentile,
    portal::{Manner, Portal},
};
use tokio::io::AsyncWriteExt;

/// Calls per manner.
const CALLS: usize = 2000;
/// The p99 is taken of every so many calls, and of these the median: a minute in which the machine was busy with
/// something else weighs no more than any other.
const BLOCK: usize = 100;
/// Calls before the first that counts.
const WARM: usize = 20;

/// One program with a prompt portal, which is measured, and one of another manner.
struct Pair {
    name: &'static str,
    portal: Portal,
    _other: Portal,
    site: Site,
    ringing: Vec<Duration>,
    writing: Vec<Duration>,
}

impl Pair {
    async fn start(name: &'static str, manner: Manner) -> Result<Self> {
        let (portal, other) = tokio::try_join!(Portal::start(Manner::Prompt), Portal::start(manner))?;
        let site = Site::start(&[&portal, &other]).await?;
        Ok(Self { name, portal, _other: other, site, ringing: Vec::new(), writing: Vec::new() })
    }

    /// One call: from the ring to the first request, and from the end to the request that writes it down.
    async fn call(&mut self, number: usize) -> Result<()> {
        let rung = self.tell(number, ring).await?;
        let asked = self.portal.arrival("", caller(number)).await?;
        self.portal.arrival("show", caller(number)).await?;
        let ended = self.tell(number, hang_up).await?;
        let written = self.portal.arrival("finish", caller(number)).await?;
        if number >= WARM {
            self.ringing.push(asked.saturating_duration_since(rung));
            self.writing.push(written.saturating_duration_since(ended));
        }
        Ok(())
    }

    async fn tell(&mut self, number: usize, event: fn(usize, &mut String)) -> Result<Instant> {
        let mut text = String::new();
        event(number, &mut text);
        let now = Instant::now();
        self.site.wire.write_all(text.as_bytes()).await?;
        Ok(now)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (mut healthy, mut control, mut slow, mut silent, mut closing) = tokio::try_join!(
        Pair::start("prompt", Manner::Prompt),
        Pair::start("prompt again", Manner::Prompt),
        Pair::start("slow, 2 s", Manner::Slow(Duration::from_secs(2))),
        Pair::start("silent", Manner::Silent),
        Pair::start("closing", Manner::Closing),
    )?;
    for number in 0..WARM + CALLS {
        for pair in [&mut healthy, &mut control, &mut slow, &mut silent, &mut closing] {
            pair.call(number).await?;
        }
    }
    println!("waits at a prompt portal while another plugin's portal is …, {CALLS} calls each, ms:");
    println!("                 ring → first request             end → written");
    println!("                   p50     p99  change of p99       p50     p99  change of p99");
    let mean = |waits: fn(&Pair) -> &[Duration]| (p99(waits(&healthy)) + p99(waits(&control))) / 2.0;
    let (ring, write) = (mean(|pair| &pair.ringing), mean(|pair| &pair.writing));
    for mut pair in [healthy, control, slow, silent, closing] {
        let (ring_99, write_99) = (p99(&pair.ringing), p99(&pair.writing));
        let [ring_50, write_50] = [&mut pair.ringing, &mut pair.writing].map(|waits| percentile(waits, 0.5));
        let change = |now: f64, base: f64| (now / base - 1.0) * 100.0;
        println!(
            "  {:<14} {ring_50:>6.2}  {ring_99:>6.2}  {:>+12.1} %  {write_50:>6.2}  {write_99:>6.2}  {:>+12.1} %",
            pair.name,
            change(ring_99, ring),
            change(write_99, write),
        );
    }
    Ok(())
}

fn p99(waits: &[Duration]) -> f64 {
    let mut blocks: Vec<f64> = waits.chunks(BLOCK).map(|block| percentile(&mut block.to_vec(), 0.99)).collect();
    blocks.sort_by(f64::total_cmp);
    blocks[blocks.len() / 2]
}
