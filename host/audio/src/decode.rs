//! From files to samples.

mod adaptive;
mod gsm;
mod linear;
mod opus;
mod page;
mod stream;
mod wave;

use std::{
    fs::File,
    io::{self, Seek},
};

use crate::{shape::Shape, sound::Sound};

/// A recording that can be heard.
pub(crate) trait Decode {
    fn shape(&self) -> Shape;

    /// Replaces `samples` by the next ones, interleaved. Errors are the disk's.
    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next>;
}

#[derive(Debug)]
pub(crate) enum Next {
    Samples,
    /// Something that cannot be decoded lies between.
    Hole,
    End(End),
}

#[derive(Debug)]
pub(crate) enum End {
    /// Nothing shows that there should be more.
    Whole,
    /// There should be more; why that is known.
    Early(String),
}

/// How much may be missing: encoders round, and count what they put before and behind.
const MISSING_MS: u64 = 100;

impl End {
    /// After so many frames were heard of those that the file has promised.
    fn after(heard: u64, promised: u64, shape: Shape) -> Self {
        match shape.ms(promised.saturating_sub(heard)) {
            0..=MISSING_MS => Self::Whole,
            missing => Self::Early(format!("{missing} ms of its sound are missing")),
        }
    }
}

/// A recording that cannot be heard.
#[derive(Debug)]
pub(crate) enum Unplayable {
    Damaged(String),
    /// Others may play it. How long it is, in ms, where that can be told.
    Undecoded(String, Option<u64>),
    Disk(io::Error),
}

impl Unplayable {
    pub(crate) fn undecoded(why: impl Into<String>) -> Self {
        Self::Undecoded(why.into(), None)
    }

    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged(why.into())
    }
}

impl From<io::Error> for Unplayable {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// `head` is what the file begins with.
pub(crate) fn open(sound: Sound, head: &[u8], mut file: File) -> Result<Box<dyn Decode>, Unplayable> {
    file.rewind()?;
    match sound {
        Sound::Wav => wave::open(file),
        Sound::Gsm => Ok(Box::new(gsm::Gsm::bare(file)?)),
        Sound::Mp3 => Ok(Box::new(stream::Stream::mp3(file)?)),
        Sound::OggVorbis => Ok(Box::new(stream::Stream::ogg(file)?)),
        Sound::Flac => Ok(Box::new(stream::Stream::flac(file)?)),
        Sound::OggOpus => Ok(Box::new(opus::Opus::new(file)?)),
        Sound::OggOther => Err(Unplayable::undecoded("an Ogg file of a codec that cannot be decoded")),
        Sound::Unknown => Err(Unplayable::damaged(match head.trim_ascii_start() {
            [] => "the file is empty",
            [b'<' | b'{' | b'[', ..] => "the file is a text and no sound: an error page, perhaps",
            _ => "the file is of no kind of sound that is known",
        })),
    }
}

/// Fills `buffer` as far as the file reaches, and says how far that is.
fn fill(mut file: impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
