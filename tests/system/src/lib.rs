//! A world for whole-system tests: the real program with a real configuration between a stand-in PBX and a stand-in
//! portal. What the portal and the program's own commands say afterwards is the verdict.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use ami_replay::{Boundaries, Playback, Server, Trace};
use anyhow::{Context, Result, bail, ensure};
use fake_bitrix24::Portal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The password of the manager user.
const SECRET: &str = "system-test-secret";

/// The program, a phone system and a portal.
pub struct World {
    pub pbx: Server,
    pub portal: Portal,
    folder: TempDir,
    program: Option<Child>,
}

/// What is special about a world.
pub struct Setup {
    pub portal: fake_bitrix24::Options,
    /// TOML behind `[plugin.bitrix24]`, before its sub-tables.
    pub plugin: String,
    /// TOML at the end of the file.
    pub more: String,
}

impl Default for Setup {
    fn default() -> Self {
        let portal = fake_bitrix24::Options { seed: users(), bucket: None, ..fake_bitrix24::Options::default() };
        let plugin = format!("{FALLBACK}\ncontacts = {{ create = \"automatic\", on = [\"inbound\"] }}");
        Self { portal, plugin, more: String::new() }
    }
}

/// Calls that nobody can be credited with go to the owner of the webhook.
pub const FALLBACK: &str = "settings = { fallback-user = 7 }";

/// The people of the recorded PBX as a portal knows them.
pub fn users() -> Value {
    json!({ "users": [
        { "ID": 11, "NAME": "Alice", "LAST_NAME": "Anders", "UF_PHONE_INNER": "201" },
        { "ID": 12, "NAME": "Bernd", "LAST_NAME": "Brandt", "UF_PHONE_INNER": "202" },
        { "ID": 13, "NAME": "Carla", "LAST_NAME": "Conrad", "UF_PHONE_INNER": "203" },
    ]})
}

/// A program that was built for these tests.
pub fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().find(|path| path.join(name).is_file());
    folder.map(|folder| folder.join(name)).with_context(|| format!("{name} is not built: run `cargo xtask build`"))
}

/// A component that was built for these tests.
pub fn component(name: &str) -> Result<PathBuf> {
    let path = root().join("target/plugins").join(name);
    ensure!(path.is_file(), "{} is not built: run `cargo xtask build --plugins-only`", path.display());
    Ok(path)
}

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A recorded trace.
pub fn trace(name: &str) -> Result<Trace> {
    Trace::load(root().join("tests/traces").join(format!("{name}.ami")))
}

/// What truly happened in a recorded trace.
pub fn truth(name: &str) -> Result<Value> {
    let path = root().join("tests/traces").join(format!("{name}.expected.json"));
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

impl World {
    /// Starts phone system and portal, and the program between them; returns when the program is logged in.
    pub async fn start(setup: Setup) -> Result<Self> {
        let mut world = Self::prepare(setup).await?;
        world.launch().await?;
        Ok(world)
    }

    /// Starts phone system and portal and writes the configuration.
    pub async fn prepare(setup: Setup) -> Result<Self> {
        let options =
            ami_replay::Options { user: "hookswitch".into(), secret: SECRET.into(), ..ami_replay::Options::default() };
        let pbx = Server::start(options).await?;
        let portal = Portal::start(setup.portal).await?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("portal-url"), portal.base_url())?;
        std::fs::write(folder.path().join("portal-ca.pem"), portal.ca_pem().unwrap_or_default())?;
        let world = Self { pbx, portal, folder, program: None };
        world.configure(&setup.plugin, &setup.more)?;
        Ok(world)
    }

    /// Writes the configuration.
    pub fn configure(&self, plugin: &str, more: &str) -> Result<()> {
        let base = self.portal.base_url();
        let origin: String = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let ca = self.portal.ca_pem().map(|_| "ca-file = \"portal-ca.pem\"").unwrap_or_default();
        let text = format!(
            r#"
[server]
data = "data"
region = "DE"
timezone = "Europe/Berlin"

[pbx.office]
kind = "asterisk"
address = "{}"
username = "hookswitch"
secret = {{ env = "AMI_SECRET" }}
trunks = ["PJSIP/trunk-provider"]
inbound-contexts = ["from-trunk"]

[plugin.bitrix24]
component = "{}"
{plugin}
[plugin.bitrix24.allow]
http = ["{origin}"]
network = ["127.0.0.0/8", "::1/128"]
{ca}
[plugin.bitrix24.credentials.portal]
kind = "base-url"
file = "portal-url"
{more}
"#,
            self.pbx.addr(),
            component("bitrix24.wasm")?.display(),
        );
        Ok(std::fs::write(self.folder.path().join("hookswitch.toml"), text)?)
    }

    /// The folder that holds configuration and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?);
        command.arg("--config").arg(self.folder.path().join("hookswitch.toml")).args(arguments);
        command.env("AMI_SECRET", SECRET).env("NO_COLOR", "1").kill_on_drop(true);
        Ok(command)
    }

    /// Starts the program and waits until it is logged in and has resynchronised.
    pub async fn launch(&mut self) -> Result<()> {
        let logins = self.pbx.actions().iter().filter(|action| action.name() == "QueueStatus").count();
        let mut command = self.command(&["run", "--log", "info,hookswitch=debug"])?;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
        self.program = Some(command.stderr(Stdio::piped()).spawn()?);
        let program = self.program.as_mut().context("just started")?;
        let errors = program.stderr.take().context("piped")?;
        tokio::spawn(async move {
            use std::io::Write;
            let (mut log, mut lines) = (log, BufReader::new(errors).lines());
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = writeln!(log, "{line}");
            }
        });
        let ready = self.pbx.wait_for_action("QueueStatus", logins + 1, PATIENCE).await;
        ready.map(drop).with_context(|| format!("the program is not ready; its log:\n{}", self.log()))?;
        // The map of users decides who sees cards; a call that came before it would find nobody.
        self.until_log("map of users refreshed").await
    }

    /// Waits until the log contains `text`.
    pub async fn until_log(&self, text: &str) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            ensure!(tokio::time::Instant::now() < deadline, "{text:?} does not appear in the log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Everything that the program has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills the program without warning.
    pub async fn kill(&mut self) -> Result<()> {
        let mut program = self.program.take().context("the program is not running")?;
        Ok(program.kill().await?)
    }

    /// Asks the program to stop, and returns its exit code.
    pub async fn stop(&mut self) -> Result<i32> {
        let mut program = self.program.take().context("the program is not running")?;
        let id = program.id().context("the program has ended already")?;
        ensure!(Command::new("kill").arg("-TERM").arg(id.to_string()).status().await?.success(), "kill failed");
        let status = tokio::time::timeout(PATIENCE, program.wait()).await.context("the program does not stop")??;
        status.code().context("the program was killed")
    }

    /// Plays a trace at `speed` times its pace (0: as fast as possible).
    pub async fn play(&self, name: &str, speed: f64) -> Result<()> {
        let playback = Playback { speed, boundaries: Boundaries::Recorded, fresh_ids: false };
        self.pbx.play(&trace(name)?, playback).await;
        Ok(())
    }

    /// Waits until the portal's state satisfies `wanted` and returns it.
    pub async fn portal_shows(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let result = self.portal.wait_until(wanted, PATIENCE).await;
        ensure!(!self.log().contains("panicked"), "the program panicked:\n{}", self.log());
        result.map_err(|_| {
            let state = self.portal.state();
            let calls = serde_json::to_string_pretty(&state["calls"]).unwrap_or_default();
            let journal: Vec<_> = state["journal"].as_array().into_iter().flatten().map(ToString::to_string).collect();
            anyhow::anyhow!(
                "the portal never showed {what}; calls:\n{calls}\nrequests:\n{}\nlog:\n{}",
                journal.join("\n"),
                self.log()
            )
        })
    }

    /// Runs another command of the program and returns what it printed; fails if its exit code is not `code`.
    pub async fn run(&self, arguments: &[&str], code: i32) -> Result<(String, String)> {
        let output = self.command(arguments)?.output().await?;
        let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        if output.status.code() != Some(code) {
            bail!("hookswitch {arguments:?} ended with {:?}:\n{out}\n{err}", output.status.code());
        }
        Ok((out, err))
    }

    /// The JSON lines that a command printed.
    pub async fn json(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let (out, _) = self.run(&[arguments, &["--json"]].concat(), 0).await?;
        out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
