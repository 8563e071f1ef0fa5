//! What a plugin did in production, done again offline: the same build asks for the same, another one is told apart.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{Setup, World, component};

/// A call that has been journaled in the portal; its name.
async fn journaled(world: &World) -> Result<String> {
    world.play("a", 0.0).await?;
    let finished = |state: &Value| {
        state["calls"].as_array().is_some_and(|calls| calls.iter().any(|call| call["finished"].is_object()))
    };
    world.portal_shows("the call finished", finished).await?;
    // The job's end is written behind the portal's answer.
    for _ in 0..200 {
        let jobs = world.json(&["jobs", "list", "--state", "done"]).await?;
        if jobs.iter().any(|job| job["kind"] == "write") {
            let call = jobs.first().and_then(|job| job["call"]["chain"].as_str().or(job["call"].as_str()));
            return Ok(call.context("a job has a call")?.to_owned());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("the call is not journaled:\n{}", world.log())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_build_asks_for_the_same() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let call = journaled(&world).await?;
    let call = call.rsplit('/').next().unwrap_or(&call).to_owned();
    let path = world.folder().join("call.json");
    let path = path.to_str().context("a path in UTF-8")?;
    let plugin = component("bitrix24.wasm")?;
    let plugin = plugin.to_str().context("a path in UTF-8")?;
    let (out, err) = world.run(&["trace", &call, "--export", path], 0).await?;
    ensure!(out.contains("runs of bitrix24"), "{out}{err}");
    let (out, err) = world.run(&["plugin", "replay", path, "--plugin", plugin], 0).await?;
    ensure!(out.contains("0 differ, 0 requests unmatched") && !out.starts_with("0 runs"), "{out}{err}");
    // The journal itself, with both builds.
    let (out, err) = world.run(&["plugin", "compare", plugin, plugin, "--last", "50"], 0).await?;
    ensure!(out.contains("permissions: the same") && out.contains("0 differ"), "{out}{err}");
    // A plugin that is another one altogether.
    let other = component("first-plugin-rust.wasm")?;
    let other = other.to_str().context("a path in UTF-8")?;
    let (out, err) = world.run(&["plugin", "compare", plugin, other, "--trace", path], 1).await?;
    ensure!(
        out.contains("- credential portal (base-url)") && out.contains("+ credential crm (base-url)"),
        "{out}{err}"
    );
    ensure!(out.contains("  - POST {portal}/telephony.externalcall.register"), "{out}{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_trace_names_nobody_and_plays_all_the_same() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let call = journaled(&world).await?;
    let call = call.rsplit('/').next().unwrap_or(&call).to_owned();
    let [open, masked] = ["open.json", "masked.json"].map(|name| world.folder().join(name));
    let [open_text, masked_text] = [&open, &masked].map(|path| path.to_string_lossy().into_owned());
    world.run(&["trace", &call, "--export", &open_text], 0).await?;
    world.run(&["trace", &call, "--export", &masked_text, "--mask"], 0).await?;
    let number = serde_json::from_str::<Value>(&fs::read_to_string(&open)?)?["doings"][0]["call"]["external"].clone();
    let number = number.as_str().context("the caller has a number")?;
    let end = number.get(number.len().saturating_sub(7)..).context("a number")?;
    ensure!(fs::read_to_string(&open)?.contains(end), "the open trace has the number");
    ensure!(!fs::read_to_string(&masked)?.contains(end), "the masked trace has the number");
    let plugin = component("bitrix24.wasm")?;
    let plugin = plugin.to_str().context("a path in UTF-8")?;
    let (out, err) = world.run(&["plugin", "replay", &masked_text, "--plugin", plugin], 0).await?;
    ensure!(out.contains("0 differ"), "{out}{err}");
    let wrong = world.folder().join("wrong.json");
    fs::write(&wrong, "{}")?;
    let (out, err) = world.run(&["plugin", "replay", &wrong.to_string_lossy(), "--plugin", plugin], 1).await?;
    ensure!(err.contains("this is no trace") && err.contains("hookswitch-trace"), "{out}{err}");
    Ok(())
}
