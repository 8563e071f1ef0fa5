//! An order, and the answer to it.

use std::{ffi::OsString, io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use super::group::Group;
use crate::{
    answer::{self, Answer},
    failure::Failure,
    order::Order,
};

/// The child's answer, or why it has none.
pub(super) async fn ask(
    command: &[OsString],
    order: &Order,
    time: Duration,
) -> Result<Result<Answer, String>, Failure> {
    let (program, arguments) = command.split_first().ok_or(Failure::Foreign)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        // Secrets in the environment are no business of a process that reads hostile bytes.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = Group::spawn(&mut command).map_err(Failure::Start)?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin(), child.stdout()) else {
        return Err(Failure::Start(io::ErrorKind::BrokenPipe.into()));
    };
    let mut line = serde_json::to_vec(order).map_err(|error| Failure::Start(error.into()))?;
    line.push(b'\n');
    let mut answer = Vec::new();
    let talk = async {
        // A child that dies early says why by its status.
        let _ = stdin.write_all(&line).await;
        // One byte more shows that there would be more.
        stdout.take(answer::MOST_BYTES + 1).read_to_end(&mut answer).await?;
        if answer.len() as u64 > answer::MOST_BYTES {
            return Ok(None);
        }
        child.wait().await.map(Some)
    };
    let status = match timeout(time, talk).await {
        Err(_) => return Ok(Err(format!("reading it took more than {} s", time.as_secs()))),
        Ok(ended) => ended.map_err(Failure::Start)?.ok_or(Failure::Foreign)?,
    };
    // It would end the child, so it must live until here.
    drop(stdin);
    if !status.success() {
        return Ok(Err(format!(
            "the process that read it died ({status}); a recording that needs more memory or time than allowed does that"
        )));
    }
    serde_json::from_slice(&answer).map(Ok).map_err(|_| Failure::Foreign)
}
