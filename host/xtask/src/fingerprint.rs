//! Whether what a file was made of has changed since.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// Folders that builds and programs fill.
const MADE: [&str; 3] = ["node_modules", "target", "__pycache__"];

/// A fingerprint of these files and folders, by their paths below `root` and their contents, and of the words `with`:
/// the same on every machine.
pub(crate) fn of(root: &Path, sources: &[PathBuf], with: &[&str]) -> Result<String> {
    let mut digest = Sha256::new();
    for word in with {
        digest.update(format!("{word}\0"));
    }
    for source in sources {
        add(root, source, &mut digest).with_context(|| format!("cannot read {}", source.display()))?;
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add(root: &Path, source: &Path, digest: &mut Sha256) -> Result<()> {
    if source.is_dir() {
        let entries = std::fs::read_dir(source)?.map(|entry| Ok(entry?.path()));
        let mut entries: Vec<PathBuf> = entries.collect::<Result<_>>()?;
        entries.sort();
        for entry in entries.iter().filter(|entry| !MADE.iter().any(|made| entry.ends_with(made))) {
            add(root, entry, digest)?;
        }
    } else {
        let name = source.strip_prefix(root).unwrap_or(source).to_string_lossy().replace('\\', "/");
        let content = std::fs::read(source)?;
        digest.update(format!("{name}\0{}\0", content.len()));
        digest.update(content);
    }
    Ok(())
}
