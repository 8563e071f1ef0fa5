//! The journal as a thing to keep: copies, what is put back, what is forgotten.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use fake_bitrix24::{Effect, Fault};
use system_tests::{Setup, World, verdict};

async fn played(names: &[&str]) -> Result<World> {
    let world = World::start(Setup::default()).await?;
    play(&world, names).await?;
    Ok(world)
}

async fn play(world: &World, names: &[&str]) -> Result<()> {
    for name in names {
        world.play(name, 0.0).await?;
    }
    world.log_until("a call's end", |log| log.contains("event=\"ended\"")).await?;
    world.work_done().await.map(drop)
}

async fn calls(world: &World) -> Result<usize> {
    Ok(world.json(&["calls"]).await?.len())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_made_while_the_service_runs_can_be_put_back() -> Result<()> {
    let mut world = played(&["a"]).await?;
    let copy = world.folder().join("copy.db");
    let (out, _) = world.run(&["backup", text(&copy)], 0).await?;
    ensure!(out.contains("1 calls") && out.contains("3 jobs, 0 of them unfinished"), "{out}");
    let before = std::fs::read(&copy)?;
    let (_, err) = world.run(&["backup", text(&copy)], 1).await?;
    ensure!(err.contains("exists already"), "{err}");
    ensure!(std::fs::read(&copy)? == before, "the first copy was touched");

    play(&world, &["d"]).await?;
    world.portal_shows("both calls", |state| verdict::finished(state) == 2).await?;
    ensure!(calls(&world).await? == 2);
    let (_, err) = world.run(&["restore", text(&copy), "--replace"], 1).await?;
    ensure!(err.contains("in use by another hookswitch"), "{err}");
    ensure!(world.stop().await? == 0);
    let (_, err) = world.run(&["restore", text(&copy)], 1).await?;
    ensure!(err.contains("--replace"), "{err}");
    ensure!(calls(&world).await? == 2, "a refused restore changed something");

    let restored = world.json(&["restore", text(&copy), "--replace"]).await?;
    ensure!(restored[0]["restored"]["calls"] == 1, "{restored:?}");
    let kept = restored[0]["kept"].as_str().context("what was there is kept")?;
    ensure!(calls(&world).await? == 1);
    world.launch().await?;
    play(&world, &["e"]).await?;
    ensure!(calls(&world).await? == 2, "the service goes on with what was restored");
    // What was kept is a journal too.
    ensure!(world.stop().await? == 0);
    let config = world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&config)?;
    let elsewhere = text.replace(&format!("data = {:?}", world.data()), "data = \"elsewhere\"");
    ensure!(elsewhere != text, "{text}");
    std::fs::write(&config, elsewhere)?;
    world.run(&["restore", kept], 0).await?;
    ensure!(calls(&world).await? == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_backup_is_refused_and_changes_nothing() -> Result<()> {
    let mut world = played(&["a"]).await?;
    let (copy, half) = (world.folder().join("copy.db"), world.folder().join("half.db"));
    world.run(&["backup", text(&copy)], 0).await?;
    world.stop().await?;
    let bytes = std::fs::read(&copy)?;
    std::fs::write(&half, &bytes[..bytes.len() / 2])?;
    let missing = world.folder().join("missing.db");
    let other = world.folder().join("hookswitch.toml");
    for (file, hint) in [(&half, "damaged"), (&missing, "No such file"), (&other, "hookswitch.toml")] {
        let (_, err) = world.run(&["restore", text(file), "--replace"], 1).await?;
        ensure!(err.contains(hint), "{}: {err}", file.display());
        ensure!(calls(&world).await? == 1, "{}", file.display());
    }
    let (_, err) = world.run(&["backup", "/proc/no/such/place.db"], 1).await?;
    ensure!(err.contains("/proc/no/such"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_forgotten_and_no_other_one() -> Result<()> {
    for runs in [true, false] {
        let mut world = played(&["a", "d"]).await?;
        let number = world.json(&["calls", "--outcome", "answered"]).await?[0]["number"].clone();
        let number = number.as_str().context("a number")?;
        if !runs {
            world.stop().await?;
        }
        let plan = world.json(&["erase", number, "--dry-run"]).await?;
        let all = plan[0]["calls"].as_u64().context("a count")?;
        ensure!(plan[0]["done"] == false && all >= 1, "{plan:?}");
        ensure!(calls(&world).await? == 2, "a dry run erased something");
        let part = &number[..number.len() - 1];
        ensure!(world.json(&["erase", part]).await?[0]["calls"] == 0, "a part of a number is another number");
        ensure!(calls(&world).await? == 2);
        let (out, _) = world.run(&["erase", number], 0).await?;
        ensure!(out.contains(&format!("{all} calls erased")), "{out}");
        ensure!(world.json(&["calls", "--number", number]).await?.is_empty());
        ensure!(calls(&world).await? as u64 == 2 - all);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_unfinished_work_is_not_forgotten() -> Result<()> {
    let mut world = World::start(Setup::default()).await?;
    let refusal = Effect::Refuse { status: 400, code: "ERROR_CORE".into(), description: "no".into() };
    world.portal.inject(Fault::on("telephony.externalcall.finish", refusal).always());
    world.play("a", 0.0).await?;
    world.until_log("job parked").await?;
    world.stop().await?;
    // As people write it: read with the region of the configuration.
    let (out, _) = world.run(&["erase", "040 66969-101"], 0).await?;
    ensure!(out.contains("+494066969101: 0 calls erased") && out.contains("1 calls stayed"), "{out}");
    ensure!(calls(&world).await? == 1);
    let (_, err) = world.run(&["erase", "nobody"], 1).await?;
    ensure!(err.contains("no telephone number"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_without_a_service_says_so() -> Result<()> {
    let mut world = World::start(Setup::default()).await?;
    world.kill().await?;
    let (_, err) = world.run(&["reload"], 1).await?;
    ensure!(err.contains("no service runs") && err.contains("hookswitch run"), "{err}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_what_is_new_and_what_is_refused() -> Result<()> {
    let world = World::start(Setup::default()).await?;
    let (out, _) = world.run(&["reload"], 0).await?;
    ensure!(out.contains("nothing has changed"), "{out}");
    let config = world.folder().join("hookswitch.toml");
    let text = std::fs::read_to_string(&config)?;
    let component = text.lines().find(|line| line.starts_with("component")).context("component")?;
    std::fs::write(world.folder().join("bad.wasm"), b"\x7fELF")?;
    std::fs::write(&config, text.replace(component, "component = \"bad.wasm\""))?;
    let (_, err) = world.run(&["reload"], 1).await?;
    ensure!(err.contains("runs on as before") && err.contains("plugin.bitrix24"), "{err}");
    play(&world, &["a"]).await?;
    world.portal_shows("the call finished", |state| verdict::finished(state) == 1).await?;
    std::fs::write(&config, text.replace("trunks =", "trunk ="))?;
    let (_, err) = world.run(&["reload"], 1).await?;
    ensure!(err.contains("did you mean `trunks`"), "{err}");
    std::fs::write(&config, text.replace("fallback-user = 7", "fallback-user = 8"))?;
    let changes = world.json(&["reload"]).await?;
    ensure!(changes[0]["changes"].is_array(), "{changes:?}");
    Ok(())
}
