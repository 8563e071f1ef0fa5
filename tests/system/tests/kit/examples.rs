//! The first plugins, in four languages, and their common scenarios.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::bench::{Bench, first_plugin, first_scenarios};

/// Scenarios of the first plugins.
const SCENARIOS: usize = 8;

fn tested(language: &str, more: &[&str]) -> Result<Vec<Value>> {
    let (plugin, scenarios) = (first_plugin(language)?, first_scenarios());
    let (plugin, scenarios) = (plugin.to_string_lossy(), scenarios.to_string_lossy());
    let all = [&["--json", "test", "--plugin", &*plugin], more, &[&*scenarios]].concat();
    let bench = Bench::new()?;
    let objects = bench.run(&all)?.ended(0)?.objects()?;
    ensure!(objects.iter().all(|object| object["passed"] == true), "{objects:#?}");
    Ok(objects)
}

fn survives(language: &str) -> Result<()> {
    let objects = tested(language, &["--faults", "--crashes"])?;
    let (troubled, plain): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object["trouble"].is_string());
    ensure!(plain.len() == SCENARIOS, "{plain:#?}");
    // Each request of each scenario, eleven faults and three deaths.
    ensure!(troubled.len() % 14 == 0 && troubled.len() / 14 > 2 * SCENARIOS, "{} plays", troubled.len());
    ensure!(troubled.iter().all(|object| object["request"].as_str().is_some_and(|text| text.contains(" https://"))));
    Ok(())
}

#[test]
fn the_one_in_rust_survives_every_fault_and_every_crash() -> Result<()> {
    survives("rust")
}

#[test]
fn the_one_in_javascript_survives_every_fault_and_every_crash() -> Result<()> {
    survives("js")
}

#[test]
fn the_script_survives_every_fault_and_every_crash() -> Result<()> {
    survives("script")
}

#[test]
fn the_one_in_python_passes_the_same_scenarios() -> Result<()> {
    ensure!(tested("python", &[])?.len() == SCENARIOS);
    Ok(())
}

#[test]
fn a_hundred_scenarios_are_played_at_once() -> Result<()> {
    let bench = Bench::new()?;
    let one = std::fs::read_to_string(first_scenarios().join("known-caller.toml"))?;
    for number in 0..100 {
        bench.write(&format!("scenarios/{number:03}.toml"), &one)?;
    }
    let plugin = first_plugin("rust")?;
    let said = bench.run(&["test", "--plugin", &plugin.to_string_lossy(), "scenarios"])?.ended(0)?;
    let said = said.says(&["100 scenarios: 100 passed, 0 failed"])?;
    println!("{}", said.out.lines().last().unwrap_or_default());
    Ok(())
}
