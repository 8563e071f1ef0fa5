//! The loop: start a process that accepts, kill it at a random moment, look at what it left behind.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use hookswitch_journal::Journal;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{sleep_until, timeout},
};

use super::{
    accept::Acknowledged,
    verify::{self, Found},
};

/// A process is killed this many milliseconds after its first acknowledgement …
const LIFE: std::ops::Range<u64> = 5..1500;
/// … and every so manieth one this many after its start: while it repairs what the one before it left, or a little later.
const EARLY: (u32, std::ops::Range<u64>) = (4, 1..60);
/// A process that acknowledges nothing for this long has failed.
const SILENCE: Duration = Duration::from_secs(30);
/// A journal that has grown to this size is replaced by a fresh one, so that the test needs little room.
const LARGEST: u64 = 64 << 20;
/// Most times that are kept; of more, a random choice.
const TIMES: usize = 1 << 18;

/// Everything that was measured and found so far.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    folder: PathBuf,
    /// How many journals there were before this one.
    generation: u32,
    /// How many events of each producer the present journal must hold.
    held: Vec<u64>,
    pub(super) kills: u32,
    pub(super) acknowledged: u64,
    pub(super) accepting: Duration,
    pub(super) recovery: Duration,
    pub(super) took_us: Vec<u32>,
    /// What was wrong; a test that has found something ends.
    pub(super) faults: Vec<String>,
}

impl Rounds {
    /// A test in `folder`, which is empty, with this many producers.
    pub(super) fn new(folder: &Path, producers: usize) -> Self {
        Self { folder: folder.to_owned(), held: vec![0; producers], ..Self::default() }
    }

    fn journal(&self) -> PathBuf {
        self.folder.join(format!("journal-{}", self.generation))
    }

    /// One life and death of a process, and a look at the journal. Faults are noted; an error means that the test
    /// itself could not go on.
    pub(super) async fn round(&mut self) -> miette::Result<()> {
        let mut child = self.start()?;
        let lines = child.stdout.take().ok_or_else(|| miette::miette!("the output of the process is not there"))?;
        let errors = child.stderr.take().ok_or_else(|| miette::miette!("the errors of the process are not there"))?;
        let mut acknowledged = self.held.clone();
        let heard = self.listen(&mut child, lines, &mut acknowledged).await;
        // Whatever happened, it does not live on.
        let _ = child.start_kill();
        let status = child.wait().await.map_err(|error| miette::miette!("cannot wait for the process: {error}"))?;
        heard?;
        if !was_killed(status) {
            let mut text = String::new();
            let _ = errors.take(4096).read_to_string(&mut text).await;
            return Err(miette::miette!("the accepting process ended by itself ({status}): {}", text.trim()));
        }
        self.kills += 1;
        self.look(&acknowledged).await
    }

    fn start(&self) -> miette::Result<Child> {
        let program = std::env::current_exe().map_err(|error| miette::miette!("cannot find this program: {error}"))?;
        let held: Vec<_> = self.held.iter().map(u64::to_string).collect();
        let mut command = Command::new(program);
        command.args(["selftest", "accept", "--held", &held.join(","), "--folder"]).arg(self.journal());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().map_err(|error| miette::miette!("cannot start the accepting process: {error}"))
    }

    /// Takes acknowledgements down, and kills the process when its time has come. Those that it gave before count all.
    async fn listen(&mut self, child: &mut Child, lines: ChildStdout, acknowledged: &mut [u64]) -> miette::Result<()> {
        let mut lines = BufReader::new(lines).lines();
        let in_ms = |range: &std::ops::Range<u64>| {
            tokio::time::Instant::now() + Duration::from_millis(fastrand::u64(range.clone()))
        };
        let (every, early) = &EARLY;
        let mut end = (self.kills % every == every - 1).then(|| in_ms(early));
        let (mut killed, mut began, mut last) = (false, None, Instant::now());
        loop {
            let line = tokio::select! {
                line = timeout(SILENCE, lines.next_line()) => line,
                () = sleep_until(end.unwrap_or_else(tokio::time::Instant::now)), if end.is_some() && !killed => {
                    child.start_kill().map_err(|error| miette::miette!("cannot kill the process: {error}"))?;
                    killed = true;
                    continue;
                }
            };
            let Ok(line) = line else {
                return Err(miette::miette!("the accepting process acknowledged nothing for {} s", SILENCE.as_secs()));
            };
            let Some(line) = line.map_err(|error| miette::miette!("cannot hear the process: {error}"))? else { break };
            end.get_or_insert_with(|| in_ms(&LIFE));
            last = Instant::now();
            began.get_or_insert(last);
            self.note(&line, acknowledged)?;
        }
        self.accepting += began.map_or(Duration::ZERO, |began| last - began);
        Ok(())
    }

    /// Takes one acknowledgement down.
    fn note(&mut self, line: &str, acknowledged: &mut [u64]) -> miette::Result<()> {
        let foreign = || miette::miette!("the accepting process said {line:?}");
        let said = Acknowledged::read(line).ok_or_else(foreign)?;
        let known = acknowledged.get_mut(said.step.producer).ok_or_else(foreign)?;
        if said.step.number != *known + 1 {
            self.faults.push(format!(
                "out of order: producer {} went from event {known} to {}",
                said.step.producer, said.step.number
            ));
        }
        *known = said.step.number;
        self.acknowledged += 1;
        self.keep_time(said.took_us);
        Ok(())
    }

    fn keep_time(&mut self, took_us: u32) {
        if self.took_us.len() < TIMES {
            self.took_us.push(took_us);
        } else if let Ok(index) = usize::try_from(fastrand::u64(..self.acknowledged))
            && let Some(place) = self.took_us.get_mut(index)
        {
            *place = took_us;
        }
    }

    /// Opens the journal as the service does, and holds it against what was acknowledged.
    async fn look(&mut self, acknowledged: &[u64]) -> miette::Result<()> {
        let began = Instant::now();
        let journal = match Journal::open(&self.journal()) {
            Ok(journal) => journal,
            Err(error) => {
                self.faults.push(format!("the journal cannot be opened after a kill: {error}"));
                return Ok(());
            }
        };
        self.recovery = self.recovery.max(began.elapsed());
        let must = acknowledged.to_owned();
        match journal.read(move |view| verify::verify(view, &must)).await {
            Ok(Found { held, faults }) => {
                self.held = held;
                self.faults.extend(faults);
            }
            Err(error) => self.faults.push(format!("the journal cannot be read after a kill: {error}")),
        }
        journal.close().await;
        if self.faults.is_empty() && size(&self.journal()) > LARGEST {
            std::fs::remove_dir_all(self.journal())
                .map_err(|error| miette::miette!("cannot remove a journal: {error}"))?;
            self.generation += 1;
            self.held.fill(0);
        }
        Ok(())
    }
}

fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(9)
}

/// Bytes in a folder.
fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}
