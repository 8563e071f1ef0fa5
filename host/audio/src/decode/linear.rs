//! WAV files in which every sample stands for itself: PCM, A-law and µ-law.

use std::io;

use symphonia::{
    core::{
        audio::Channels,
        codecs::audio::{
            AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
            well_known::{
                CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F64LE, CODEC_ID_PCM_MULAW, CODEC_ID_PCM_S16LE,
                CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
            },
        },
        packet::Packet,
        units::{Duration, Timestamp},
    },
    default::codecs::PcmDecoder,
};

use super::{
    Decode, Next, Unplayable,
    wave::{Data, Format},
};
use crate::shape::Shape;

/// How many are decoded at once.
const FRAMES: u16 = 4_096;

/// symphonia's name of a coding, and how many bytes a sample of it has.
pub(super) fn coding(format: &Format) -> Result<(AudioCodecId, u16), Unplayable> {
    Ok(match format.bits {
        _ if format.is_a_law() => (CODEC_ID_PCM_ALAW, 1),
        _ if format.is_mu_law() => (CODEC_ID_PCM_MULAW, 1),
        32 if format.is_float() => (CODEC_ID_PCM_F32LE, 4),
        64 if format.is_float() => (CODEC_ID_PCM_F64LE, 8),
        8 if !format.is_float() => (CODEC_ID_PCM_U8, 1),
        16 if !format.is_float() => (CODEC_ID_PCM_S16LE, 2),
        24 if !format.is_float() => (CODEC_ID_PCM_S24LE, 3),
        32 if !format.is_float() => (CODEC_ID_PCM_S32LE, 4),
        bits => return Err(Unplayable::undecoded(format!("a WAV file of {bits} bits cannot be decoded"))),
    })
}

pub(super) struct Linear {
    shape: Shape,
    decoder: PcmDecoder,
    data: Data,
    /// Bytes of a frame.
    frame: usize,
}

impl Linear {
    pub(super) fn new((codec, bytes): (AudioCodecId, u16), format: &Format, data: Data) -> Result<Self, Unplayable> {
        let shape = Shape::new(format.rate, format.channels.into())?;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(codec)
            .with_sample_rate(shape.rate())
            .with_channels(Channels::Discrete(shape.channels()))
            .with_max_frames_per_packet(FRAMES.into());
        let decoder = PcmDecoder::try_new(&parameters, &AudioDecoderOptions::default())
            .map_err(|error| Unplayable::undecoded(error.to_string()))?;
        Ok(Self { shape, decoder, data, frame: usize::from(bytes * shape.channels()) })
    }
}

impl Decode for Linear {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next> {
        let mut bytes = vec![0; self.frame * usize::from(FRAMES)];
        let read = self.data.read(&mut bytes, self.frame)?;
        if read == 0 {
            return Ok(Next::End(self.data.end()));
        }
        bytes.truncate(read);
        let packet = Packet::new(0, Timestamp::ZERO, Duration::new((read / self.frame) as u64), bytes);
        match self.decoder.decode(&packet) {
            Ok(decoded) => decoded.copy_to_vec_interleaved(samples),
            Err(_) => return Ok(Next::Hole),
        }
        Ok(Next::Samples)
    }
}
