//! What a call costs from the PBX's wire to the end of its jobs: the real program and real plugins between a bare PBX and
//! a bare CRM on loopback sockets.
//!
//! 1. Events per second from end to end, through a plugin that does nothing: from the first byte on the wire until every
//!    event is durable, and until every job is done.
//! 2. From a ring on the wire to the plugin's request on the CRM's, at 500 events per second, while 10,000 record jobs of
//!    the same plugin wait; beside one sync of the same disk in the same run.
//! 3. What recording the plugin's host calls adds to them.
//!
//! `cargo bench -p system-tests --bench events`

mod bare;

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bare::{
    pbx::{caller, hang_up, log_in, ring},
    percentile,
};
use hookswitch_call::Millis;
use hookswitch_journal::{
    Journal,
    runs::{Answer, Begun, Body, Effect, Intent, Reply as Told},
};
use recording_crm::{Crm, Reply};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, tcp::OwnedWriteHalf},
};

/// Calls of the first measurement.
const CALLS: usize = 15_000;
/// Record jobs that wait during the second.
const BACKLOG: usize = 10_000;
/// Events per second of the second.
const RATE: f64 = 500.0;
/// Host calls in a row of the third.
const HOST_CALLS: u32 = 2_000;

#[tokio::main]
async fn main() -> Result<()> {
    end_to_end().await?;
    under_load().await?;
    recording().await
}

/// The program with one plugin. It is killed when this is dropped.
struct Site {
    wire: OwnedWriteHalf,
    program: Child,
    folder: TempDir,
}

impl Site {
    /// Starts the program; `plugin` is the TOML of its only plugin.
    async fn start(plugin: &str) -> Result<Self> {
        let pbx = TcpListener::bind("127.0.0.1:0").await?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("hookswitch.toml");
        let text = format!(
            "[server]\ndata = \"data\"\nregion = \"DE\"\n\
             [pbx.office]\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"u\"\nsecret = \"s\"\n\
             trunks = [\"PJSIP/trunk\"]\n{plugin}",
            pbx.local_addr()?
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(system_tests::built("hookswitch")?);
        command.arg("--config").arg(&config).args(["run", "--log", "error"]).stderr(Stdio::inherit());
        let program = command.spawn()?;
        let wire = log_in(pbx).await?;
        Ok(Self { wire, program, folder })
    }

    async fn tell(&mut self, numbers: impl Iterator<Item = usize>, events: &[fn(usize, &mut String)]) -> Result<()> {
        let mut text = String::new();
        for number in numbers {
            events.iter().for_each(|event| event(number, &mut text));
        }
        Ok(self.wire.write_all(text.as_bytes()).await?)
    }

    /// Asks the journal, as another process, without a word to the program.
    fn count(&self, what: &str) -> Result<usize> {
        let file = self.folder.path().join("data/hookswitch.db");
        let journal = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(journal.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0))?)
    }

    async fn until(&self, what: &str, count: usize) -> Result<Instant> {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let found = self.count(what)?;
            if found >= count {
                return Ok(Instant::now());
            }
            ensure!(Instant::now() < deadline, "{found} of {count} {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn component(name: &str) -> Result<String> {
    Ok(system_tests::component(name)?.display().to_string())
}

fn scripted(crm: &Crm, script: &Value) -> Result<String> {
    Ok(format!(
        "[plugin.scripted]\ncomponent = \"{}\"\nallow.http = [\"{}\"]\n\
         credentials.crm = {{ kind = \"base-url\", value = \"{}\" }}\nsettings = {{ script = {} }}\n",
        component("scripted.wasm")?,
        crm.origin(),
        crm.base_url(),
        Value::from(script.to_string())
    ))
}

async fn end_to_end() -> Result<()> {
    println!("{CALLS} short calls with a job each, through a plugin that does nothing, events per second:");
    for concurrency in [4, 16] {
        let component = component("idle.wasm")?;
        let plugin =
            format!("[plugin.idle]\ncomponent = \"{component}\"\nlimits = {{ concurrency = {concurrency} }}\n");
        let mut site = Site::start(&plugin).await?;
        // One call warms up, and tells how many events a call has.
        site.tell(0..1, &[ring, hang_up]).await?;
        site.until("jobs WHERE state = 'done'", 1).await?;
        let each = site.count("events")?;
        let began = Instant::now();
        for first in (1..=CALLS).step_by(50) {
            site.tell(first..first + 50, &[ring, hang_up]).await?;
        }
        let durable = site.until("events", each * (CALLS + 1)).await?.duration_since(began);
        let done = site.until("jobs WHERE state = 'done'", CALLS + 1).await?.duration_since(began);
        let [durable, done] = [durable, done].map(|took| (each * CALLS) as f64 / took.as_secs_f64());
        println!("  {concurrency:>2} jobs at once: durable {durable:.0}, and their jobs done {done:.0} (goal: 5000)");
    }
    Ok(())
}

async fn under_load() -> Result<()> {
    let crm = Crm::start().await?;
    crm.answer("held", Reply::never());
    let script = json!({
        "lookup.by-number": [[{"send": {"url": "ring?<number>"}}]],
        "journal.write": [[{"send": {"method": "POST", "url": "held", "effect": "once", "body": "<chain>"}}]],
    });
    let mut site = Site::start(&scripted(&crm, &script)?).await?;
    for first in (0..BACKLOG).step_by(100) {
        site.tell(first..first + 100, &[ring]).await?;
        crm.wait_for("ring", first + 100).await?;
        site.tell(first..first + 100, &[hang_up]).await?;
    }
    site.until("jobs WHERE kind = 'write'", BACKLOG).await?;
    site.until("jobs WHERE kind = 'begin' AND state = 'done'", BACKLOG).await?;
    let each = site.count("events")? / BACKLOG;
    let pace = Duration::from_secs_f64(each as f64 / RATE);
    let (mut rung, mut disk) = (Vec::new(), Vec::new());
    let mut next = BACKLOG;
    for _ in 0..6 {
        disk.extend(bare_disk(site.folder.path(), Duration::from_secs(1))?);
        let round = Instant::now();
        for number in 0..(3.0 / pace.as_secs_f64()) as usize {
            tokio::time::sleep((pace * number as u32).saturating_sub(round.elapsed())).await;
            let now = Instant::now();
            // Each call rings while the one of a quarter of a second ago is given up.
            let before = (0.25 / pace.as_secs_f64()) as usize;
            site.tell(next..=next, &[ring]).await?;
            site.tell(next - before..=next - before, &[hang_up]).await?;
            rung.push((now, caller(next)));
            next += 1;
        }
    }
    let still = site.count("jobs WHERE state IN ('waiting', 'running')")?;
    ensure!(still >= BACKLOG, "only {still} jobs wait");
    crm.wait_for("ring", next).await?;
    let arrivals: std::collections::HashMap<String, Instant> =
        crm.requests_to("ring").into_iter().map(|request| (request.path, request.at)).collect();
    let mut waits = Vec::with_capacity(rung.len());
    for (at, number) in &rung {
        let arrived = arrivals.get(&format!("ring?{number}")).with_context(|| format!("{number} was not looked up"))?;
        waits.push(arrived.saturating_duration_since(*at));
    }
    let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| percentile(&mut waits, share));
    let [disk50, disk99] = [0.5, 0.99].map(|share| percentile(&mut disk, share));
    println!("ring → plugin's request, {} calls at {RATE} events/s while {still} record jobs wait:", waits.len());
    println!("  p50 {p50:.2} ms, p99 {p99:.2} ms, most {most:.2} ms");
    println!("  one fdatasync of 4 KiB: p50 {disk50:.2} ms, p99 {disk99:.2} ms; {:.1} x (goal: 2)", p99 / disk99);
    Ok(())
}

/// How long writing 4 KiB and syncing them takes on the disk of `folder`.
fn bare_disk(folder: &Path, length: Duration) -> Result<Vec<Duration>> {
    let mut file = File::create(folder.join("bare"))?;
    let began = Instant::now();
    let mut took = Vec::new();
    while began.elapsed() < length {
        let one = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.push(one.elapsed());
    }
    Ok(took)
}

async fn recording() -> Result<()> {
    let crm = Crm::start().await?;
    let rounds = |place: &str, step: Value| {
        json!([
            {"send": {"url": format!("{place}?begin")}},
            {"repeat": {"times": HOST_CALLS, "steps": [step]}},
            {"send": {"url": format!("{place}?end")}},
        ])
    };
    let storage = json!({"get": {"key": "k"}});
    let script = json!({
        // Outside a job nothing but requests is recorded; in it, every host call is.
        "lookup.by-number": [rounds("unrecorded", storage.clone())],
        "journal.begin": [rounds("recorded", storage)],
        "journal.write": [rounds("requests", json!({"send": {"url": "read?<n>"}}))],
    });
    let mut site = Site::start(&scripted(&crm, &script)?).await?;
    let mut calls = 0;
    let mut each = Vec::new();
    for round in 0..6 {
        site.tell(round..=round, &[ring]).await?;
        crm.wait_for("recorded", 2 * (round + 1)).await?;
        site.tell(round..=round, &[hang_up]).await?;
        crm.wait_for("requests", 2 * (round + 1)).await?;
        calls += 1;
    }
    for place in ["unrecorded", "recorded", "requests"] {
        let requests = crm.requests_to(place);
        ensure!(requests.len() == 2 * calls, "{} requests to {place}", requests.len());
        let mut took: Vec<_> = requests.chunks(2).map(|pair| pair[1].at - pair[0].at).collect();
        each.push(percentile(&mut took, 0.5) * 1000.0 / f64::from(HOST_CALLS));
    }
    let [unrecorded, recorded, request] = each[..] else { anyhow::bail!("three figures") };
    let journal = written_down(site.folder.path().join("beside")).await?;
    println!("recording of host calls, {HOST_CALLS} in a row, the median of {calls} runs each:");
    println!(
        "  reading a stored value: {unrecorded:.1} µs, recorded {recorded:.1} µs: {:+.0} %",
        (recorded / unrecorded - 1.0) * 100.0
    );
    println!(
        "  a request that reads: {request:.1} µs, of which up to {journal:.1} µs are for writing it and its answer down: {:+.0} %",
        journal / (request - journal) * 100.0
    );
    Ok(())
}

/// What it takes to write a request that reads and its answer down, in microseconds.
async fn written_down(folder: PathBuf) -> Result<f64> {
    let journal = Journal::open(&folder)?;
    let run = journal.next_run();
    let at = Millis(1_800_000_000_000);
    let begun = Begun {
        id: run,
        job: None,
        call: None,
        plugin: "bench".to_owned(),
        function: "plugin.check".to_owned(),
        attempt: 1,
        input: None,
        build: None,
        started: at,
    };
    journal.write(move |txn| txn.begin_run(&begun)).await?;
    let began = Instant::now();
    for ordinal in 1..=HOST_CALLS {
        let intent = Intent {
            run,
            ordinal,
            at,
            kind: "http".to_owned(),
            effect: Effect::Read,
            method: "GET".to_owned(),
            url: format!("{{crm}}/read?{ordinal}"),
            key: None,
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            body: Body::of(b""),
            rule: None,
        };
        journal.intend(intent).await?;
        let headers = vec![("content-length".to_owned(), "2".to_owned())];
        let reply = Told::Response { status: 200, headers, body: Body::of(b"{}") };
        let answer = Answer { at, reply, timings: Value::Null };
        journal.later("answer", move |txn| txn.record_answer(run, ordinal, &answer)).await?;
    }
    // Until all of it is in the file: what the writer's thread does is work for the same machine.
    journal.write(|_| Ok(())).await?;
    let took = began.elapsed();
    journal.close().await;
    Ok(took.as_secs_f64() * 1e6 / f64::from(HOST_CALLS))
}
