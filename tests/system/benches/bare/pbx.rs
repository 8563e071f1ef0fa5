//! The PBX: calls that arrive over a trunk and ring at extension 201.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, tcp::OwnedWriteHalf},
};

/// The number of a caller.
pub fn caller(number: usize) -> String {
    format!("+49406696{number:05}")
}

/// A caller arrives over the trunk and extension 201 rings.
pub fn ring(number: usize, text: &mut String) {
    let (caller, id) = (caller(number), 1_800_000_000 + number);
    let common = format!(
        "Linkedid: {id}.0\r\nCallerIDNum: {caller}\r\nCallerIDName: <unknown>\r\nContext: in\r\nPriority: 1\r\n"
    );
    text.push_str(&format!(
        "Event: Newchannel\r\nChannel: PJSIP/trunk-{number:08x}\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\nUniqueid: {id}.0\r\nExten: +493023125201\r\n{common}\r\n\
         Event: Newchannel\r\nChannel: PJSIP/201-{number:08x}\r\nChannelState: 0\r\nChannelStateDesc: Down\r\nUniqueid: {id}.1\r\nExten: s\r\n{common}\r\n\
         Event: DialBegin\r\nChannel: PJSIP/trunk-{number:08x}\r\nUniqueid: {id}.0\r\n{common}DestChannel: PJSIP/201-{number:08x}\r\nDestUniqueid: {id}.1\r\nDestLinkedid: {id}.0\r\nDialString: 201\r\n\r\n\
         Event: Newstate\r\nChannel: PJSIP/201-{number:08x}\r\nChannelState: 5\r\nChannelStateDesc: Ringing\r\nUniqueid: {id}.1\r\nExten: s\r\n{common}\r\n",
    ));
}

/// The caller gives up.
pub fn hang_up(number: usize, text: &mut String) {
    let id = 1_800_000_000 + number;
    for (part, channel) in [(1, "201"), (0, "trunk")] {
        text.push_str(&format!(
            "Event: Hangup\r\nChannel: PJSIP/{channel}-{number:08x}\r\nUniqueid: {id}.{part}\r\nLinkedid: {id}.0\r\nCause: 16\r\n\r\n"
        ));
    }
}

/// Answers requests until the program has logged in and taken stock; gives the wire to it.
pub async fn log_in(pbx: TcpListener) -> Result<OwnedWriteHalf> {
    let (socket, _) = pbx.accept().await?;
    socket.set_nodelay(true)?;
    let (read, mut write) = socket.into_split();
    write.write_all(b"Asterisk Call Manager/11.0.0\r\n").await?;
    let mut lines = BufReader::new(read).lines();
    let (mut action, mut id) = (String::new(), String::new());
    let mut listed = false;
    // Silence for a while says that the program has asked everything.
    let pause = Duration::from_secs(2);
    while let Ok(line) = tokio::time::timeout(pause, lines.next_line()).await {
        let line = line?.context("the program hung up")?;
        if let Some(value) = line.strip_prefix("Action: ") {
            value.clone_into(&mut action);
        } else if let Some(value) = line.strip_prefix("ActionID: ") {
            value.clone_into(&mut id);
        } else if line.is_empty() {
            listed |= action == "QueueStatus";
            write.write_all(answer(&action, &id).as_bytes()).await?;
        }
    }
    ensure!(listed, "the program did not take stock");
    tokio::spawn(async move {
        let mut rest = lines.into_inner().into_inner();
        let mut sink = [0; 4096];
        while matches!(rest.read(&mut sink).await, Ok(1..)) {}
    });
    Ok(write)
}

/// As a PBX without calls answers.
fn answer(action: &str, id: &str) -> String {
    let text = match action {
        "Challenge" => "Response: Error\r\nMessage: no\r\n".to_owned(),
        "Login" | "Ping" => "Response: Success\r\nMessage: ok\r\n".to_owned(),
        list => format!(
            "Response: Success\r\nActionID: {id}\r\nEventList: start\r\nMessage: will follow\r\n\r\n\
             Event: {list}Complete\r\nEventList: Complete\r\nListItems: 0\r\n"
        ),
    };
    format!("{text}ActionID: {id}\r\n\r\n")
}
