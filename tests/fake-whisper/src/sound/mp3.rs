//! MP3, by the `lame` that is installed.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::{Sound, wav};

pub(super) fn read(bytes: &[u8]) -> Result<Sound> {
    let mut lame = Command::new("lame")
        .args(["--quiet", "--decode", "--mp3input", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("`lame` is not installed")?;
    let mut input = lame.stdin.take().context("a child without its input")?;
    let bytes = bytes.to_vec();
    // It may stop to read before the end of what is broken.
    let writer = std::thread::spawn(move || input.write_all(&bytes).is_ok());
    let output = lame.wait_with_output()?;
    let _ = writer.join();
    ensure!(output.stdout.len() > 44, "`lame` makes no sound of it");
    Ok(Sound { linear16: false, ..wav::read(&output.stdout, false)? })
}
