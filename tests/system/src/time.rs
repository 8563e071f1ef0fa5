//! The time that the program lives in. The real program, and so the real waiting of its runtime, runs under the
//! `faketime` library, which stands between a process and the clocks of the system.
//!
//! Not governed: waits of plain threads (`park_timeout` and what is built on it) sleep in the kernel until a moment that
//! was computed from the simulated clock, and so too long. In the program only the journal's writer waits like that, when
//! it puts off a sync that nobody waits for.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// The time that a program lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The same as everybody.
    Real,
    /// A time of its own: [`World::pace`](crate::World::pace), [`World::pass`](crate::World::pass).
    Simulated,
    /// Real time by a wall clock that a test can set: [`Clock::set_ahead`]. Waits are as long as in reality.
    OwnWallClock,
}

/// The clock of the program.
pub struct Clock {
    time: Time,
    library: String,
    /// Holds the file that the process reads. No other folder will do: a program that watches its own files would see
    /// itself look at the clock.
    folder: TempDir,
    /// A little before the present process began; the library counts from its begin.
    began: Instant,
    /// The simulated time is that of the begin, and `ahead` seconds, and `pace` for every second since.
    ahead: f64,
    pace: f64,
}

/// A process needs this long at most from [`Clock::begin`] until the library counts. Erring lets the clock jump ahead by
/// so many times the pace; it must never go back.
const START: Duration = Duration::from_millis(100);
const FILE: &str = "clock";

impl Clock {
    /// The clock for one program; none for real time.
    pub(crate) fn new(time: Time) -> Result<Option<Self>> {
        if time == Time::Real {
            return Ok(None);
        }
        sweep();
        let asked = Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output();
        let asked = asked.context("simulated time needs the program `faketime`: install the package faketime")?;
        ensure!(asked.status.success(), "faketime: {}", String::from_utf8_lossy(&asked.stderr));
        let library = String::from_utf8(asked.stdout)?.trim().to_owned();
        let folder = tempfile::tempdir()?;
        Ok(Some(Self { time, library, folder, began: Instant::now(), ahead: 0.0, pace: 1.0 }))
    }

    /// A process is about to begin: at the usual pace, but not earlier than the one before it ended.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.ahead += (self.pace - 1.0) * self.began.elapsed().as_secs_f64();
        self.pace = 1.0;
        self.began = Instant::now();
        self.write()
    }

    /// What the process must find in its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.folder.path().join(FILE).display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
        ];
        if self.time == Time::OwnWallClock {
            variables.push(("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()));
        }
        variables
    }

    /// From now on lets so many seconds pass in each. The caller wakes the process up, so that it sleeps at the new pace.
    pub(crate) fn pace(&mut self, pace: f64) -> Result<()> {
        ensure!(self.time == Time::Simulated, "the setup asks for no simulated time");
        let elapsed = self.began.elapsed();
        let elapsed = if pace > self.pace { elapsed.saturating_sub(START) } else { elapsed };
        self.ahead += (self.pace - pace) * elapsed.as_secs_f64();
        self.pace = pace;
        self.write()
    }

    /// Lets `time` pass at once. The caller wakes the process up, so that it notices.
    pub(crate) fn skip(&mut self, time: Duration) -> Result<()> {
        ensure!(self.time == Time::Simulated, "the setup asks for no simulated time");
        self.ahead += time.as_secs_f64();
        self.write()
    }

    /// Sets the wall clock to so many seconds ahead of the real one; negative is behind.
    pub fn set_ahead(&mut self, seconds: i32) -> Result<()> {
        ensure!(self.time == Time::OwnWallClock, "the setup asks for no wall clock of its own");
        self.ahead = f64::from(seconds);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let text = match self.time {
            Time::OwnWallClock => format!("{:+.3}\n", self.ahead),
            Time::Simulated | Time::Real => format!("{:+.3} x{}\n", self.ahead, self.pace),
        };
        // The process reads the file at any moment.
        let next = self.folder.path().join("next");
        std::fs::write(&next, text)?;
        Ok(std::fs::rename(next, self.folder.path().join(FILE))?)
    }
}

/// Removes what the library leaves behind in memory when its process is killed. It is named after the process, and no later
/// process that gets the same number can begin.
fn sweep() {
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let process = ["faketime_shm_", "sem.faketime_sem_"].into_iter().find_map(|kind| name.strip_prefix(kind));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Another test may have been quicker.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
