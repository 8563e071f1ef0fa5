//! The real program between a Yeastar P-Series PBX and a CRM that keeps every request.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use fake_yeastar::{Options, Pbx, extension, inbound, outbound};
use recording_crm::Crm;
use serde_json::{Value, json};
use system_tests::{PATIENCE, built, component, http::free_port};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

/// What the plugin does: one entry for each call.
const SCRIPT: &str =
    r#"{"journal.write":[[{"send":{"method":"POST","url":"written","effect":"once","body":"<chain> <number>"}}]]}"#;
const CALLER: &str = "+4930123456";
const WEBHOOK: &str = "0123456789abcdef0123456789abcdef";

/// A PBX, the program, a CRM.
struct Office {
    pbx: Pbx,
    crm: Crm,
    folder: TempDir,
    port: u16,
    program: Option<Child>,
}

impl Office {
    /// Everything but the program; `keys` are further lines of `[pbx.office]`.
    async fn prepare(keys: &str) -> Result<Self> {
        let (pbx, crm) = (Pbx::start(Options::default()).await?, Crm::start().await?);
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let at = |name: &str| folder.path().join(name);
        std::fs::copy(component("scripted.wasm")?, at("scripted.wasm"))?;
        std::fs::write(at("address"), crm.base_url())?;
        std::fs::write(at("client-secret"), Options::default().client.1)?;
        std::fs::write(at("webhook-secret"), WEBHOOK)?;
        std::fs::write(at("pbx-ca.pem"), pbx.ca_pem().context("TLS")?)?;
        let (url, origin, client, script) = (pbx.url(), crm.origin(), Options::default().client.0, Value::from(SCRIPT));
        let configuration = format!(
            r#"
[server]
data = "data"
region = "DE"
timezone = "Europe/Berlin"
listen = "127.0.0.1:{port}"
public-url = "http://127.0.0.1:{port}"

[pbx.office]
kind = "yeastar"
url = "{url}"
ca-file = "pbx-ca.pem"
client-id = "{client}"
client-secret = {{ file = "client-secret" }}
webhook-secret = {{ file = "webhook-secret" }}
timezone = "UTC"
record-within = "500ms"
confirm-calls = true
{keys}

[[pbx.office.route]]
from = "+49900*"
to = "reject"

[plugin.crm]
component = "scripted.wasm"
allow = {{ http = ["{origin}"], network = ["127.0.0.0/8"] }}
credentials.crm = {{ kind = "base-url", file = "address" }}
settings = {{ script = {script} }}
"#
        );
        std::fs::write(at("hookswitch.toml"), configuration)?;
        Ok(Self { pbx, crm, folder, port, program: None })
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?);
        command.arg("--config").arg(self.folder.path().join("hookswitch.toml")).args(arguments);
        command.env("NO_COLOR", "1").kill_on_drop(true);
        Ok(command)
    }

    /// Starts the program and waits until it has asked the PBX which calls go on.
    async fn launch(&mut self) -> Result<()> {
        let asked = self.pbx.requests().iter().filter(|request| request.what == "call/query").count();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut command = self.command(&["run", "--log", "info,hookswitch=debug"])?;
        self.program = Some(command.stderr(log).stdout(Stdio::null()).spawn()?);
        self.pbx.asked("call/query", asked + 1).await.map(drop).with_context(|| self.log())
    }

    async fn kill(&mut self) -> Result<()> {
        Ok(self.program.take().context("the program is not running")?.kill().await?)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    async fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments)?.output().await?;
        let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        ensure!(output.status.success(), "{arguments:?}: {out}{error}");
        Ok(out)
    }

    /// What the host says of a call, when something is so.
    async fn until(&self, call: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let calls = self.run(&["calls", "--json"]).await?;
            let calls = calls.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let listed = calls.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]));
            let found = listed.into_iter().find(|told| told["chain"] == call || told["call"] == call);
            if let Some(found) = found.as_ref().filter(|found| is(found)) {
                return Ok(found.clone());
            }
            if Instant::now() > deadline {
                bail!("{call}: {what}: {found:?}\n{}", self.log());
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the CRM has an entry of each of these calls, and looks whether it has one of each.
    async fn entries(&self, calls: &[&str]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut entries: BTreeMap<String, usize> = BTreeMap::new();
            for request in self.crm.requests() {
                let call = request.body.split(' ').next().unwrap_or_default().to_owned();
                *entries.entry(call).or_default() += 1;
            }
            if calls.iter().all(|call| entries.contains_key(*call)) {
                ensure!(entries.values().all(|count| *count == 1), "{entries:?}");
                ensure!(entries.len() == calls.len(), "{entries:?}");
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{entries:?} of {calls:?}\n{}", self.log());
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// What is kept of a call's recording leads to it: the PBX has one of that name, and gives it out.
    async fn recorded(&self, call: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let trace = self.run(&["trace", call]).await?;
            let files: Vec<_> = trace.split_whitespace().filter(|word| word.ends_with(".wav")).collect();
            if let [file] = files[..] {
                ensure!(file.contains(call) && self.pbx.has_recording(file), "{file}");
                let fetched = self.folder.path().join(file);
                let output = fetched.to_str().context("a path")?;
                self.run(&["pbx", "recording", "office", file, "--output", output]).await?;
                ensure!(std::fs::read(&fetched)? == self.pbx.sound(file), "{file} differs");
                return Ok(());
            }
            ensure!(files.is_empty() && Instant::now() < deadline, "{trace}\n{}", self.log());
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// Nothing secret is in the log, and the PBX was asked nothing that it should not be.
    fn verdict(&self) -> Result<()> {
        let log = self.log();
        ensure!(!self.pbx.gave_away(&log) && !log.contains(WEBHOOK), "a secret is in the log:\n{log}");
        ensure!(!log.contains("30123456") && !log.contains("panicked"), "{log}");
        ensure!(self.pbx.complaints().is_empty(), "{:?}", self.pbx.complaints());
        Ok(())
    }
}

async fn answered(pbx: &Pbx, call: &str) -> Result<()> {
    pbx.now(call, &[inbound(CALLER, "201", "ALERT"), extension("201", "RING")]).await?;
    pbx.now(call, &[inbound(CALLER, "201", "ANSWERED"), extension("201", "ANSWER")]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_by_web_socket_are_journaled_once_over_a_kill() -> Result<()> {
    let mut office = Office::prepare("").await?;
    office.launch().await?;
    office.pbx.subscribed(1).await?;
    let whole = office.pbx.next_call();
    answered(&office.pbx, &whole).await?;
    office.pbx.end(&whole, &[inbound(CALLER, "201", "BYE")], "Inbound", CALLER, "201", 1).await?;
    office.entries(&[&whole]).await?;
    office.recorded(&whole).await?;
    let (ends, goes_on) = (office.pbx.next_call(), office.pbx.next_call());
    for call in [&ends, &goes_on] {
        answered(&office.pbx, call).await?;
        office.until(call, "answered", |told| told["state"] == "talking").await?;
    }
    office.kill().await?;
    office.pbx.end_quietly(&ends, "Inbound", CALLER, "201", 1);
    let missed = office.pbx.next_call();
    let unheard = office.pbx.end_quietly(&missed, "Inbound", "+49891111", "202", 0);
    let unheard = unheard["uid"].as_str().context("an id")?;
    office.launch().await?;
    office.pbx.subscribed(2).await?;
    office.entries(&[&whole, &ends, unheard]).await?;
    office.pbx.end(&goes_on, &[inbound(CALLER, "201", "BYE")], "Inbound", CALLER, "201", 2).await?;
    office.entries(&[&whole, &ends, unheard, &goes_on]).await?;
    let told = office.until(&goes_on, "over", |told| told["state"] == "ended").await?;
    ensure!(told["outcome"] == "answered", "{told}");
    for call in [&ends, &goes_on] {
        office.recorded(call).await?;
    }
    office.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_a_webhook_are_believed_kept_and_made_up_for() -> Result<()> {
    let mut office = Office::prepare("events = \"webhook\"\nask-every = \"1s\"").await?;
    let url = format!("http://127.0.0.1:{}/pbx/office", office.port);
    office.pbx.webhook(&url, WEBHOOK, &[0]);
    office.launch().await?;
    let call = office.pbx.next_call();
    let body =
        json!({ "type": 30011, "msg": { "call_id": call, "members": [inbound(CALLER, "201", "ALERT")] } }).to_string();
    let forged = office.pbx.sign("not the secret", &body);
    ensure!(office.pbx.forge(&url, &forged, &body).await? == 401);
    for _ in 0..2 {
        let told = office.pbx.now(&call, &[inbound(CALLER, "201", "ALERT"), extension("201", "RING")]).await?;
        ensure!(told == [[200]], "{told:?}\n{}", office.log());
    }
    office.until(&call, "ringing", |told| told["state"] == "ringing").await?;
    office.pbx.now(&call, &[inbound(CALLER, "201", "ANSWERED"), extension("201", "ANSWER")]).await?;
    // What was acknowledged is there, however the program dies; what is not, the PBX is asked for.
    office.kill().await?;
    let lost = office.pbx.end(&call, &[inbound(CALLER, "201", "BYE")], "Inbound", CALLER, "201", 1).await?;
    ensure!(lost.iter().flatten().all(|status| *status == 0), "{lost:?}");
    office.launch().await?;
    office.entries(&[&call]).await?;
    let told = office.until(&call, "over", |told| told["state"] == "ended").await?;
    ensure!(told["outcome"] == "answered", "{told}");
    office.recorded(&call).await?;
    let refused = office.pbx.next_call();
    office.pbx.ask(&refused, inbound("+49900555", "201", "ALERT")).await;
    ensure!(!office.pbx.decided(&refused).await?, "{}", office.log());
    office.entries(&[&call, &refused]).await?;
    // What is posted while the network is down is lost without a word.
    let unheard = office.pbx.end_quietly(&office.pbx.next_call(), "Inbound", "+49891111", "202", 0);
    office.entries(&[&call, &refused, unheard["uid"].as_str().context("an id")?]).await?;
    ensure!(office.pbx.now(&office.pbx.next_call(), &[extension("202", "RING")]).await? == [[200]]);
    let status: Value = serde_json::from_str(&office.run(&["pbx", "status", "--json"]).await?)?;
    ensure!(status[0]["state"] == "connected", "{status}");
    office.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_show_it_and_dial_and_callers_are_refused() -> Result<()> {
    let mut office = Office::prepare("").await?;
    let tried = office.run(&["pbx", "test", "office"]).await?;
    ensure!(tried.contains("Yeastar P-Series") && tried.contains("caller-name"), "{tried}");
    office.launch().await?;
    office.pbx.subscribed(1).await?;
    for (caller, taken) in [("+49900555", false), ("+4930555", true)] {
        let call = office.pbx.next_call();
        office.pbx.ask(&call, inbound(caller, "201", "ALERT")).await;
        ensure!(office.pbx.decided(&call).await? == taken, "{caller}\n{}", office.log());
    }
    let dialled = office.run(&["dial", "+493099999", "--from", "201", "--json"]).await?;
    let dialled: Value = serde_json::from_str(&dialled)?;
    let call = dialled["call"].as_str().with_context(|| dialled.to_string())?.to_owned();
    ensure!(office.pbx.asked("call/dial", 1).await?.said == json!({ "caller": "201", "callee": "+493099999" }));
    office.pbx.now(&call, &[extension("201", "ANSWER"), outbound("201", "+493099999", "RING")]).await?;
    office.pbx.now(&call, &[outbound("201", "+493099999", "ANSWER")]).await?;
    let last = [outbound("201", "+493099999", "BYE"), extension("201", "BYE")];
    office.pbx.end(&call, &last, "Outbound", "201", "+493099999", 1).await?;
    let told = office.until(&call, "over", |told| told["state"] == "ended").await?;
    ensure!(told["direction"] == "outbound" && told["outcome"] == "answered", "{told}");
    let status = office.run(&["pbx", "status", "office"]).await?;
    ensure!(status.contains("connected") && status.contains("Bob Agent") && status.contains("6400"), "{status}");
    office.verdict()
}
