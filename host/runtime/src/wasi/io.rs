//! `wasi:io`: input that has ended, output that becomes lines of the log, and polls that never wait.

use std::{collections::VecDeque, mem};

use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};

use super::{Handle, clocks, function, inert, open, resource};
use crate::{
    contract::logging::Level,
    state::{State, Stop},
    text::clean,
};

/// The numbers behind the handles of the two output streams. Every other stream swallows what it gets.
pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;

/// What a stream says it can take at once, in bytes. Writing more is a fault of the guest (`wasi:io/streams`, `write`).
const WRITABLE: usize = 64 << 10;

/// A line of the log is made at the latest after so many bytes.
const LINE_BYTES: usize = 4 << 10;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<Handle>),
    #[component(name = "closed")]
    Closed,
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut error = open(linker, "wasi:io/error")?;
    resource(&mut error, "error")?;
    inert::function(&mut error, "[method]error.to-debug-string")?;

    let mut poll = open(linker, "wasi:io/poll")?;
    resource(&mut poll, "pollable")?;
    function(&mut poll, "[method]pollable.ready", |state, (it,): (Resource<Handle>,)| {
        Ok((clocks::is_ready(state, it.rep()),))
    })?;
    function(&mut poll, "[method]pollable.block", |state, (it,): (Resource<Handle>,)| {
        clocks::sleep_for_first(state, &[it.rep()]);
        Ok(())
    })?;
    function(&mut poll, "poll", |state, (them,): (Vec<Resource<Handle>>,)| {
        let timers: Vec<u32> = them.iter().map(Resource::rep).collect();
        clocks::sleep_for_first(state, &timers);
        Ok((clocks::which_are_ready(state, &timers),))
    })?;

    let mut streams = open(linker, "wasi:io/streams")?;
    resource(&mut streams, "input-stream")?;
    resource(&mut streams, "output-stream")?;
    for read in ["read", "blocking-read"] {
        function(&mut streams, &format!("[method]input-stream.{read}"), |_, _: (Resource<Handle>, u64)| {
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    for skip in ["skip", "blocking-skip"] {
        function(&mut streams, &format!("[method]input-stream.{skip}"), |_, _: (Resource<Handle>, u64)| {
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    function(&mut streams, "[method]output-stream.check-write", |_, _: (Resource<Handle>,)| {
        Ok((Ok::<_, StreamError>(WRITABLE as u64),))
    })?;
    for write in ["write", "blocking-write-and-flush"] {
        function(
            &mut streams,
            &format!("[method]output-stream.{write}"),
            |state, (it, bytes): (Resource<Handle>, Vec<u8>)| {
                write_output(state, it.rep(), &bytes)?;
                Ok((Ok::<(), StreamError>(()),))
            },
        )?;
    }
    for flush in ["flush", "blocking-flush"] {
        function(&mut streams, &format!("[method]output-stream.{flush}"), |_, _: (Resource<Handle>,)| {
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for zeroes in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        function(&mut streams, &format!("[method]output-stream.{zeroes}"), |_, _: (Resource<Handle>, u64)| {
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for splice in ["splice", "blocking-splice"] {
        function(
            &mut streams,
            &format!("[method]output-stream.{splice}"),
            |_, _: (Resource<Handle>, Resource<Handle>, u64)| Ok((Err::<u64, _>(StreamError::Closed),)),
        )?;
    }
    // A handle that is no timer is always ready.
    inert::function(&mut streams, "[method]input-stream.subscribe")?;
    inert::function(&mut streams, "[method]output-stream.subscribe")
}

/// How much of what the guest has written to its standard error is kept, for the reason of a crash.
const LAST_WORDS_BYTES: usize = 2 << 10;

/// What the guest has written since its last line end, and the last lines of its standard error.
#[derive(Default)]
pub(super) struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_words: VecDeque<String>,
    /// Bytes of the last words.
    remembered: usize,
}

impl Output {
    fn remember(&mut self, line: &str) {
        let line = clean(line, LAST_WORDS_BYTES);
        self.remembered += line.len();
        self.last_words.push_back(line);
        // The last line stays in any case, however long.
        while self.remembered > LAST_WORDS_BYTES && self.last_words.len() > 1 {
            self.remembered -= self.last_words.pop_front().map_or(0, |line| line.len());
        }
    }
}

fn write_output(state: &mut State, stream: u32, bytes: &[u8]) -> wasmtime::Result<()> {
    if bytes.len() > WRITABLE {
        return Err(wasmtime::Error::new(Stop::Quota { what: "bytes written at once", limit: WRITABLE as u64 }));
    }
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let pending = match stream {
            STDOUT => &mut state.wasi.output.stdout,
            STDERR => &mut state.wasi.output.stderr,
            _ => return Ok(()),
        };
        let room = LINE_BYTES.saturating_sub(pending.len());
        pending.extend(piece.iter().take(room));
        if piece.ends_with(b"\n") || pending.len() >= LINE_BYTES {
            flush(state, stream);
        }
    }
    Ok(())
}

fn flush(state: &mut State, stream: u32) {
    let output = &mut state.wasi.output;
    let (pending, name) = match stream {
        STDOUT => (mem::take(&mut output.stdout), "stdout"),
        _ => (mem::take(&mut output.stderr), "stderr"),
    };
    let line = String::from_utf8_lossy(&pending);
    let line = line.trim_end();
    if line.is_empty() {
        return;
    }
    if stream == STDERR {
        output.remember(line);
    }
    state.log(Level::Debug, line, &vec![("stream".to_owned(), name.to_owned())]);
}

/// At the end of a call: logs what was written without a line end, and gives the last lines of standard error, where
/// language runtimes say why they crash.
pub(crate) fn last_words(state: &mut State) -> String {
    flush(state, STDOUT);
    flush(state, STDERR);
    Vec::from(mem::take(&mut state.wasi.output.last_words)).join("\n")
}
