//! The memory of another process, and which of it belongs to guests.

use std::{fs::File, os::unix::fs::FileExt};

use anyhow::Result;

/// The engine keeps 256 MiB of address space for each linear memory, of which most is out of bounds; nothing else of the
/// program has so much behind it.
const OUT_OF_BOUNDS: u64 = 128 << 20;
/// In front of a linear memory lies the guard of the pool, or what is out of bounds of the memory before.
const IN_FRONT: u64 = 16 << 20;

/// One line of `/proc/PID/maps`.
struct Region {
    start: u64,
    end: u64,
    access: String,
    what: String,
}

impl Region {
    fn of(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        Some(Self {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            access: words.next()?.to_owned(),
            what: words.nth(3).unwrap_or_default().to_owned(),
        })
    }

    fn size(&self) -> u64 {
        self.end - self.start
    }

    fn is_writable(&self) -> bool {
        self.access.starts_with("rw")
    }

    fn is_closed(&self) -> bool {
        self.access.starts_with("---")
    }
}

/// What a process can write to.
#[derive(Default)]
pub struct Memory {
    /// The linear memories of all guests, each as far as it has grown.
    pub guests: Vec<Vec<u8>>,
    /// All else.
    pub rest: Vec<Vec<u8>>,
}

/// Reads the linear memories of a process, and all else of it too if `whole`.
pub fn read(process: u32, whole: bool) -> Result<Memory> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    let regions: Vec<Region> = maps.lines().filter_map(Region::of).collect();
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut found = Memory::default();
    for run in runs(&regions) {
        let of_guest = is_linear_memory(&regions, run.clone());
        if !of_guest && !whole {
            continue;
        }
        let place = if of_guest { &mut found.guests } else { &mut found.rest };
        let regions = &regions[run];
        let mut bytes = Vec::new();
        for region in regions.iter().filter(|region| !region.what.starts_with("[v")) {
            let at = bytes.len();
            bytes.resize(at + usize::try_from(region.size())?, 0);
            // What has gone since the list was made holds nothing more.
            let _ = memory.read_exact_at(&mut bytes[at..], region.start);
        }
        place.push(bytes);
    }
    Ok(found)
}

/// Neighbouring regions that can be written to.
fn runs(regions: &[Region]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, region) in regions.iter().enumerate().filter(|(_, region)| region.is_writable()) {
        match runs.last_mut() {
            Some(run) if run.end == at && regions[at - 1].end == region.start => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Whether there is enough closed address space on both sides.
fn is_linear_memory(regions: &[Region], run: std::ops::Range<usize>) -> bool {
    let closed = |at: Option<usize>| at.and_then(|at| regions.get(at)).filter(|region| region.is_closed());
    let before = closed(run.start.checked_sub(1)).filter(|region| region.end == regions[run.start].start);
    let behind = closed(Some(run.end)).filter(|region| region.start == regions[run.end - 1].end);
    before.is_some_and(|region| region.size() >= IN_FRONT)
        && behind.is_some_and(|region| region.size() >= OUT_OF_BOUNDS)
}
