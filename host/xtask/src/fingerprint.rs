//! Whether what a file was made of has changed since.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// What builds and programs leave beside the sources.
const MADE: [&str; 5] = ["node_modules", "package-lock.json", "target", "__pycache__", "environment"];

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
        let is_made = |entry: &Path| {
            MADE.iter().any(|made| entry.ends_with(made)) || entry.extension().is_some_and(|ending| ending == "wasm")
        };
        for entry in entries.iter().filter(|entry| !is_made(entry)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_contents_names_and_words_apart_and_leaves_out_what_builds_make() {
        let root = std::env::temp_dir().join(format!("hookswitch-fingerprint-{}", std::process::id()));
        std::fs::create_dir_all(root.join("src/node_modules")).unwrap();
        let put = |name: &str, content: &str| std::fs::write(root.join("src").join(name), content).unwrap();
        let now = |with: &str| of(&root, &[root.join("src")], &[with]).unwrap();
        put("a", "one");
        let first = now("1.0");
        assert_eq!(now("1.0"), first);
        put("node_modules/a", "made");
        put("plugin.wasm", "made");
        assert_eq!(now("1.0"), first);
        assert_ne!(now("1.1"), first);
        put("a", "two");
        assert_ne!(now("1.0"), first);
        put("a", "one");
        std::fs::rename(root.join("src/a"), root.join("src/b")).unwrap();
        assert_ne!(now("1.0"), first);
        std::fs::remove_dir_all(root).unwrap();
    }
}
