//! The program, phone systems and portals.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use ami_replay::{Boundaries, Playback, Server};
use anyhow::{Context, Result, bail, ensure};
use fake_bitrix24::Portal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Clock, PATIENCE, Setup, SmallDisk, built, config::Parts, trace};

/// The password of the manager user.
const SECRET: &str = "system-test-secret";
/// A program that has logged nothing for so long is taken to have nothing to do.
const QUIET: Duration = Duration::from_millis(15);
/// What the program logs when it knows who sits at which extension.
const USERS_KNOWN: &str = "map of users refreshed";

/// The program, phone systems and portals.
pub struct World {
    pub pbx: Arc<Server>,
    pub branches: Vec<Arc<Server>>,
    pub portal: Portal,
    pub more_portals: Vec<Portal>,
    pub disk: Option<SmallDisk>,
    server: String,
    clock: Option<Clock>,
    folder: TempDir,
    program: Option<Child>,
}

impl World {
    /// Starts phone systems and portals, and the program between them; returns when the program is logged in.
    pub async fn start(setup: Setup) -> Result<Self> {
        let mut world = Self::prepare(setup).await?;
        world.launch().await?;
        Ok(world)
    }

    /// Starts phone systems and portals and writes the configuration.
    pub async fn prepare(setup: Setup) -> Result<Self> {
        let pbx = phone_system().await?;
        let mut branches = Vec::new();
        for _ in 0..setup.branches {
            branches.push(phone_system().await?);
        }
        let portal = Portal::start(setup.portal).await?;
        let mut more_portals = Vec::new();
        for options in setup.more_portals {
            more_portals.push(Portal::start(options).await?);
        }
        let folder = tempfile::tempdir()?;
        let clock = Clock::new(setup.time)?;
        let world = Self {
            pbx,
            branches,
            portal,
            more_portals,
            disk: setup.disk,
            server: setup.server,
            clock,
            folder,
            program: None,
        };
        world.parts().write_portals(world.folder())?;
        world.configure(&setup.plugin, &setup.more)?;
        Ok(world)
    }

    /// Writes the configuration.
    pub fn configure(&self, plugin: &str, more: &str) -> Result<()> {
        let text = self.parts().text(&self.data(), &self.server, plugin, more)?;
        Ok(std::fs::write(self.folder().join("hookswitch.toml"), text)?)
    }

    fn parts(&self) -> Parts<'_> {
        let more = self.more_portals.iter().enumerate().map(|(at, portal)| (format!("bitrix24-{}", at + 2), portal));
        Parts {
            pbxs: self.pbxs().map(|(name, pbx)| (name, &**pbx)).collect(),
            portals: std::iter::once(("bitrix24".to_owned(), &self.portal)).chain(more).collect(),
        }
    }

    /// The phone systems by their names in the configuration.
    pub fn pbxs(&self) -> impl Iterator<Item = (String, &Arc<Server>)> {
        let branches = self.branches.iter().enumerate().map(|(at, pbx)| (format!("branch-{}", at + 2), pbx));
        std::iter::once(("office".to_owned(), &self.pbx)).chain(branches)
    }

    /// The folder that holds the configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that holds the program's data.
    pub fn data(&self) -> PathBuf {
        let root = self.disk.as_ref().map_or(self.folder(), SmallDisk::path);
        root.join("data")
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(built("hookswitch")?);
        command.arg("--config").arg(self.folder().join("hookswitch.toml")).args(arguments);
        command.env("AMI_SECRET", SECRET).env("NO_COLOR", "1").kill_on_drop(true);
        Ok(command)
    }

    /// Starts the program and waits until it is logged in, has resynchronised and knows the portals' users.
    pub async fn launch(&mut self) -> Result<()> {
        let before = self.log().matches(USERS_KNOWN).count();
        self.relaunch().await?;
        // The map of users decides who sees cards; a call that came before it would find nobody.
        let known = before + 1 + self.more_portals.len();
        self.log_until(USERS_KNOWN, |log| log.matches(USERS_KNOWN).count() >= known).await
    }

    /// Starts the program and waits until it is logged in and has resynchronised, whatever the portals do.
    pub async fn relaunch(&mut self) -> Result<()> {
        let roll_calls = |pbx: &Server| pbx.actions().iter().filter(|action| action.name() == "QueueStatus").count();
        let before: Vec<usize> = self.pbxs().map(|(_, pbx)| roll_calls(pbx)).collect();
        self.spawn()?;
        for ((_, pbx), before) in self.pbxs().zip(before) {
            let ready = pbx.wait_for_action("QueueStatus", before + 1, PATIENCE).await;
            ready.map(drop).with_context(|| format!("the program is not ready; its log:\n{}", self.log()))?;
        }
        Ok(())
    }

    /// Starts the program and kills it after `life`, ready or not.
    pub async fn stumble(&mut self, life: Duration) -> Result<()> {
        self.spawn()?;
        tokio::time::sleep(life).await;
        self.kill().await
    }

    fn spawn(&mut self) -> Result<()> {
        let mut command = self.command(&["run", "--log", "info,hookswitch=debug"])?;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log"))?;
        if let Some(clock) = &mut self.clock {
            clock.begin()?;
            command.envs(clock.environment());
        }
        self.program = Some(command.stderr(log).stdout(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Begins anew, as on the first day: no program, no calls, a portal as at its start. What the program has compiled
    /// is kept.
    pub async fn renew(&mut self) -> Result<()> {
        if self.program.is_some() {
            self.kill().await?;
        }
        for entry in std::fs::read_dir(self.data())? {
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
        self.portal.reset()?;
        self.launch().await
    }

    /// Lets so many seconds pass in each for the program. What it does itself seems slower to it by as much, so its own
    /// deadlines set a limit to this.
    pub async fn pace(&mut self, pace: f64) -> Result<()> {
        self.set_clock(|clock| clock.pace(pace)).await
    }

    /// Lets `time` pass for the program, in steps: whenever it has nothing to do, a step is skipped.
    pub async fn pass(&mut self, time: Duration, step: Duration) -> Result<()> {
        let mut passed = Duration::ZERO;
        while passed < time {
            self.set_clock(|clock| clock.skip(step)).await?;
            passed += step;
            // It writes a line about all that it does.
            let mut seen = None;
            while seen.replace(self.log().len()) != Some(self.log().len()) {
                tokio::time::sleep(QUIET).await;
            }
        }
        Ok(())
    }

    async fn set_clock(&mut self, set: impl FnOnce(&mut Clock) -> Result<()>) -> Result<()> {
        // Stopped and continued, the process looks at its clock again before it goes on with a wait.
        self.signal("-STOP").await?;
        set(self.clock.as_mut().context("the setup asks for no simulated time")?)?;
        self.signal("-CONT").await
    }

    /// The program's clock.
    pub fn clock(&mut self) -> Result<&mut Clock> {
        self.clock.as_mut().context("the setup asks for no clock")
    }

    /// Waits until the log contains `text`.
    pub async fn until_log(&self, text: &str) -> Result<()> {
        self.log_until(text, |log| log.contains(text)).await
    }

    /// Waits until the log is as wanted.
    pub async fn log_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !wanted(&self.log()) {
            ensure!(tokio::time::Instant::now() < deadline, "{what:?} does not appear in the log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Everything that the program has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Kills the program without warning.
    pub async fn kill(&mut self) -> Result<()> {
        let mut program = self.program.take().context("the program is not running")?;
        Ok(program.kill().await?)
    }

    /// Asks the program to stop, and returns its exit code.
    pub async fn stop(&mut self) -> Result<i32> {
        self.signal("-TERM").await?;
        let mut program = self.program.take().context("the program is not running")?;
        let status = tokio::time::timeout(PATIENCE, program.wait()).await.context("the program does not stop")??;
        status.code().context("the program was killed")
    }

    /// The program's process.
    pub fn process(&self) -> Result<u32> {
        self.program.as_ref().and_then(Child::id).context("the program is not running")
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        let id = self.process()?;
        ensure!(Command::new("kill").arg(signal).arg(id.to_string()).status().await?.success(), "kill failed");
        Ok(())
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
        result.map_err(|_| anyhow::anyhow!("the portal never showed {what}; {}", self.account()))
    }

    /// Waits until every call that the program knows has ended and all its work is done; returns the calls.
    pub async fn work_done(&self) -> Result<Vec<Value>> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let calls = self.json(&["calls", "--limit", "1000000"]).await?;
            let is_done =
                |call: &Value| !call["outcome"].is_null() && ["done", "-"].iter().any(|word| call["jobs"] == **word);
            if calls.iter().all(is_done) {
                return Ok(calls);
            }
            let open: Vec<_> = calls.iter().filter(|call| !is_done(call)).map(ToString::to_string).collect();
            let late = tokio::time::Instant::now() > deadline;
            ensure!(!late, "work is left:\n{}\n{}", open.join("\n"), self.account());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything that helps to find out what went wrong.
    pub fn account(&self) -> String {
        let state = self.portal.state();
        let calls = serde_json::to_string_pretty(&state["calls"]).unwrap_or_default();
        let journal: Vec<_> = state["journal"].as_array().into_iter().flatten().map(ToString::to_string).collect();
        format!("calls:\n{calls}\nrequests:\n{}\nlog:\n{}", journal.join("\n"), self.log())
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

async fn phone_system() -> Result<Arc<Server>> {
    let options = ami_replay::Options {
        user: "hookswitch".into(),
        secret: SECRET.into(),
        may: vec!["Originate".into(), "Hangup".into()],
        ..ami_replay::Options::default()
    };
    Ok(Arc::new(Server::start(options).await?))
}
