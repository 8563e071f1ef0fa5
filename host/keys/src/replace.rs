//! Replacing a file so that, whenever the process or the machine stops, the file is the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The ending of a file that is being written. What a crash leaves of it means nothing.
pub(crate) const UNFINISHED: &str = "new";

/// Replaces the file `name` in `folder`, or makes it, readable by its owner only. It is durable when this returns.
pub(crate) fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut replacement = Replacement::begin(folder, name)?;
    replacement.write(content)?;
    replacement.sync()?;
    replacement.take_place()?;
    sync_folder(folder)
}

/// Makes what happened to a folder's entries durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The steps of one replacement, in the order in which they are declared.
struct Replacement {
    file: File,
    unfinished: PathBuf,
    target: PathBuf,
}

impl Replacement {
    fn begin(folder: &Path, name: &str) -> io::Result<Replacement> {
        let unfinished = folder.join(format!("{name}.{UNFINISHED}"));
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        Ok(Replacement { file, unfinished, target: folder.join(name) })
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn take_place(&self) -> io::Result<()> {
        fs::rename(&self.unfinished, &self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes so many steps, one of them half a write, and stops as if the process had died.
    fn die_after(steps: usize, folder: &Path, content: &[u8]) -> io::Result<()> {
        let (half, rest) = content.split_at(content.len() / 2);
        let mut replacement = Replacement::begin(folder, "file")?;
        type Step<'a> = Box<dyn FnMut(&mut Replacement) -> io::Result<()> + 'a>;
        let mut todo: Vec<Step<'_>> = vec![
            Box::new(|it| it.write(half)),
            Box::new(|it| it.write(rest)),
            Box::new(|it| it.sync()),
            Box::new(|it| it.take_place()),
            Box::new(|_| sync_folder(folder)),
        ];
        todo.iter_mut().take(steps).try_for_each(|step| step(&mut replacement))
    }

    #[test]
    fn after_each_step_the_file_is_the_old_one_or_the_new_one_and_can_be_replaced_again() {
        for steps in 0..=5 {
            let folder = tempfile::tempdir().unwrap();
            replace(folder.path(), "file", b"the old content").unwrap();
            die_after(steps, folder.path(), b"the new content").unwrap();
            let expected: &[u8] = if steps < 4 { b"the old content" } else { b"the new content" };
            assert_eq!(fs::read(folder.path().join("file")).unwrap(), expected, "after {steps} steps");
            replace(folder.path(), "file", b"the next content").unwrap();
            assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"the next content");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something is left over");
        }
    }
}
