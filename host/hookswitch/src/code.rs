//! What a plugin runs: a component, or a script inside of the component that runs scripts.

use std::{io, path::Path};

use hookswitch_runtime::{Component, Engine, Job, LoadError};

use crate::manifest::Manifest;

/// The component that runs scripts (`plugins/script-runner`).
const RUNNER: &[u8] = include_bytes!("../runner/script-runner.wasm");
/// What the runner calls the script.
const SCRIPT: &str = "script.js";
/// A plugin reads the files that the admin named as settings with this before their name.
const FILE: &str = "file:";

/// A plugin's file.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// As it is on disk.
    pub(crate) bytes: Vec<u8>,
    /// A script's text.
    script: Option<String>,
}

/// A plugin's code, loaded, with what it says about itself.
pub(crate) struct Inspected {
    pub(crate) component: Component,
    pub(crate) manifest: Manifest,
    /// The files that its manifest depends on, by name.
    pub(crate) files: Vec<(String, String)>,
}

impl Inspected {
    /// The files as settings, which is how the plugin's functions read them.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (String, String)> {
        self.files.iter().map(|(name, text)| (format!("{FILE}{name}"), text.clone()))
    }
}

/// Why a file cannot be a plugin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error(transparent)]
    Load(Box<LoadError>),
    #[error("{0}")]
    Manifest(String),
}

impl Code {
    /// Reads a file; one whose name ends in `.js` is a script.
    ///
    /// # Errors
    ///
    /// It cannot be read; a script is no text.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Self::of(std::fs::read(path)?, path.extension().is_some_and(|ending| ending == "js"))
    }

    /// What was read before.
    ///
    /// # Errors
    ///
    /// A script is no text.
    pub(crate) fn of(bytes: Vec<u8>, is_script: bool) -> io::Result<Self> {
        let not_text = |error| io::Error::new(io::ErrorKind::InvalidData, format!("the script is no text: {error}"));
        let script = is_script.then(|| String::from_utf8(bytes.clone()).map_err(not_text)).transpose()?;
        Ok(Self { bytes, script })
    }

    pub(crate) fn is_script(&self) -> bool {
        self.script.is_some()
    }

    /// Loads it, and reads its manifest.
    ///
    /// # Errors
    ///
    /// The host does not take it.
    pub(crate) async fn inspect(&self, engine: &Engine) -> Result<Inspected, CodeError> {
        let bytes = if self.is_script() { RUNNER.to_vec() } else { self.bytes.clone() };
        let component = engine.load(bytes).await.map_err(|error| CodeError::Load(Box::new(error)))?;
        let files: Vec<_> = self.script.iter().map(|text| (SCRIPT.to_owned(), text.clone())).collect();
        let told = component.manifest(Job::denied(), &files).await.result;
        let manifest = told.map_err(|error| format!("the manifest cannot be read: {error}"));
        let manifest = manifest.and_then(|text| Manifest::parse(&text)).map_err(CodeError::Manifest)?;
        let missing = manifest.served_but_missing(&component.exports());
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(CodeError::Manifest(format!(
                "the manifest says that it serves {missing}, which it does not export"
            )));
        }
        Ok(Inspected { component, manifest, files })
    }
}
