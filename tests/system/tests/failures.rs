//! What goes wrong gives a clear error in the right place, and no call is lost.

use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use serde_json::Value;
use system_tests::{Setup, World};

fn finished(state: &Value) -> usize {
    state["calls"].as_array().into_iter().flatten().filter(|call| call["finished"].is_object()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_the_portal_loses_a_call_or_makes_it_twice() -> Result<()> {
    let faults = [
        Effect::QueryLimit,
        Effect::ServerError,
        Effect::Html500,
        Effect::Html200,
        Effect::Close,
        Effect::CloseAfter,
        Effect::HalfAnswer,
        Effect::NotJson,
    ];
    let methods = ["crm.duplicate.findbycomm", "telephony.externalcall.register", "telephony.externalcall.finish"];
    for method in methods {
        for effect in &faults {
            let world = World::start(Setup::default()).await?;
            world.portal.inject(Fault::on(method, effect.clone()));
            world.play("a", 0.0).await?;
            let what = format!("the call finished in spite of {effect:?} on {method}");
            let state = world.portal_shows(&what, |state| finished(state) == 1).await?;
            let count = |key: &str| state[key].as_array().map_or(0, Vec::len);
            ensure!((count("calls"), count("leads")) == (1, 1), "{effect:?} on {method}: {state}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_webhook_is_said_and_its_jobs_are_kept() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    world.portal.inject(Fault::on("*", Effect::InvalidCredentials).always());
    world.play("a", 0.0).await?;
    world.until_log("unauthorised").await?;
    let calls = world.json(&["calls"]).await?;
    ensure!(calls.len() == 1 && calls[0]["outcome"] == "answered", "{calls:?}");
    ensure!(calls[0]["jobs"].as_str().is_some_and(|jobs| jobs.contains("open")), "{calls:?}");
    let (out, _) = world.run(&["check"], 1).await?;
    ensure!(out.contains("unauthorised"), "{out}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_file_that_is_no_component_is_refused_by_name() -> Result<()> {
    let cases: [(&[u8], &str); 4] = [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x01", "component"),
        (b"\0asm\x01\0\0\0", "component"),
        (b"const x = 1;", "component"),
    ];
    for (bytes, hint) in cases {
        let world = World::prepare(Setup::default()).await?;
        let path = world.folder().join("bad.wasm");
        std::fs::write(&path, bytes)?;
        let config = world.folder().join("hookswitch.toml");
        let text = std::fs::read_to_string(&config)?;
        let line = text.lines().find(|line| line.starts_with("component")).context("component")?;
        std::fs::write(&config, text.replace(line, "component = \"bad.wasm\""))?;
        for command in ["check", "run"] {
            let (out, err) = world.run(&[command], 1).await?;
            let shown = format!("{out}{err}");
            ensure!(shown.contains("plugin.bitrix24") && shown.contains(hint), "{command} {bytes:?}: {shown}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_the_configuration_shows_line_and_cure() -> Result<()> {
    let world = World::prepare(Setup::default()).await?;
    let config = world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&config)?;
    std::fs::write(&config, text.replace("trunks =", "trunk ="))?;
    let (_, err) = world.run(&["check"], 1).await?;
    ensure!(
        err.contains("trunk") && err.contains("did you mean `trunks`") && err.contains("hookswitch.toml:"),
        "{err}"
    );
    std::fs::write(&config, text.replace("AMI_SECRET", "NO_SUCH_VARIABLE"))?;
    let (out, _) = world.run(&["check"], 1).await?;
    ensure!(out.contains("NO_SUCH_VARIABLE"), "{out}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_by_check() -> Result<()> {
    let world = World::prepare(Setup::default()).await?;
    let config = world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&config)?;
    std::fs::write(&config, text.replace("{ env = \"AMI_SECRET\" }", "\"wrong\""))?;
    let (out, _) = world.run(&["check"], 1).await?;
    ensure!(out.contains("pbx.office") && out.to_lowercase().contains("secret"), "{out}");
    Ok(())
}
