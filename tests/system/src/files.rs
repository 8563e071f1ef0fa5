//! What was built or recorded for the tests.

use std::path::{Path, PathBuf};

use ami_replay::Trace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A program that was built for these tests.
pub fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().find(|path| path.join(name).is_file());
    folder.map(|folder| folder.join(name)).with_context(|| format!("{name} is not built: run `cargo xtask build`"))
}

/// A component that was built for these tests.
pub fn component(name: &str) -> Result<PathBuf> {
    let path = root().join("target/plugins").join(name);
    ensure!(path.is_file(), "{} is not built: run `cargo xtask build --plugins-only`", path.display());
    Ok(path)
}

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A recorded trace.
pub fn trace(name: &str) -> Result<Trace> {
    Trace::load(root().join("tests/traces").join(format!("{name}.ami")))
}

/// What truly happened in a recorded trace.
pub fn truth(name: &str) -> Result<Value> {
    let path = root().join("tests/traces").join(format!("{name}.expected.json"));
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}
