//! The container of WAV files, read as forgivingly as players do: a phone system that is killed leaves lengths of zero,
//! or of more than was written, and still there is a call to be heard.
//!
//! Microsoft's *Multimedia Programming Interface and Data Specifications 1.0*, and `mmreg.h` for the codecs.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use super::{Decode, Unplayable, adaptive, fill, gsm::Gsm, linear};

/// What stands before the sound is small; more chunks are nothing that a phone system writes.
const MOST_CHUNKS: usize = 64;

/// Codecs by their tag.
const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const GSM: u16 = 0x31;
const EXTENSIBLE: u16 = 0xfffe;

/// The end of every GUID that stands for a tag.
const TAG_GUID: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// Lengths from here on are those of writers who did not know: ffmpeg and sox write a little less than 2³¹ or 2³².
const UNKNOWN: u64 = 0x7fff_0000;

pub(crate) fn open(file: File) -> Result<Box<dyn Decode>, Unplayable> {
    let (format, data) = read(file)?;
    Ok(match format.tag {
        PCM | FLOAT | A_LAW | MU_LAW => Box::new(linear::Linear::new(linear::coding(&format)?, &format, data)?),
        MS_ADPCM | IMA_ADPCM => Box::new(adaptive::Adaptive::new(&format, data)?),
        GSM => Box::new(Gsm::in_wave(&format, data)?),
        tag => {
            let ms = data.bytes.saturating_mul(1_000).checked_div(u64::from(format.bytes_per_second));
            return Err(Unplayable::Undecoded(format!("a WAV file of codec 0x{tag:04x}, which cannot be decoded"), ms));
        }
    })
}

/// The chunk `fmt `.
#[derive(Debug)]
pub(super) struct Format {
    pub(super) tag: u16,
    pub(super) channels: u16,
    pub(super) rate: u32,
    pub(super) bytes_per_second: u32,
    /// Bytes of a block: of a frame where each frame stands for itself.
    pub(super) block: u16,
    pub(super) bits: u16,
}

impl Format {
    pub(super) fn is_ima(&self) -> bool {
        self.tag == IMA_ADPCM
    }

    pub(super) fn is_float(&self) -> bool {
        self.tag == FLOAT
    }

    pub(super) fn is_a_law(&self) -> bool {
        self.tag == A_LAW
    }

    pub(super) fn is_mu_law(&self) -> bool {
        self.tag == MU_LAW
    }

    fn parse(chunk: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
        let long = |at: usize| Some(u32::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
        let tag = match number(0)? {
            EXTENSIBLE if chunk.get(26..40) == Some(&TAG_GUID) => number(24)?,
            tag => tag,
        };
        Some(Self {
            tag,
            channels: number(2)?,
            rate: long(4)?,
            bytes_per_second: long(8)?,
            block: number(12)?,
            bits: number(14)?,
        })
    }
}

/// The chunk `data`: the file stands at its beginning.
#[derive(Debug)]
pub(super) struct Data {
    file: File,
    /// How many there are to be read still.
    pub(super) bytes: u64,
    /// How many there should be beyond the end of the file.
    pub(super) missing: u64,
}

impl Data {
    /// A file that is nothing but sound.
    pub(super) fn all(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes, missing: 0 })
    }

    /// Whole blocks, as many as fit into `buffer` and are there; less than one is dropped.
    pub(super) fn read(&mut self, buffer: &mut [u8], block: usize) -> io::Result<usize> {
        let most = usize::try_from(self.bytes).unwrap_or(usize::MAX).min(buffer.len());
        let most = most - most % block.max(1);
        let read = fill(&mut self.file, buffer.get_mut(..most).unwrap_or_default())?;
        self.bytes -= read as u64;
        if read < most {
            // Somebody has cut the file meanwhile.
            self.missing += self.bytes;
            self.bytes = 0;
        }
        Ok(read - read % block.max(1))
    }

    pub(super) fn end(&self) -> super::End {
        match self.missing {
            0 => super::End::Whole,
            missing => super::End::Early(format!("the file ends {missing} bytes before its sound does")),
        }
    }
}

fn read(mut file: File) -> Result<(Format, Data), Unplayable> {
    let length = file.metadata()?.len();
    let mut head = [0; 12];
    fill(&mut file, &mut head)?;
    let [_, _, _, _, size @ .., _, _, _, _] = head;
    let closed = u64::from(u32::from_le_bytes(size)) + 8 == length;
    let mut format = None;
    for _ in 0..MOST_CHUNKS {
        let mut head = [0; 8];
        if fill(&mut file, &mut head)? < head.len() {
            break;
        }
        let [name @ .., _, _, _, _] = head;
        let [_, _, _, _, size @ ..] = head;
        let size = u64::from(u32::from_le_bytes(size));
        let rest = length.saturating_sub(file.stream_position()?);
        match &name {
            b"data" => {
                let Some(format) = format else {
                    return Err(Unplayable::damaged("the WAV file does not say how its sound is coded"));
                };
                // A length of zero is true only of a file that was closed.
                let unknown = size >= UNKNOWN || size == 0 && !closed;
                let (bytes, missing) = if unknown { (rest, 0) } else { (size.min(rest), size.saturating_sub(rest)) };
                return Ok((format, Data { file, bytes, missing }));
            }
            b"fmt " => {
                let mut chunk = Vec::new();
                (&mut file).take(size.min(40)).read_to_end(&mut chunk)?;
                format = Some(Format::parse(&chunk).ok_or_else(|| Unplayable::damaged("the WAV file's head is cut"))?);
                skip(&mut file, size + size % 2 - chunk.len().min(40) as u64)?;
            }
            _ => skip(&mut file, size + size % 2)?,
        }
    }
    Err(Unplayable::damaged("there is no sound in the WAV file"))
}

fn skip(file: &mut File, bytes: u64) -> io::Result<()> {
    file.seek(SeekFrom::Current(i64::try_from(bytes).unwrap_or(i64::MAX))).map(drop)
}
