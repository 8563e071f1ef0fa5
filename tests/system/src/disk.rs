//! A disk that can be full.

use std::{fs, io::Write, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// A small file system in memory, made for one test.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of so many MiB; none where this user may not mount.
    pub fn mount(mebibytes: u32) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let size = format!("size={mebibytes}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder.path()).output();
        Ok(mounted.is_ok_and(|output| output.status.success()).then(|| Self { folder }))
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left, but for so many bytes.
    pub fn fill_but(&self, bytes: u64) -> Result<()> {
        self.fill()?;
        let filler = fs::File::options().write(true).open(self.filler())?;
        Ok(filler.set_len(filler.metadata()?.len().saturating_sub(bytes))?)
    }

    /// Takes all the space that is left.
    pub fn fill(&self) -> Result<()> {
        let mut filler = fs::File::create(self.filler()).context("cannot fill the disk")?;
        // Ever smaller pieces, so that not a page stays free.
        for size in [1 << 16, 1 << 12, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
        ensure!(filler.write_all(&[0]).is_err(), "the disk does not become full");
        Ok(())
    }

    /// Takes back [`Self::fill`].
    pub fn empty(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("the disk was not full")
    }

    fn filler(&self) -> std::path::PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a program that is just being killed may still have files open. What fails here fails no test.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
