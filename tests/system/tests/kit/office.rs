//! The running service with a small script of ours among its plugins.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use recording_crm::{Reply, Request};
use system_tests::{PATIENCE, office, office::Office};
use tokio::time::Instant;

/// What the script writes for every call; `VERSION` tells one text from another.
pub const JOURNAL: &str = r#"exports.journal = { write({ call }) {
  return { id: crm.post("calls", { effect: "idempotent", json: { by: "VERSION", key: job.key("call") } }).id };
} };"#;

/// An office with the script, not yet running: `more` stands in its table.
pub async fn prepared(script: &str, more: &str) -> Result<Office> {
    let small = format!(
        "[plugin.small]\nscript = \"small.js\"\n{more}\n\
         allow = {{ http = [\"CRM\", \"https://other.test\"], network = [\"127.0.0.0/8\"] }}\n\
         credentials.crm = {{ kind = \"base-url\", file = \"address\" }}\n"
    );
    let setup = office::Setup {
        component: "idle.wasm",
        credentials: String::new(),
        settings: String::new(),
        more: small,
        ..office::Setup::bitrix24("")
    };
    let office = Office::prepare(setup).await?;
    office.crm.answer("calls", Reply::new(200, r#"{"id":"c-1"}"#).header("content-type", "application/json"));
    save(&office, script)?;
    Ok(office)
}

/// Saves the script as an editor does: under another name, which then becomes its own.
pub fn save(office: &Office, script: &str) -> Result<()> {
    let new = office.folder().join("small.js.new");
    std::fs::write(&new, script)?;
    Ok(std::fs::rename(new, path(office))?)
}

pub fn path(office: &Office) -> PathBuf {
    office.folder().join("small.js")
}

/// Plays a call, and returns which text journaled it.
pub async fn journaled_by(office: &Office) -> Result<String> {
    let before = office.crm.requests_to("calls").len();
    office.call("a").await?;
    let requests: Vec<Request> = office.crm.wait_for("calls", before + 1).await?;
    let body: serde_json::Value = serde_json::from_str(&requests[before].body)?;
    Ok(body["by"].as_str().unwrap_or_default().to_owned())
}

/// Waits until the log holds `text` more often than `before`.
pub async fn logged(office: &Office, text: &str, before: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while times(office, text) <= before {
        ensure!(Instant::now() < deadline, "{text:?} is not logged in:\n{}", office.log());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Ok(())
}

/// How often the log holds `text`.
pub fn times(office: &Office, text: &str) -> usize {
    office.log().matches(text).count()
}

/// Runs a command that is refused, and returns what it said, as one line.
pub async fn refused(office: &Office, arguments: &[&str]) -> Result<String> {
    let output = office.command(arguments)?.output().await?;
    let both = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&both).replace('│', " ");
    ensure!(output.status.code() == Some(1), "{arguments:?} ended with {:?}: {text}", output.status.code());
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
