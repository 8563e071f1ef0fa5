//! WAV files of ADPCM, Microsoft's and IMA's: four bits a sample, in blocks.

use std::io;

use symphonia::{
    core::{
        audio::Channels,
        codecs::audio::{
            AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
            well_known::{CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS},
        },
        packet::Packet,
        units::{Duration, Timestamp},
    },
    default::codecs::AdpcmDecoder,
};

use super::{
    Decode, Next, Unplayable,
    wave::{Data, Format},
};
use crate::shape::Shape;

pub(super) struct Adaptive {
    shape: Shape,
    decoder: AdpcmDecoder,
    data: Data,
    /// Bytes of a block.
    block: usize,
    /// Frames of a block.
    frames: u64,
}

impl Adaptive {
    pub(super) fn new(format: &Format, data: Data) -> Result<Self, Unplayable> {
        let shape = Shape::new(format.rate, format.channels.into())?;
        // What a block begins with for each channel, and the frames that this holds already.
        let (codec, head, first) =
            if format.is_ima() { (CODEC_ID_ADPCM_IMA_WAV, 4, 1) } else { (CODEC_ID_ADPCM_MS, 7, 2) };
        let body = format.block.checked_sub(head * shape.channels());
        let Some(body) = body.filter(|_| format.bits == 4 && shape.channels() <= 2) else {
            return Err(Unplayable::undecoded("a WAV file of ADPCM with blocks that cannot be decoded"));
        };
        let frames = u64::from(body) * 2 / u64::from(shape.channels()) + first;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(codec)
            .with_sample_rate(shape.rate())
            .with_channels(Channels::Discrete(shape.channels()))
            .with_max_frames_per_packet(frames)
            .with_frames_per_block(frames);
        let decoder = AdpcmDecoder::try_new(&parameters, &AudioDecoderOptions::default())
            .map_err(|error| Unplayable::undecoded(error.to_string()))?;
        Ok(Self { shape, decoder, data, block: format.block.into(), frames })
    }
}

impl Decode for Adaptive {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next> {
        let mut bytes = vec![0; self.block];
        if self.data.read(&mut bytes, self.block)? == 0 {
            return Ok(Next::End(self.data.end()));
        }
        let packet = Packet::new(0, Timestamp::ZERO, Duration::new(self.frames), bytes);
        match self.decoder.decode(&packet) {
            Ok(decoded) => decoded.copy_to_vec_interleaved(samples),
            Err(_) => return Ok(Next::Hole),
        }
        Ok(Next::Samples)
    }
}
