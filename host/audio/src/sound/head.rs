//! The first bytes of a file.

use std::{
    fs::File,
    io::{self, Read, Seek},
};

use super::Sound;

/// As many as [`Sound::recognise`] looks at, or the whole file; it is read from the beginning.
pub(crate) fn of(mut file: &File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.rewind()?;
    file.take(Sound::HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}
