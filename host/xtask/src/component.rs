//! From a core module to a component.

use std::path::Path;

use anyhow::{Context as _, Result};
use wit_component::ComponentEncoder;

/// Wraps a core module, in which the interfaces were noted at compile time, into a component.
pub(crate) fn from_module(module: &Path, component: &Path) -> Result<()> {
    if is_newer(component, module) {
        return Ok(());
    }
    let bytes = std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} cannot be made a component", module.display()))?;
    write(component, &encoded)
}

/// Puts a finished plugin in place in one step, so that nobody ever reads half of it.
pub(crate) fn write(component: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = component.with_extension("unfinished");
    std::fs::write(&unfinished, bytes)
        .and_then(|()| std::fs::rename(&unfinished, component))
        .with_context(|| format!("cannot write {}", component.display()))
}

fn is_newer(made: &Path, source: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    match (changed(made), changed(source)) {
        (Some(made), Some(source)) => made >= source,
        _ => false,
    }
}
