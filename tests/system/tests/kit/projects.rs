//! `plugin new`, `build` and `test` in each language, in a folder of its own and without our source tree.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use system_tests::root;

use crate::{
    bench::{Bench, Said},
    functions::{MORE_IN_PYTHON, more_runs},
};

/// A plugin that was begun, in the folder `acme-crm`.
fn begun(language: &str) -> Result<Bench> {
    let bench = Bench::new()?;
    let said = bench.run(&["new", "acme-crm", "--lang", language, "--title", "Acme CRM"])?.ended(0)?;
    said.says(&["acme-crm is a plugin that works", "hookswitch plugin test"])?;
    ensure!(bench.path().join("acme-crm/README.md").is_file());
    let mut left = Vec::new();
    placeholders(bench.path(), &mut left)?;
    ensure!(left.is_empty(), "placeholders are left in {left:?}");
    Ok(bench)
}

fn placeholders(folder: &Path, left: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            placeholders(&path, left)?;
        } else if ["{{name}}", "{{title}}"].iter().any(|mark| {
            path.to_string_lossy().contains(mark) || fs::read_to_string(&path).is_ok_and(|text| text.contains(mark))
        }) {
            left.push(path);
        }
    }
    Ok(())
}

fn run(bench: &Bench, arguments: &[&str]) -> Result<Said> {
    Ok(bench.command("acme-crm", arguments)?.output()?.into())
}

fn built(bench: &Bench) -> Result<()> {
    run(bench, &["build"])?.ended(0)?.says(&["acme-crm.wasm: Acme CRM 0.1.0, loaded in"])?;
    run(bench, &["test"])?.ended(0)?.says(&["3 scenarios: 3 passed, 0 failed"])?;
    Ok(())
}

/// Has the look-up crash where `source` says `here`: file and line are told, and nobody else's files.
fn crashes(bench: &Bench, source: &str, here: &str, instead: &str) -> Result<Said> {
    let path = bench.path().join("acme-crm").join(source);
    let text = fs::read_to_string(&path)?;
    let before = text.split(here).next().filter(|before| before.len() < text.len()).context("it is not there")?;
    let line = before.lines().count();
    fs::write(&path, text.replacen(here, instead, 1))?;
    run(bench, &["build"])?.ended(0)?;
    let said = run(bench, &["test", "--filter", "known-caller"])?.ended(1)?;
    fs::write(&path, text)?;
    let said = said.says(&[&format!("{source}:{line}")])?;
    let foreign = ["/rustc/", "library/core", ".cargo", &*bench.path().to_string_lossy()];
    let told = foreign.iter().find(|part| said.out.contains(**part));
    ensure!(told.is_none(), "{told:?} is told:\n{}", said.out);
    Ok(said)
}

#[test]
fn in_rust() -> Result<()> {
    let bench = begun("rust")?;
    // What was compiled once is compiled no more.
    let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kit-rust");
    fs::create_dir_all(&compiled)?;
    symlink(compiled, bench.path().join("acme-crm/target"))?;
    built(&bench)?;
    run(&bench, &["check", "--strict"])?.ended(0)?;
    run(&bench, &["test", "--crashes", "--filter", "unknown"])?.ended(0)?;
    // What is shipped has no lines, and what stands beside it for the tests is nearly the same.
    let size = |name: &str| Ok::<_, anyhow::Error>(fs::metadata(bench.path().join("acme-crm").join(name))?.len());
    let (shipped, lined) = (size("acme-crm.wasm")?, size("acme-crm.debug.wasm")?);
    println!("{shipped} bytes, with lines {lined}");
    ensure!(shipped * 2 < lined, "{shipped} bytes of {lined}");
    let phone = "number.e164.unwrap_or(number.raw)";
    let said = crashes(&bench, "src/lib.rs", phone, "number.e164.filter(|_| false).unwrap()")?;
    println!("{}", said.out);
    said.says(&["wasm trap", "by_number"])?;
    built(&bench)?;
    // A build that fails leaves the component of before.
    let source = bench.path().join("acme-crm/src/lib.rs");
    let text = fs::read_to_string(&source)?;
    fs::write(&source, format!("{text}\nfn broken("))?;
    run(&bench, &["build"])?.ended(1)?.says(&["`cargo build", "failed", "plugin.toml"])?;
    run(&bench, &["test"])?.ended(0)?;
    Ok(())
}

#[test]
fn as_a_script() -> Result<()> {
    let bench = begun("script")?;
    run(&bench, &["test", "--crashes"])?.ended(0)?.says(&["3 scenarios: 3 passed", "0 went wrong"])?;
    run(&bench, &["check", "--strict"])?.ended(0)?;
    // There is nothing to build, and that is no mistake.
    run(&bench, &["build"])?.ended(0)?.says(&["acme-crm.js: Acme CRM 0.1.0"])?;
    crashes(&bench, "acme-crm.js", "number.e164 ??", "number.e164.of.nobody ??")?.says(&["TypeError"]).map(drop)
}

/// Uses the packages that were installed for the examples.
#[test]
fn in_javascript() -> Result<()> {
    let bench = begun("js")?;
    let installed = root().join("target/npm/node_modules").canonicalize();
    let installed =
        installed.context("run `cargo xtask build --plugins-only`, which installs what builds JavaScript")?;
    let modules = bench.path().join("acme-crm/node_modules");
    fs::create_dir_all(modules.join(".bin"))?;
    for entry in fs::read_dir(&installed)? {
        let entry = entry?;
        if entry.file_name() != ".bin" {
            symlink(entry.path(), modules.join(entry.file_name()))?;
        }
    }
    for entry in fs::read_dir(installed.join(".bin"))? {
        let entry = entry?;
        symlink(entry.path(), modules.join(".bin").join(entry.file_name()))?;
    }
    // As npm does with a package that is a folder.
    symlink("../sdk/hookswitch", modules.join("hookswitch"))?;
    let main = bench.path().join("acme-crm/sdk/hookswitch/build/main.js");
    fs::set_permissions(&main, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    symlink(main, modules.join(".bin/hookswitch-build"))?;
    built(&bench)?;
    crashes(&bench, "plugin.js", "number.e164 ??", "number.e164.of.nobody ??")?.says(&["TypeError"]).map(drop)
}

/// Uses the environment that was made for the examples.
#[test]
fn in_python() -> Result<()> {
    let bench = begun("python")?;
    let environment = root().join("target/python/environment").canonicalize();
    let environment = environment.context("run `cargo xtask build --plugins-only`, which makes the environment")?;
    symlink(environment, bench.path().join("acme-crm/environment"))?;
    built(&bench)?;
    let source = bench.path().join("acme-crm/app.py");
    fs::write(&source, fs::read_to_string(&source)? + MORE_IN_PYTHON)?;
    run(&bench, &["build"])?.ended(0)?;
    bench.write("acme-crm/more/one.toml", &more_runs())?;
    run(&bench, &["test", "more"])?.ended(0)?.says(&["1 scenarios: 1 passed, 0 failed"])?;
    crashes(&bench, "app.py", "number.e164 or", "number.e164.of.nobody or")?.says(&["AttributeError"]).map(drop)
}
