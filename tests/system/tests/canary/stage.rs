//! The real program with one plugin, a phone system and a CRM that gives away all it knows, and eyes everywhere: in the
//! memory of the plugin whenever it asks the CRM something and when a function of it has ended, on the disk, in the
//! log, in what commands print, on the wire.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use ami_replay::{Playback, Server as Pbx};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use system_tests::{PATIENCE, built, trace};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::Instant,
};

use crate::{
    composition,
    crm::Crm,
    memory::{self, Memory},
    server::{Reply, Request, Server},
    spelling::{Course, Search, Secret},
};

/// The password of the phone system: no plugin's business either. It is calculated with, not sent.
const PBX: &str = "s3cret-of-the-pbx/\"&+";
/// What opens `[server] admin`.
const ADMIN: &str = "4dmin-token/with+slash=Zq9";
/// What opens the store of tokens: 32 bytes.
const STORE: &str = "st0re-key/of+32=bytes~with\"&Zq9!";
/// What the CRM tells as well, and the program does not know for a secret.
const DECOY: &str = "d3coy-that-nobody/hides\"&+";

/// A check asks a plugin's CRM for so many things that each may fail for once.
const CHECKS: usize = 4;
/// What the program logs when a plugin is ready for calls.
const READY: &str = "map of users refreshed";

/// What the program logs in all detail: everything but how code is generated.
const LOGGED: &str = "trace,cranelift_codegen=info,cranelift_frontend=info,regalloc2=info,wasmtime=debug,\
                      wasmtime_internal_cranelift=info";

/// What is tried.
pub struct Scene {
    /// The component's file.
    pub plugin: &'static str,
    /// TOML of `[plugin.crm]`; `{crm}` stands for the CRM's origin, `{elsewhere}` for another one that is granted. Each
    /// secret that is the admin's is in a file of its name.
    pub configuration: String,
    /// What the plugin must not see.
    pub secrets: Vec<Secret>,
    /// What the CRM answers when it does not fail.
    pub answer: fn(&Request) -> Value,
    /// Which functions must have asked the CRM something and ended before our eyes.
    pub functions: &'static [&'static str],
    /// Where the decoy must have come to, besides where it comes to with every plugin.
    pub places: &'static [&'static str],
    /// Commands to end with.
    pub commands: &'static [&'static str],
}

/// What was seen in the memory of guests.
#[derive(Default)]
struct Seen {
    /// A secret, and when.
    secrets: BTreeSet<String>,
    /// Spellings of the decoy, by when they were seen.
    decoy: BTreeMap<String, BTreeSet<String>>,
    most_bytes: usize,
}

/// Looks into the guests of our processes.
struct Eyes {
    secrets: Search,
    decoy: Search,
    processes: Mutex<Vec<u32>>,
    seen: Mutex<Seen>,
}

impl Eyes {
    fn look(&self, when: &str) {
        let mut seen = lock(&self.seen);
        for process in lock(&self.processes).iter() {
            // A command may have ended, with all it knew.
            let Ok(Memory { guests, .. }) = memory::read(*process, false) else { continue };
            for guest in &guests {
                let found = self.secrets.in_bytes(guest);
                seen.secrets.extend(found.into_iter().map(|what| format!("{what}: in a guest's memory at {when}")));
                seen.decoy.entry(when.to_owned()).or_default().extend(self.decoy.in_bytes(guest));
            }
            seen.most_bytes = seen.most_bytes.max(guests.iter().map(Vec::len).sum());
        }
    }
}

fn end_of(function: &str) -> String {
    format!("the end of {function}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with the lock")
}

pub struct Stage {
    scene: Scene,
    pbx: Pbx,
    crm: Server,
    witness: Server,
    /// What the program answered at its own listeners.
    answered: Mutex<String>,
    eyes: Arc<Eyes>,
    folder: TempDir,
    program: Option<Child>,
}

impl Stage {
    /// Starts all of it; returns when the program is logged in at the phone system.
    pub async fn open(mut scene: Scene) -> Result<Self> {
        let options = ami_replay::Options { user: "hookswitch".into(), secret: PBX.into(), ..Default::default() };
        let pbx = Pbx::start(options).await?;
        let decoy = Secret::new("decoy", DECOY, Course::Kept);
        let known_to_crm = [std::slice::from_ref(&decoy), scene.secrets.as_slice()].concat();
        scene.secrets.extend([
            Secret::new("pbx", PBX, Course::Kept),
            Secret::new("admin", ADMIN, Course::Kept),
            Secret::new("store", STORE, Course::Used),
        ]);
        let eyes = Arc::new(Eyes {
            secrets: Search::new(&scene.secrets)?,
            decoy: Search::new([&decoy])?,
            processes: Mutex::default(),
            seen: Mutex::default(),
        });
        let watching = eyes.clone();
        let witness = Server::start(move |request: &Request| {
            watching.look(&end_of(request.place.trim_start_matches('/')));
            Reply { status: 200, headers: Vec::new(), body: String::new() }
        })
        .await?;
        let watching = eyes.clone();
        let crm = Crm::new(known_to_crm, scene.answer, witness.origin());
        let crm = Server::start(move |request: &Request| {
            watching.look(&format!("request {} {}", request.nth, request.place));
            crm.reply(request)
        })
        .await?;
        let folder = tempfile::tempdir()?;
        for name in ["admin", "temporary"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let answered = Mutex::default();
        let mut stage = Self { scene, pbx, crm, witness, answered, eyes, folder, program: None };
        stage.furnish()?;
        // As an admin does, as long as the CRM is heard of; so it has failed before the program asks the same.
        for _ in 0..CHECKS {
            let before = stage.crm.bytes().len();
            if !stage.run(&["check"]).await?.contains("FAILED") || stage.crm.bytes().len() == before {
                break;
            }
        }
        stage.launch().await?;
        Ok(stage)
    }

    fn admin(&self) -> PathBuf {
        self.folder.path().join("admin")
    }

    /// Writes the admin's files: of each secret one with its name.
    fn furnish(&self) -> Result<()> {
        let component = composition::witnessed(self.scene.plugin, &self.witness.origin())?;
        std::fs::write(self.admin().join("plugin.wasm"), component)?;
        for Secret { name, text, .. } in &self.scene.secrets {
            let file = self.admin().join(name);
            std::fs::write(&file, text)?;
            std::fs::set_permissions(file, Permissions::from_mode(0o600))?;
        }
        let (crm, witness) = (self.crm.origin(), self.witness.origin());
        let plugin = self.scene.configuration.replace("{crm}", &crm).replace("{elsewhere}", &witness);
        let configuration = format!(
            "[server]\ndata = \"../data\"\nregion = \"DE\"\ntimezone = \"Europe/Berlin\"\n\
             listen = \"127.0.0.1:0\"\npublic-url = \"https://calls.example\"\n\
             key = {{ file = \"store\" }}\n\
             admin = {{ listen = \"127.0.0.1:0\", token = {{ file = \"admin\" }} }}\n\
             [pbx.office]\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"hookswitch\"\n\
             secret = {{ file = \"pbx\" }}\n\
             trunks = [\"PJSIP/trunk-provider\"]\ninbound-contexts = [\"from-trunk\"]\n\
             [plugin.crm]\ncomponent = \"plugin.wasm\"\n\
             allow = {{ http = [\"{crm}\", \"{witness}\"], network = [\"127.0.0.0/8\"], redirects = 1 }}\n\
             retry = {{ tries = 100, first = \"50ms\", longest = \"400ms\" }}\n\
             limits = {{ rate = {{ per-second = 10000, burst = 10000 }} }}\n{plugin}\n",
            self.pbx.addr(),
        );
        let file = self.admin().join("hookswitch.toml");
        std::fs::write(&file, configuration)?;
        Ok(std::fs::set_permissions(file, Permissions::from_mode(0o600))?)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?);
        command.arg("--config").arg(self.admin().join("hookswitch.toml")).args(arguments);
        command
            .env("NO_COLOR", "1")
            .env("TMPDIR", self.folder.path().join("temporary"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    async fn launch(&mut self) -> Result<()> {
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let mut command = self.command(&["run", "--log", LOGGED])?;
        let program = command.stdout(Stdio::null()).stderr(log).spawn()?;
        lock(&self.eyes.processes).push(program.id().context("it has ended")?);
        self.program = Some(program);
        let ready = self.pbx.wait_for_action("QueueStatus", 1, PATIENCE).await;
        ready.map(drop).with_context(|| format!("the program is not ready; its log:\n{}", self.log()))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where `[server] listen` or `admin` serves.
    fn address_of(&self, listener: &str) -> Result<SocketAddr> {
        let (log, line) = (self.log(), format!("[server] {listener}: serving at "));
        let address = log.split(&line).nth(1).and_then(|rest| rest.lines().next());
        Ok(address.with_context(|| format!("no {line:?}:\n{log}"))?.parse()?)
    }

    /// Plays a recorded call at so many times its pace (0: at once) when the plugin is ready, and waits until the CRM's
    /// work for it is done.
    pub async fn call(&self, name: &str, speed: f64) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(READY) {
            ensure!(Instant::now() < deadline, "the plugin is not ready\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.pbx.play(&trace(name)?, Playback { fresh_ids: true, speed, ..Playback::default() }).await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let calls = self.run(&["calls", "--json"]).await?;
            let calls: Vec<Value> = calls.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            if !calls.is_empty() && calls.iter().all(|call| !call["outcome"].is_null() && call["jobs"] == "done") {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "work is left: {calls:#?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Posts to a hook, and returns the answer.
    pub async fn post(&self, hook: &str, headers: &str, body: &str) -> Result<String> {
        let length = body.len();
        let headers = format!("content-length: {length}\r\n{headers}");
        self.ask("listen", &format!("POST /hook/crm/{hook}"), &headers, body).await
    }

    /// Sends a request to the program; `headers` end each with a line end.
    async fn ask(&self, listener: &str, what: &str, headers: &str, body: &str) -> Result<String> {
        let address = self.address_of(listener)?;
        let mut socket = TcpStream::connect(address).await?;
        let request = format!("{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n{body}");
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        lock(&self.answered).push_str(&answer);
        Ok(answer)
    }

    /// Asks for the admin's pages, and for what is no page, with the right token and with a wrong one.
    async fn ask_for_pages(&self) -> Result<()> {
        let token = |token: &str| format!("authorization: Bearer {token}\r\n");
        for page in ["/health", "/metrics", "/status", "/nowhere"] {
            let status = if page == "/nowhere" { "HTTP/1.1 404" } else { "HTTP/1.1 200" };
            for (token, status) in [(token(ADMIN), status), (token(&ADMIN[1..]), "HTTP/1.1 401")] {
                let answer = self.ask("admin", &format!("GET {page}"), &token, "").await?;
                ensure!(answer.starts_with(status), "{page}: {answer}");
            }
        }
        Ok(())
    }

    /// Signs in as a person would whom the provider gives this code.
    pub async fn sign_in(&self, code: &str) -> Result<()> {
        let mut command = self.command(&["auth", "login", "crm", "--json"])?.spawn()?;
        let mut lines = BufReader::new(command.stdout.take().context("piped")?).lines();
        let Some(line) = lines.next_line().await? else {
            bail!("it begins nothing: {}", String::from_utf8_lossy(&command.wait_with_output().await?.stderr));
        };
        let begun: Value = serde_json::from_str(&line)?;
        let text = |key: &str| begun[key].as_str().context(begun.to_string());
        let state = text("url")?.split("state=").nth(1).and_then(|rest| rest.split('&').next()).context("no state")?;
        let path = text("redirect-uri")?.splitn(4, '/').nth(3).context("a path")?.to_owned();
        let query = format!("code={code}&state={state}");
        let answer = self.ask("listen", &format!("GET /{path}?{query}"), "", "").await?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}\n{}", self.log());
        let output = command.wait_with_output().await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Runs a command, and returns all it printed.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let child = self.command(arguments)?.spawn()?;
        // `check` has guests of its own.
        lock(&self.eyes.processes).extend(child.id());
        let output = child.wait_with_output().await?;
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        // The CRM may just have failed as it likes to.
        if !output.status.success() && arguments != ["check"] {
            bail!("hookswitch {arguments:?} ended with {:?}:\n{text}", output.status.code());
        }
        Ok(text)
    }

    /// Everything that the commands tell about calls and work, by the command's name.
    async fn reports(&self) -> Result<Vec<(String, String)>> {
        let mut reports = Vec::new();
        let backup = self.folder.path().join("data/backup.db");
        let mut commands: Vec<Vec<String>> = [
            "check",
            "status",
            "status --json",
            "auth status",
            "calls",
            "calls --json",
            "calls --csv",
            "jobs list",
            "jobs list --json --state done",
        ]
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .into();
        commands.push(vec!["backup".into(), backup.display().to_string()]);
        let ids = |text: &str, key: &str| -> Result<Vec<String>> {
            let rows = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
            let id = |row: &Value| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
            Ok(rows.iter().map(id).collect())
        };
        for call in ids(&self.run(&["calls", "--json"]).await?, "call")? {
            for options in [vec!["--bodies"], vec!["--json"], vec!["--json", "--bodies"]] {
                commands.push([vec!["trace", &call], options].concat().into_iter().map(str::to_owned).collect());
            }
        }
        for job in ids(&self.run(&["jobs", "list", "--json", "--state", "done"]).await?, "job")? {
            commands.push(vec!["jobs".into(), "show".into(), job.clone()]);
            commands.push(vec!["jobs".into(), "show".into(), job, "--json".into()]);
        }
        let last = self.scene.commands.iter().map(|line| line.split(' ').map(str::to_owned).collect());
        for command in commands.into_iter().chain(last) {
            let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
            let text = self.run(&arguments).await?;
            reports.push((command.join(" "), text));
        }
        Ok(reports)
    }

    /// Looks everywhere, and fails where a secret is found, or where nothing could have been found.
    pub async fn verdict(mut self) -> Result<()> {
        let mut program = self.program.take().context("the program is not running")?;
        let process = program.id().context("the program has ended by itself")?;
        let whole = memory::read(process, true)?;
        self.ask_for_pages().await?;
        let reports = self.reports().await?;
        program.kill().await?;
        let log = self.log();
        ensure!(!log.contains("panicked"), "{log}");

        let Eyes { secrets, decoy, seen, .. } = &*self.eyes;
        let seen = lock(seen);
        let mut places: Vec<(String, Vec<u8>)> =
            reports.into_iter().map(|(command, text)| (command, text.into())).collect();
        // The log is among them.
        places.extend(files(self.folder.path(), &self.admin())?);
        places.push(("what others got".to_owned(), self.witness.bytes()));
        places.push(("what was answered".to_owned(), lock(&self.answered).clone().into()));
        places.push(("what the phone system got".to_owned(), format!("{:?}", self.pbx.actions()).into()));
        let mut leaks = seen.secrets.clone();
        let mut with_decoy = BTreeSet::new();
        for (place, bytes) in &places {
            leaks.extend(secrets.in_bytes(bytes).into_iter().map(|what| format!("{what}: in {place}")));
            with_decoy.extend((!decoy.in_bytes(bytes).is_empty()).then_some(place.as_str()));
        }
        ensure!(leaks.is_empty(), "{leaks:#?}");

        // Everything was looked at, and what is there is found.
        for function in self.scene.functions {
            let found = seen.decoy.get(&end_of(function)).map_or(0, BTreeSet::len);
            ensure!(found > 0, "no decoy at the end of {function}: {:#?}\n{log}", seen.decoy);
        }
        for wanted in ["trace ", "jobs show ", "hookswitch.db", "backup.db"].iter().chain(self.scene.places) {
            ensure!(with_decoy.iter().any(|place| place.contains(wanted)), "no decoy in {wanted}: {with_decoy:#?}");
        }
        let sent = secrets.in_bytes(&self.crm.bytes());
        let kept: BTreeSet<_> = whole.rest.iter().flat_map(|bytes| secrets.in_bytes(bytes)).collect();
        for Secret { name, course, .. } in &self.scene.secrets {
            let there = |found: &BTreeSet<String>| found.iter().any(|what| what.starts_with(&format!("{name},")));
            let (is_kept, is_sent) = match course {
                Course::Sent => (true, true),
                Course::Kept => (true, false),
                Course::Used => (false, false),
                Course::Given(..) | Course::Passed => (false, true),
            };
            ensure!(!is_kept || there(&kept), "{name} is not in the program's own memory");
            ensure!(!is_sent || there(&sent), "{name} was never sent to the CRM");
        }
        Ok(())
    }
}

/// All files below a folder, but for those below `except`.
fn files(folder: &Path, except: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path != except {
            found.extend(files(&path, except)?);
        } else if path.is_file() {
            found.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(found)
}
