//! The real program between a cloud PBX that posts, signs and says nothing twice, and a CRM that keeps every request.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use fake_rostelecom::{Answer, Options, Pbx, sign};
use recording_crm::Crm;
use serde_json::{Value, json};
use system_tests::{PATIENCE, built, component, http::free_port};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};

/// What the plugin does: one entry for each call.
const SCRIPT: &str =
    r#"{"journal.write":[[{"send":{"method":"POST","url":"written","effect":"once","body":"<chain> <number>"}}]]}"#;

/// A cloud PBX, the program, a CRM.
struct Cloud {
    pbx: Pbx,
    crm: Crm,
    folder: TempDir,
    port: u16,
    program: Option<Child>,
}

impl Cloud {
    /// Starts everything; `keys` are further lines of `[pbx.cloud]`.
    async fn open(options: Options, keys: &str) -> Result<Self> {
        let mut cloud = Self::prepare(options, keys).await?;
        cloud.launch().await?;
        Ok(cloud)
    }

    async fn prepare(options: Options, keys: &str) -> Result<Self> {
        let (pbx, crm, folder, port) =
            (Pbx::start(options.clone()).await?, Crm::start().await?, tempfile::tempdir()?, free_port()?);
        let at = |name: &str| folder.path().join(name);
        std::fs::copy(component("scripted.wasm")?, at("scripted.wasm"))?;
        std::fs::write(at("address"), crm.base_url())?;
        std::fs::write(at("sign-key"), &options.sign_key)?;
        std::fs::write(at("pbx-ca.pem"), pbx.authority())?;
        let (certificate, key) = pbx.certificate();
        std::fs::write(at("cert.pem"), certificate)?;
        std::fs::write(at("key.pem"), key)?;
        std::fs::set_permissions(at("key.pem"), std::fs::Permissions::from_mode(0o600))?;
        let (url, origin, client_id, domain) = (pbx.url(), crm.origin(), &options.client_id, &options.domain);
        let (here, script) = (format!("127.0.0.1:{port}"), Value::from(SCRIPT));
        let configuration = format!(
            r#"
[server]
data = "data"
region = "RU"
timezone = "Europe/Moscow"
listen = "{here}"
public-url = "https://{here}"
tls = {{ certificate = "cert.pem", key = "key.pem" }}

[pbx.cloud]
kind = "rostelecom"
url = "{url}"
ca-file = "pbx-ca.pem"
domain = "{domain}"
client-id = "{client_id}"
sign-key = {{ file = "sign-key" }}
extras = {{ charge = "cost" }}
{keys}

[[pbx.cloud.route]]
from = "+79990001122"
to = "102"
name = "Ann's best customer"

[plugin.crm]
component = "scripted.wasm"
allow = {{ http = ["{origin}"], network = ["127.0.0.0/8"] }}
credentials.crm = {{ kind = "base-url", file = "address" }}
settings = {{ script = {script} }}
"#
        );
        std::fs::write(at("hookswitch.toml"), configuration)?;
        pbx.target(format!("https://{here}/pbx/cloud"));
        Ok(Self { pbx, crm, folder, port, program: None })
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?);
        command.arg("--config").arg(self.folder().join("hookswitch.toml")).args(arguments);
        command.env("NO_COLOR", "1").kill_on_drop(true);
        Ok(command)
    }

    /// Starts the program and waits until it listens.
    async fn launch(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log"))?;
        let mut command = self.command(&["run", "--log", "info,hookswitch=debug"])?;
        self.program = Some(command.stderr(log).stdout(Stdio::null()).spawn()?);
        until("the program listens", || async {
            Ok(TcpStream::connect(("127.0.0.1", self.port)).await.is_ok().then_some(()))
        })
        .await
        .with_context(|| self.log())
    }

    async fn kill(&mut self) -> Result<()> {
        Ok(self.program.take().context("the program is not running")?.kill().await?)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    async fn run(&self, arguments: &[&str], code: i32) -> Result<String> {
        let output = self.command(arguments)?.output().await?;
        let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        if output.status.code() != Some(code) {
            bail!("hookswitch {arguments:?} ended with {:?}:\n{out}\n{err}\n{}", output.status.code(), self.log());
        }
        Ok(out + &err)
    }

    /// The call, once it is over and the CRM has it.
    async fn ended(&self, session: &str) -> Result<Value> {
        until("the call is over and its work is done", || async {
            let out = self.run(&["calls", "--json"], 0).await?;
            let calls: Vec<Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            let is_over = |call: &Value| {
                call["call"] == session
                    && !call["outcome"].is_null()
                    && ["done", "-"].iter().any(|word| call["jobs"] == **word)
            };
            Ok(calls.into_iter().find(is_over))
        })
        .await
        .with_context(|| self.log())
    }

    /// The bodies of what the CRM was told, in order.
    fn written(&self) -> Vec<String> {
        self.crm.requests_to("written").into_iter().map(|request| request.body).collect()
    }

    /// Posts an event as the PBX does, with spaces, which a signature over anything but the bytes does not survive.
    async fn event(&self, session: &str, state: &str, pin: &str) -> Result<Answer> {
        self.pbx.post("call_events", &event(session, state, pin)).await
    }

    fn verdict(&self) -> Result<()> {
        let complaints = self.pbx.complaints();
        ensure!(complaints.is_empty(), "{complaints:#?}\n{}", self.log());
        let log = self.log();
        ensure!(!log.contains("panicked") && !log.contains(&Options::default().sign_key), "{log}");
        Ok(())
    }
}

/// Waits until there is something.
async fn until<T, F: Future<Output = Result<Option<T>>>>(what: &str, look: impl Fn() -> F) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(30)).await;
    }
}

fn event(session: &str, state: &str, pin: &str) -> String {
    format!(
        r#"{{ "session_id" : "{session}", "timestamp": "{}",  "type":"incoming", "state":"{state}",
  "from_number": "sip:79990001122@192.0.2.1", "from_pin": "", "request_number": "sip:74950000000@192.0.2.1",
  "request_pin": "{pin}", "disconnect_reason": "", "is_record": "{}" }}"#,
        moscow(),
        if state == "end" { "true" } else { "" }
    )
}

/// The present in Moscow.
fn moscow() -> String {
    let moscow = jiff::tz::Offset::constant(3).to_time_zone();
    jiff::Timestamp::now().to_zoned(moscow).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

fn unix(back: u64) -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() - back
}

fn info(started: u64, log: &str, seconds: u64) -> Value {
    json!({
        "call_type": 1, "direction": 1, "state": 1, "orig_number": "sip:79990001122@192.0.2.1", "orig_pin": null,
        "dest_number": "sip:74950000000@192.0.2.1", "answering_sipuri": "sip:admin@example.rt.ru", "answering_pin": "102",
        "start_call_date": started.to_string(), "duration": seconds, "session_log": log, "is_voicemail": false,
        "is_record": true, "is_fax": false, "status_code": null, "status_string": null, "cost": "1.50",
    })
}

const LOG: &str = "0:el:79990001122;0:iv:menu;0:ru:Sales;1:ct:admin;1:ct:bob;3:cc:admin;14:cd:admin;";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_once_however_often_it_is_posted_and_strangers_are_not_heard() -> Result<()> {
    let cloud = Cloud::open(Options::default(), "").await?;
    let started = unix(0);
    let good = Answer { status: 200, body: r#"{"result":0,"resultMessage":""}"#.into() };
    for (state, pin) in [("new", ""), ("calling", "102"), ("calling", "103"), ("connected", "102")] {
        let body = event("DEMOs1", state, pin);
        for _ in 0..2 {
            ensure!(cloud.pbx.post("call_events", &body).await? == good, "{state}");
        }
    }
    // Whoever does not know the key, or changes a byte, says nothing.
    let forged = event("DEMOs1", "end", "");
    let Options { client_id, sign_key, .. } = Options::default();
    let signature = sign(&client_id, forged.as_bytes(), &sign_key);
    let wrong = sign(&client_id, forged.as_bytes(), "another");
    for (body, headers) in [
        (forged.as_str(), vec![("X-Client-ID", client_id.as_str()), ("X-Client-Sign", wrong.as_str())]),
        (&forged.replace("  ", " "), vec![("X-Client-ID", &client_id), ("X-Client-Sign", &signature)]),
        (&forged, vec![("X-Client-ID", "another"), ("X-Client-Sign", &signature)]),
        (&forged, vec![("X-Client-ID", &client_id), ("X-Client-Sign", &signature), ("X-Client-Sign", &signature)]),
        (&forged, vec![("X-Client-ID", &client_id)]),
        (&forged, vec![]),
    ] {
        ensure!(cloud.pbx.post_with("call_events", body, &headers).await?.status == 401, "{headers:?}");
    }
    ensure!(cloud.pbx.post("call_events", "{\"session_id\":7").await?.status == 400, "half an event");
    ensure!(cloud.pbx.post("other", "{}").await?.status == 404, "another method");

    cloud.pbx.call_is_over("DEMOs1", info(started, LOG, 14));
    ensure!(cloud.event("DEMOs1", "end", "").await? == good, "end");
    let call = cloud.ended("DEMOs1").await?;
    ensure!(call["outcome"] == "answered" && call["agent"] == "102", "{call}");
    let trace = cloud.run(&["trace", "DEMOs1"], 0).await?;
    for part in ["session-log", "0:iv:menu", "charge", "1.50", "Sales", "recorded"] {
        ensure!(trace.contains(part), "{part:?} is missing in\n{trace}");
    }
    ensure!(cloud.written() == ["DEMOs1 +79990001122"], "{:?}", cloud.written());
    // What is said again after all is over changes nothing.
    ensure!(cloud.event("DEMOs1", "connected", "103").await? == good);
    ensure!(cloud.ended("DEMOs1").await?["agent"] == "102");

    let status: Value = serde_json::from_str(&cloud.run(&["pbx", "status", "cloud", "--json"], 0).await?)?;
    ensure!(status[0]["state"] == "connected" && status[0]["extensions"]["102"]["name"] == "Ann Example", "{status}");
    ensure!(status[0]["extensions"]["103"]["queues"]["Sales"] == "added", "{status}");
    cloud.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_routed_and_named_by_the_table_and_posts_come_from_where_they_may() -> Result<()> {
    let cloud = Cloud::open(Options::default(), "source-networks = [\"127.0.0.0/8\"]\npin-as = \"array\"").await?;
    let asked = event("DEMOs2", "new", "");
    let answer = cloud.pbx.post("get_number_info", &asked).await?;
    ensure!(answer.status == 200, "{answer:?}");
    let routed: Value = serde_json::from_str(&answer.body)?;
    ensure!(
        routed == json!({"result": 0, "resultMessage": "", "displayName": "Ann's best customer", "PIN": ["102"]}),
        "{routed}"
    );
    let stranger = asked.replace("79990001122", "79990009999");
    let answer = cloud.pbx.post("get_number_info", &stranger).await?;
    ensure!(serde_json::from_str::<Value>(&answer.body)? == json!({"result": 0, "resultMessage": ""}), "{answer:?}");
    // Asking makes no call.
    ensure!(cloud.run(&["calls", "--json"], 0).await?.is_empty(), "a question became a call");
    drop(cloud);

    let cloud = Cloud::open(Options::default(), "source-networks = [\"192.0.2.0/24\"]").await?;
    ensure!(cloud.pbx.post("get_number_info", &asked).await?.status == 403, "from an address that is not named");
    ensure!(cloud.log().contains("source-networks"), "{}", cloud.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_end_while_the_program_is_dead_are_told_once_by_record_and_by_history() -> Result<()> {
    let options = Options { not_ready: 1, ..Options::default() };
    let mut cloud = Cloud::open(options, "history-back = \"1h\"\nhistory-ready = \"1s\"").await?;
    let started = unix(0);
    for (state, pin) in [("new", ""), ("calling", "102"), ("connected", "102")] {
        ensure!(cloud.event("DEMOs3", state, pin).await?.status == 200, "{state}");
    }
    // Of another the end is heard and acknowledged, and the program dies before it has the record.
    for (state, pin) in [("new", ""), ("end", "")] {
        ensure!(cloud.event("DEMOs6", state, pin).await?.status == 200, "{state}");
    }
    let first = until("an order of history", || async { Ok(cloud.pbx.asked("domain_call_history").pop()) }).await?;
    cloud.kill().await?;
    // Nobody hears its end; nor of another call at all. And somebody else orders just the history that is ordered next.
    cloud.pbx.is_ordered_elsewhere(2);
    cloud.pbx.call_is_over("DEMOs3", info(started, LOG, 14));
    cloud.pbx.call_is_over("DEMOs4", info(started + 1, LOG, 14));
    // Who is called bob is known by the users alone.
    let mut handed_on =
        info(started - 14, "0:el:79990001122;1:ct:admin;3:cc:admin;5:cd:admin;6:ct:bob;9:cc:bob;14:cd:bob;", 14);
    handed_on["answering_pin"] = Value::Null;
    cloud.pbx.call_is_over("DEMOs6", handed_on);
    for (session, started) in [("DEMOs3", started), ("DEMOs4", started + 1)] {
        cloud.pbx.add_row(format!(
            "{session};1;1;1;sip:79990001122@192.0.2.1;;sip:74950000000@192.0.2.1;sip:admin@example.rt.ru;102;{started};14;\
             false;true;false;;"
        ));
    }
    ensure!(cloud.event("DEMOs3", "end", "").await.is_err(), "nobody is there");
    cloud.launch().await?;
    let call = cloud.ended("DEMOs3").await?;
    ensure!(call["outcome"] == "answered" && call["agent"] == "102", "{call}");
    let call = cloud.ended("DEMOs6").await?;
    ensure!(call["outcome"] == "answered" && call["agent"] == "103", "{call}");
    // The file is ready when the PBX says so.
    until("another order", || async {
        Ok(cloud.pbx.asked("domain_call_history").into_iter().find(|order| *order != first))
    })
    .await?;
    until("the file is asked for in vain", || async { Ok(cloud.pbx.asked("download_call_history").pop()) }).await?;
    ensure!(cloud.pbx.post("history_file_completed", r#"{"order_id": 2}"#).await?.status == 200);
    let call = cloud.ended("DEMOs4").await?;
    ensure!(call["outcome"] == "answered" && call["agent"] == "102" && call["talk_s"] == 11, "{call}");
    let mut written = cloud.written();
    written.sort();
    ensure!(written == ["DEMOs3 +79990001122", "DEMOs4 +79990001122", "DEMOs6 +79990001122"], "{written:?}");
    cloud.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_record_ends_with_what_is_known() -> Result<()> {
    let cloud = Cloud::open(Options { text_results: false, ..Options::default() }, "record-within = \"1s\"").await?;
    for (state, pin) in [("new", ""), ("calling", "102"), ("disconnected", "102"), ("end", "")] {
        ensure!(cloud.event("DEMOs5", state, pin).await?.status == 200, "{state}");
    }
    let call = cloud.ended("DEMOs5").await?;
    ensure!(call["outcome"] == "missed", "{call}");
    ensure!(cloud.pbx.asked("call_info").len() >= 2, "it is asked for again: {:?}", cloud.pbx.asked("call_info"));
    ensure!(cloud.written() == ["DEMOs5 +79990001122"], "{:?}", cloud.written());
    cloud.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_ordered_and_an_admin_sees_what_is_wrong() -> Result<()> {
    let mut cloud = Cloud::open(Options::default(), "").await?;
    let out = cloud.run(&["dial", "+79990001122", "--from", "102", "--json"], 0).await?;
    ensure!(out.contains("DEMOcallback1"), "{out}");
    let asked = cloud.pbx.asked("call_back");
    ensure!(
        asked == [json!({"domain": "example.rt.ru", "request_number": "+79990001122", "from_pin": "102"})],
        "{asked:?}"
    );
    cloud.pbx.away("103");
    let out = cloud.run(&["dial", "+79990001122", "--from", "103"], 1).await?;
    ensure!(out.contains("-20") && out.contains("registered"), "{out}");

    let out = cloud.run(&["pbx", "test", "cloud"], 0).await?;
    for part in ["example.rt.ru: 2 users, 1 groups", "source-networks", "routing", "hang-up", "no: "] {
        ensure!(out.contains(part), "{part:?} is missing in\n{out}");
    }
    cloud.verdict()?;
    cloud.kill().await?;
    std::fs::write(cloud.folder().join("sign-key"), "another")?;
    let out = cloud.run(&["pbx", "test", "cloud"], 1).await?;
    ensure!(out.contains("401") && out.contains("sign-key"), "{out}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_fetched_whole_by_a_link_of_its_own_each_time_or_not_at_all() -> Result<()> {
    let cloud = Cloud::open(Options::default(), "").await?;
    // More than an answer of the API may be.
    let sound: Vec<u8> = (0..11_u32 << 20).map(|at| (at % 251) as u8).collect();
    cloud.pbx.add_recording("DEMOs7", &sound);
    let fetch = async |session: &str, file: &str, code: i32| {
        let path = cloud.folder().join(file);
        let path = path.to_str().context("a path")?;
        cloud.run(&["pbx", "recording", "cloud", session, "--output", path, "--json"], code).await
    };
    for file in ["one.mp3", "two.mp3"] {
        let out: Value = serde_json::from_str(&fetch("DEMOs7", file, 0).await?)?;
        ensure!(out["bytes"] == sound.len() && out["type"] == "audio/mpeg", "{out}");
        ensure!(std::fs::read(cloud.folder().join(file))? == sound, "{file} differs");
        let mode = std::fs::metadata(cloud.folder().join(file))?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{file} has mode {mode:o}");
    }
    ensure!(cloud.pbx.asked("get_record").len() == 2, "a link is used once: {:?}", cloud.pbx.asked("get_record"));
    let out = fetch("DEMOs7", "one.mp3", 1).await?;
    ensure!(out.contains("not overwritten") && cloud.pbx.asked("get_record").len() == 2, "{out}");
    let out = fetch("DEMOs8", "three.mp3", 1).await?;
    ensure!(out.contains("Record not found") && out.contains("half a minute"), "{out}");
    cloud.pbx.bind_links_to("192.0.2.7");
    let out = fetch("DEMOs7", "three.mp3", 1).await?;
    ensure!(out.contains("HTTP 403") && out.contains("one address"), "{out}");
    let left = std::fs::read_dir(cloud.folder())?.filter_map(|entry| Some(entry.ok()?.file_name()));
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".tmp") || name == "three.mp3").collect();
    ensure!(left.is_empty(), "{left:?}");
    cloud.verdict()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_may_do_is_shown_set_and_looked_at_again() -> Result<()> {
    let cloud = Cloud::open(Options::default(), "").await?;
    cloud.pbx.restrict("102", json!({"international": true, "daily_limit": 500, "mode": "all"}));
    let rules = async |more: &[&str], code: i32| {
        cloud.run(&[&["pbx", "restrictions", "cloud", "102", "--json"], more].concat(), code).await
    };
    let told = |out: String| -> Result<Value> { Ok(serde_json::from_str(&out)?) };
    ensure!(told(rules(&[], 0).await?)? == json!({"international": "true", "daily_limit": "500", "mode": "all"}));
    let set = told(rules(&["--set", "international=false", "--set", "daily_limit=20"], 0).await?)?;
    ensure!(set == json!({"international": "false", "daily_limit": "20", "mode": "all"}), "{set}");
    let asked = cloud.pbx.asked("set_user_restrictions");
    let whole =
        json!({"domain": "example.rt.ru", "user_pin": "102", "international": false, "daily_limit": 20, "mode": "all"});
    ensure!(asked == [whole], "{asked:?}");
    // What is wanted already is not set again.
    rules(&["--set", "mode=all"], 0).await?;
    for (wanted, said) in [
        ("weekly_limit=1", "this user has: daily_limit, international, mode"),
        ("international=no", "`international`, which is `false` now"),
    ] {
        let out = rules(&["--set", wanted], 1).await?;
        ensure!(out.contains(said), "{wanted}: {out}");
    }
    ensure!(cloud.pbx.asked("set_user_restrictions").len() == 1, "only what is known is set");
    cloud.pbx.never_changes("mode");
    let out = rules(&["--set", "mode=none"], 1).await?;
    ensure!(out.contains("`mode` is not as wanted"), "{out}");
    let out = cloud.run(&["pbx", "restrictions", "cloud", "109"], 1).await?;
    ensure!(out.contains("User not found"), "{out}");
    cloud.verdict()
}
