//! The process that reads a recording.

mod limits;
mod watch;

use std::{
    io::{self, BufRead, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use crate::{
    answer::{Answer, Findings},
    order::Order,
    work::work,
};

/// The whole work of the process that reads one recording: takes its order from the standard input, limits itself, and
/// answers on the standard output. The program calls it before anything else when it was started for that (see
/// [`process`](crate::process)), and then ends.
///
/// The standard input stays open as long as the parent wants an answer: when it closes, the process ends, and its
/// encoder with it.
pub fn child() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer() -> io::Result<()> {
    let mut line = Vec::new();
    io::stdin().lock().take(Order::MOST_BYTES).read_until(b'\n', &mut line)?;
    let order: Order = serde_json::from_slice(&line)?;
    limits::set(&order)?;
    watch::begin()?;
    // A decoder that panics costs the recording its facts, and says so in our words: its own are about its own lines.
    let work = AssertUnwindSafe(|| work(&order.input, &order.output, &order.wanted));
    let answer = catch_unwind(work)
        .unwrap_or_else(|_| Answer::Found(Findings::damaged("the decoder broke on the recording".to_owned())));
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}
