//! The plugins of this project do what their scenarios say.

use anyhow::{Context, Result, ensure};
use system_tests::root;

use crate::bench::{Bench, Said};

fn tested(name: &str, more: &[&str]) -> Result<()> {
    let folder = root().join("plugins").join(name).canonicalize()?;
    let mut command = Bench::new()?.command("", &[&["--json", "test"], more].concat())?;
    let said: Said = command.current_dir(&folder).output()?.into();
    let objects = said.ended(0).with_context(|| name.to_owned())?.objects()?;
    let scenarios = std::fs::read_dir(folder.join("scenarios"))?.filter_map(Result::ok);
    let names = scenarios.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let wanted = names.filter(|name| name.ends_with(".toml") && !name.starts_with('_')).count();
    let plain = objects.iter().filter(|object| object["trouble"].is_null()).count();
    ensure!(plain == wanted && wanted > 0, "{name}: {plain} of {wanted} scenarios were played");
    ensure!(objects.iter().all(|object| object["passed"] == true), "{name}: {objects:#?}");
    Ok(())
}

#[test]
fn bitrix24() -> Result<()> {
    tested("bitrix24", &[])
}

#[test]
fn webhook() -> Result<()> {
    tested("webhook", &[])
}

#[test]
fn zammad_whatever_goes_wrong_and_wherever_it_dies() -> Result<()> {
    tested("zammad", &["--faults", "--crashes"])
}

#[test]
fn zendesk() -> Result<()> {
    tested("zendesk", &[])
}

#[test]
fn speech_openai() -> Result<()> {
    tested("speech-openai", &[])
}

#[test]
fn speech_yandex() -> Result<()> {
    tested("speech-yandex", &[])
}
