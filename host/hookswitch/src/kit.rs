//! The vendor's kit: a plugin is tried on scenarios, without a phone system, a CRM or a network.
//!
//! [`scenario`] is the file, [`stage`] the program as it runs in production with a story in place of a phone system, and
//! [`door`] the network around it, where [`crm`] plays the scenario's exchanges. [`judge`] says what was wrong.

mod beat;
mod cards;
pub(crate) mod crm;
mod door;
pub(crate) mod exchange;
pub(crate) mod judge;
pub(crate) mod lint;
mod log;
pub(crate) mod mask;
pub(crate) mod matcher;
pub(crate) mod replay;
mod request;
pub(crate) mod scenario;
mod scene;
mod sign_in;
pub(crate) mod single;
pub(crate) mod stage;
pub(crate) mod story;
pub(crate) mod trace;
pub(crate) mod trouble;
mod wiring;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use hookswitch_runtime::{Component, Engine};

use self::door::Authority;
use crate::{
    code::{Code, CodeError, Inspected, Script},
    manifest::Manifest,
    service,
};

/// A plugin on trial.
pub(crate) struct Kit {
    engine: Engine,
    path: PathBuf,
    /// The script that it is, if it is one.
    pub(crate) script: Option<Script>,
    pub(crate) component: Component,
    pub(crate) manifest: Manifest,
    /// How long loading took.
    pub(crate) loaded_in: Duration,
    authority: Arc<Authority>,
    /// Serves the doors, beside the plays.
    network: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

/// Why a plugin cannot be tried.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum KitError {
    #[error("cannot read the plugin {}: {source}", path.display())]
    #[diagnostic(help("build it with `hookswitch plugin build`, or name its file"))]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Code { path: PathBuf, source: CodeError },
    #[error("the stage cannot be set: {0}")]
    Stage(String),
}

impl Kit {
    /// Loads the plugin at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, KitError> {
        let unset = |error: &dyn std::fmt::Display| KitError::Stage(error.to_string());
        let engine = service::authors_engine(&cache()).map_err(|error| unset(&error))?;
        let network = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| unset(&error))?;
        let began = Instant::now();
        let code = Code::read(path).map_err(|source| KitError::Read { path: path.to_owned(), source })?;
        let inspected = network.block_on(code.inspect(&engine));
        let Inspected { component, manifest, script } =
            inspected.map_err(|source| KitError::Code { path: path.to_owned(), source })?;
        let loaded_in = began.elapsed();
        let authority = Authority::new().map_err(|error| unset(&error))?;
        let mut made = tempfile::Builder::new();
        let folder = made.prefix("hookswitch-kit-");
        // In memory where that can be had: what a play writes need not outlive a power cut, and disks make it wait.
        let folder = folder.tempdir_in("/dev/shm").or_else(|_| folder.tempdir()).map_err(|error| unset(&error))?;
        authority.write(&folder.path().join("ca.pem")).map_err(|error| unset(&error))?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { engine, path, script, component, manifest, loaded_in, authority, network, folder })
    }
}

/// Where compiled plugins are kept between runs: below the user's own cache, or else in a folder for everybody's
/// temporary files, which is the user's own too.
fn cache() -> PathBuf {
    let own = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    own.or_else(home).unwrap_or_else(std::env::temp_dir).join("hookswitch")
}
