//! What a plugin runs: a component, or a script inside of the component that runs scripts.

use std::{
    io,
    path::{Path, PathBuf},
};

use hookswitch_runtime::{Component, Engine, Job, LoadError};

use crate::{lines, manifest::Manifest};

/// The component that runs scripts (`plugins/script-runner`).
const RUNNER: &[u8] = include_bytes!("../runner/script-runner.wasm");
/// The settings by which the runner's functions get the script. No plugin can declare a setting with such a name.
const SCRIPT_NAME: &str = "script:name";
const SCRIPT_TEXT: &str = "script:text";

/// A plugin's file.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// As it is on disk.
    pub(crate) bytes: Vec<u8>,
    /// Where it is.
    path: PathBuf,
    script: Option<Script>,
}

/// A script: its file's name, and its text.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    name: String,
    text: String,
}

impl Script {
    /// As `plugin.manifest` of the runner takes it.
    pub(crate) fn file(&self) -> (String, String) {
        (self.name.clone(), self.text.clone())
    }

    /// As the runner's other functions read it.
    fn settings(self) -> [(String, String); 2] {
        [(SCRIPT_NAME.to_owned(), self.name), (SCRIPT_TEXT.to_owned(), self.text)]
    }
}

/// A plugin's code, loaded, with what it says about itself.
pub(crate) struct Inspected {
    pub(crate) component: Component,
    pub(crate) manifest: Manifest,
    /// What the component runs, if it is the runner.
    pub(crate) script: Option<Script>,
}

impl Inspected {
    /// Settings besides the admin's own.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (String, String)> {
        self.script.clone().into_iter().flat_map(Script::settings)
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
        Self::of(std::fs::read(path)?, path)
    }

    /// What was read before, of the file at `path`.
    ///
    /// # Errors
    ///
    /// A script is no text.
    pub(crate) fn of(bytes: Vec<u8>, path: &Path) -> io::Result<Self> {
        let not_text = |error| io::Error::new(io::ErrorKind::InvalidData, format!("the script is no text: {error}"));
        let is_script = path.extension().is_some_and(|ending| ending == "js");
        let text = is_script.then(|| String::from_utf8(bytes.clone()).map_err(not_text)).transpose()?;
        let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let script = text.map(|text| Script { name: name(), text });
        Ok(Self { bytes, path: path.to_owned(), script })
    }

    /// Loads it, and reads its manifest.
    ///
    /// # Errors
    ///
    /// The host does not take it.
    pub(crate) async fn inspect(&self, engine: &Engine) -> Result<Inspected, CodeError> {
        let lined = || engine.tells_lines().then(|| lines::of(&self.path, &self.bytes)).flatten();
        let bytes = match &self.script {
            Some(_) => RUNNER.to_vec(),
            None => lined().unwrap_or_else(|| self.bytes.clone()),
        };
        let component = engine.load(bytes).await.map_err(|error| CodeError::Load(Box::new(error)))?;
        let files: Vec<_> = self.script.iter().map(Script::file).collect();
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
        Ok(Inspected { component, manifest, script: self.script.clone() })
    }
}
