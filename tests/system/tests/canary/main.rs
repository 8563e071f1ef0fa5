//! Canaries: distinct false secrets run through every path of every plugin of ours, and the CRM gives them back in every
//! spelling. None may be found in the memory of a plugin, on the disk, in the log, in what commands print, or on the wire to
//! anybody else. So that a search that finds nothing proves something, there is a decoy, which the program does not know
//! for a secret: it must be found wherever the secrets must not.

mod composition;
mod crm;
mod eyes;
mod hooks;
mod memory;
mod requests;
mod script;
mod server;
mod spelling;
mod stage;
mod tokens;
mod verdict;

use anyhow::Result;
use serde_json::{Value, json};

use crm::ECHO;
use server::Request;
use spelling::{Course, Secret};
use stage::{Scene, Stage};

const BASE: &str = "c4n4ry-b4se+url~!7Zq9";

fn base() -> Secret {
    Secret::new("base", BASE, Course::Sent)
}

/// Answers of the CRM that the first plugins talk to.
fn first_crm(request: &Request) -> Value {
    match request.place.rsplit('/').next() {
        Some("users") => json!({"users": [{"id": "11", "name": ECHO, "extension": "201"}], "echo": ECHO}),
        Some("contacts") => json!([{"id": "88", "name": format!("Ana {ECHO}"), "echo": ECHO}]),
        _ => json!({"id": "call-1", "echo": ECHO}),
    }
}

fn first_plugin(plugin: &'static str) -> Scene {
    Scene {
        plugin,
        configuration: format!("credentials.crm = {{ kind = \"base-url\", value = \"{{crm}}/k/{BASE}/\" }}"),
        secrets: vec![base()],
        answer: first_crm,
        functions: &["lookup.by-number", "journal.write"],
        places: &[],
        commands: &[],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_plugin_in_rust_never_sees_its_secret() -> Result<()> {
    let stage = Stage::open(first_plugin("first-plugin-rust.wasm")).await?;
    stage.call("a", 0.0).await?;
    stage.verdict().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_plugin_in_javascript_never_sees_its_secret() -> Result<()> {
    let stage = Stage::open(first_plugin("first-plugin-js.wasm")).await?;
    stage.call("a", 0.0).await?;
    stage.verdict().await
}

/// Answers of a portal that takes everything. Whom it finds it takes for a lead.
fn portal(request: &Request) -> Value {
    let result = match request.place.rsplit('/').next().unwrap_or_default() {
        "user.get.json" => json!([{"ID": "11", "ACTIVE": true, "NAME": ECHO, "UF_PHONE_INNER": "201"}]),
        "crm.settings.mode.get.json" => json!(1),
        "crm.lead.add.json" => json!(412),
        "telephony.externalcall.register.json" => {
            json!({"CALL_ID": "externalCall.1f", "CRM_ENTITY_TYPE": "", "CRM_ENTITY_ID": null})
        }
        "telephony.externalcall.finish.json" => json!({"CALL_ID": "externalCall.1f", "CRM_ACTIVITY_ID": "901"}),
        "telephony.externalcall.show.json" | "telephony.externalcall.hide.json" | "crm.activity.update.json" => {
            json!(true)
        }
        _ => json!([]),
    };
    json!({"result": result, "time": {}, "echo": ECHO})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_for_bitrix24_never_sees_the_address_of_the_portal() -> Result<()> {
    let stage = Stage::open(Scene {
        plugin: "bitrix24.wasm",
        configuration: format!(
            "contacts = {{ create = \"automatic\", on = [\"inbound\"] }}\n\
             settings = {{ fallback-user = 11 }}\n\
             credentials.portal = {{ kind = \"base-url\", value = \"{{crm}}/rest/7/{BASE}/\" }}"
        ),
        secrets: vec![base()],
        answer: portal,
        functions: &[
            "plugin.prepare",
            "plugin.check",
            "lookup.by-number",
            "contacts.create",
            "journal.begin",
            "journal.write",
            "cards.sync",
            "directory.users",
        ],
        places: &[],
        commands: &[],
    })
    .await?;
    stage.call("a", 0.0).await?;
    // The portal has failed at all that a call needs; now there is time for cards.
    stage.call("a", 2.0).await?;
    stage.verdict().await
}
