//! The control door: how an admin's commands reach the service that runs on the same data directory.
//!
//! A Unix socket in that directory, for its owner and root alone. A command connects, writes one [`Request`] as a line
//! of JSON, and reads one answer of the same form. What the service does then is what the command would have done to
//! the journal itself if no service ran: both go through [`Decision::apply`] and the journal's own functions.

mod client;
mod decision;
mod feeding;
mod message;
mod server;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use self::{
    client::{Client, Error},
    decision::{Decision, GROUP},
    feeding::Feeding,
    message::{Begun, Decided, Dialled},
    server::{Service, serve},
};

/// The socket's name in the data directory.
const SOCKET: &str = "control.sock";

/// The longest request, and the longest answer, in bytes.
const LINE: u64 = 8 << 20;

/// A line that was begun must be there after this.
const LINE_TIME: Duration = Duration::from_secs(5);

/// The longest path that every system takes for a socket, in bytes (macOS: 104 with the end mark; Linux: 108).
const PATH: usize = 103;

/// Does something with the path of the socket in `dir`, by a path that is short enough.
fn at_socket<T>(dir: &Path, attempt: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = dir.join(SOCKET);
    if path.as_os_str().as_bytes().len() <= PATH {
        return attempt(&path);
    }
    // Linux has a short name for each file that a process holds open, directories too.
    let names = Path::new("/proc/self/fd");
    if !names.is_dir() {
        let text = format!("{} is too long for the path of a socket: choose a shorter `data`", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let folder = File::open(dir)?;
    let short: PathBuf = names.join(folder.as_raw_fd().to_string()).join(SOCKET);
    attempt(&short)
}
