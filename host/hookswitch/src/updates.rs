//! Which build of each plugin is in force, and whether another one may take its place.
//!
//! The data folder keeps, for each plugin, the name, version and hash of the build in force, what that build asks for, and
//! a copy of it. A file that has changed is taken up, or waits until the admin accepts it; one that asks for more than
//! before always waits. Until then the copy stays in force.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use minisign::SignatureBox;
use serde::{Deserialize, Serialize};

use crate::{
    config::{self, Update},
    manifest::Manifest,
};

/// The builds in force, in the data folder.
const LOCK: &str = "plugins.lock";
/// Copies of them, by hash.
const COPIES: &str = "plugins";
/// Hashes that the admin has accepted, by plugin.
const ACCEPTED: &str = "accepted";
/// Beside a plugin, the signature of its vendor.
const SIGNATURE: &str = "minisig";

/// One build in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Build {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) sha256: String,
    /// What it asks for.
    #[serde(default)]
    pub(crate) permissions: BTreeSet<String>,
}

impl Build {
    /// What a file is, with what its manifest says.
    pub(crate) fn of(bytes: &[u8], manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            sha256: sha256(bytes),
            permissions: permissions(manifest),
        }
    }
}

/// SHA-256 in hexadecimal, as `sha256sum` prints it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a plugin asks for, in words that can be compared.
pub(crate) fn permissions(manifest: &Manifest) -> BTreeSet<String> {
    let http = manifest.http.iter().map(|origin| format!("http {origin}"));
    let credentials = manifest.credentials.iter().map(|asked| {
        let kind = asked.kind().map_or("?", |kind| kind.name());
        format!("credential {} ({kind})", asked.handle)
    });
    let capabilities = manifest.capabilities.iter().map(|capability| format!("capability {capability}"));
    let hooks = manifest.hooks.iter().map(|hook| format!("hook {}", hook.name));
    http.chain(credentials).chain(capabilities).chain(hooks).collect()
}

/// What is to be done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is in force, or takes the place of what was.
    Take,
    /// What was before stays in force, for this reason.
    Wait(String),
}

/// The records of the data folder.
#[derive(Clone, Debug)]
pub(crate) struct Updates {
    data: PathBuf,
}

impl Updates {
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// All builds in force, by the plugins' names in the configuration.
    ///
    /// # Errors
    ///
    /// The record cannot be read.
    pub(crate) fn builds(&self) -> Result<BTreeMap<String, Build>, String> {
        let path = self.data.join(LOCK);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        toml::from_str(&text).map_err(|error| {
            format!("{} is damaged: {}; remove it to accept all plugins as they are", path.display(), error.message())
        })
    }

    /// Whether `build` may take the place of what is in force.
    ///
    /// # Errors
    ///
    /// The record cannot be read.
    pub(crate) fn admit(&self, plugin: &str, build: &Build, update: Update) -> Result<Admission, String> {
        let builds = self.builds()?;
        let Some(before) = builds.get(plugin) else { return Ok(Admission::Take) };
        if before.sha256 == build.sha256 || self.accepted(plugin).is_some_and(|hash| hash == build.sha256) {
            return Ok(Admission::Take);
        }
        let accept = format!("`hookswitch plugin accept {plugin}` takes it up");
        let more: Vec<_> = build.permissions.difference(&before.permissions).map(String::as_str).collect();
        let what = format!("{} {} in place of {} {}", build.name, build.version, before.name, before.version);
        if !more.is_empty() {
            return Ok(Admission::Wait(format!("{what} asks for more than before: {}; {accept}", more.join(", "))));
        }
        Ok(match update {
            Update::TakeUp => Admission::Take,
            Update::Ask => Admission::Wait(format!("{what} waits to be accepted; {accept}")),
            Update::Refuse => Admission::Wait(format!("{what} is refused, as `update = \"refuse\"` says; {accept}")),
        })
    }

    /// The copy of the build in force.
    ///
    /// # Errors
    ///
    /// It is not there, or is not what it was.
    pub(crate) fn copy(&self, plugin: &str) -> Result<Vec<u8>, String> {
        let builds = self.builds()?;
        let build = builds.get(plugin).ok_or_else(|| format!("no build of {plugin} is in force"))?;
        let path = self.data.join(COPIES).join(&build.sha256);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if sha256(&bytes) == build.sha256 { Ok(bytes) } else { Err(format!("{} has been changed", path.display())) }
    }

    /// Notes that a build is in force, and keeps a copy of it.
    ///
    /// # Errors
    ///
    /// The data folder cannot be written to.
    pub(crate) fn enforce(&self, plugin: &str, build: &Build, bytes: &[u8]) -> Result<(), String> {
        let mut builds = self.builds()?;
        if builds.get(plugin) == Some(build) {
            return Ok(());
        }
        let copies = self.data.join(COPIES);
        let kept = fs::create_dir_all(&copies)
            .and_then(|()| replace(&copies.join(&build.sha256), bytes))
            .map_err(|error| format!("{}: {error}", copies.display()));
        kept?;
        builds.insert(plugin.to_owned(), build.clone());
        let text = toml::to_string(&builds).map_err(|error| error.to_string())?;
        let path = self.data.join(LOCK);
        replace(&path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))?;
        let _ = fs::remove_file(self.data.join(ACCEPTED).join(plugin));
        let used: BTreeSet<_> = builds.values().map(|build| build.sha256.as_str()).collect();
        for entry in fs::read_dir(&copies).into_iter().flatten().flatten() {
            if !used.contains(entry.file_name().to_string_lossy().as_ref()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Whether the admin has accepted a build that is not in force yet.
    pub(crate) fn has_accepted(&self, plugin: &str) -> bool {
        self.accepted(plugin).is_some()
    }

    fn accepted(&self, plugin: &str) -> Option<String> {
        fs::read_to_string(self.data.join(ACCEPTED).join(plugin)).ok().map(|hash| hash.trim().to_owned())
    }

    /// Notes that the admin accepts a build.
    ///
    /// # Errors
    ///
    /// The data folder cannot be written to.
    pub(crate) fn accept(&self, plugin: &str, build: &Build) -> Result<(), String> {
        let folder = self.data.join(ACCEPTED);
        fs::create_dir_all(&folder)
            .and_then(|()| replace(&folder.join(plugin), build.sha256.as_bytes()))
            .map_err(|error| format!("{}: {error}", folder.display()))
    }
}

/// Writes a file whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

/// Holds a plugin's file against the key of its vendor: the signature stands beside it, as `FILE.minisig`.
///
/// # Errors
///
/// There is no signature, or it is of another file or key.
pub(crate) fn verify(path: &Path, bytes: &[u8], key: &config::VendorKey) -> Result<String, String> {
    let signature = signature_of(path);
    let text = fs::read_to_string(&signature).map_err(|error| {
        format!(
            "the vendor's signature {}: {error}; get it from the vendor, it belongs beside the plugin",
            signature.display()
        )
    })?;
    let read = SignatureBox::from_string(&text);
    let read = read.map_err(|error| format!("{} is no signature: {error}", signature.display()))?;
    minisign::verify(&key.0, &read, io::Cursor::new(bytes), true, false, false).map_err(|error| {
        format!("{} is not signed with the vendor's key ({error}): somebody may have changed it", path.display())
    })?;
    Ok(read.trusted_comment().unwrap_or_default())
}

/// Where the signature of a file is.
pub(crate) fn signature_of(path: &Path) -> PathBuf {
    let mut signature = path.as_os_str().to_owned();
    signature.push(format!(".{SIGNATURE}"));
    PathBuf::from(signature)
}
