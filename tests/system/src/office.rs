//! A phone system, the real program with one plugin, and a CRM that keeps every request: the program is killed where a
//! test likes, and what the CRM was asked is the verdict.

use std::{path::Path, process::Stdio, time::Duration};

use ami_replay::{Playback, Server};
use anyhow::{Context, Result, bail, ensure};
use recording_crm::Crm;
use serde_json::Value;

use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::Instant,
};

use crate::{Clock, PATIENCE, Time, built, component, http::free_port, trace};

const SECRET: &str = "effects-test-secret";

/// All of it.
pub struct Office {
    pub crm: Crm,
    pbx: Server,
    folder: TempDir,
    program: Option<Child>,
    clock: Option<Clock>,
    setup: Setup,
    /// Where the program listens, if it does.
    port: u16,
}

/// What the admin has configured.
pub struct Setup {
    /// The component's file, in the folder of the configuration.
    pub component: &'static str,
    /// TOML of the plugin's credentials; `CRM` stands for the CRM's origin.
    pub credentials: String,
    /// Further origins that the plugin may reach; `CRM` as well.
    pub allow: Vec<String>,
    /// TOML of the plugin's settings.
    pub settings: String,
    /// TOML of `[server]`.
    pub server: String,
    /// TOML of `[plugin.crm]`.
    pub plugin: String,
    /// Serve hooks and sign-ins, at an address of this machine.
    pub listens: bool,
    /// TOML at the end of the file; `CRM` as well.
    pub more: String,
    /// The time that the program lives in.
    pub time: Time,
}

impl Setup {
    /// The scripted plugin, with this script.
    pub fn new(script: Value) -> Self {
        Self {
            component: "scripted.wasm",
            credentials: address("crm"),
            settings: Self::script(script),
            ..Self::bitrix24("")
        }
    }

    /// The settings of the scripted plugin.
    pub fn script(script: Value) -> String {
        format!("script = {}", Value::from(script.to_string()))
    }

    /// The Bitrix24 plugin.
    pub fn bitrix24(settings: &str) -> Self {
        Self {
            component: "bitrix24.wasm",
            credentials: address("portal"),
            allow: Vec::new(),
            settings: settings.to_owned(),
            server: "region = \"DE\"\ntimezone = \"Europe/Berlin\"".to_owned(),
            plugin: "retry = { tries = 20, first = \"50ms\", longest = \"400ms\" }".to_owned(),
            listens: false,
            more: String::new(),
            time: Time::Real,
        }
    }
}

/// The credential `handle` holds the CRM's address.
fn address(handle: &str) -> String {
    format!("credentials.{handle} = {{ kind = \"base-url\", file = \"address\" }}")
}

impl Office {
    /// Opens with a program that is logged in at the phone system.
    pub async fn open(setup: Setup) -> Result<Self> {
        Self::open_with(setup, |_| {}).await
    }

    /// As [`Office::open`], with a CRM that was told how to answer before it is asked anything.
    pub async fn open_with(setup: Setup, instruct: impl FnOnce(&Crm)) -> Result<Self> {
        let mut office = Self::prepare(setup).await?;
        instruct(&office.crm);
        office.launch().await?;
        Ok(office)
    }

    /// Everything but the program.
    pub async fn prepare(setup: Setup) -> Result<Self> {
        let options = ami_replay::Options { user: "hookswitch".into(), secret: SECRET.into(), ..Default::default() };
        let (pbx, crm) = (Server::start(options).await?, Crm::start().await?);
        let folder = tempfile::tempdir()?;
        std::fs::copy(component(setup.component)?, folder.path().join(setup.component))?;
        std::fs::write(folder.path().join("address"), crm.base_url())?;
        let port = free_port()?;
        let clock = Clock::new(setup.time)?;
        Ok(Self { crm, pbx, folder, program: None, clock, setup, port })
    }

    /// The folder that holds configuration and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An address at which the program listens; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What the admin has configured, to be changed while the program is dead.
    pub fn setup(&mut self) -> &mut Setup {
        &mut self.setup
    }

    fn configuration(&self) -> String {
        let Setup { component, credentials, allow, settings, server, plugin, listens, more, time: _ } = &self.setup;
        let listen = if *listens {
            let here = format!("127.0.0.1:{}", self.port);
            format!("listen = \"{here}\"\npublic-url = \"http://{here}\"")
        } else {
            String::new()
        };
        let origin = self.crm.origin();
        let [credentials, more] = [credentials, more].map(|text| text.replace("CRM", &origin));
        let allow: String = allow.iter().map(|allow| format!(", \"{}\"", allow.replace("CRM", &origin))).collect();
        format!(
            "[server]\ndata = \"data\"\n{server}\n{listen}\n\
             [pbx.office]\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"hookswitch\"\nsecret = \"{SECRET}\"\n\
             trunks = [\"PJSIP/trunk-provider\"]\ninbound-contexts = [\"from-trunk\"]\n\
             [plugin.crm]\ncomponent = \"{component}\"\n{plugin}\n\
             allow = {{ http = [\"{origin}\"{allow}], network = [\"127.0.0.0/8\"] }}\n\
             {credentials}\n\
             settings = {{ {settings} }}\n{more}\n",
            self.pbx.addr(),
        )
    }

    /// A command of the program, as an admin would run it in this office.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?);
        command.arg("--config").arg(self.folder().join("hookswitch.toml")).args(arguments);
        command.env("NO_COLOR", "1").kill_on_drop(true);
        Ok(command)
    }

    /// Starts the program with what is configured now, and waits until it has taken stock of the phone system.
    pub async fn launch(&mut self) -> Result<()> {
        std::fs::write(self.folder().join("hookswitch.toml"), self.configuration())?;
        let starts = self.starts();
        let stocktakings = self.pbx.actions().iter().filter(|action| action.name() == "QueueStatus").count();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log"))?;
        let mut command = self.command(&["run", "--log", "info,hookswitch=debug"])?;
        if let Some(clock) = &mut self.clock {
            clock.begin()?;
            command.envs(clock.environment());
        }
        self.program = Some(command.stderr(Stdio::from(log)).spawn()?);
        let ready = self.pbx.wait_for_action("QueueStatus", stocktakings + 1, PATIENCE).await;
        ready.map(drop).with_context(|| format!("the program is not ready; its log:\n{}", self.log()))?;
        let deadline = Instant::now() + PATIENCE;
        while self.starts() == starts {
            ensure!(Instant::now() < deadline, "the program does not serve; its log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// How often the program has begun to serve, with all its listeners open.
    fn starts(&self) -> usize {
        self.log().lines().filter(|line| line.ends_with("serving")).count()
    }

    /// Everything that the program has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Kills the program without warning; returns when it is dead.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.program.take().context("the program is not running")?.kill().await?)
    }

    /// Lets `time` pass at once for the program, if its time is [`Time::Simulated`].
    pub async fn skip(&mut self, time: Duration) -> Result<()> {
        let clock = self.clock.as_mut().context("the setup asks for no simulated time")?;
        let Some(id) = self.program.as_ref().and_then(Child::id) else { return clock.skip(time) };
        let signal = async |signal: &str| {
            let sent = Command::new("kill").args([signal, &id.to_string()]).status().await?;
            ensure!(sent.success(), "kill failed");
            anyhow::Ok(())
        };
        // Stopped and continued, the process looks at its clock again before it goes on with a wait.
        signal("-STOP").await?;
        clock.skip(time)?;
        signal("-CONT").await
    }

    /// Plays a recorded call to its end, as a new one.
    pub async fn call(&self, name: &str) -> Result<()> {
        self.pbx.play(&trace(name)?, Playback { fresh_ids: true, ..Playback::default() }).await;
        Ok(())
    }

    /// Runs another command of the program, and returns what it printed.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        self.run_to(arguments, 0).await
    }

    /// As [`Office::run`], for a command that is to end with this exit code.
    pub async fn run_to(&self, arguments: &[&str], code: i32) -> Result<String> {
        let output = self.command(arguments)?.output().await?;
        let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        if output.status.code() != Some(code) {
            bail!("hookswitch {arguments:?} ended with {:?}:\n{out}\n{err}", output.status.code());
        }
        Ok(out)
    }

    /// The jobs in this state, the newest first.
    pub async fn jobs(&self, state: &str) -> Result<Vec<Value>> {
        let out = self.run(&["jobs", "list", "--json", "--state", state]).await?;
        out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Waits until there are so many jobs in this state, and returns them.
    pub async fn wait_for_jobs(&self, state: &str, count: usize) -> Result<Vec<Value>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let jobs = self.jobs(state).await?;
            if jobs.len() >= count {
                ensure!(jobs.len() == count, "{} jobs are {state} instead of {count}: {jobs:#?}", jobs.len());
                ensure!(!self.log().contains("panicked"), "{}", self.log());
                return Ok(jobs);
            }
            if Instant::now() > deadline {
                let requests: Vec<_> = self.crm.requests().iter().map(|request| request.path.clone()).collect();
                bail!("{jobs:#?} of {count} jobs are {state}; requests: {requests:#?}; log:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}
