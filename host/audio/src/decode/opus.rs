//! Opus in Ogg: RFC 7845. symphonia reads the container, and knows no Opus.

use std::{fs::File, io};

use opus_decoder::OpusMultistreamDecoder;

use super::{
    Decode, Next, Unplayable,
    stream::{Packets, Step},
};
use crate::shape::Shape;

/// In which the container counts, whatever was recorded.
const CLOCK: u64 = 48_000;

/// What can be decoded into, in Hz.
const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];

/// A packet is at most 120 ms long: RFC 6716, section 3.2.5.
const PACKETS_PER_SECOND: usize = 8;

pub(super) struct Opus {
    packets: Packets,
    decoder: OpusMultistreamDecoder,
    shape: Shape,
    /// Frames that are still to be dropped, before the sound begins.
    skip: usize,
    /// In 1/256 dB.
    gain: i16,
    decoded: Vec<i16>,
}

impl Opus {
    pub(super) fn new(file: File) -> Result<Self, Unplayable> {
        let packets = Packets::ogg(file)?;
        let parameters = packets.track().codec_params.as_ref().and_then(|parameters| parameters.audio());
        let head = parameters.and_then(|parameters| parameters.extra_data.as_deref()).and_then(Head::parse);
        let Some(head) = head else {
            return Err(Unplayable::damaged("the head of the Opus file is cut"));
        };
        // What was recorded with 8 kHz has nothing above, and becomes a smaller MP3.
        let rate = RATES.into_iter().find(|rate| *rate >= head.recorded_rate.max(1)).unwrap_or(48_000);
        let shape = Shape::new(rate, head.mapping.len())?;
        let decoder = OpusMultistreamDecoder::new(rate, head.mapping.len(), head.streams, head.coupled, &head.mapping)
            .map_err(|error| Unplayable::damaged(format!("the head of the Opus file is wrong: {error}")))?;
        let skip = usize::try_from(u64::from(head.pre_skip) * u64::from(rate) / CLOCK).unwrap_or(0);
        let most = usize::try_from(rate).unwrap_or(0) / PACKETS_PER_SECOND * usize::from(shape.channels());
        Ok(Self { packets, decoder, shape, skip, gain: head.gain, decoded: vec![0; most] })
    }
}

impl Decode for Opus {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next> {
        let packet = match self.packets.next()? {
            Step::Packet(packet) => packet,
            Step::Hole => return Ok(Next::Hole),
            Step::End(end) => return Ok(Next::End(end)),
        };
        // An empty packet would be made up for, without an end.
        if packet.data.is_empty() {
            return Ok(Next::Hole);
        }
        let Ok(frames) = self.decoder.decode(&packet.data, &mut self.decoded, false) else { return Ok(Next::Hole) };
        let padding = packet.trim_end.get() * u64::from(self.shape.rate()) / CLOCK;
        let last = frames.saturating_sub(usize::try_from(padding).unwrap_or(usize::MAX));
        let first = self.skip.min(last);
        self.skip -= first;
        let channels = usize::from(self.shape.channels());
        samples.clear();
        samples.extend_from_slice(self.decoded.get(first * channels..last * channels).unwrap_or_default());
        amplify(samples, self.gain);
        Ok(Next::Samples)
    }
}

fn amplify(samples: &mut [i16], gain: i16) {
    if gain != 0 {
        let factor = 10_f32.powf(f32::from(gain) / (20.0 * 256.0));
        for sample in samples {
            // Saturates.
            *sample = (f32::from(*sample) * factor) as i16;
        }
    }
}

/// RFC 7845, section 5.1.
struct Head {
    pre_skip: u16,
    /// Before it was encoded, in Hz; 0 if nobody knows.
    recorded_rate: u32,
    gain: i16,
    streams: usize,
    coupled: usize,
    /// For each channel, which decoded one it is.
    mapping: Vec<u8>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let channels = *bytes.get(9)?;
        let (streams, coupled, mapping) = match (*bytes.get(18)?, channels) {
            (0, 1) => (1, 0, vec![0]),
            (0, 2) => (1, 1, vec![0, 1]),
            (0, _) => return None,
            _ => (*bytes.get(19)?, *bytes.get(20)?, bytes.get(21..21 + usize::from(channels))?.to_vec()),
        };
        Some(Self {
            pre_skip: number(10)?,
            recorded_rate: u32::from_le_bytes(*bytes.get(12..)?.first_chunk()?),
            gain: i16::from_le_bytes(*bytes.get(16..)?.first_chunk()?),
            streams: streams.into(),
            coupled: coupled.into(),
            mapping,
        })
    }
}
