//! LAME, the program.

use std::{
    env,
    fs::File,
    io::{self, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
};

use crate::{failure::NoEncoder, order::Bitrate, shape::Shape};

/// Where the encoder is: `name` is looked for in `PATH`, unless it is a path.
pub fn find_encoder(name: &Path) -> Result<PathBuf, NoEncoder> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    let is_path = name.components().count() > 1 || name.is_absolute();
    let folders = env::var_os("PATH").filter(|_| !is_path).unwrap_or_default();
    // A program beside which the service happens to run is not what was asked for: an empty or relative folder is none.
    let mut found = env::split_paths(&folders).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name));
    let found = if is_path { Some(name.to_owned()).filter(is_program) } else { found.find(is_program) };
    found.ok_or_else(|| NoEncoder(name.to_owned()))
}

/// A running encoder. Dropped before its end, it is killed.
pub(crate) struct Encoder {
    lame: Child,
    /// Gone when the encoder takes no more.
    stdin: Option<ChildStdin>,
    bytes: Vec<u8>,
}

impl Encoder {
    /// Encodes one or two channels into `output`, which is empty.
    pub(crate) fn start(program: &Path, shape: Shape, bitrate: Bitrate, output: &File) -> io::Result<Self> {
        let mode = if shape.channels() == 1 { "m" } else { "s" };
        let mut lame = Command::new(program)
            .args(["-r", "--bitwidth", "16", "--signed", "--little-endian", "-s", &kilohertz(shape)])
            // Two channels are two people: they are coded apart, since joint stereo would let one be heard on the other's side.
            .args(["-m", mode, "-b", &u16::from(bitrate).to_string()])
            .args(["--noreplaygain", "--silent", "-"])
            // It goes back to the first frame in the end and writes the length there, so it needs a file and no pipe. A
            // file, not a name: whatever dies when, nobody writes at that name after the parent has cleared it.
            .arg("/proc/self/fd/1")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { stdin: lame.stdin.take(), lame, bytes: Vec::new() })
    }

    /// `samples` are interleaved. An encoder that takes no more says why at its end.
    pub(crate) fn write(&mut self, samples: &[i16]) {
        self.bytes.clear();
        self.bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        if self.stdin.as_mut().is_some_and(|stdin| stdin.write_all(&self.bytes).is_err()) {
            self.stdin = None;
        }
    }

    pub(crate) fn end(mut self) -> io::Result<Result<(), Broken>> {
        drop(self.stdin.take());
        let status = self.lame.wait()?;
        Ok(if status.success() { Ok(()) } else { Err(Broken(status)) })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // Both are refused where it has ended.
        let _ = self.lame.kill();
        let _ = self.lame.wait();
    }
}

/// The encoder has ended, and not well.
#[derive(Debug)]
pub(crate) struct Broken(ExitStatus);

impl Broken {
    /// It was stopped by one of the limits that it has from us.
    pub(crate) fn was_stopped(&self) -> bool {
        self.0.signal().is_some()
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the encoder failed ({})", self.0)
    }
}

/// As LAME wants it, with three digits behind the point.
fn kilohertz(shape: Shape) -> String {
    format!("{}.{:03}", shape.rate() / 1_000, shape.rate() % 1_000)
}
