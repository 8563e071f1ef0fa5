//! How long a ring takes: from the event on the PBX's wire to the plugin's first request on the CRM's wire, with 1 and
//! with 50 calls at once. The real program, the real Bitrix24 plugin; a bare PBX and a bare portal on loopback sockets.
//!
//! `cargo bench -p system-tests --bench ring`

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
};

/// Calls that ring, in groups of `at once`.
const CALLS: usize = 500;

/// When the first request that names a number arrived.
type Arrivals = Arc<Mutex<HashMap<String, Instant>>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arrivals = Arrivals::default();
    let portal = TcpListener::bind("127.0.0.1:0").await?;
    let portal_address = portal.local_addr()?;
    tokio::spawn(serve_portal(portal, arrivals.clone()));
    let pbx = TcpListener::bind("127.0.0.1:0").await?;

    let folder = tempfile::tempdir()?;
    let config = folder.path().join("hookswitch.toml");
    std::fs::write(
        &config,
        format!(
            "[server]\ndata = \"data\"\nregion = \"DE\"\n\
             [pbx.office]\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"u\"\nsecret = \"s\"\n\
             trunks = [\"PJSIP/trunk\"]\n\
             [plugin.bitrix24]\ncomponent = \"{}\"\nallow.http = [\"http://{portal_address}\"]\n\
             credentials.portal = {{ kind = \"base-url\", value = \"http://{portal_address}/rest/7/secretsecret/\" }}\n\
             settings = {{ fallback-user = 7 }}\n",
            pbx.local_addr()?,
            system_tests::component("bitrix24.wasm")?.display(),
        ),
    )?;
    let mut program = Command::new(system_tests::built("hookswitch")?)
        .arg("--config")
        .arg(&config)
        .args(["run", "--log", "warn"])
        .stderr(Stdio::inherit())
        .spawn()?;
    let outcome = measure(pbx, &arrivals).await;
    program.kill()?;
    program.wait()?;
    outcome
}

async fn measure(pbx: TcpListener, arrivals: &Arrivals) -> Result<()> {
    let mut wire = log_in(pbx).await?;
    println!("ring on the wire → first request on the wire, {CALLS} calls each:");
    let mut next = 0;
    for at_once in [1, 50] {
        let mut waits = Vec::new();
        // The first group warms caches and connections up.
        for group in 0..=CALLS / at_once {
            let numbers: Vec<usize> = (next..next + at_once).collect();
            next += at_once;
            let rung = Instant::now();
            let mut text = String::new();
            numbers.iter().for_each(|number| ring(*number, &mut text));
            wire.write_all(text.as_bytes()).await?;
            for number in &numbers {
                let arrived = arrival(arrivals, &caller(*number)).await?;
                if group > 0 {
                    waits.push(arrived.saturating_duration_since(rung));
                }
            }
            let mut text = String::new();
            numbers.iter().for_each(|number| hang_up(*number, &mut text));
            wire.write_all(text.as_bytes()).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        waits.sort();
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        println!("  {at_once:>3} at once: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(0.5), at(0.99), at(1.0));
    }
    Ok(())
}

fn caller(number: usize) -> String {
    format!("+49406696{number:05}")
}

/// A caller arrives over the trunk and extension 201 rings.
fn ring(number: usize, text: &mut String) {
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

fn hang_up(number: usize, text: &mut String) {
    let id = 1_800_000_000 + number;
    for (part, channel) in [(1, "201"), (0, "trunk")] {
        text.push_str(&format!(
            "Event: Hangup\r\nChannel: PJSIP/{channel}-{number:08x}\r\nUniqueid: {id}.{part}\r\nLinkedid: {id}.0\r\nCause: 16\r\n\r\n"
        ));
    }
}

/// Waits for the request that names `number`.
async fn arrival(arrivals: &Arrivals, number: &str) -> Result<Instant> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(at) = arrivals.lock().ok().and_then(|arrivals| arrivals.get(number).copied()) {
            return Ok(at);
        }
        ensure!(Instant::now() < deadline, "no request names {number}");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// Answers requests until the program has logged in and taken stock; gives the wire to it.
async fn log_in(pbx: TcpListener) -> Result<OwnedWriteHalf> {
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
            let answer = match action.as_str() {
                "Challenge" => "Response: Error\r\nMessage: no\r\n".to_owned(),
                "Login" | "Ping" => "Response: Success\r\nMessage: ok\r\n".to_owned(),
                list => {
                    listed |= list == "QueueStatus";
                    format!(
                        "Response: Success\r\nActionID: {id}\r\nEventList: start\r\nMessage: will follow\r\n\r\n\
                         Event: {list}Complete\r\nEventList: Complete\r\nListItems: 0\r\n"
                    )
                }
            };
            write.write_all(format!("{answer}ActionID: {id}\r\n\r\n").as_bytes()).await?;
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

async fn serve_portal(portal: TcpListener, arrivals: Arrivals) {
    while let Ok((socket, _)) = portal.accept().await {
        tokio::spawn(answer(socket, arrivals.clone()));
    }
}

/// Answers every request at once, as a portal that knows nobody does.
async fn answer(mut socket: TcpStream, arrivals: Arrivals) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let (head, length) = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                let length: usize = length.unwrap_or(0);
                if buffer.len() >= end + 4 + length {
                    break (head, end + 4 + length);
                }
            }
            let mut part = [0; 8192];
            let read = socket.read(&mut part).await?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&part[..read]);
        };
        let now = Instant::now();
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        buffer.drain(..length);
        if let Some(at) = request.find("+49406696") {
            let number = request.get(at..at + 14).context("a number")?.to_owned();
            arrivals.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.entry(number).or_insert(now);
        }
        let result = match () {
            () if head.contains("user.get") => {
                r#"{"result":[{"ID":"11","ACTIVE":true,"UF_PHONE_INNER":"201"}],"total":1}"#
            }
            () if head.contains("register") => r#"{"result":{"CALL_ID":"externalCall.x","CRM_CREATED_LEAD":null}}"#,
            () if head.contains("show") || head.contains("hide") => r#"{"result":true}"#,
            () if head.contains("finish") => r#"{"result":{"CALL_ID":"externalCall.x","CRM_ACTIVITY_ID":1}}"#,
            () if head.contains("mode.get") => r#"{"result":1}"#,
            () => r#"{"result":[]}"#,
        };
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{result}",
            result.len()
        );
        socket.write_all(text.as_bytes()).await?;
    }
}
