//! A phone system, the real program with the Zendesk plugin, and an account at Zendesk. What the account says afterwards
//! is the verdict.

pub mod verdict;

use std::{path::Path, process::Stdio, sync::Arc};

use ami_replay::{Playback, Server};
use anyhow::{Context, Result, bail, ensure};
use fake_zendesk::{Account, Options};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{PATIENCE, built, component, trace};

const SECRET: &str = "helpdesk-test-secret";
/// What the program logs when it knows who sits at which extension.
const USERS_KNOWN: &str = "map of users refreshed";

/// All of it.
pub struct Helpdesk {
    pub pbx: Arc<Server>,
    pub account: Account,
    folder: TempDir,
    program: Option<Child>,
}

/// What is special about it.
pub struct Setup {
    pub account: Options,
    /// TOML of the plugin's settings, besides the name of the account.
    pub settings: String,
    /// TOML of `[plugin.zendesk]`: the admin's policies.
    pub policy: String,
    /// The credential, as TOML.
    pub credential: String,
}

impl Default for Setup {
    /// New callers become users; every call has a ticket when it is over, by the journal.
    fn default() -> Self {
        let account = Options { seed: people(), ..Options::default() };
        Self {
            settings: String::new(),
            policy: "contacts = { create = \"automatic\", on = [\"inbound\"] }".to_owned(),
            credential: format!(
                "credentials.token = {{ kind = \"basic\", user = \"{}/token\", value = \"{}\" }}",
                account.email, account.token
            ),
            account,
        }
    }
}

/// The people of the recorded PBX, as the account knows them.
pub fn people() -> Value {
    let agent = |id: u64, name: &str, extension: &str| json!({ "id": id, "name": name, "role": "agent", "phone": extension, "email": format!("{extension}@example.com") });
    json!({ "users": [agent(11, "Alice Anders", "201"), agent(12, "Bernd Brandt", "202"), agent(13, "Carla Conrad", "203")] })
}

impl Helpdesk {
    /// Starts everything; the program is logged in at the phone system and knows the agents.
    pub async fn start(setup: Setup) -> Result<Self> {
        let options = ami_replay::Options { user: "hookswitch".into(), secret: SECRET.into(), ..Default::default() };
        let (pbx, folder) = (Arc::new(Server::start(options).await?), tempfile::tempdir()?);
        let Setup { account, settings, policy, credential } = setup;
        let subdomain = account.subdomain.clone();
        let account = Account::start(account).await?;
        std::fs::write(folder.path().join("zendesk-ca.pem"), account.ca_pem())?;
        let configuration = format!(
            "[server]\ndata = \"data\"\nregion = \"DE\"\ntimezone = \"Europe/Berlin\"\n\
             [pbx.office]\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"hookswitch\"\nsecret = \"{SECRET}\"\n\
             trunks = [\"PJSIP/trunk-provider\"]\ninbound-contexts = [\"from-trunk\"]\n\
             [plugin.zendesk]\ncomponent = \"{}\"\n\
             limits = {{ rate = {{ per-second = 10000, burst = 10000 }} }}\n\
             retry = {{ tries = 40, first = \"50ms\", longest = \"400ms\" }}\n\
             allow = {{ http = [\"https://{subdomain}.zendesk.com\"], ca-file = \"zendesk-ca.pem\" }}\n\
             connection = {{ proxy = \"{}\" }}\n{credential}\n\
             settings = {{ subdomain = \"{subdomain}\"{settings} }}\n{policy}\n",
            pbx.addr(),
            component("zendesk.wasm")?.display(),
            account.proxy(),
        );
        std::fs::write(folder.path().join("hookswitch.toml"), configuration)?;
        let mut helpdesk = Self { pbx, account, folder, program: None };
        helpdesk.launch().await?;
        Ok(helpdesk)
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

    /// Starts the program and waits until it is logged in and knows the agents.
    pub async fn launch(&mut self) -> Result<()> {
        let before = self.log().matches(USERS_KNOWN).count();
        self.relaunch().await?;
        self.until_log(USERS_KNOWN, |log| log.matches(USERS_KNOWN).count() > before).await
    }

    /// Starts the program and waits until it has taken stock of the phone system, whatever the account does.
    pub async fn relaunch(&mut self) -> Result<()> {
        let stocktakings = self.pbx.actions().iter().filter(|action| action.name() == "QueueStatus").count();
        self.spawn()?;
        let ready = self.pbx.wait_for_action("QueueStatus", stocktakings + 1, PATIENCE).await;
        ready.map(drop).with_context(|| format!("the program is not ready; its log:\n{}", self.log()))
    }

    /// Starts the program and kills it after `life`, ready or not.
    pub async fn stumble(&mut self, life: std::time::Duration) -> Result<()> {
        self.spawn()?;
        tokio::time::sleep(life).await;
        self.kill().await
    }

    fn spawn(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log"))?;
        let mut command = self.command(&["run", "--log", "info,hookswitch=debug"])?;
        self.program = Some(command.stderr(log).stdout(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Kills the program without warning.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.program.take().context("the program is not running")?.kill().await?)
    }

    /// Asks the program to stop, and fails if it does not stop well.
    pub async fn stop(&mut self) -> Result<()> {
        let mut program = self.program.take().context("the program is not running")?;
        let id = program.id().context("it has ended")?.to_string();
        ensure!(Command::new("kill").args(["-TERM", &id]).status().await?.success(), "kill failed");
        let status = tokio::time::timeout(PATIENCE, program.wait()).await.context("the program does not stop")??;
        ensure!(status.success(), "it ended with {status}: {}", self.log());
        Ok(())
    }

    /// Begins anew, as on the first day. What the program has compiled is kept.
    pub async fn renew(&mut self) -> Result<()> {
        if self.program.is_some() {
            self.kill().await?;
        }
        for entry in std::fs::read_dir(self.folder().join("data"))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("compiled") {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => std::fs::remove_dir_all(entry.path())?,
                false => std::fs::remove_file(entry.path())?,
            }
        }
        std::fs::remove_file(self.folder().join("log"))?;
        self.account.clear_faults();
        self.account.reset()?;
        self.launch().await
    }

    /// Everything that the program has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Waits until the log is as wanted.
    pub async fn until_log(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !wanted(&self.log()) {
            ensure!(tokio::time::Instant::now() < deadline, "{what:?} does not appear in the log:\n{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Plays a recorded call at `speed` times its pace (0: as fast as possible), as a new one.
    pub async fn call(&self, name: &str, speed: f64) -> Result<()> {
        let playback = Playback { speed, fresh_ids: true, ..Playback::default() };
        self.pbx.play(&trace(name)?, playback).await;
        Ok(())
    }

    /// Waits until the account's state is as wanted.
    pub async fn shows(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let result = self.account.wait_until(wanted, PATIENCE).await;
        ensure!(!self.log().contains("panicked"), "the program panicked:\n{}", self.log());
        result.map_err(|_| anyhow::anyhow!("the account never showed {what}; {}", self.report()))
    }

    /// Waits until every call that the program knows has ended and all its work is done or parked; returns the calls.
    pub async fn settled(&self) -> Result<Vec<Value>> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let calls = self.json(&["calls", "--limit", "1000000"]).await?;
            let words = ["done", "-", "parked"];
            let is_done = |call: &Value| {
                !call["outcome"].is_null()
                    && words.iter().any(|word| call["jobs"].as_str().is_some_and(|jobs| jobs.ends_with(word)))
            };
            if calls.iter().all(is_done) {
                return Ok(calls);
            }
            let open: Vec<_> = calls.iter().filter(|call| !is_done(call)).map(ToString::to_string).collect();
            let late = tokio::time::Instant::now() > deadline;
            ensure!(!late, "work is left:\n{}\n{}", open.join("\n"), self.report());
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }

    /// Everything that helps to find out what went wrong.
    pub fn report(&self) -> String {
        let state = self.account.state();
        let lines = |key: &str| {
            let all = state[key].as_array().into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
            format!("{key}:\n{}", all.join("\n"))
        };
        let keys = ["users", "tickets", "displays", "complaints", "journal"];
        format!("{}\nlog:\n{}", keys.map(lines).join("\n"), self.log())
    }

    /// Runs another command of the program and returns what it printed; fails if its exit code is not `code`.
    pub async fn run(&self, arguments: &[&str], code: i32) -> Result<String> {
        let output = self.command(arguments)?.output().await?;
        let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        if output.status.code() != Some(code) {
            bail!("hookswitch {arguments:?} ended with {:?}:\n{out}\n{err}", output.status.code());
        }
        Ok(format!("{out}{err}"))
    }

    /// The JSON lines that a command printed.
    pub async fn json(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let output = self.command(&[arguments, &["--json"]].concat())?.output().await?;
        let out = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
