//! How many channels there are, and how fast their samples come.

use crate::decode::Unplayable;

/// Of a decoded recording. Within what can be decoded *and* encoded: no phone is anywhere near the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Frames per second; a frame is one sample of every channel.
    rate: u32,
    channels: u16,
}

impl Shape {
    pub(crate) fn new(rate: u32, channels: usize) -> Result<Self, Unplayable> {
        match u16::try_from(channels) {
            Ok(channels @ 1..=8) if (4_000..=192_000).contains(&rate) => Ok(Self { rate, channels }),
            _ => Err(Unplayable::undecoded(format!("{channels} channels of {rate} Hz cannot be decoded"))),
        }
    }

    pub(crate) fn rate(self) -> u32 {
        self.rate
    }

    pub(crate) fn channels(self) -> u16 {
        self.channels
    }

    /// How long `frames` are.
    pub(crate) fn ms(self, frames: u64) -> u64 {
        frames.saturating_mul(1_000) / u64::from(self.rate)
    }
}
