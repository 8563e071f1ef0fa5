//! What the user sees while something takes its time: a spinner on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) struct Progress {
    terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    pub(crate) fn terminal(&self) -> bool {
        self.terminal
    }

    /// The headline of a step whose own output follows.
    pub(crate) fn step(&self, title: &str) {
        if self.terminal {
            eprintln!("\x1b[1;36m==>\x1b[0m \x1b[1m{title}\x1b[0m");
        } else {
            eprintln!("==> {title}");
        }
    }

    /// A remark about a step.
    pub(crate) fn note(&self, text: &str) {
        eprintln!("    {text}");
    }

    /// Does something quiet, showing that it goes on and how long it took.
    pub(crate) fn while_doing<T>(&self, title: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let started = Instant::now();
        let spinner = self.terminal.then(|| {
            let spinner = ProgressBar::new_spinner().with_message(title.to_owned());
            if let Ok(style) = ProgressStyle::with_template("    {spinner} {msg} ({elapsed})") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        let result = work();
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let end = if result.is_ok() { "done" } else { "FAILED" };
        self.note(&format!("{title}: {end} ({})", took(started.elapsed())));
        result
    }
}

/// A time as people say it.
pub(crate) fn took(time: Duration) -> String {
    match time.as_secs() {
        0..=9 => format!("{:.1} s", time.as_secs_f64()),
        10..=119 => format!("{} s", time.as_secs()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
