//! Canaries: distinct false secrets run through every path of every plugin of ours, and the CRM gives them back in every
//! spelling. None may be found in the memory of a plugin, on the disk, in the log, in what commands print, or on the wire to
//! anybody else. So that a search that finds nothing proves something, there is a decoy, which the program does not know
//! for a secret: it must be found wherever the secrets must not.

mod composition;
mod crm;
mod memory;
mod server;
mod spelling;
mod stage;

use anyhow::Result;
use serde_json::{Value, json};

use crm::ECHO;
use spelling::Secret;
use stage::{Scene, Stage};

const BASE: &str = "{crm}/k/c4n4ry-b4se+url~!7Zq9/";

fn base() -> Secret {
    Secret::new("base", "c4n4ry-b4se+url~!7Zq9")
}

/// Answers of the CRM that the first plugins talk to.
fn first_crm(place: &str) -> Value {
    match place.rsplit('/').next() {
        Some("contacts") => json!([{"id": "88", "name": format!("Ana {ECHO}"), "echo": ECHO}]),
        _ => json!({"id": "call-1", "echo": ECHO}),
    }
}

fn first_plugin(plugin: &'static str) -> Scene {
    Scene {
        plugin,
        configuration: format!("credentials.crm = {{ kind = \"base-url\", value = \"{BASE}\" }}"),
        secrets: vec![base()],
        answer: first_crm,
        functions: &["lookup.by-number", "journal.write", "plugin.check"],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_plugin_in_rust_never_sees_its_secret() -> Result<()> {
    let stage = Stage::open(first_plugin("first-plugin-rust.wasm")).await?;
    stage.call("a").await?;
    stage.verdict().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_plugin_in_javascript_never_sees_its_secret() -> Result<()> {
    let stage = Stage::open(first_plugin("first-plugin-js.wasm")).await?;
    stage.call("a").await?;
    stage.verdict().await
}
