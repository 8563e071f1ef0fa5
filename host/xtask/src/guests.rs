//! Plugins written in Rust: core modules by cargo, then components.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::command::run;
use crate::component;
use crate::progress::Progress;
use crate::wasm_target::{TRIPLE, Toolchain};
use crate::workspace::Workspace;

/// One plugin to build.
pub(crate) struct Guest {
    /// The name of its file in `target/plugins`, without the ending.
    pub(crate) name: String,
    manifest: PathBuf,
    package: String,
    library: String,
}

/// Every plugin in Rust: a package that makes a dynamic library.
pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for manifest in workspace.guest_manifests()? {
        for package in workspace.packages(&manifest)? {
            if let Some(library) = package.cdylib {
                let name = library.replace('_', "-");
                guests.push(Guest { name, manifest: manifest.clone(), package: package.name, library });
            }
        }
    }
    Ok(guests)
}

pub(crate) fn build(workspace: &Workspace, progress: &Progress, guests: &[Guest]) -> Result<()> {
    if guests.is_empty() {
        return Ok(());
    }
    let toolchain = Toolchain::find(progress)?;
    for of_one_workspace in guests.chunk_by(|one, other| one.manifest == other.manifest) {
        let mut cargo = toolchain.cargo_build();
        cargo.env("CARGO_TARGET_DIR", workspace.guests_target());
        // As `hookswitch plugin build` ships them.
        cargo.env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
        if let Some(first) = of_one_workspace.first() {
            cargo.arg("--manifest-path").arg(&first.manifest);
        }
        for guest in of_one_workspace {
            cargo.args(["--package", &guest.package]);
        }
        let names: Vec<&str> = of_one_workspace.iter().map(|guest| guest.name.as_str()).collect();
        run(&mut cargo).with_context(|| format!("the plugins {} were not built", names.join(", ")))?;
    }
    let modules = workspace.guests_target().join(TRIPLE).join("release");
    for guest in guests {
        let module = modules.join(format!("{}.wasm", guest.library));
        component::from_module(&module, &workspace.plugins().join(format!("{}.wasm", guest.name)))?;
    }
    Ok(())
}
