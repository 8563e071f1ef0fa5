//! The real program with one plugin, a phone system and a CRM that gives away all it knows, and eyes everywhere: in the
//! memory of the plugin whenever it asks the CRM something and when a function of it has ended, on the disk, in the
//! log, in what commands print, on the wire.

use std::{
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
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
    eyes::{Eyes, end_of, lock},
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

pub struct Stage {
    pub scene: Scene,
    pub pbx: Pbx,
    pub crm: Server,
    pub witness: Server,
    /// What the program answered at its own listeners.
    pub answered: Mutex<String>,
    pub eyes: Arc<Eyes>,
    pub folder: TempDir,
    pub program: Option<Child>,
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

    pub fn admin(&self) -> PathBuf {
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
    pub async fn ask_for_pages(&self) -> Result<()> {
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
}
