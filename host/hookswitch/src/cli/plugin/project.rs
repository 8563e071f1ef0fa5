//! A plugin's project on disk: a folder with a `plugin.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::Error;

/// The file's name.
pub(super) const FILE: &str = "plugin.toml";

/// A project, with paths that can be used from here.
#[derive(Debug)]
pub(super) struct Project {
    /// The compiled plugin.
    pub(super) component: PathBuf,
    /// The folder of its scenarios.
    pub(super) scenarios: PathBuf,
    /// The core module that the build makes, which becomes `component`.
    pub(super) module: Option<PathBuf>,
    /// What builds the plugin, run by the shell in `folder`.
    pub(super) build: Option<String>,
    /// What is looked at for changes.
    pub(super) watch: Vec<PathBuf>,
    pub(super) folder: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// The compiled plugin, or a script.
    component: PathBuf,
    #[serde(default = "scenarios")]
    scenarios: PathBuf,
    module: Option<PathBuf>,
    build: Option<String>,
    #[serde(default)]
    watch: Vec<PathBuf>,
}

fn scenarios() -> PathBuf {
    "scenarios".into()
}

impl Project {
    /// The project of the present folder; `component` in place of its plugin.
    ///
    /// # Errors
    ///
    /// There is none, or its file is wrong.
    pub(super) fn find(component: Option<&Path>) -> miette::Result<Self> {
        let path = Path::new(FILE);
        if !path.exists() {
            let component = component.ok_or_else(|| {
                miette::miette!(
                    help = "go to the plugin's folder, name a plugin with --plugin FILE, or begin with `hookswitch plugin new`",
                    "there is no {FILE} here"
                )
            })?;
            return Ok(Self {
                component: component.to_owned(),
                scenarios: scenarios(),
                module: None,
                build: None,
                watch: Vec::new(),
                folder: PathBuf::new(),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|error| miette::miette!("cannot read {FILE}: {error}"))?;
        let file: File = toml::from_str(&text).map_err(|error| Error::syntax(FILE, &text, &error))?;
        Ok(Self {
            component: component.map_or(file.component, Path::to_owned),
            scenarios: file.scenarios,
            module: file.module,
            build: file.build,
            watch: file.watch,
            folder: PathBuf::from("."),
        })
    }
}
