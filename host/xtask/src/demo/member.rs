//! One of the programs on the stage, and the terminal that they share.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::command::ask;

/// How long a program that was asked to end may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lines of its log that are shown for a program that died.
const LAST_WORDS: usize = 20;

pub(crate) struct Member {
    name: &'static str,
    child: Child,
    status: Option<ExitStatus>,
    log: Option<PathBuf>,
}

impl Member {
    /// Starts a program. With a log it runs in a process group of its own, so that Ctrl-C reaches it through us and not
    /// twice; without one it has the terminal.
    pub(crate) fn start(name: &'static str, mut command: Command, log: Option<&Path>) -> Result<Self> {
        if let Some(log) = log {
            let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name} ({program})"))?;
        Ok(Self { name, child, status: None, log: log.map(Path::to_owned) })
    }

    pub(crate) fn name(&self) -> &str {
        self.name
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Asks the program to end, and makes it end if it does not.
    pub(crate) async fn end(&mut self) {
        let asked = Instant::now();
        self.signal(Signal::TERM);
        while !self.has_ended() {
            if asked.elapsed() > PATIENCE {
                self.signal(Signal::KILL);
                // Nothing survives that signal, so this does not wait long; the child must not stay a zombie.
                let _ = self.child.wait();
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What became of a program that has ended, and the last it said.
    pub(crate) fn report(&self) -> String {
        let how = self.status.map(|status| status.to_string()).unwrap_or_default();
        let said = self.log.as_deref().map(last_lines).unwrap_or_default();
        let place = self.log.as_ref().map(|log| format!("; its whole log is in {}", log.display())).unwrap_or_default();
        format!("{} has ended ({how}){place}\n{said}", self.name)
    }

    fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status.is_some()
    }

    fn signal(&mut self, signal: Signal) {
        // Once its end was noticed, its number may belong to somebody else.
        if self.has_ended() {
            return;
        }
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        // The only way to fail is that it has just ended.
        let _ = if self.log.is_some() { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
    }
}

/// The first of the programs that has ended by itself.
pub(crate) fn ended(members: &mut [Member]) -> Option<&Member> {
    let at = members.iter_mut().position(Member::has_ended)?;
    members.get(at)
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LAST_WORDS)..).unwrap_or_default();
    last.iter().map(|line| format!("  | {line}\n")).collect()
}

/// The state of the terminal before anybody painted on it.
pub(crate) struct Terminal {
    settings: Option<String>,
}

impl Terminal {
    pub(crate) fn remember() -> Self {
        use std::io::IsTerminal as _;
        let known = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        // `ask` gives no standard input, which is where stty looks for the terminal: it has to be named.
        Self { settings: known.then(|| ask(Command::new("stty").args(["-F", "/dev/tty", "-g"]))).flatten() }
    }

    /// Undoes what a program that was killed could not undo: raw input, the second screen, a hidden cursor, colours.
    pub(crate) fn restore(&self) {
        if let Some(settings) = &self.settings {
            print!("\x1b[?1049l\x1b[?25h\x1b[0m");
            // A terminal that cannot be set back is one that is gone.
            let _ = Command::new("stty").args(["-F", "/dev/tty", settings]).status();
        }
    }
}
