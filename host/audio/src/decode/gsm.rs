//! GSM 06.10, full rate: bare frames (`.gsm`), and in pairs in WAV files, which Asterisk calls `wav49`.

use std::{fs::File, io};

use oxideav_gsm::{DecoderState, UnpackedFrame};

use super::{
    Decode, Next, Unplayable,
    wave::{Data, Format},
};
use crate::shape::Shape;

/// Two frames of 260 bits without padding. Of bare frames, each has 33 bytes.
const PAIR: usize = 65;
const FRAME: usize = 33;

/// The only sample rate of bare GSM, in Hz.
const RATE: u32 = 8_000;

pub(super) struct Gsm {
    shape: Shape,
    decoder: DecoderState,
    data: Data,
    block: usize,
}

impl Gsm {
    pub(super) fn bare(file: File) -> Result<Self, Unplayable> {
        let data = Data::all(file)?;
        Ok(Self { shape: Shape::new(RATE, 1)?, decoder: DecoderState::new(), data, block: FRAME })
    }

    pub(super) fn in_wave(format: &Format, data: Data) -> Result<Self, Unplayable> {
        if format.channels != 1 || usize::from(format.block) != PAIR {
            return Err(Unplayable::undecoded("a WAV file of GSM that is not in blocks of 65 bytes cannot be decoded"));
        }
        Ok(Self { shape: Shape::new(format.rate, 1)?, decoder: DecoderState::new(), data, block: PAIR })
    }
}

impl Decode for Gsm {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next> {
        let mut block = [0; PAIR];
        let block = block.get_mut(..self.block).unwrap_or_default();
        if self.data.read(block, self.block)? == 0 {
            return Ok(Next::End(self.data.end()));
        }
        samples.clear();
        let frames = match self.block {
            PAIR => UnpackedFrame::pair_from_msgsm_block(block).map(|(first, second)| [Some(first), Some(second)]),
            _ => UnpackedFrame::from_gsm_byte_frame(block).map(|frame| [Some(frame), None]),
        };
        let Ok(frames) = frames else { return Ok(Next::Hole) };
        for frame in frames.iter().flatten() {
            samples.extend(self.decoder.decode_frame(frame));
        }
        Ok(Next::Samples)
    }
}
