//! Opus in Ogg: RFC 7845. symphonia reads the container, and knows no Opus.

use std::{fs::File, io};

use ruopus::{MultistreamDecoder, OpusDecoder};

use super::{Decode, Next, Unplayable, stream::Packets};
use crate::shape::Shape;

/// In which the container counts, whatever was recorded.
const CLOCK: u64 = 48_000;

/// What can be decoded into, in Hz.
const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];

pub(super) struct Opus {
    packets: Packets,
    decoder: Decoder,
    shape: Shape,
    /// Frames that are still to be dropped, before the sound begins.
    skip: usize,
    /// Frames that came out of the decoder.
    decoded: u64,
    /// By which everything is multiplied.
    gain: f32,
}

enum Decoder {
    One(Box<OpusDecoder>),
    /// One for each person, perhaps.
    Many(MultistreamDecoder),
}

impl Opus {
    pub(super) fn new(file: File) -> Result<Self, Unplayable> {
        let packets = Packets::ogg(file)?;
        let head = packets.parameters().and_then(|parameters| parameters.extra_data.as_deref()).and_then(Head::parse);
        let Some(head) = head else {
            return Err(Unplayable::damaged("the head of the Opus file is wrong"));
        };
        // What was recorded with 8 kHz has nothing above, and becomes a smaller MP3.
        let enough = |rate: &u32| head.recorded_rate > 0 && *rate >= head.recorded_rate;
        let rate = RATES.into_iter().find(enough).unwrap_or(48_000);
        let shape = Shape::new(rate, head.mapping.len())?;
        let skip = usize::try_from(u64::from(head.pre_skip) * u64::from(rate) / CLOCK).unwrap_or(0);
        Ok(Self { packets, decoder: head.decoder(rate), shape, skip, decoded: 0, gain: head.gain() })
    }
}

impl Decode for Opus {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self, samples: &mut Vec<i16>) -> io::Result<Next> {
        let packet = match self.packets.next(self.decoded, self.shape)? {
            Ok(packet) => packet,
            Err(other) => return Ok(other),
        };
        let decoded = match &mut self.decoder {
            Decoder::One(decoder) => decoder.decode_packet(&packet.data),
            Decoder::Many(decoder) => decoder.decode_packet(&packet.data),
        };
        let Ok(decoded) = decoded else { return Ok(Next::Hole) };
        let channels = usize::from(self.shape.channels());
        let frames = decoded.len() / channels;
        self.decoded += frames as u64;
        let padding = packet.trim_end.get() * u64::from(self.shape.rate()) / CLOCK;
        let last = frames.saturating_sub(usize::try_from(padding).unwrap_or(usize::MAX));
        let first = self.skip.min(last);
        self.skip -= first;
        let heard = decoded.get(first * channels..last * channels).unwrap_or_default();
        samples.clear();
        // The conversion saturates.
        samples.extend(heard.iter().map(|sample| (sample * self.gain * 32_768.0).round() as i16));
        Ok(Next::Samples)
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
        let decoded = streams.checked_add(coupled).filter(|_| streams > 0 && coupled <= streams)?;
        if mapping.iter().any(|channel| (decoded..255).contains(channel)) {
            return None;
        }
        Some(Self {
            pre_skip: number(10)?,
            recorded_rate: u32::from_le_bytes(*bytes.get(12..)?.first_chunk()?),
            gain: i16::from_le_bytes(*bytes.get(16..)?.first_chunk()?),
            streams: streams.into(),
            coupled: coupled.into(),
            mapping,
        })
    }

    fn decoder(&self, rate: u32) -> Decoder {
        match &*self.mapping {
            [0] => Decoder::One(Box::new(OpusDecoder::with_rate(rate, 1))),
            [0, 1] if self.coupled == 1 => Decoder::One(Box::new(OpusDecoder::with_rate(rate, 2))),
            mapping => Decoder::Many(MultistreamDecoder::with_rate(rate, self.streams, self.coupled, mapping)),
        }
    }

    /// As a factor; in the file it is in 1/256 dB.
    fn gain(&self) -> f32 {
        10_f32.powf(f32::from(self.gain) / (20.0 * 256.0))
    }
}
