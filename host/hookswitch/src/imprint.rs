//! What something in the running service is made of, in one hash: to see whether a changed configuration changes it.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::config::Loaded;

/// Identifies all that a plugin or a phone system is made of: its tables in the configuration and the contents of the
/// files that they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Imprint(blake3::Hash);

/// Puts an imprint together. What cannot be read counts as empty.
pub(crate) struct Maker<'a> {
    loaded: &'a Loaded,
    hasher: blake3::Hasher,
}

impl<'a> Maker<'a> {
    /// Begins with `[server]`, which concerns everything.
    pub(crate) fn new(loaded: &'a Loaded) -> Self {
        Self { loaded, hasher: blake3::Hasher::new() }.value(loaded.tables.get("server"))
    }

    /// Adds the table `[kind.NAME]`, or all of its kind.
    pub(crate) fn table(self, kind: &str, name: Option<&str>) -> Self {
        let tables = self.loaded.tables.get(kind);
        let value = match name {
            Some(name) => tables.and_then(|tables| tables.get(name)),
            None => tables,
        };
        self.value(value)
    }

    /// Adds the content of a file that the configuration names.
    pub(crate) fn file(self, path: &Path) -> Self {
        let content = std::fs::read(self.loaded.resolve(path)).unwrap_or_default();
        self.part(&content)
    }

    /// Adds a secret.
    pub(crate) fn secret(self, secret: Option<SecretString>) -> Self {
        self.part(secret.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default().as_bytes())
    }

    /// The imprint.
    pub(crate) fn finish(self) -> Imprint {
        Imprint(self.hasher.finalize())
    }

    fn value(self, value: Option<&toml::Value>) -> Self {
        self.part(value.map(ToString::to_string).unwrap_or_default().as_bytes())
    }

    fn part(mut self, part: &[u8]) -> Self {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        self.hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        self
    }
}
