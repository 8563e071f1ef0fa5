//! Where things lie in the repository.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

pub(crate) struct Workspace {
    root: PathBuf,
}

/// A package as `cargo metadata` tells of it.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// The name of the dynamic library that it makes; a plugin makes one.
    pub(crate) cdylib: Option<String>,
}

impl Workspace {
    /// Cargo says where this program's own manifest lies; without cargo, the current folder must be inside the repository.
    pub(crate) fn find() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::current_dir().context("there is no current folder")?,
        };
        match start.ancestors().find(|folder| folder.join("host/xtask").is_dir() && folder.join("wit").is_dir()) {
            Some(root) => Ok(Self { root: root.to_owned() }),
            None => bail!("{} lies not in the repository; run this from inside it", start.display()),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// What we make ourselves: plugins, what they are built with, the demonstration. The configurations in `examples/`
    /// know this place, so it never moves.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The host's programs, where cargo puts them.
    pub(crate) fn programs(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.root.join(folder).join("debug"),
            None => self.target().join("debug"),
        }
    }

    /// Where the finished plugins lie.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.target().join("plugins")
    }

    /// Build output of everything that is compiled for a plugin: one folder, so that nothing is compiled twice.
    pub(crate) fn guests_target(&self) -> PathBuf {
        self.target().join("guests")
    }

    /// The workspaces and lone packages that hold plugins written in Rust.
    pub(crate) fn guest_manifests(&self) -> Result<Vec<PathBuf>> {
        let mut manifests = vec![self.join("plugins/Cargo.toml"), self.join("tests/plugins/Cargo.toml")];
        manifests.extend(folders(&self.join("examples"))?.into_iter().map(|folder| folder.join("Cargo.toml")));
        Ok(manifests.into_iter().filter(|manifest| manifest.is_file()).collect())
    }

    /// The plugins whose source is a file of one of these names: the folder's name, and the file.
    pub(crate) fn plugins_with(&self, names: &[&str]) -> Result<Vec<(String, PathBuf)>> {
        let mut found = Vec::new();
        for folder in folders(&self.join("examples"))?.into_iter().chain(folders(&self.join("plugins"))?) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(source) = names.iter().map(|source| folder.join(source)).find(|source| source.is_file()) {
                found.push((name, source));
            }
        }
        Ok(found)
    }

    pub(crate) fn packages(&self, manifest: &Path) -> Result<Vec<Package>> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(manifest)
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo cannot read {}:\n{}", manifest.display(), String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
        Ok(list(&metadata, "packages").iter().map(package).collect())
    }
}

/// The cargo that runs us, or the one in the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn package(json: &Value) -> Package {
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    let cdylib = list(json, "targets").iter().find(|target| list(target, "kind").iter().any(|kind| kind == "cdylib"));
    Package {
        name: text("name").to_owned(),
        folder: Path::new(text("manifest_path")).parent().unwrap_or(Path::new("")).to_owned(),
        cdylib: cdylib.and_then(|target| target.get("name")).and_then(Value::as_str).map(str::to_owned),
    }
}

fn list<'a>(json: &'a Value, name: &str) -> &'a [Value] {
    json.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The folders inside a folder, in the order of their names; none, if there is no such folder.
pub(crate) fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
