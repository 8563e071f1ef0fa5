//! A recorded Asterisk with a folder for its recordings, the program, and a portal.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use fake_whisper::Sound;
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World, http::free_port, spool::Spool};

pub struct Scene {
    pub world: World,
    pub port: u16,
    spool: Spool,
}

/// What is special about it.
#[derive(Default)]
pub struct Special<'a> {
    /// TOML of `[recordings]`.
    pub recordings: &'a str,
    /// TOML behind `[plugin.bitrix24]`.
    pub plugin: &'a str,
    /// TOML at the end of the file.
    pub more: &'a str,
}

impl Scene {
    pub async fn open(special: Special<'_>) -> Result<Self> {
        Self::open_with(special, Setup::default()).await
    }

    pub async fn open_with(special: Special<'_>, setup: Setup) -> Result<Self> {
        let mut scene = Self::prepare(special, setup).await?;
        scene.world.launch().await?;
        Ok(scene)
    }

    pub async fn prepare(special: Special<'_>, setup: Setup) -> Result<Self> {
        let spool = Spool::new()?;
        let port = free_port()?;
        let Special { recordings, plugin, more } = special;
        let server =
            format!("listen = \"127.0.0.1:{port}\"\npublic-url = \"http://127.0.0.1:{port}\"\n{}", setup.server);
        let more = format!("{}{more}", spool.configure(recordings));
        let plugin = format!("{}\nretry = {{ first = \"100ms\", longest = \"1s\" }}\n{plugin}", setup.plugin);
        let world = World::prepare(Setup { server, more, plugin, ..setup }).await?;
        Ok(Self { world, port, spool })
    }

    /// Where the phone system's file is, as this machine sees it.
    pub fn file(&self) -> PathBuf {
        self.spool.file()
    }

    /// The call, from its first ring to its end.
    pub async fn call(&self) -> Result<()> {
        self.world.play("l", 0.0).await
    }

    /// The recordings as the program tells of them, when they are as wanted.
    pub async fn recordings(&self, what: &str, wanted: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let deadline = tokio::time::Instant::now() + 2 * PATIENCE;
        loop {
            let found = self.world.json(&["recordings", "list"]).await?;
            if wanted(&found) {
                return Ok(found);
            }
            let late = tokio::time::Instant::now() > deadline;
            ensure!(!late, "never {what}: {found:#?}\n{}", self.world.account());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The one recording, when it stands so.
    pub async fn stands(&self, state: &str) -> Result<Value> {
        let all = self.recordings(state, |all| all.len() == 1 && all[0]["state"] == state).await?;
        all.into_iter().next().context("one recording")
    }

    /// The portal's call, when so many recordings are attached to it.
    pub async fn attached(&self, count: usize) -> Result<Value> {
        self.attached_within(count, PATIENCE).await
    }

    /// The same, which may take so long.
    pub async fn attached_within(&self, count: usize, patience: Duration) -> Result<Value> {
        let shows = |state: &Value| records(state).count() >= count;
        let state = self.world.portal.wait_until(shows, patience).await;
        let state = state.map_err(|_| anyhow::anyhow!("the recording is not attached: {}", self.world.account()))?;
        ensure!(!self.world.log().contains("panicked"), "the program panicked:\n{}", self.world.log());
        let calls = state["calls"].as_array().context("calls")?;
        ensure!(calls.len() == 1, "{} calls: {}", calls.len(), self.world.account());
        Ok(calls[0].clone())
    }

    /// What was attached, whole.
    pub fn uploaded(&self, record: &Value) -> Result<Vec<u8>> {
        let id = record["file_id"].as_u64().with_context(|| format!("no file in {record}"))?;
        Ok(self.world.portal.file(id).context("the portal has no such file")?.to_vec())
    }

    /// The files of the program's archive.
    pub fn archive(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.world.data().join("recordings")).into_iter().flatten().flatten();
        folders
            .flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten())
            .map(|file| file.path())
            .collect()
    }
}

/// A portal to which every file goes the long way, by an address of its own.
pub fn the_long_way() -> Setup {
    Setup { plugin: "settings = { fallback-user = 7, upload-above = 1 }".to_owned(), ..Setup::default() }
}

/// All recordings at all calls of a portal.
pub fn records(state: &Value) -> impl Iterator<Item = &Value> {
    let calls = state["calls"].as_array().into_iter().flatten();
    calls.flat_map(|call| call["records"].as_array().into_iter().flatten())
}

/// The same speech, of the same length: decoded.
pub fn same(one: &[u8], other: &[u8]) -> Result<()> {
    let (one, other) = (Sound::read(one)?, Sound::read(other)?);
    let apart = one.duration_ms().abs_diff(other.duration_ms());
    ensure!(apart <= 50, "{one:?} and {other:?} are {apart} ms apart");
    let likeness = one.likeness(&other);
    ensure!(likeness > 0.9, "{one:?} and {other:?} are alike by {likeness}");
    Ok(())
}
