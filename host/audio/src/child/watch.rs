//! The end of the parent is the end of the child: nobody waits for the answer, and the next life of the service may
//! already be at the same recording.

use std::{
    io::{self, Read},
    process::exit,
    thread,
};

use rustix::process::{Signal, getpid, kill_process_group};

/// The watch needs no more than to wait; address space is limited.
const STACK_BYTES: usize = 64 << 10;

pub(super) fn begin() -> io::Result<()> {
    thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        // The parent says nothing more, so what comes is the end.
        let _ = io::stdin().lock().read(&mut [0; 1]);
        // The encoder is in the group. Where it is not ours, which is when a person has started us, there is none of this name.
        let _ = kill_process_group(getpid(), Signal::KILL);
        exit(1);
    })?;
    Ok(())
}
