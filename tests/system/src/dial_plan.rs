//! A dial plan that asks by FastAGI where a caller should go.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Asks; the commands that the dial plan was given, and how long it all took.
pub async fn ask(port: u16, caller: &str) -> Result<(Vec<String>, Duration)> {
    let began = Instant::now();
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let head = format!(
        "agi_network: yes\nagi_network_script: route\nagi_request: agi://127.0.0.1/route\nagi_channel: PJSIP/trunk-provider-1\n\
         agi_uniqueid: 1795230729.100\nagi_callerid: {caller}\nagi_dnid: unknown\nagi_extension: +493023125400\n\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let (mut commands, mut line) = (Vec::new(), String::new());
    while stream.read_line(&mut line).await? > 0 {
        commands.push(line.trim_end().to_owned());
        line.clear();
        stream.write_all(b"200 result=1\n").await?;
    }
    Ok((commands, began.elapsed()))
}
