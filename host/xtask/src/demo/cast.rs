//! The programs of the demonstration, with their arguments: the one place to change when one of them does.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Options;
use crate::workspace::Workspace;

/// What `examples/demo/hookswitch.toml` says of the telephone system and the portal.
const TELEPHONES: &str = "127.0.0.1:25038";
const PORTAL: &str = "127.0.0.1:28443";
const USER: &str = "hookswitch";

/// The manager's secret, which that file takes from the environment.
const SECRET: &str = "demo-secret";

/// The calls, in an order that shows something new each time.
const CALLS: [&str; 9] = [
    "b",           // a queue call: two phones ring, one answers
    "a",           // a direct call, answered
    "d",           // a direct call that nobody answers
    "e",           // an outbound call
    "g_refer",     // a blind transfer
    "c",           // a caller gives up waiting in the queue
    "h_refer",     // an attended transfer
    "n_ivr_queue", // a voice menu, then the queue
    "a_anonymous", // a caller who hides the number
];

/// The folder in which the demonstration keeps everything, empty at its beginning.
pub(crate) struct Stage {
    folder: PathBuf,
    programs: PathBuf,
    traces: PathBuf,
    example: PathBuf,
}

impl Stage {
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target().join("demo");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            folder,
            programs: workspace.programs(),
            traces: workspace.join("tests/traces"),
            example: workspace.join("examples/demo"),
        })
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    pub(crate) fn portal(&self) -> Command {
        let mut portal = Command::new(self.programs.join("fake-bitrix24"));
        portal.args(["--listen", PORTAL, "--control", "127.0.0.1:0"]);
        portal.arg("--seed").arg(self.example.join("portal.json"));
        portal.arg("--ca-out").arg(self.folder.join("portal-ca.pem")).arg("--url-out").arg(self.portal_ready());
        portal.args(["--view", if std::io::stdout().is_terminal() { "screen" } else { "lines" }]);
        portal
    }

    /// The webhook address of the portal, written when it listens.
    pub(crate) fn portal_ready(&self) -> PathBuf {
        self.folder.join("portal-url")
    }

    pub(crate) fn telephones(&self, options: &Options) -> Command {
        let mut replay = Command::new(self.programs.join("ami-replay"));
        replay.args(["--listen", TELEPHONES, "--user", USER, "--secret", SECRET, "--wait-for-login"]);
        replay.arg("--addr-out").arg(self.telephones_ready()).arg("--speed").arg(options.speed.to_string());
        // After the last call its entries still have to reach the portal, and a PBX does not vanish after a call.
        replay.args(if options.once { ["--fresh-ids", "--linger=8s"].as_slice() } else { &["--loop"] });
        replay.args(CALLS.map(|call| self.traces.join(format!("{call}.ami"))));
        replay
    }

    /// The address of the telephone system, written when it listens.
    pub(crate) fn telephones_ready(&self) -> PathBuf {
        self.folder.join("ami.address")
    }

    /// The program as in production.
    pub(crate) fn program(&self) -> Command {
        let mut program = Command::new(self.programs.join("hookswitch"));
        program.arg("run").arg("--config").arg(self.example.join("hookswitch.toml")).env("DEMO_AMI_SECRET", SECRET);
        program
    }
}
