//! Finds a Rust compiler that can build for WebAssembly, on an ordinary machine and on a bare one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{ask, exists, is_root, run_quietly};
use crate::progress::Progress;
use crate::workspace::cargo;

/// The target of every plugin: it knows no operating system, so a plugin imports nothing but Hookswitch's interfaces.
pub(crate) const TRIPLE: &str = "wasm32-unknown-unknown";

/// Debian's Rust with its sources, from which the standard library is built along with the first plugin.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// How plugins are compiled here.
pub(crate) enum Toolchain {
    /// The compiler in use has the standard library for the target.
    Installed,
    /// Debian's compiler builds the standard library from source; the linker comes from elsewhere.
    Debian { linker: PathBuf },
}

impl Toolchain {
    /// Takes what is there; else installs what can be installed; else says what the user has to do.
    pub(crate) fn find(progress: &Progress) -> Result<Self> {
        if std_is_installed() {
            return Ok(Self::Installed);
        }
        if debian_is_installed() {
            return Self::debian();
        }
        let add = ["target", "add", TRIPLE];
        let added = exists("rustup")
            && progress
                .while_doing(&format!("rustup target add {TRIPLE}"), || run_quietly(Command::new("rustup").args(add)))
                .is_ok();
        if added && std_is_installed() {
            return Ok(Self::Installed);
        }
        if exists("apt-get") && is_root() {
            progress.while_doing("apt-get install rustc-web cargo-web rust-web-src", install_debian)?;
            return Self::debian();
        }
        bail!(
            "plugins need Rust's standard library for {TRIPLE}, and this machine lacks it. Install it with\n  \
             rustup target add {TRIPLE}\nor, on Debian without rustup,\n  \
             sudo apt-get install --no-install-recommends {}",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// The cargo that builds plugins; the caller adds what to build.
    pub(crate) fn cargo_build(&self) -> Command {
        let mut command = match self {
            Self::Installed => Command::new(cargo()),
            Self::Debian { linker } => {
                let mut command = Command::new("/usr/bin/cargo");
                // Both belong to the toolchain that runs us.
                command.env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        command.args(["build", "--release", "--target", TRIPLE]);
        if matches!(self, Self::Debian { .. }) {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command
    }

    fn debian() -> Result<Self> {
        let with_rustc = || {
            let sysroot = PathBuf::from(ask(Command::new("rustc").args(["--print", "sysroot"]))?);
            let host = ask(Command::new("rustc").args(["--print", "host-tuple"]))?;
            let linker = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
            linker.is_file().then_some(linker)
        };
        let from_lld = || Some(PathBuf::from("wasm-ld")).filter(|_| exists("wasm-ld"));
        match with_rustc().or_else(from_lld) {
            Some(linker) => Ok(Self::Debian { linker }),
            None => bail!("no linker for WebAssembly was found; install one with\n  apt-get install lld"),
        }
    }
}

fn std_is_installed() -> bool {
    let sysroot = ask(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
    Path::new(&sysroot).join("lib/rustlib").join(TRIPLE).join("lib").is_dir()
}

fn debian_is_installed() -> bool {
    Path::new("/usr/bin/cargo").is_file() && Path::new("/usr/lib/rustlib/src/rust/library/Cargo.toml").is_file()
}

fn install_debian() -> Result<()> {
    run_quietly(Command::new("apt-get").arg("update"))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["-o", "DPkg::Lock::Timeout=400", "install", "-y", "--no-install-recommends"]).args(DEBIAN_PACKAGES);
    run_quietly(&mut install)
}
