//! Under `hookswitch check`: whatever a plugin says is shown, escaped and cut.

use std::fs;

use anyhow::{Context, Result, ensure};
use system_tests::{Setup, World, component};

use crate::hostile;

/// What the admin may have to read at most.
const PAGES: usize = 64 << 10;

/// What was printed, without the frame and the line breaks of a report.
pub(crate) fn flowing(shown: &str) -> String {
    shown.split([' ', '\n', '│']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Nothing in it moves the cursor, turns text around, or is a line that a plugin has made to look like the host's.
fn is_harmless(shown: &str) -> Result<()> {
    let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    ensure!(!shown.contains(steers), "it steers the terminal: {:?}", shown.chars().take(2_000).collect::<String>());
    let forged = shown.lines().any(|line| line.split_whitespace().take(2).eq(["ok", "plugin.other"]));
    ensure!(!forged, "a forged line:\n{}", shown.chars().take(2_000).collect::<String>());
    ensure!(shown.len() <= PAGES, "{} bytes are shown", shown.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_what_a_plugin_does() -> Result<()> {
    for (harm, code, word) in [
        ("spin", 1, "CPU time"),
        ("eat", 1, "MiB of memory"),
        ("recurse", 1, "call stack exhausted"),
        ("panic", 1, "crashed"),
        ("log", 1, "too many calls of the host"),
        ("fail", 1, "temporary"),
        ("endless-answer", 1, "too much data|MiB of memory"),
        ("headers", 0, "40000 headers; at most 64"),
        ("texts", 0, "settings.get"),
    ] {
        let world = World::prepare(Setup { more: hostile(harm)?, ..Setup::default() }).await?;
        let (out, err) = world.run(&["check"], code).await?;
        ensure!(
            out.contains(&format!("plugin.hostile-{harm}")) && word.split('|').any(|word| out.contains(word)),
            "{harm}: {out}{err}"
        );
        ensure!(out.contains("plugin.bitrix24"), "{harm}: the others are checked as well: {out}{err}");
        is_harmless(&format!("{out}{err}")).with_context(|| harm.to_owned())?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_end_are_cut_before_they_are_shown() -> Result<()> {
    let world = World::prepare(Setup { more: hostile("answer")?, ..Setup::default() }).await?;
    let (out, err) = world.run(&["check"], 0).await?;
    ensure!(out.contains("plugin.hostile-answer"), "{out}{err}");
    is_harmless(&format!("{out}{err}"))
}

/// The hostile plugin with another manifest.
fn with_manifest(world: &World, manner: &str) -> Result<()> {
    let mut bytes = fs::read(component("hostile.wasm")?)?;
    let marker = b"manner of the hostile manifest: ";
    let at = bytes.windows(marker.len()).position(|window| window == marker).context("the marker is not there")?;
    let place = bytes.get_mut(at + marker.len()..at + marker.len() + 8).context("the marker is cut off")?;
    place.copy_from_slice(format!("{manner:<8}").as_bytes());
    let path = world.folder().join("hostile.wasm");
    fs::write(&path, bytes)?;
    let config = world.folder().join("hookswitch.toml");
    let text = fs::read_to_string(&config)?;
    Ok(fs::write(config, format!("{text}\n[plugin.hostile]\ncomponent = \"{}\"\n", path.display()))?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_harmful_manifest_is_named_by_check_and_run() -> Result<()> {
    for (manner, word) in [
        ("spin", "CPU time"),
        ("crash", "crashed"),
        ("hungry", "MiB of memory"),
        ("long", "bytes, more than"),
        ("terminal", "characters; at most"),
        ("unseen", "which cannot be seen"),
        ("naming", "is no name"),
    ] {
        let world = World::prepare(Setup::default()).await?;
        with_manifest(&world, manner)?;
        for command in ["check", "run"] {
            let (out, err) = world.run(&[command], 1).await?;
            let shown = format!("{out}{err}");
            ensure!(shown.contains("plugin.hostile") && flowing(&shown).contains(word), "{manner}, {command}: {shown}");
            is_harmless(&shown).with_context(|| format!("{manner}, {command}"))?;
        }
    }
    Ok(())
}
