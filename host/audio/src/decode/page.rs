//! The last page of an Ogg file: RFC 3533, section 6. symphonia passes over damaged pages without a word, but the last
//! one says how much sound there should be.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// A page is no longer: 27 bytes, 255 lengths, 255 times 255 bytes.
const MOST_BYTES: u64 = 27 + 255 + 255 * 255;

/// Where a page says how many frames have ended with it.
const POSITION: usize = 6;

/// How many frames there are, by the file's own account. It stands at its beginning afterwards.
pub(super) fn frames(mut file: &File) -> io::Result<Option<u64>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST_BYTES)))?;
    let mut tail = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut tail)?;
    file.rewind()?;
    let last = tail.windows(4).rposition(|bytes| bytes == b"OggS");
    let position = last.and_then(|at| tail.get(at + POSITION..)?.first_chunk().copied());
    // A page in which no packet ends has -1.
    Ok(position.and_then(|position| u64::try_from(i64::from_le_bytes(position)).ok()))
}
