//! What a file is, as its first bytes tell it.

pub(crate) mod head;
pub(crate) mod mpeg;
#[cfg(test)]
mod tests;

/// A kind of sound file. It is recognised from what the file begins with, never from a name or a content type: phone
/// systems name WAV files `.mp3`, and send pages of errors as `audio/x-wav`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// RIFF WAVE, whatever is in it: PCM, A-law, µ-law, ADPCM and GSM can be decoded.
    Wav,
    /// MPEG-1, 2 and 2.5, layer III.
    Mp3,
    OggVorbis,
    OggOpus,
    /// An Ogg stream of another codec, which cannot be decoded.
    OggOther,
    Flac,
    /// Bare GSM 06.10 frames, as Asterisk writes `.gsm`.
    Gsm,
    /// None of these, and perhaps no sound at all.
    Unknown,
}

/// How many frames of bare GSM must follow each other: a frame has four bits that are known, so a file of chance has
/// as many once in 2³².
const GSM_FRAMES: usize = 8;
const GSM_FRAME_BYTES: usize = 33;

/// Where the first packet lies in an Ogg page with one segment: RFC 3533, section 6.
const OGG_FIRST_PACKET: usize = 28;

impl Sound {
    /// How many of a file's first bytes are looked at. That is also how much garbage an MP3 may begin with.
    pub const HEAD_BYTES: usize = 16 << 10;

    /// `head` is what the file begins with, [`HEAD_BYTES`](Self::HEAD_BYTES) of it if it has as many.
    pub fn recognise(head: &[u8]) -> Self {
        match head {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Self::Wav,
            [b'O', b'g', b'g', b'S', ..] => match head.get(OGG_FIRST_PACKET..) {
                Some(packet) if packet.starts_with(b"\x01vorbis") => Self::OggVorbis,
                Some(packet) if packet.starts_with(b"OpusHead") => Self::OggOpus,
                _ => Self::OggOther,
            },
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            [b'I', b'D', b'3', ..] => Self::Mp3,
            _ if is_gsm(head) => Self::Gsm,
            _ if mpeg::first_frame(head).is_some() => Self::Mp3,
            _ => Self::Unknown,
        }
    }

    /// As a CRM is told it, for example `audio/mpeg`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::OggVorbis | Self::OggOpus | Self::OggOther => "audio/ogg",
            Self::Flac => "audio/flac",
            Self::Gsm => "audio/x-gsm",
            Self::Unknown => "application/octet-stream",
        }
    }

    /// Of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::OggVorbis | Self::OggOther => "ogg",
            // RFC 7845, section 9.
            Self::OggOpus => "opus",
            Self::Flac => "flac",
            Self::Gsm => "gsm",
            Self::Unknown => "bin",
        }
    }
}

fn is_gsm(head: &[u8]) -> bool {
    let mut frames = head.chunks_exact(GSM_FRAME_BYTES);
    frames.len() >= GSM_FRAMES && frames.all(|frame| frame.first().is_some_and(|byte| byte >> 4 == 0xd))
}
