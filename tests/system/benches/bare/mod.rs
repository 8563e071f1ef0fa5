//! A bare PBX and bare portals on loopback sockets: as little as the program needs, so that little else is measured.

#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod pbx;
pub mod portal;

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::net::{TcpListener, tcp::OwnedWriteHalf};

use self::portal::Portal;

/// The program between a bare PBX and bare portals. It is killed when this is dropped.
pub struct Site {
    /// To the program, as the PBX's manager interface.
    pub wire: OwnedWriteHalf,
    program: Child,
    _folder: TempDir,
}

impl Site {
    /// Starts the program, with a plugin for each portal, and waits until it has logged in and taken stock.
    pub async fn start(portals: &[&Portal]) -> Result<Self> {
        let pbx = TcpListener::bind("127.0.0.1:0").await?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("hookswitch.toml");
        let component = system_tests::component("bitrix24.wasm")?;
        let mut text = format!(
            "[server]\ndata = \"data\"\nregion = \"DE\"\n\
             [pbx.office]\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"u\"\nsecret = \"s\"\n\
             trunks = [\"PJSIP/trunk\"]\n",
            pbx.local_addr()?
        );
        for (number, portal) in portals.iter().enumerate() {
            let address = portal.address;
            text.push_str(&format!(
                "[plugin.bitrix24-{number}]\ncomponent = \"{}\"\nallow.http = [\"http://{address}\"]\n\
                 credentials.portal = {{ kind = \"base-url\", value = \"http://{address}/rest/7/secretsecret/\" }}\n\
                 settings = {{ fallback-user = 7 }}\n\
                 # Not the portal's patience is measured.\n\
                 limits.rate = {{ per-second = 100000, burst = 100000 }}\n",
                component.display(),
            ));
        }
        std::fs::write(&config, text)?;
        let program = Command::new(system_tests::built("hookswitch")?)
            .arg("--config")
            .arg(&config)
            .args(["run", "--log", "error"])
            .stderr(Stdio::null())
            .spawn()?;
        let mut killed = Killed(Some(program));
        let wire = pbx::log_in(pbx).await?;
        let program = killed.0.take().ok_or_else(|| anyhow::anyhow!("it was just started"))?;
        Ok(Self { wire, program, _folder: folder })
    }

    /// Memory that the program has resident, in MiB.
    pub fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        end(&mut self.program);
    }
}

/// Ends a program whose start was given up.
struct Killed(Option<Child>);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(end);
    }
}

fn end(program: &mut Child) {
    // It may have ended by itself.
    let _ = program.kill();
    let _ = program.wait();
}

/// The wait, in milliseconds, that so large a share of them does not exceed.
pub fn percentile(waits: &mut [std::time::Duration], share: f64) -> f64 {
    waits.sort();
    waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0
}
