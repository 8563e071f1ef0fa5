//! What a durability test came to, for people and for programs.

use serde::Serialize;

use super::disk::Disk;
use crate::cli::output::{self, Style};

/// How long things took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Percentiles {
    /// Of times in microseconds, in any order.
    pub(super) fn of(mut took: Vec<u32>) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            let us = took.get(took.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
            f64::from(us) / 1000.0
        };
        Self { p50: at(50), p99: at(99) }
    }
}

/// The whole result.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// Nothing was lost, doubled, changed or invented.
    pub(super) ok: bool,
    /// How often the accepting process was killed.
    pub(super) kills: u32,
    /// Events that were acknowledged as durable.
    pub(super) acknowledged: u64,
    /// Processes that accepted at the same time, each waiting for one acknowledgement before it goes on.
    pub(super) producers: usize,
    /// Acknowledged per second while it accepted.
    pub(super) per_second: f64,
    /// From handing over to acknowledgement.
    pub(super) accept_ms: Percentiles,
    /// The longest time that it took to open the journal after a kill.
    pub(super) recovery_ms: f64,
    pub(super) disk: Disk,
    pub(super) warnings: Vec<String>,
    /// What was wrong.
    pub(super) faults: Vec<String>,
    /// The folder that was kept because something was wrong.
    pub(super) evidence: Option<String>,
}

const MEANING: &str = "\
What a kill shows: nothing is acknowledged before the operating system has it,
and what is found afterwards is whole. What it does not show: the operating
system lived on. After a power cut the disk must still have what it confirmed.
For that, look at the drive (a cache with a battery or capacitors, or one that
honours flushes), the RAID controller (write-back only with a battery), and in
a virtual machine the disk's cache mode (never `unsafe`).";

impl Verdict {
    pub(super) fn print(&self) -> miette::Result<()> {
        let Self { disk, .. } = self;
        let fact = |name: &str, text: String| output::line(&format!("{name:<16} {}", output::printable(&text)));
        let kind = disk.mount.as_ref().map_or_else(
            || "unknown file system".to_owned(),
            |mount| format!("{} on {} at {}", mount.kind, mount.source, mount.at.display()),
        );
        let cache = disk.cache.as_ref().map(|cache| format!(", drive cache: {cache}")).unwrap_or_default();
        fact("disk", format!("{kind}{cache}"))?;
        fact("one fdatasync", times(&disk.sync_ms))?;
        fact("durable accepts", format!("{:.0} per second by {} producers", self.per_second, self.producers))?;
        fact("  each took", times(&self.accept_ms))?;
        fact("kills", format!("{} (SIGKILL), {} events acknowledged", self.kills, self.acknowledged))?;
        fact("recovery", format!("at most {:.0} ms to open the journal after a kill", self.recovery_ms))?;
        output::line("")?;
        for warning in &self.warnings {
            output::line(&format!("{}  {}", output::style("warning", Style::Bold), output::printable(warning)))?;
        }
        if self.ok {
            let text =
                "every acknowledged event and its job was there once, in order, and nothing else, after every kill";
            output::line(&format!("{}  {text}", output::style("ok     ", Style::Good)))?;
        }
        for fault in &self.faults {
            output::line(&format!("{}  {}", output::style("FAILED ", Style::Bad), output::printable(fault)))?;
        }
        if let Some(evidence) = &self.evidence {
            output::line(&format!("         the journal and this verdict are kept in {evidence}"))?;
        }
        output::line("")?;
        output::line(MEANING)
    }
}

fn times(ms: &Percentiles) -> String {
    format!("{:.2} ms (p50), {:.2} ms (p99)", ms.p50, ms.p99)
}
